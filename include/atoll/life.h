/* What the node managers of one VM tell each other: vCPU 0's manager decides over lives, each other one starts and stops its own vCPU. Two
 * pages for each pair, with one writer each, and an IPI after every change. A life is a number from 1 on. */
#pragma once
#include <stdint.h>
#include <atoll/component.h>
#include <atoll/vcpu.h>
#include <atoll/vf.h>

struct life_down {      /* written by vCPU 0's manager */
    uint32_t run, stop; /* the life to be run, the last one to be stopped */
    uint32_t places;    /* changes when `place` has */
    uint64_t place[VM_VFS_MAX]; /* guest-physical address of each function's registers; 0: nowhere */
};

struct life_up {      /* written by vCPU i's manager */
    uint32_t stopped; /* nothing of this vCPU runs any more, up to this life */
    uint32_t failed;  /* the life that ended here, for the reason below */
    uint32_t placed;  /* the `places` that is carried out */
    uint32_t misplaced; /* functions, as bits, whose registers cannot be where they were to be: then they are nowhere */
    uint32_t impossible; /* that life: it cannot be started, and no later one will be tried */
    char reason[MANAGER_REASON_MAX + 1];
    uint64_t exits[EXIT_CLASSES], counters[VMM_COUNTERS]; /* valid when `stopped` says so */
};
_Static_assert(sizeof(struct life_up) <= 4096, "one page");

/* Whose kernel died. Written by the console, which is told by the dying kernel's log; for all managers of the VM. */
struct life_deaths { uint8_t dead[VM_MAX_VCPUS]; };
