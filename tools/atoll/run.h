/* `atoll run`: from a description, or one root task, to a running machine, its logs, and a verdict. */
#pragma once
#include "machine.h"
#include "script.h"

enum run_status { RUN_GOOD = 0, RUN_FAILED = 1, RUN_WRONG_INPUT = 2, RUN_TIMEOUT = 3 };

struct run_options {
    const char *file;      /* the description, or */
    const char *root_task; /* a foreign root task on a machine of one node, or */
    const char *request;   /* on every node of this system request */
    const char *images;    /* the build folder: boot.elf, kernel.elf, user/ */
    const char *log_dir;   /* NULL: no logs are kept */
    const char *until, *fail_on; /* root task: a line that contains this ends the run */
    const char *exec[SCRIPT_MAX]; /* "vm:command" */
    size_t exec_count;
    struct { const char *command, *option, *when; } orders[SCRIPT_MAX]; /* when: "vm:text" */
    size_t order_count;
    const char *ssd_files[MACHINE_SSD_FILES]; /* "SSD:NAMESPACE=FILE" */
    size_t ssd_file_count;
    unsigned timeout;      /* seconds, 0: none */
    uint32_t cores;        /* 0: as described */
    bool headless;
    bool probe;            /* boot examines the machine, for the description or for nothing in particular */
    bool dump;             /* init has what it built printed */
    bool uefi;             /* write an image and start from it; machine.image: start from that one */
    struct machine_config machine;
};

enum run_status run(const struct run_options *o);
/* `atoll image`: the same modules as a disk image, and nothing started. */
enum run_status run_image(const struct run_options *o, const char *output);

/* root_task.c: DIR/system, a copy of `request`, or NULL: one node that gets the whole machine. The number of nodes, or -1 after one
 * sentence on stderr. */
int root_task_nodes(const char *request);
int probe_compile(const char *dir); /* for a machine that is examined for nothing in particular */
int root_task_compile(const char *request, const char *dir);
