/* What the IOMMU kept the VM's functions from doing, as lines of the log: who, where, how often. A function that faults without end costs its own
 * node's time, some records a hundred times a second, and few lines: each is told at the first, the second, the fourth time, and so on. */
#include "manager.h"
#include <atoll/vf.h>

#define RECORDS 16 /* of one function, per signal */
#define FAULT_WRITE 0x100u
#define FAULT_MESSAGE 0x200u

static struct { uint64_t count, told; } seen[VM_VFS_MAX];

static void tell(const char *name, const struct requesters_fault *f, uint64_t count)
{
    log_line("%s: requester 0x%lx: a %s at 0x%lx was blocked, reason 0x%lx; %lu faults so far", name, f->requester,
             f->reason & FAULT_MESSAGE ? "message" : f->reason & FAULT_WRITE ? "write" : "read", f->address, f->reason & 0xff, count);
}

void faults_take(unsigned function, const char *name, cptr_t range)
{
    struct requesters_fault f;

    for (unsigned i = 0; i < RECORDS; i++) {
        if (requesters_take_fault(range, &f) != SEL4_NO_ERROR || !f.there)
            break;
        seen[function].count++;
        if (seen[function].count >= 2 * seen[function].told) {
            seen[function].told = seen[function].count;
            tell(name, &f, seen[function].count);
        }
    }
}
