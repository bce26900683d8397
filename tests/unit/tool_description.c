/* Descriptions: what is refused, with which sentence, at which line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#include "description.h"

static char dir[] = "/tmp/atoll-test.XXXXXX";
static char file[64];

static void file_write(const char *name, const void *bytes, size_t size)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_true(size == 0 || fwrite(bytes, size, 1, f) == 1);
    fclose(f);
}

static void put32(uint8_t *p, uint32_t v)
{
    memcpy(p, &v, 4);
}

/* The smallest files that pass for a bzImage and for a multiboot kernel, and their ruins. */
static int files_make(void **state)
{
    (void)state;
    if (mkdtemp(dir) == NULL)
        return -1;
    static uint8_t linux_image[4096];
    linux_image[0x1f1] = 1;
    put32(linux_image + 0x1f4, (sizeof linux_image - 1024) / 16);
    memcpy(linux_image + 0x202, "HdrS", 4);
    put32(linux_image + 0x206, 0x020f);
    put32(linux_image + 0x236, 1);
    put32(linux_image + 0x238, 255);
    put32(linux_image + 0x258, 16 << 20);
    put32(linux_image + 0x260, 32 << 20);
    file_write("vmlinuz", linux_image, sizeof linux_image);
    file_write("vmlinuz-cut", linux_image, sizeof linux_image - 100);
    linux_image[0x236] = 0;
    file_write("vmlinuz-32", linux_image, sizeof linux_image);

    static uint8_t guest[512];
    memcpy(guest, "\177ELF\1\1\1", 7);
    put32(guest + 28, 52);                     /* e_phoff */
    put32(guest + 42, 32 | 1 << 16);           /* e_phentsize, e_phnum */
    put32(guest + 52, 1);                      /* PT_LOAD */
    put32(guest + 56, 128);                    /* p_offset */
    put32(guest + 64, 1 << 20);                /* p_paddr */
    put32(guest + 68, sizeof guest - 128);     /* p_filesz */
    put32(guest + 72, 8 << 20);                /* p_memsz */
    put32(guest + 128, 0x1badb002);
    put32(guest + 136, 0u - 0x1badb002);
    file_write("guest.elf", guest, sizeof guest);
    file_write("guest-cut.elf", guest, sizeof guest - 10);
    put32(guest + 136, 0);
    file_write("guest-bad.elf", guest, sizeof guest);
    file_write("initrd", "x", 1);
    file_write("empty", "", 0);
    snprintf(file, sizeof file, "%s/test.yaml", dir);
    return 0;
}

static int files_remove(void **state)
{
    (void)state;
    static const char *const names[] = {"vmlinuz", "vmlinuz-cut", "vmlinuz-32", "guest.elf", "guest-cut.elf", "guest-bad.elf", "initrd",
                                        "empty", "test.yaml"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        unlink(path);
    }
    return rmdir(dir);
}

#define MACHINE "machine: {cores: 4, memory: 1G}\n"                               /* line 1 */
#define NIC "nics:\n - {name: n0, driver: igb, vfs: 2}\n"
#define SSD "ssds:\n - {name: s0, driver: nvme, vfs: 2}\n"
#define VM "vms:\n - name: a\n   memory: 64M\n   kernel: vmlinuz\n"              /* lines 2 to 5 */
#define VM2 " - name: b\n   memory: 64M\n   kernel: vmlinuz\n"                    /* 3 more */

static const struct {
    const char *text;
    unsigned line;
    const char *sentence; /* "" : good */
} cases[] = {
    {MACHINE VM, 0, ""},
    {MACHINE VM "   boot: linux\n   initrd: initrd\n   cmdline: quiet\n   vcpus: 1\n   test-hooks: true\n", 0, ""},
    {MACHINE "vms:\n - {name: t, memory: 16M, boot: multiboot, kernel: guest.elf}\n", 0, ""},
    {MACHINE VM VM2, 0, ""},
    /* form */
    {"", 1, "the file is empty; describe a 'machine' and its 'vms'"},
    {"# nothing\n", 1, "the file is empty; describe a 'machine' and its 'vms'"},
    {"machine: {cores: 4\nvms: [\n", 2, "not YAML: did not find expected ',' or '}'; check indentation, quotes and colons here"},
    {MACHINE "\tvms: x\n", 2, "not YAML: found character that cannot start any token; check indentation, quotes and colons here"},
    {MACHINE VM "---\nmore: 1\n", 7, "a second document; write one description per file"},
    {MACHINE VM "   console: tty\n", 6, "'console' is 'tty'; write one of: serial, virtio"},
    {MACHINE VM "   disks: [{virtio: no-such.img}]\n", 6, "disk '$/no-such.img' cannot be read: No such file or directory; write the path of a disk image, relative to this file"},
    {MACHINE VM "   disks: [{virtio: .}]\n", 6, "disk '$/.' is not a file; write the path of a disk image"},
    {MACHINE VM "   disks: [{file: x}]\n", 6, "unknown key 'file' in 'disks'; the keys are: virtio, ssd, namespace, writable, mediated"},
    {MACHINE SSD VM "   disks: [{ssd: s0, namespace: 2}, {ssd: s0, namespace: 1, writable: false}]\n", 0, ""},
    {MACHINE SSD VM "   disks: [{ssd: s0, namespace: 2, mediated: true}, {ssd: s0, namespace: 1}]\n", 0, ""},
    {MACHINE SSD VM "   disks: [{ssd: s0, namespace: 2, mediated: true, writable: false}]\n", 8,
     "a mediated disk cannot be read-only: its guest writes by itself; leave 'writable' or 'mediated' out"},
    {MACHINE SSD VM "   disks: [{virtio: initrd, mediated: true}]\n", 8, "'mediated' is for disks on an 'ssd'; leave it out"},
    {MACHINE SSD VM "   disks: [{ssd: s0, virtio: initrd, namespace: 1}]\n", 8, "a 'disks' entry names either a file ('virtio') or an 'ssd'; write one of them"},
    {MACHINE SSD VM "   disks: [{writable: true}]\n", 8, "a 'disks' entry names either a file ('virtio') or an 'ssd'; write one of them"},
    {MACHINE SSD VM "   disks: [{virtio: initrd, namespace: 1}]\n", 8, "'namespace' is for disks on an 'ssd'; leave it out"},
    {MACHINE SSD VM "   disks: [{ssd: s1, namespace: 1}]\n", 8, "there is no SSD 's1'; write one of the names under 'ssds'"},
    {MACHINE SSD VM "   disks: [{ssd: s0}]\n", 8, "a disk on an SSD has no 'namespace'; add 'namespace: NUMBER'"},
    {MACHINE SSD VM "   disks: [{ssd: s0, namespace: 0}]\n", 8, "'namespace' is 0; write 1 to 256"},
    {MACHINE SSD VM "   disks: [{ssd: s0, namespace: 257}]\n", 8, "'namespace' is 257; write 1 to 256"},
    {MACHINE SSD VM "   disks: [{ssd: s0, namespace: 5}]\n" VM2 "   disks: [{ssd: s0, namespace: 5}]\n", 12,
     "namespace 5 of 's0' belongs to VM 'a' already (line 8); write another"},
    {MACHINE SSD VM "   disks:\n    - {ssd: s0, namespace: 1}\n    - {ssd: s0, namespace: 2}\n    - {ssd: s0, namespace: 3}\n", 11,
     "all 2 virtual functions of 's0' are taken; raise its 'vfs' (line 3), or remove an entry"},
    {MACHINE "ssds: [{name: s0, driver: nvme, vfs: 0}]\n" VM, 2, "'vfs' is 0; write 1 to 7"},
    {MACHINE "ssds: [{name: s0, driver: nvme, vfs: 8}]\n" VM, 2, "'vfs' is 8; write 1 to 7"},
    {MACHINE "ssds: [{name: s0, driver: ahci, vfs: 1}]\n" VM, 2, "'driver' is 'ahci'; write one of: nvme"},
    {MACHINE "ssds: [{name: 0s, driver: nvme, vfs: 1}]\n" VM, 2, "SSD name '0s'; write a letter, then letters, digits and '-'"},
    {MACHINE "ssds: [{name: s0, driver: nvme, vfs: 1, at: x}]\n" VM, 2, "'at' is 'x'; write BUS:DEVICE.FUNCTION in hexadecimal, such as 02:00.0"},
    {MACHINE "ssds: [{name: s0, driver: nvme, vfs: 1, namespace-size: 5}]\n" VM, 2, "'namespace-size' is '5'; write a size with its unit, such as 256M or 2G"},
    {MACHINE "ssds: [{name: s0, driver: nvme, vfs: 1, namespace-size: 3M}]\n" VM, 2, "'namespace-size' is '3M'; write a multiple of 2M"},
    {MACHINE "ssds: [{name: s0, driver: nvme, vfs: 1}, {name: s0, driver: nvme, vfs: 1}]\n" VM, 2,
     "two SSDs are named 's0' (the first in line 2); write different names"},
    {MACHINE NIC "ssds: [{name: n0, driver: nvme, vfs: 1}]\n" VM, 4, "'n0' is a NIC's name already (line 3); write another"},
    {MACHINE VM "   net: [{vlan: 1}]\n", 6, "a 'net' entry names either a 'nic' or a 'switch'; write one of them"},
    {MACHINE VM "   net: [{nic: a, switch: b}]\n", 6, "a 'net' entry names either a 'nic' or a 'switch'; write one of them"},
    {MACHINE VM "   net: [{switch: lan}]\n", 6, "there is no switch 'lan'; write one of the names under 'switches'"},
    {"switches: [{name: lan}]\n" MACHINE VM "   net: [{switch: lan, vlan: 4095}]\n", 7, "'vlan' is 4095; write 1 to 4094, or leave it out"},
    {"switches: [{name: lan}]\n" MACHINE VM "   net: [{switch: lan, rate: 5}]\n", 7, "'rate' is for the virtual functions of a 'nic'; leave it out"},
    {"switches: [{name: lan}]\n" MACHINE VM "   net: [{switch: lan, mac: '03:00:00:00:00:01'}]\n", 7,
     "'mac' is '03:00:00:00:00:01'; write six bytes such as 02:00:00:00:01:10, the first one even"},
    {"switches: [{name: lan}]\n" MACHINE VM "   net: [{switch: lan, mac: '02:00:00:00:00:01'}, {switch: lan, mac: '02:00:00:00:00:01'}]\n", 7,
     "this MAC address is used already (line 7); write another"},
    {"switches: [{name: lan}, {name: lan}]\n" MACHINE VM, 1, "two switches are named 'lan' (the first in line 1); write different names"},
    {"switches: [{name: 1a}]\n" MACHINE VM, 1, "switch name '1a'; write a letter, then letters, digits and '-'"},
    {"- 1\n", 1, "'the description' has to be keys with values; the keys are: machine, probe, switches, nics, ssds, vms"},
    {"just words\n", 1, "'the description' has to be keys with values; the keys are: machine, probe, switches, nics, ssds, vms"},
    {VM, 1, "'the description' has no 'machine'; add 'machine: ...'"},
    {MACHINE, 1, "'the description' has no 'vms'; add 'vms: ...'"},
    {MACHINE VM "network: x\n", 6, "unknown key 'network' in 'the description'; the keys are: machine, probe, switches, nics, ssds, vms"},
    {MACHINE VM "   nic: x\n", 6,
     "unknown key 'nic' in 'vms'; the keys are: name, memory, boot, kernel, initrd, cmdline, vcpus, console, disks, restart, test-hooks, net"},
    {"machine: {cores: 4, memory: 1G, gpu: 1}\n" VM, 1, "unknown key 'gpu' in 'machine'; the keys are: cores, memory, node-memory"},
    {MACHINE VM "   ? [x]\n   : 1\n", 6,
     "unknown key '(not a word)' in 'vms'; the keys are: name, memory, boot, kernel, initrd, cmdline, vcpus, console, disks, restart, test-hooks, net"},
    {MACHINE VM "   kernel: vmlinuz\n", 6, "'kernel' is given twice in 'vms'; keep one"},
    {MACHINE "vms: a\n", 2, "'vms' has to be a list; start each entry with '- '"},
    {MACHINE "vms: []\n", 2, "'vms' is empty; write at least 1 entry"},
    {MACHINE "vms:\n - a\n", 3,
     "'vms' has to be keys with values; the keys are: name, memory, boot, kernel, initrd, cmdline, vcpus, console, disks, restart, test-hooks, net"},
    {MACHINE "vms:\n - name: a\n   kernel: vmlinuz\n", 3, "'vms' has no 'memory'; add 'memory: ...'"},
    {"machine: 4\n" VM, 1, "'machine' has to be keys with values; the keys are: cores, memory, node-memory"},
    /* types */
    {"machine: {cores: four, memory: 1G}\n" VM, 1, "'cores' is 'four'; write a whole number"},
    {"machine: {cores: -4, memory: 1G}\n" VM, 1, "'cores' is '-4'; write a whole number"},
    {"machine: {cores: 4294967296, memory: 1G}\n" VM, 1, "'cores' is '4294967296'; write a whole number"},
    {"machine: {cores: [4], memory: 1G}\n" VM, 1, "'cores' has to be one value, not a list or keys"},
    {"machine: {cores: , memory: 1G}\n" VM, 1, "'cores' is ''; write a whole number"},
    {"machine: {cores: 010, memory: 1G}\n" VM, 1, "'cores' is '010'; write a whole number"},
    {MACHINE VM "   boot: \"\\e]0;x\\a\\x9b6n\\n\"\n", 6, "'boot' is '?]0;x???6n?'; write one of: linux, multiboot"},
    {MACHINE VM "   vcpus: 1.5\n", 6, "'vcpus' is '1.5'; write a whole number"},
    {MACHINE VM "   boot: grub\n", 6, "'boot' is 'grub'; write one of: linux, multiboot"},
    {MACHINE VM "   test-hooks: maybe\n", 6, "'test-hooks' is 'maybe'; write true or false"},
    {MACHINE VM "   initrd:\n", 6, "'initrd' is empty; write its value or leave the key out"},
    {MACHINE VM "   initrd: \"a\\0b\"\n", 6, "'initrd' contains a zero byte; remove it"},
    /* NICs and who gets their functions */
    {MACHINE "nics: [{name: n0, driver: igb}]\n" VM, 2, "'nics' has no 'vfs'; add 'vfs: ...'"},
    {MACHINE "nics: [{name: n0, driver: e1000, vfs: 1}]\n" VM, 2, "'driver' is 'e1000'; write one of: igb"},
    {MACHINE "nics: [{name: n.0, driver: igb, vfs: 1}]\n" VM, 2, "NIC name 'n.0'; write a letter, then letters, digits and '-'"},
    {MACHINE NIC " - {name: n0, driver: igb, vfs: 1}\n" VM, 4, "two NICs are named 'n0' (the first in line 3); write different names"},
    {MACHINE "nics: [{name: n0, driver: igb, vfs: 8}]\n" VM, 2,
     "'vfs' is 8; write 1 to 7: the 82576 keeps no more beside its own queues"},
    {MACHINE "nics: [{name: n0, driver: igb, vfs: 0}]\n" VM, 2,
     "'vfs' is 0; write 1 to 7: the 82576 keeps no more beside its own queues"},
    {MACHINE "nics: [{name: n0, driver: igb, vfs: 1, at: 1.0}]\n" VM, 2,
     "'at' is '1.0'; write BUS:DEVICE.FUNCTION in hexadecimal, such as 01:00.0"},
    {MACHINE "nics: [{name: vm, driver: igb, vfs: 1}]\n" VM, 2, "'vm' is a name that atoll uses itself; write another"},
    {MACHINE "ssds: [{name: vectors, driver: nvme, vfs: 1}]\n" VM, 2, "'vectors' is a name that atoll uses itself; write another"},
    {MACHINE "nics: [{name: n0, driver: igb, vfs: 1, at: '01:20.0'}]\n" VM, 2,
     "'at' is '01:20.0'; write BUS:DEVICE.FUNCTION in hexadecimal, such as 01:00.0"},
    {MACHINE NIC VM "   net: [{nic: n1}]\n", 8, "there is no NIC 'n1'; write one of the names under 'nics'"},
    {MACHINE NIC VM "   net: [{nic: n0}, {nic: n0}, {nic: n0}]\n", 8,
     "all 2 virtual functions of 'n0' are taken; raise its 'vfs' (line 3), or remove an entry"},
    {MACHINE NIC VM "   net: [{nic: n0, vf: 2}]\n", 8, "'vf' is 2; 'n0' has 0 to 1"},
    {MACHINE NIC VM "   net:\n    - {nic: n0}\n    - {nic: n0, vf: 0}\n", 10,
     "VF 0 of 'n0' belongs to VM 'a' already (line 9); write another, or leave 'vf' out"},
    {MACHINE NIC VM "   net: [{nic: n0, vlan: 4095}]\n", 8, "'vlan' is 4095; write 1 to 4094, or leave it out for untagged frames"},
    {MACHINE NIC VM "   net: [{nic: n0, vlan: 0}]\n", 8, "'vlan' is 0; write 1 to 4094, or leave it out for untagged frames"},
    {MACHINE NIC VM "   net: [{nic: n0, rate: 1001}]\n", 8, "'rate' is 1001; write 1 to 1000 Mbit/s, or leave it out for no limit"},
    {MACHINE NIC VM "   net: [{nic: n0, mac: '02:00:00:00:01'}]\n", 8,
     "'mac' is '02:00:00:00:01'; write six bytes such as 02:00:00:00:01:10, the first one even"},
    {MACHINE NIC VM "   net: [{nic: n0, mac: '03:00:00:00:01:10'}]\n", 8,
     "'mac' is '03:00:00:00:01:10'; write six bytes such as 02:00:00:00:01:10, the first one even"},
    {MACHINE NIC VM "   net:\n    - {nic: n0, mac: '02:00:00:00:01:10'}\n    - {nic: n0, mac: '02:00:00:00:01:10'}\n", 10,
     "this MAC address is used already (line 9); write another"},
    /* the machine */
    {"machine: {cores: 1, memory: 1G}\n" VM, 1,
     "'cores' is 1; one core runs the control node and each VM needs its own: write at least 2"},
    {"machine: {cores: 300, memory: 1G}\n" VM, 1, "'cores' is 300; write at most 256"},
    {"machine: {cores: 4, memory: 1024}\n" VM, 1, "'memory' is '1024'; write a size with its unit, such as 256M or 2G"},
    {"machine: {cores: 4, memory: 1GB}\n" VM, 1, "'memory' is '1GB'; write a size with its unit, such as 256M or 2G"},
    {"machine: {cores: 4, memory: M}\n" VM, 1, "'memory' is 'M'; write a size with its unit, such as 256M or 2G"},
    {"machine: {cores: 4, memory: -1G}\n" VM, 1, "'memory' is '-1G'; write a size with its unit, such as 256M or 2G"},
    {"machine: {cores: 4, memory: 99999999999T}\n" VM, 1, "'memory' is '99999999999T'; write a size with its unit, such as 256M or 2G"},
    {"machine: {cores: 4, memory: 32M}\n" VM, 1, "'memory' is '32M'; write at least 128M"},
    {"machine: {cores: 200, memory: 256M}\n" VM, 1,
     "200 nodes with 2M each do not fit into the machine's 256M; write fewer cores or more memory"},
    {"machine: {cores: 4, memory: 1G, node-memory: 2M}\n" VM, 1, "'node-memory' is '2M'; write at least 4M"},
    /* VMs */
    {MACHINE "vms:\n - name: 1st\n   memory: 64M\n   kernel: vmlinuz\n", 3, "VM name '1st'; write a letter, then letters, digits and '-'"},
    {MACHINE "vms:\n - name: a/b\n   memory: 64M\n   kernel: vmlinuz\n", 3, "VM name 'a/b'; write a letter, then letters, digits and '-'"},
    {MACHINE "vms:\n - name: system\n   memory: 64M\n   kernel: vmlinuz\n", 3,
     "VM name 'system' is the system log's; write another name"},
    {MACHINE "vms:\n - name: abcdefghijabcdefghijabcdefghij12\n   memory: 64M\n   kernel: vmlinuz\n", 3,
     "'name' is 32 bytes long; at most 31 are possible"},
    {MACHINE VM " - name: a\n   memory: 64M\n   kernel: vmlinuz\n", 6, "two VMs are named 'a' (the first in line 3); write different names"},
    {MACHINE VM "   vcpus: 0\n", 6, "'vcpus' is 0; write 1"},
    {MACHINE VM "   vcpus: 3\n", 0, ""},
    {MACHINE VM "   vcpus: 2\n" VM2 "   vcpus: 2\n", 10,
     "VM 'b' needs 2 more cores and 1 of the machine's 4 is free (core 0 runs the control node, each vCPU takes one): raise "
     "machine.cores or remove vCPUs"},
    {"machine: {cores: 64, memory: 4G}\n" VM "   vcpus: 33\n", 6, "'vcpus' is 33; write at most 32"},
    {MACHINE VM "   restart: sometimes\n", 6, "'restart' is 'sometimes'; write one of: never, on-failure, always"},
    {MACHINE VM "   vcpus: 9\n", 6,
     "VM 'a' needs 9 more cores and 3 of the machine's 4 are free (core 0 runs the control node, each vCPU takes one): raise "
     "machine.cores or remove vCPUs"},
    {"machine: {cores: 2, memory: 1G}\n" VM VM2, 6,
     "VM 'b' needs 1 more core and 0 of the machine's 2 are free (core 0 runs the control node, each vCPU takes one): raise "
     "machine.cores or remove vCPUs"},
    {MACHINE "vms:\n - name: a\n   memory: 63M\n   kernel: vmlinuz\n", 4, "'memory' is '63M'; write a multiple of 2M"},
    {MACHINE "vms:\n - name: a\n   memory: 0M\n   kernel: vmlinuz\n", 4, "'memory' is '0M'; write at least 2M"},
    {MACHINE "vms:\n - name: a\n   memory: 16M\n   kernel: vmlinuz\n", 4,
     "'memory' is 16M, too little for this kernel; write at least 48M"},
    {MACHINE "vms:\n - name: a\n   memory: 48M\n   kernel: vmlinuz\n   initrd: initrd\n", 4,
     "'memory' is 48M, too little for this kernel with its initrd; write at least 50M"},
    {MACHINE "vms:\n - name: a\n   memory: 2G\n   kernel: vmlinuz\n", 4,
     "VM 'a' with 2048M does not fit: the machine has 1024M and 42M are taken before it (nodes, images, VMs above); write less, or "
     "raise machine.memory"},
    {MACHINE VM " - name: b\n   memory: 960M\n   kernel: vmlinuz\n", 7,
     "VM 'b' with 960M does not fit: the machine has 1024M and 108M are taken before it (nodes, images, VMs above); write less, or "
     "raise machine.memory"},
    /* files: $ stands for the folder */
    {MACHINE "vms:\n - name: a\n   memory: 64M\n   kernel: none\n", 5,
     "kernel '$/none' cannot be read: No such file or directory; write the path of a file, relative to this one"},
    {MACHINE "vms:\n - name: a\n   memory: 64M\n   kernel: .\n", 5,
     "kernel '$/.' cannot be read: not a file; write the path of a file, relative to this one"},
    {MACHINE "vms:\n - name: a\n   memory: 64M\n   kernel: empty\n", 5, "kernel '$/empty' is empty; fetch or build it again"},
    {MACHINE "vms:\n - name: a\n   memory: 64M\n   kernel: initrd\n", 5,
     "kernel '$/initrd' is not a Linux bzImage; name the vmlinuz of a kernel package, or write 'boot: multiboot'"},
    {MACHINE "vms:\n - name: a\n   memory: 64M\n   kernel: vmlinuz-cut\n", 5,
     "kernel '$/vmlinuz-cut' is cut short: its header promises 4096 bytes and there are 3996; fetch it again"},
    {MACHINE "vms:\n - name: a\n   memory: 64M\n   kernel: vmlinuz-32\n", 5,
     "kernel '$/vmlinuz-32' has no 64-bit entry point; name an amd64 kernel of Linux 3.8 or newer"},
    {MACHINE "vms:\n - name: a\n   memory: 64M\n   kernel: vmlinuz\n   initrd: none\n", 6,
     "initrd '$/none' cannot be read: No such file or directory; write the path of a file, relative to this one"},
    {MACHINE "vms:\n - {name: t, memory: 16M, boot: multiboot, kernel: vmlinuz}\n", 3,
     "kernel '$/vmlinuz' has no multiboot header in its first 8192 bytes; name a multiboot kernel, or write 'boot: linux'"},
    {MACHINE "vms:\n - {name: t, memory: 16M, boot: multiboot, kernel: guest-bad.elf}\n", 3,
     "kernel '$/guest-bad.elf' has no multiboot header in its first 8192 bytes; name a multiboot kernel, or write 'boot: linux'"},
    {MACHINE "vms:\n - {name: t, memory: 16M, boot: multiboot, kernel: guest-cut.elf}\n", 3,
     "kernel '$/guest-cut.elf' is cut short: segment 0 ends at byte 512 and there are 502; build it again"},
    {MACHINE "vms:\n - {name: t, memory: 8M, boot: multiboot, kernel: guest.elf}\n", 3,
     "'memory' is 8M, too little for this kernel; write at least 10M"},
};

/* "FILE:LINE: sentence" with $ replaced by the folder. */
static void expected_text(char *out, size_t size, unsigned line, const char *sentence)
{
    const char *dollar = strchr(sentence, '$');
    if (dollar == NULL)
        snprintf(out, size, "%s:%u: %s", file, line, sentence);
    else
        snprintf(out, size, "%s:%u: %.*s%s%s", file, line, (int)(dollar - sentence), sentence, dir, dollar + 1);
}

static void each_mistake_has_its_sentence(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct description d;
        struct complaint why = {""};
        char expected[1024];
        file_write("test.yaml", cases[i].text, strlen(cases[i].text));
        int status = description_load(file, 0, &d, &why);
        if (cases[i].sentence[0] == 0) {
            if (status != 0)
                fail_msg("%s: refused: %s", cases[i].text, why.text);
            description_free(&d);
            continue;
        }
        expected_text(expected, sizeof expected, cases[i].line, cases[i].sentence);
        assert_string_equal(why.text, expected);
        assert_int_equal(status, -1);
    }
}

static void a_command_line_has_the_kernels_limit(void **state)
{
    (void)state;
    char text[512], x[257];
    memset(x, 'x', 256);
    x[256] = 0;
    snprintf(text, sizeof text, MACHINE VM "   cmdline: %s\n", x);
    file_write("test.yaml", text, strlen(text));
    struct description d;
    struct complaint why;
    assert_int_equal(description_load(file, 0, &d, &why), -1);
    assert_non_null(strstr(why.text, "test.yaml:6: 'cmdline' is 256 bytes long; this kernel takes at most 255"));
}

/* 31 VMs with four ports each fill a switch; the next port has a sentence, and is not left without a switch. */
static void a_switch_has_so_many_ports(void **state)
{
    (void)state;
    for (unsigned more = 0; more < 2; more++) {
        char *text = NULL;
        size_t size;
        FILE *f = open_memstream(&text, &size);
        assert_non_null(f);
        fprintf(f, "machine: {cores: 34, memory: 4G}\nswitches: [{name: lan}, {name: other}]\nvms:\n");
        for (unsigned i = 0; i < 31; i++)
            fprintf(f, " - {name: v%u, memory: 16M, boot: multiboot, kernel: guest.elf, net: [{switch: lan}, {switch: lan}, {switch: lan}, "
                       "{switch: lan}]}\n", i);
        fprintf(f, " - {name: w, memory: 16M, boot: multiboot, kernel: guest.elf, net: [{switch: %s}]}\n", more ? "lan" : "other");
        fclose(f);
        file_write("test.yaml", text, size);
        free(text);
        struct description d;
        struct complaint why = {""};
        int status = description_load(file, 0, &d, &why);
        assert_int_equal(status, more ? -1 : 0);
        if (more)
            assert_non_null(strstr(why.text, "test.yaml:35: switch 'lan' has 124 ports already, all that it can have; write the name of another"));
        else
            description_free(&d);
    }
}

static void values_arrive(void **state)
{
    (void)state;
    static const char text[] = "machine: {cores: 4, memory: 1G, node-memory: 8M}\n" VM
                               "   cmdline: console=ttyS0 quiet\n   initrd: initrd\n   test-hooks: true\n"
                               " - {name: t, memory: 16M, boot: multiboot, kernel: guest.elf}\n";
    char path[128];
    file_write("test.yaml", text, sizeof text - 1);
    struct description d;
    struct complaint why;
    assert_int_equal(description_load(file, 8, &d, &why), 0);
    assert_int_equal(d.cores, 8); /* from the command line */
    assert_int_equal(d.memory, 1 << 30);
    assert_int_equal(d.node_memory, 8 << 20);
    assert_int_equal(d.vm_count, 2);
    assert_string_equal(d.vms[0].name, "a");
    assert_int_equal(d.vms[0].memory, 64 << 20);
    assert_int_equal(d.vms[0].boot, BOOT_LINUX);
    assert_int_equal(d.vms[0].vcpus, 1);
    assert_int_equal(d.vms[0].line, 3);
    assert_true(d.vms[0].test_hooks);
    assert_string_equal(d.vms[0].cmdline, "console=ttyS0 quiet");
    snprintf(path, sizeof path, "%s/vmlinuz", dir);
    assert_string_equal(d.vms[0].kernel, path);
    snprintf(path, sizeof path, "%s/initrd", dir);
    assert_string_equal(d.vms[0].initrd, path);
    assert_int_equal(d.vms[1].boot, BOOT_MULTIBOOT);
    assert_false(d.vms[1].test_hooks);
    assert_null(d.vms[1].initrd);
    assert_string_equal(d.vms[1].cmdline, "");
    description_free(&d);
}

static void a_missing_file_is_named(void **state)
{
    (void)state;
    struct description d;
    struct complaint why;
    assert_int_equal(description_load("/nowhere/x.yaml", 0, &d, &why), -1);
    assert_string_equal(why.text, "/nowhere/x.yaml:1: cannot be read: No such file or directory; name a description such as "
                                  "examples/two-vms.yaml");
    assert_int_equal(description_load(dir, 0, &d, &why), -1);
    assert_non_null(strstr(why.text, "cannot be read: not a file"));
}

/* Any damage to a good file ends in a description or a complaint, never in a crash. */
static void a_pipe_or_a_huge_file_is_not_read(void **state)
{
    (void)state;
    struct description d;
    struct complaint why;
    char path[64];
    snprintf(path, sizeof path, "%s/pipe", dir);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(description_load(path, 0, &d, &why), -1); /* nobody writes to it: waiting would last for ever */
    assert_non_null(strstr(why.text, "not a file"));
    unlink(path);
    snprintf(path, sizeof path, "%s/huge", dir);
    file_write("huge", "", 0);
    assert_int_equal(truncate(path, 1ll << 40), 0);
    assert_int_equal(description_load(path, 0, &d, &why), -1);
    assert_non_null(strstr(why.text, "too large"));
    static const char text[] = MACHINE "vms:\n - name: a\n   memory: 64M\n   kernel: huge\n";
    file_write("test.yaml", text, sizeof text - 1);
    assert_int_equal(description_load(file, 0, &d, &why), -1);
    assert_non_null(strstr(why.text, "too large"));
    unlink(path);
}

static void aliases_do_not_multiply(void **state)
{
    (void)state;
    struct description d;
    struct complaint why;
    static const char *const texts[] = {
        "a: &a [x, x, x, x, x, x, x, x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a]\nc: &c [*b, *b, *b, *b, *b, *b, *b, *b]\n"
        "d: &d [*c, *c, *c, *c, *c, *c, *c, *c]\ne: &e [*d, *d, *d, *d, *d, *d, *d, *d]\nmachine: *e\nvms: *e\n",
        "machine: &m {cores: *m, memory: *m}\nvms: &v [*v, *v]\n",
        "&r {machine: *r, vms: [*r]}\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        file_write("test.yaml", texts[i], strlen(texts[i]));
        assert_int_equal(description_load(file, 0, &d, &why), -1);
    }
    static char deep[400000];
    memset(deep, '[', sizeof deep);
    file_write("test.yaml", deep, sizeof deep);
    assert_int_equal(description_load(file, 0, &d, &why), -1);
}

static void damaged_files_are_survived(void **state)
{
    (void)state;
    static const char good[] = MACHINE VM "   cmdline: \"a b\"\n   vcpus: 1\n" VM2;
    static const char bytes[] = "\0:-[]{}&*!|>'\"%@`#?,\n\t\xff a1";
    for (size_t at = 0; at < sizeof good - 1; at++)
        for (size_t b = 0; b < sizeof bytes - 1; b++) {
            char text[sizeof good];
            struct description d;
            struct complaint why = {""};
            memcpy(text, good, sizeof good);
            text[at] = bytes[b];
            file_write("test.yaml", text, sizeof good - 1);
            if (description_load(file, 0, &d, &why) == 0)
                description_free(&d);
            else
                assert_memory_equal(why.text, file, strlen(file));
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_mistake_has_its_sentence),
        cmocka_unit_test(a_command_line_has_the_kernels_limit),
        cmocka_unit_test(a_switch_has_so_many_ports),
        cmocka_unit_test(values_arrive),
        cmocka_unit_test(a_missing_file_is_named),
        cmocka_unit_test(a_pipe_or_a_huge_file_is_not_read),
        cmocka_unit_test(aliases_do_not_multiply),
        cmocka_unit_test(damaged_files_are_survived),
    };
    return cmocka_run_group_tests_name("tool_description", tests, files_make, files_remove);
}
