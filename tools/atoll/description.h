/* The description of a system as `atoll` holds it after reading the YAML file: names, counts, sizes, files. No addresses. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <stddef.h>
#include <atoll/component.h>

enum description_boot { BOOT_LINUX = 1, BOOT_MULTIBOOT = 2 };

#define SWITCHES_MAX 8
#define SWITCH_NAME_MAX 16
/* A software switch between VMs, and a VM's port of one. */
struct description_switch {
    char name[SWITCH_NAME_MAX];
    unsigned line;
};
#define PORTS_MAX 4
struct description_port {
    uint32_t network; /* index of the switch */
    uint8_t mac[6];
    uint16_t vlan;    /* 0: none */
    unsigned line;
};

#define DISKS_MAX 4
#define SSD_NONE UINT32_MAX
/* A VM's disk: virtio, on a file that boot loads into memory, or on a namespace of an SSD. */
struct description_disk {
    char *file;    /* host path, readable, checked; NULL: an SSD's */
    bool writable; /* a file: in memory, until the machine stops */
    uint32_t ssd, namespace_id; /* index of the SSD, or SSD_NONE; its namespace, 1 .. */
    uint32_t vf;   /* which of its functions */
    bool mediated; /* the guest drives that function; such disks are behind the others, which are virtio's, in the order of their numbers */
    unsigned line;
};

#define NIC_NAME_MAX 16
#define NICS_MAX 8
#define NIC_ANYWHERE UINT32_MAX
#define NIC_IGB_VFS 7u /* of the 82576: its drivers leave the eighth set of queues to the PF */

enum description_nic_driver { NIC_IGB = 1 };

struct description_nic {
    char name[NIC_NAME_MAX];
    enum description_nic_driver driver;
    uint32_t at;  /* segment << 16 | requester ID, or NIC_ANYWHERE: the first one found that fits */
    uint32_t vfs; /* enabled at each boot */
    unsigned line;
};

/* An SSD whose virtual functions serve disks of VMs. */
#define SSDS_MAX 4
#define SSD_VFS_MAX 7u
#define SSD_NAMESPACES_MAX 256u
#define SSD_NAMESPACE_SIZE (64ull << 20)
enum description_ssd_driver { SSD_NVME = 1 };
struct description_ssd {
    char name[NIC_NAME_MAX];
    enum description_ssd_driver driver;
    uint32_t at, vfs;        /* as a NIC's */
    uint64_t namespace_size; /* of the emulated server's: bytes */
    unsigned line;
};

/* A VM's interface: one VF. */
struct description_net {
    uint32_t nic, vf; /* index of the NIC, number of the VF */
    uint8_t mac[6];
    uint16_t vlan;    /* 0: untagged frames */
    uint32_t rate;    /* Mbit/s; 0: no limit */
    unsigned line;
};

struct description_vm {
    char *name;      /* letter, then letters, digits, '-'; at most 31 bytes */
    uint32_t vcpus;  /* at most VM_MAX_VCPUS */
    uint32_t first_node; /* vCPU i runs on node first_node + i */
    uint64_t memory; /* bytes, multiple of 2 MiB */
    enum description_boot boot;
    char *kernel;    /* host path, readable, checked */
    char *initrd;    /* host path or NULL */
    char *cmdline;   /* at most 2047 bytes */
    struct description_port ports[PORTS_MAX];
    size_t port_count;
    bool virtio_console; /* beside the serial port */
    struct description_disk disks[DISKS_MAX];
    size_t disk_count, mediated_count; /* mediated ones are among disk_count */
    enum vm_restart restart;
    bool test_hooks; /* VM_FLAG_TEST_*: the guest may crash its own VMM and its own kernel */
    struct description_net net[4];
    size_t net_count;
    unsigned line;   /* where it stands in the file */
};

struct description {
    char *file;
    uint32_t cores;   /* of the machine: node i is core i, node 0 the control node */
    uint64_t memory;  /* RAM of the emulated server */
    uint64_t node_memory; /* private memory of each node, bytes; 0: as much as its spec needs */
    struct description_switch switches[SWITCHES_MAX];
    size_t switch_count;
    struct description_nic nics[NICS_MAX];
    size_t nic_count;
    struct description_ssd ssds[SSDS_MAX];
    size_t ssd_count;
    struct description_vm *vms;
    size_t vm_count;
    bool probe; /* SYSTEM_FLAG_PROBE: start nothing, examine the machine */
    bool dump; /* not from the file: SPEC_FLAG_DUMP */
};

#define DESCRIPTION_NODE_MEMORY (2ull << 20) /* roughly, before the specs are there */

/* What is wrong with an input, in one sentence: "FILE:LINE: what is wrong; what to write". */
struct complaint { char text[1024]; };

/* description.c: read and check FILE; `cores` other than 0 replaces machine.cores. Returns 0, or -1 with the complaint set
 * and nothing to free. */
int description_load(const char *file, uint32_t cores, struct description *d, struct complaint *why);
void description_free(struct description *d);

/* compile.c: a description to the files that boot takes as modules. VMs take nodes in their order, one per vCPU, from node 1 on.
 * Writes DIR/system (the system request), DIR/node.N.spec; the component images are read from `images` (the build folder's user/).
 * Returns 0, or -1 after one sentence on stderr. */
int compile_system(const struct description *d, const char *images, const char *dir);
