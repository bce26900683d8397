/* The emulated server: QEMU as a child process with one serial line. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "description.h"

#define MACHINE_MAX_MODULES 512
#define MACHINE_MAX_EXTRA 64
#define MACHINE_DISK "disk.img" /* in the machine's folder */
#define MACHINE_NAMESPACE "ssd%u.%u" /* likewise: number of the SSD, of the namespace */
#define MACHINE_SSD_FILES 64

/* Which IOMMU the server has; see docs for what QEMU's models can and cannot do. */
enum machine_kind { MACHINE_VTD, MACHINE_AMDVI, MACHINE_NO_IOMMU };

struct machine_config {
    const char *qemu, *boot; /* programs: the emulator, the multiboot image */
    const char *image;       /* instead of `boot` and the modules: UEFI firmware starts from this disk image; or NULL */
    const char *ram_file;    /* RAM shared through this file, or NULL */
    enum machine_kind kind;
    bool count;              /* deterministic: time is the number of executed instructions */
    uint32_t cores;
    uint64_t memory;
    unsigned nic_count;      /* Intel 82576 with SR-IOV */
    unsigned ssd_count;      /* NVMe with SR-IOV */
    struct machine_ssd {
        unsigned count;
        uint32_t namespaces[SSD_VFS_MAX]; /* their numbers; attached to nothing at first */
    } ssds[SSDS_MAX];
    const char *serve;                    /* folder that the NICs' networks show at http://10.0.2.100/, or NULL */
    const char *extra[MACHINE_MAX_EXTRA]; /* further QEMU arguments */
    size_t extra_count;
};

struct machine {
    char dir[64];   /* private folder: modules by name, QEMU's error output; removed by machine_stop() */
    char *modules[MACHINE_MAX_MODULES]; /* their names */
    size_t module_count;
    pid_t pid;      /* 0: not running */
    int serial;     /* non-blocking */
};

/* Make the folder, add modules (a link DIR/NAME is made to PATH; NULL: DIR/NAME is there already), start. Each returns 0, or -1
 * after one sentence on stderr. machine_stop() is to be called in every case once machine_init() has succeeded. */
int machine_init(struct machine *m);
int machine_module(struct machine *m, const char *path, const char *name);
int machine_start(struct machine *m, const struct machine_config *config);

/* End QEMU if it still runs, remove the folder. With `explain`: what QEMU wrote to its error output and how it ended. */
void machine_stop(struct machine *m, bool explain);
