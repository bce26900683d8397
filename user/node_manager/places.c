/* Where the guest of a VM with several vCPUs sees its functions' registers: on each of its nodes at the same place. vCPU 0's manager, which holds the
 * functions, says where, in the pages of <atoll/life.h>; each other one maps or unmaps them for its vCPU and says so. */
#include "manager.h"
#include <atoll/life.h>

#define PAGE 4096u
#define ANSWER_MS 2000 /* a manager that does not answer in this time belongs to a node that died */

static const struct vm_config *vm;
static uint64_t ticks_per_ms;
static uint32_t number; /* of the latest word, or the latest one heard */

static volatile struct life_down *down(uint32_t vcpu) { return (volatile struct life_down *)(MANAGER_LIFE_VA + 2 * vcpu * PAGE); }
static volatile struct life_up *up(uint32_t vcpu) { return (volatile struct life_up *)(MANAGER_LIFE_VA + (2 * vcpu + 1) * PAGE); }

void places_init(const struct vm_config *v, uint64_t tsc_hz)
{
    vm = v;
    ticks_per_ms = tsc_hz / 1000;
}

static bool heard(uint32_t vcpu)
{
    for (uint64_t start = __builtin_ia32_rdtsc(); __atomic_load_n(&up(vcpu)->placed, __ATOMIC_ACQUIRE) != number; __builtin_ia32_pause())
        if (__builtin_ia32_rdtsc() - start > ANSWER_MS * ticks_per_ms)
            return false;
    return true;
}

bool places_tell(unsigned function, uint64_t address)
{
    bool everywhere = true;

    number++;
    for (uint32_t i = 1; i < vm->vcpus; i++) {
        down(i)->place[function] = address;
        __atomic_store_n(&down(i)->places, number, __ATOMIC_RELEASE);
        sel4_signal(MANAGER_SLOT_LIFE + i);
    }
    for (uint32_t i = 1; i < vm->vcpus; i++)
        everywhere &= heard(i) && !(up(i)->misplaced >> function & 1);
    return everywhere;
}

void places_follow(void)
{
    volatile struct life_down *d = down(vm->vcpu);
    volatile struct life_up *u = up(vm->vcpu);
    uint32_t misplaced = 0, said = __atomic_load_n(&d->places, __ATOMIC_ACQUIRE);

    if (said == number)
        return;
    number = said;
    for (unsigned i = 0; i < VM_VFS_MAX; i++)
        if (vf_show(i, d->place[i]) != SEL4_NO_ERROR)
            misplaced |= 1u << i;
    u->misplaced = misplaced;
    __atomic_store_n(&u->placed, number, __ATOMIC_RELEASE);
}
