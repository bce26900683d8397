#include "lib.h"
#include "loader.h"
#include "sel4.h"
#include "smp.h"

static struct vm_mailbox *own_box(const struct vm *vm) { return &vm->bus.boxes[vm->bus.self]; }

static void kick(unsigned vcpu) { sel4_signal(VMM_SLOT_KICK + vcpu); }

static void ring(struct vm *vm, unsigned vcpu)
{
    if (mailbox_ring(&vm->bus.boxes[vcpu]))
        kick(vcpu);
}

static void set_state(struct vm *vm, enum mailbox_state state)
{
    __atomic_store_n(&own_box(vm)->state, state, __ATOMIC_SEQ_CST);
}

/* ---- devices ---- */

/* An access that a reset of the VM, or an INIT, comes in between of is given up: nobody will see its result. */
static void forward(struct vm *vm, struct device_access *access)
{
    struct vm_mailbox *box = own_box(vm);

    box->access = *access;
    __atomic_store_n(&box->asked, box->asked + 1, __ATOMIC_SEQ_CST);
    ring(vm, 0);
    while (__atomic_load_n(&box->answered, __ATOMIC_SEQ_CST) != box->asked && !smp_must_stand(vm))
        take_signals(sel4_wait(VMM_SLOT_NOTIFICATION));
    if (smp_must_stand(vm))
        vm->lapic.init_pending = true; /* for the end of this exit to see */
    access->value = box->access.value;
}

static void serve(struct vm *vm)
{
    for (unsigned i = 1; i < vm->bus.count && vm->next == VM_RESUME; i++) {
        struct vm_mailbox *box = &vm->bus.boxes[i];
        uint32_t asked = __atomic_load_n(&box->asked, __ATOMIC_SEQ_CST);
        struct device_access access;

        if (asked == box->answered)
            continue;
        access = box->access;
        vm_device_access(vm, &access);
        box->access.value = access.value;
        __atomic_store_n(&box->answered, asked, __ATOMIC_SEQ_CST);
        ring(vm, i);
    }
}

void smp_kicked(struct vm *vm)
{
    apic_bus_receive(&vm->bus);
    if (!vm->remote)
        serve(vm);
}

/* ---- standing still ---- */

/* All that others may have left there belongs to the time before a reset. */
static void box_clear(struct vm_mailbox *box)
{
    memset(box->irr, 0, sizeof box->irr);
    __atomic_store_n(&box->orders, 0, __ATOMIC_SEQ_CST);
    __atomic_store_n(&box->asked, box->answered, __ATOMIC_SEQ_CST);
    mailbox_quiet(box);
}

static bool parked(const struct vm_mailbox *box)
{
    return __atomic_load_n(&box->parked, __ATOMIC_SEQ_CST) == __atomic_load_n(&box->park, __ATOMIC_SEQ_CST);
}

bool smp_must_stand(const struct vm *vm) { return vm->remote && (vm->lapic.init_pending || !parked(own_box(vm))); }

static void take_reset(struct vm *vm)
{
    struct vm_mailbox *box = own_box(vm);
    uint32_t number = __atomic_load_n(&box->park, __ATOMIC_SEQ_CST);

    report_counters();
    vm_reset(vm);
    box_clear(box);
    __atomic_store_n(&box->parked, number, __ATOMIC_SEQ_CST);
    ring(vm, 0);
}

/* AMD APM volume 2, 16.5: after INIT a CPU waits for a start-up IPI, and takes the first one. */
void smp_stand(struct vm *vm)
{
    int start = vm->lapic.start; /* it may have come with the INIT */

    vm->deaf = false;
    lapic_init(&vm->lapic);
    vm->lapic.start = start;
    set_state(vm, MAILBOX_WAITING);
    for (;;) {
        if (!parked(own_box(vm)))
            take_reset(vm);
        vm->lapic.waiting = true;
        vm->lapic.init_pending = false;
        if (vm->lapic.start >= 0)
            break;
        take_signals(sel4_wait(VMM_SLOT_NOTIFICATION));
    }
    loader_enter_real(vm, (unsigned)vm->lapic.start & 0xff);
    vm->lapic.start = -1;
    vm->lapic.waiting = false;
    set_state(vm, MAILBOX_RUNNING);
}

void smp_hears(struct vm *vm)
{
    vm->deaf = false;
    set_state(vm, MAILBOX_RUNNING);
}

static bool all_parked(const struct vm *vm)
{
    for (unsigned i = 1; i < vm->bus.count; i++)
        if (!parked(&vm->bus.boxes[i]))
            return false;
    return true;
}

void smp_park_others(struct vm *vm)
{
    for (unsigned i = 1; i < vm->bus.count; i++) {
        __atomic_fetch_add(&vm->bus.boxes[i].park, 1, __ATOMIC_SEQ_CST);
        ring(vm, i);
    }
    vm->next = VM_RESET; /* what others ask of devices meanwhile is of no account, see serve() */
    while (!all_parked(vm))
        take_signals(sel4_wait(VMM_SLOT_NOTIFICATION));
    vm->next = VM_RESUME;
    vm->lapic.init_pending = false;
    box_clear(own_box(vm));
}

/* ---- set-up ---- */

void smp_set_up(struct vm *vm)
{
    struct vm_mailbox *box = (struct vm_mailbox *)VMM_SHARED_VA + vm->config->vcpu;

    vm->lapic.id = vm->config->vcpu;
    vm->lapic.bus = &vm->bus;
    vm->bus = (struct apic_bus){.own = &vm->lapic, .boxes = (struct vm_mailbox *)VMM_SHARED_VA, .count = vm->config->vcpus,
                                .self = vm->config->vcpu, .kick = kick};
    vm->remote = vm->config->vcpu ? forward : NULL;
    cpuid_set_topology(&vm->cpuid, vm->config->vcpu, vm->config->vcpus);
    box_clear(box);
    set_state(vm, vm->config->vcpu ? MAILBOX_WAITING : MAILBOX_RUNNING);
    if (vm->remote) {
        __atomic_store_n(&box->parked, box->park, __ATOMIC_SEQ_CST);
        ring(vm, 0);
    }
}

bool smp_memory_used(struct vm *vm)
{
    struct vm_mailbox *box = own_box(vm);
    bool used = box->lived;

    if (vm->remote)
        return false;
    box->lived = 1;
    smp_park_others(vm);
    return used;
}
