/* Where the VMM's model of the CPU meets the kernel. */
#include "lib.h"
#include "sel4.h"
#include "vm.h"

static const uint8_t group_start[] = VCPU_GROUP_STARTS;

void vcpu_need(struct vcpu *v, uint32_t groups)
{
    uint64_t values[VCPU_WORDS];
    unsigned words = 0, at = 0;

    groups &= ~v->present;
    if (!groups)
        return;
    for (unsigned g = 0; g < VCPU_GROUPS; g++)
        if (groups >> g & 1)
            words += group_start[g + 1] - group_start[g];
    if (vcpu_read(VMM_SLOT_VCPU, groups, words, values) != SEL4_NO_ERROR)
        panic("the kernel refuses to read the vCPU: groups 0x%x", groups);
    for (unsigned g = 0; g < VCPU_GROUPS; g++)
        for (unsigned w = group_start[g]; groups >> g & 1 && w < group_start[g + 1]; w++)
            v->words[w] = values[at++];
    v->present |= groups;
}
