/* A corpus of mistakes in descriptions: one line of a good one replaced, or something put behind it. Each is refused, at the right line, with
 * a sentence that says what to write. (tool_description.c has the sentences word by word.) */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "description.h"

static const char *const good[] = {
    "machine:",               /* 1 */
    "  cores: 4",
    "  memory: 1G",
    "  node-memory: 8M",
    "vms:",                   /* 5 */
    "  - name: a",
    "    memory: 64M",
    "    boot: linux",
    "    kernel: vmlinuz",
    "    initrd: initrd",     /* 10 */
    "    cmdline: quiet",
    "    vcpus: 1",
    "    console: serial",
    "    test-hooks: false",
    "  - name: b",            /* 15 */
    "    memory: 64M",
    "    kernel: vmlinuz",
};
#define LINES (sizeof good / sizeof good[0])

#define NUMBER "write a whole number"
#define SIZE "write a size with its unit, such as 256M or 2G"
#define MULTIPLE "write a multiple of 2M"
#define ONE_VALUE "has to be one value, not a list or keys"
#define ONE_OF "write one of: "
#define TRUTH "write true or false"
#define EMPTY "is empty; write its value or leave the key out"
#define UNKNOWN "unknown key "
#define YAML "not YAML: "
#define KEYS "has to be keys with values; the keys are: "
#define NAME "write a letter, then letters, digits and '-'"
#define TWICE "is given twice"

/* Which line becomes what; in which line the mistake then is; what the sentence has in it. */
static const struct { unsigned replaced; const char *with; unsigned line; const char *sentence; } cases[] = {
    /* machine.cores */
    {2, "  cores: 4.0", 2, NUMBER}, {2, "  cores: four", 2, NUMBER}, {2, "  cores: -1", 2, NUMBER}, {2, "  cores: 1e3", 2, NUMBER},
    {2, "  cores: 4 cores", 2, NUMBER}, {2, "  cores: 0b100", 2, NUMBER}, {2, "  cores: 04", 2, NUMBER}, {2, "  cores: +4", 2, NUMBER},
    {2, "  cores: true", 2, NUMBER}, {2, "  cores: ~", 2, NUMBER}, {2, "  cores: ''", 2, NUMBER}, {2, "  cores: 18446744073709551616", 2, NUMBER},
    {2, "  cores: [4]", 2, ONE_VALUE}, {2, "  cores: {n: 4}", 2, ONE_VALUE}, {2, "  cores: 0", 2, "write at least 2"}, {2, "  cores: 1", 2, "write at least 2"},
    {2, "  cores: 257", 2, "write at most 256"}, {2, "  cores: 4294967295", 2, "write at most 256"}, {2, "  core: 4", 2, UNKNOWN "'core'"},
    {2, "  Cores: 4", 2, UNKNOWN "'Cores'"}, {2, "  cpus: 4", 2, UNKNOWN "'cpus'"}, {2, "  cores:4", 3, YAML}, {2, "  cores 4", 3, YAML},
    {2, "", 1, "no 'cores'; add 'cores: ...'"}, {2, "  cores: 4\n  cores: 4", 3, "'cores' " TWICE}, {2, "  cores: \"4", 2, YAML},
    {2, " cores: 4", 3, YAML}, {2, "\tcores: 4", 2, YAML}, {2, "  - cores: 4", 3, YAML}, {2, "  cores: 200", 2, "do not fit into the machine's"},
    /* ssds, and disks on them */
    {14, "    disks: [{ssd: s0, namespace: 1}]", 14, "there is no SSD 's0'; write one of the names under 'ssds'"},
    {14, "    disks: [{ssd: , namespace: 1}]", 14, EMPTY}, {14, "    disks: [{ssd: s0, namespace: one}]", 14, NUMBER},
    {14, "    disks: [{ssd: s0, namespace: 1, size: 1G}]", 14, UNKNOWN "'size'"}, {14, "    disks: [{nvme: s0, namespace: 1}]", 14, UNKNOWN "'nvme'"},
    {14, "    disks: {ssd: s0, namespace: 1}", 14, "has to be a list"}, {14, "    disks: [{ssd: s0, namespace: 1, writable: yes}]", 14, TRUTH},
    {14, "    disks: [{}]", 14, "names either a file ('virtio') or an 'ssd'; write one of them"},
    {5, "ssds: s0\nvms:", 5, "has to be a list"}, {5, "ssds: [s0]\nvms:", 5, KEYS}, {5, "ssds: [{driver: nvme, vfs: 1}]\nvms:", 5, "no 'name'; add 'name: ...'"},
    {5, "ssds: [{name: s0, vfs: 1}]\nvms:", 5, "no 'driver'; add 'driver: ...'"}, {5, "ssds: [{name: s0, driver: nvme}]\nvms:", 5, "no 'vfs'; add 'vfs: ...'"},
    {5, "ssds: [{name: s0, driver: NVMe, vfs: 1}]\nvms:", 5, ONE_OF}, {5, "ssds: [{name: s0, driver: nvme, vfs: -1}]\nvms:", 5, NUMBER},
    {5, "ssds: [{name: s 0, driver: nvme, vfs: 1}]\nvms:", 5, NAME}, {5, "ssds: [{name: s0, driver: nvme, vfs: 1, namespaces: 2}]\nvms:", 5, UNKNOWN},
    {5, "ssds: [{name: s0, driver: nvme, vfs: 1, namespace-size: 1}]\nvms:", 5, SIZE},
    {5, "ssds: [{name: s0, driver: nvme, vfs: 1, namespace-size: 1M}]\nvms:", 5, MULTIPLE},
    {5, "ssd: [{name: s0, driver: nvme, vfs: 1}]\nvms:", 5, UNKNOWN "'ssd'"},
    /* machine.memory */
    {3, "  memory: 1024", 3, SIZE}, {3, "  memory: 1Gi", 3, SIZE}, {3, "  memory: 1GB", 3, SIZE}, {3, "  memory: 1 G", 3, SIZE}, {3, "  memory: 1g", 3, SIZE},
    {3, "  memory: G", 3, SIZE}, {3, "  memory: -1G", 3, SIZE}, {3, "  memory: 1.5G", 3, SIZE}, {3, "  memory: 0x1G", 3, SIZE}, {3, "  memory: 1P", 3, SIZE},
    {3, "  memory: all", 3, SIZE}, {3, "  memory: 99999999999999999999G", 3, SIZE}, {3, "  memory: 99999999T", 3, SIZE}, {3, "  memory: 1023M", 3, MULTIPLE},
    {3, "  memory: 1025K", 3, MULTIPLE}, {3, "  memory: 0G", 3, "write at least 128M"}, {3, "  memory: 126M", 3, "write at least 128M"},
    {3, "  memory:", 3, EMPTY}, {3, "  memory: [1G]", 3, ONE_VALUE}, {3, "  memory: {size: 1G}", 3, ONE_VALUE}, {3, "  ram: 1G", 3, UNKNOWN "'ram'"},
    {3, "  memory: 1G # and\n  memory: 2G", 4, "'memory' " TWICE}, {3, "  memory: \"1\\0G\"", 3, "contains a zero byte"}, {3, "", 1, "no 'memory'; add 'memory: ...'"},
    {3, "  memory: 0123456789012345678901234567890123456789G", 3, "is 41 bytes long; at most 32 are possible"}, {3, "  memory: 128M", 7, "does not fit: the machine has 128M"},
    /* machine.node-memory */
    {4, "  node-memory: 8", 4, SIZE}, {4, "  node-memory: 7M", 4, MULTIPLE}, {4, "  node-memory: 2M", 4, "write at least 4M"}, {4, "  node-memory: lots", 4, SIZE},
    {4, "  node-memory: 512M", 2, "do not fit into the machine's"}, {4, "  node-memory:", 4, EMPTY}, {4, "  node_memory: 8M", 4, UNKNOWN "'node_memory'"},
    {4, "  node-memory: [8M]", 4, ONE_VALUE}, {4, "  nodememory: 8M", 4, UNKNOWN}, {4, "  iommu: vtd", 4, UNKNOWN "'iommu'"},
    /* the whole */
    {1, "Machine:", 1, UNKNOWN "'Machine'"}, {1, "machine", 2, YAML}, {1, "machines:", 1, UNKNOWN}, {1, "machine: {}\nother:", 1, "no 'cores'; add 'cores: ...'"},
    {5, "vm:", 5, UNKNOWN "'vm'"}, {5, "VMs:", 5, UNKNOWN}, {5, "vms: 2", 6, YAML}, {5, "machine:", 5, "'machine' " TWICE}, {5, "probe: maybe\nvms:", 5, TRUTH},
    {5, "probe: [true]\nvms:", 5, ONE_VALUE}, {5, "probe: 2\nvms:", 5, TRUTH}, {5, "version: 1\nvms:", 5, UNKNOWN "'version'"}, {5, "? [a]\n: 1\nvms:", 5, UNKNOWN},
    {5, "vms: &v", 5, NULL}, {5, "vms: *v", 5, YAML}, {5, "vms: !list", 5, NULL}, {5, "%YAML 3.0\nvms:", 5, YAML}, {5, "vms: [", 6, YAML}, {5, "vms: }", 5, YAML},
    {5, "vms: @", 5, YAML}, {5, "vms: `x`", 5, YAML}, {5, "vms: 'x", 5, YAML}, {5, "vms: [x]\nvms:", 5, KEYS}, {5, "---\nvms:", 6, "a second document; write one description per file"},
    {5, "...\nvms:", 6, YAML},
    /* names */
    {6, "  - name: 1a", 6, NAME}, {6, "  - name: -a", 6, NAME}, {6, "  - name: a b", 6, NAME}, {6, "  - name: a_b", 6, NAME}, {6, "  - name: a.b", 6, NAME},
    {6, "  - name: ../a", 6, NAME}, {6, "  - name: a/b", 6, NAME}, {6, "  - name: \"a\\nb\"", 6, NAME}, {6, "  - name: \"\\e[1m\"", 6, NAME}, {6, "  - name: \xc3\xa4", 6, NAME},
    {6, "  - name: system", 6, "write another name"}, {6, "  - name:", 6, EMPTY}, {6, "  - name: b", 15, "two VMs are named 'b' (the first in line 6)"},
    {6, "  - name: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 6, "is 32 bytes long; at most 31"}, {6, "  - name: [a]", 6, ONE_VALUE}, {6, "  - nam: a", 6, UNKNOWN "'nam'"},
    {6, "  - name: a\n    name: b", 7, "'name' " TWICE}, {6, "  - hostname: x", 6, UNKNOWN}, {6, "  -", 7, "no 'name'; add 'name: ...'"}, {6, "  name: a", 7, YAML}, {6, "  - name: \"a\\0b\"", 6, "zero byte"},
    /* VM memory */
    {7, "    memory: 64", 7, SIZE}, {7, "    memory: 63M", 7, MULTIPLE}, {7, "    memory: 0M", 7, "write at least 2M"}, {7, "    memory: 16M", 7, "too little for this kernel"},
    {7, "    memory: 48M", 7, "with its initrd; write at least 50M"}, {7, "    memory: 2G", 7, "does not fit: the machine has 1024M"}, {7, "    memory: 16T", 7, "does not fit"},
    {7, "    memory: 900M\n", 17, "does not fit"}, {7, "    memory:", 7, EMPTY}, {7, "    memory: {}", 7, ONE_VALUE}, {7, "    mem: 64M", 7, UNKNOWN "'mem'"},
    {7, "   memory: 64M", 7, YAML}, {7, "     memory: 64M", 7, YAML}, {7, "", 6, "no 'memory'; add 'memory: ...'"}, {7, "    Memory: 64M", 7, UNKNOWN},
    /* boot, kernel, initrd */
    {8, "    boot: uefi", 8, ONE_OF}, {8, "    boot: Linux", 8, ONE_OF}, {8, "    boot:", 8, ONE_OF}, {8, "    boot: 1", 8, ONE_OF}, {8, "    boot: [linux]", 8, ONE_VALUE},
    {8, "    boot: multiboot", 9, "has no multiboot header"}, {8, "    boot: linux\n    boot: linux", 9, "'boot' " TWICE}, {9, "    kernel: nothing", 9, "cannot be read"},
    {9, "    kernel: .", 9, "not a file"}, {9, "    kernel: ''", 9, EMPTY}, {9, "    kernel: initrd", 9, "is not a Linux bzImage"}, {9, "    kernel: /dev/null", 9, "cannot be read: not a file"},
    {9, "    kernel: vmlinuz/x", 9, "cannot be read"}, {9, "    kernel: [vmlinuz]", 9, ONE_VALUE}, {9, "", 6, "no 'kernel'; add 'kernel: ...'"}, {9, "    kernal: vmlinuz", 9, UNKNOWN "'kernal'"},
    {9, "    image: vmlinuz", 9, UNKNOWN}, {10, "    initrd: nothing", 10, "cannot be read"}, {10, "    initrd: empty", 10, "is empty; fetch or build it again"},
    {10, "    initrd: {}", 10, ONE_VALUE}, {10, "    initrd:", 10, EMPTY}, {10, "    initramfs: initrd", 10, UNKNOWN}, {10, "    initrd: ..", 10, "not a file"},
    /* the rest */
    {11, "    cmdline: [a, b]", 11, ONE_VALUE}, {11, "    cmdline: a: b", 11, YAML}, {11, "    cmdline: {a: b}", 11, ONE_VALUE}, {11, "    cmdline: \"a\\0b\"", 11, "zero byte"},
    {11, "    cmdline: 'x", 11, YAML}, {11, "    append: quiet", 11, UNKNOWN}, {12, "    vcpus: 0", 12, "'vcpus' is 0"}, {12, "    vcpus: -1", 12, NUMBER},
    {12, "    vcpus: two", 12, NUMBER}, {12, "    vcpus: 1.0", 12, NUMBER}, {12, "    vcpus: [1]", 12, ONE_VALUE}, {12, "    vcpus: 60", 12, "raise machine.cores or remove vCPUs"},
    {12, "    cpus: 1", 12, UNKNOWN "'cpus'"}, {12, "    vcpus:", 12, NUMBER}, {13, "    console: vga", 13, ONE_OF}, {13, "    console: [serial]", 13, ONE_VALUE},
    {13, "    console: true", 13, ONE_OF}, {14, "    test-hooks: 2", 14, TRUTH}, {14, "    test-hooks: maybe", 14, TRUTH}, {14, "    test-hooks: [true]", 14, ONE_VALUE},
    {14, "    test_hooks: false", 14, UNKNOWN "'test_hooks'"}, {14, "    disks: nothing", 14, "has to be a list"}, {14, "    disks: [{virtio: nothing}]", 14, "cannot be read"},
    {14, "    disks: [{path: initrd}]", 14, UNKNOWN "'path'"}, {14, "    disks: [{virtio: .}]", 14, "is not a file"}, {14, "    net: nothing", 14, "has to be a list"},
    {14, "    net: [{nic: none}]", 14, "there is no NIC 'none'"}, {15, "  - name: a", 15, "two VMs are named 'a'"}, {15, "  name: b", 15, YAML}, {17, "    kernel: ../nothing", 17, "cannot be read"},
    {17, "    kernel: vmlinuz\n  - name: c\n    memory: 64M\n    kernel: vmlinuz\n  - name: d\n    memory: 64M\n    kernel: vmlinuz", 21, "raise machine.cores"},
    {17, "    kernel: vmlinuz\n    address: 0x100000", 18, UNKNOWN "'address'"}, {17, "    kernel: vmlinuz\n    irq: 5", 18, UNKNOWN "'irq'"},
    {17, "    kernel: vmlinuz\nextra: {}", 18, UNKNOWN "'extra'"},
};
#define CASES (sizeof cases / sizeof cases[0])

static char dir[] = "/tmp/atoll-test.XXXXXX", file[64];

static void put32(uint8_t *p, uint32_t v) { memcpy(p, &v, 4); }

static void file_write(const char *name, const void *bytes, size_t size)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_true(size == 0 || fwrite(bytes, size, 1, f) == 1);
    fclose(f);
}

/* The smallest file that passes for a bzImage of 48 MiB. */
static int files_make(void **state)
{
    (void)state;
    static uint8_t linux_image[4096];
    if (!mkdtemp(dir))
        return -1;
    linux_image[0x1f1] = 1;
    put32(linux_image + 0x1f4, (sizeof linux_image - 1024) / 16);
    memcpy(linux_image + 0x202, "HdrS", 4);
    put32(linux_image + 0x206, 0x020f);
    put32(linux_image + 0x236, 1);
    put32(linux_image + 0x238, 255);
    put32(linux_image + 0x258, 16 << 20);
    put32(linux_image + 0x260, 32 << 20);
    file_write("vmlinuz", linux_image, sizeof linux_image);
    file_write("initrd", "x", 1);
    file_write("empty", "", 0);
    snprintf(file, sizeof file, "%s/t.yaml", dir);
    return 0;
}

static int files_remove(void **state)
{
    (void)state;
    static const char *const names[] = {"vmlinuz", "initrd", "empty", "t.yaml"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        unlink(path);
    }
    return rmdir(dir);
}

/* The good text, with line `replaced` (0: none) as `with`. */
static void text_write(unsigned replaced, const char *with)
{
    char text[4096] = "";
    for (unsigned i = 0; i < LINES; i++) {
        strcat(text, i + 1 == replaced ? with : good[i]);
        strcat(text, "\n");
    }
    file_write("t.yaml", text, strlen(text));
}

static void the_text_itself_is_good(void **state)
{
    (void)state;
    struct description d;
    struct complaint why = {""};
    text_write(0, NULL);
    if (description_load(file, 0, &d, &why) != 0)
        fail_msg("%s", why.text);
    description_free(&d);
}

static void each_mistake_is_refused_at_its_line(void **state)
{
    (void)state;
    unsigned wrong = 0, refused = 0;
    for (size_t i = 0; i < CASES; i++) {
        struct description d;
        struct complaint why = {""};
        char place[96];
        text_write(cases[i].replaced, cases[i].with);
        int status = description_load(file, 0, &d, &why);
        if (status == 0)
            description_free(&d);
        snprintf(place, sizeof place, "%s:%u: ", file, cases[i].line);
        bool as_expected = cases[i].sentence ? status != 0 && strncmp(why.text, place, strlen(place)) == 0 && strstr(why.text, cases[i].sentence)
                                             : status == 0;
        refused += status != 0;
        wrong += !as_expected;
        if (!as_expected)
            print_error("case %zu, line %u as '%s': expected '%s' at line %u, got '%s'\n", i, cases[i].replaced, cases[i].with,
                        cases[i].sentence ? cases[i].sentence : "(accepted)", cases[i].line, status ? why.text : "(accepted)");
    }
    assert_int_equal(wrong, 0);
    assert_true(refused >= 150);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_text_itself_is_good), cmocka_unit_test(each_mistake_is_refused_at_its_line)};
    return cmocka_run_group_tests_name("tool_mistakes", tests, files_make, files_remove);
}
