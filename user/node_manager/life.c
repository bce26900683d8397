/* Start, end and restart of the VM. vCPU 0's manager ends a life of the VM when one of its vCPUs ends it, waits until all have stopped, and
 * starts the next one if the description says so, after a pause that doubles with each restart in a row. */
#include "manager.h"
#include "root.h"
#include <atoll/life.h>

#define PAGE 4096u
#define PAUSE_FIRST_MS 100u
#define PAUSE_MAX_MS 30000u
#define LONG_LIFE_MS 30000u /* who lived so long starts over with the first pause */
#define RFLAGS_USER 0x202
enum { REGISTER_RIP, REGISTER_RSP, REGISTER_RFLAGS, REGISTER_RDX = 6, REGISTER_RSI = 7, REGISTER_RDI = 8, REGISTERS = 9 }; /* seL4_UserContext */

static const struct manager_config *config;
static const struct vm_config *vm;
static struct vm_record *record;
static uint64_t tsc_hz, started; /* TSC */
static uint32_t life = 1, pause_ms;
static bool ending, pausing;
static bool bereaved; /* the kernel of one of the VM's nodes died: this life was the last */
static enum vm_outcome outcome;
static char reason[MANAGER_REASON_MAX + 32];

static volatile struct life_down *down(uint32_t vcpu) { return (volatile struct life_down *)(MANAGER_LIFE_VA + 2 * vcpu * PAGE); }
static bool dead(uint32_t vcpu) { return __atomic_load_n(&((const struct life_deaths *)MANAGER_DEATHS_VA)->dead[vcpu], __ATOMIC_SEQ_CST); }
static volatile struct life_up *up(uint32_t vcpu) { return (volatile struct life_up *)(MANAGER_LIFE_VA + (2 * vcpu + 1) * PAGE); }

void life_init(const struct manager_config *c, const struct vm_config *v, struct vm_record *r, uint64_t hz)
{
    config = c;
    vm = v;
    record = r;
    tsc_hz = hz;
}

static void tell_all(void)
{
    for (uint32_t i = 1; i < vm->vcpus; i++)
        sel4_signal(MANAGER_SLOT_LIFE + i);
}

static void stop_own(void)
{
    tcb_suspend(MANAGER_SLOT_VCPU_TCB);
    tcb_suspend(MANAGER_SLOT_VMM_TCB);
    record->state = VM_ENDED;
}

static void own_exits(uint64_t exits[EXIT_CLASSES])
{
    if (vcpu_counters(MANAGER_SLOT_VCPU, EXIT_CLASSES, exits) != SEL4_NO_ERROR)
        memset(exits, 0, EXIT_CLASSES * sizeof exits[0]);
}

/* ---- a vCPU other than 0 ---- */

static void report_stopped(void)
{
    volatile struct life_up *u = up(vm->vcpu);
    uint64_t exits[EXIT_CLASSES];

    own_exits(exits);
    for (unsigned i = 0; i < EXIT_CLASSES; i++)
        u->exits[i] = exits[i];
    for (unsigned i = 0; i < VMM_COUNTERS; i++)
        u->counters[i] = record->counters[i];
    __atomic_store_n(&u->stopped, life, __ATOMIC_SEQ_CST);
    sel4_signal(MANAGER_SLOT_LIFE);
}

static void report_failed(enum vm_outcome how, const char *why)
{
    volatile struct life_up *u = up(vm->vcpu);
    size_t n = strlen(why);

    for (size_t i = 0; i < sizeof u->reason; i++)
        u->reason[i] = i < n && i < sizeof u->reason - 1 ? why[i] : '\0';
    u->impossible = how == OUTCOME_IMPOSSIBLE ? life : 0;
    __atomic_store_n(&u->failed, life, __ATOMIC_SEQ_CST);
    report_stopped();
}

static void follow(void)
{
    volatile struct life_down *d = down(vm->vcpu);
    uint32_t stop = __atomic_load_n(&d->stop, __ATOMIC_SEQ_CST), run = __atomic_load_n(&d->run, __ATOMIC_SEQ_CST);

    if (dead(0)) { /* nobody is left to report to, or whose word to start would count */
        if (record->state != VM_ENDED) {
            stop_own();
            log_line("vm %s: vCPU %u is stopped: the kernel of vCPU 0's node died", vm->name, vm->vcpu);
        }
        return;
    }
    if (stop >= life && record->state != VM_ENDED) {
        stop_own();
        report_stopped();
    }
    if (run > life && record->state == VM_ENDED) {
        life = run;
        life_start();
    }
}

/* ---- vCPU 0 ---- */

static bool all_stopped(void)
{
    for (uint32_t i = 1; i < vm->vcpus; i++)
        if (!dead(i) && __atomic_load_n(&up(i)->stopped, __ATOMIC_SEQ_CST) < life)
            return false;
    return true;
}

static void tell_counters(void)
{
    uint64_t exits[EXIT_CLASSES], counters[VMM_COUNTERS];

    own_exits(exits);
    memcpy(counters, record->counters, sizeof counters);
    for (uint32_t v = 1; v < vm->vcpus; v++) {
        for (unsigned i = 0; i < EXIT_CLASSES; i++)
            exits[i] += up(v)->exits[i];
        for (unsigned i = 0; i < VMM_COUNTERS; i++)
            counters[i] += up(v)->counters[i];
    }
    event_counters(vm->name, exits, counters);
}

static bool wants_restart(void)
{
    bool failed = outcome == OUTCOME_STOPPED || record->exit_code;

    if (outcome == OUTCOME_IMPOSSIBLE || bereaved)
        return false;
    return vm->restart == VM_RESTART_ALWAYS || (vm->restart == VM_RESTART_ON_FAILURE && failed);
}

static void pause(void)
{
    uint64_t now = __builtin_ia32_rdtsc();

    pause_ms = life_next_pause(pause_ms, (now - started) / (tsc_hz / 1000));
    event("vm %s restarts in %u ms: %s", vm->name, pause_ms, outcome == OUTCOME_STOPPED ? reason : "powered off");
    pausing = true;
    if (vcpu_set_timer(MANAGER_SLOT_VCPU, MANAGER_SLOT_NOTIFICATION, now + pause_ms * (tsc_hz / 1000)) != SEL4_NO_ERROR)
        panic("the kernel refuses the timer");
}

/* Nothing of the VM runs any more. */
static void ended(void)
{
    ending = false;
    vfs_end();
    if (wants_restart()) {
        pause();
        return;
    }
    events_last();
    tell_counters();
    if (outcome == OUTCOME_POWERED_OFF)
        event("vm %s powered-off", vm->name);
    else
        event("vm %s stopped: %s", vm->name, reason);
}

/* A node of the VM is gone, in whichever state the VM was: what is left of it ends, and does not start again. */
static void mourn(uint32_t vcpu)
{
    bereaved = true;
    if (record->state == VM_ENDED && !ending && !pausing)
        return;
    text_format(reason, sizeof reason, "vCPU %u: the kernel of its node died", vcpu);
    outcome = OUTCOME_IMPOSSIBLE;
    if (pausing) {
        pausing = false;
        ended();
    } else if (!ending) {
        life_end(OUTCOME_IMPOSSIBLE, NULL);
    }
}

static void watch(void)
{
    for (uint32_t i = 1; i < vm->vcpus && !bereaved; i++)
        if (dead(i))
            mourn(i);
    for (uint32_t i = 1; i < vm->vcpus && record->state != VM_ENDED; i++) {
        char why[MANAGER_REASON_MAX + 1];
        volatile struct life_up *u = up(i);

        if (__atomic_load_n(&u->failed, __ATOMIC_SEQ_CST) != life)
            continue;
        for (size_t k = 0; k < sizeof why; k++)
            why[k] = u->reason[k];
        why[sizeof why - 1] = '\0';
        text_format(reason, sizeof reason, "vCPU %u: %s", i, why);
        life_end(u->impossible == life ? OUTCOME_IMPOSSIBLE : OUTCOME_STOPPED, NULL);
    }
    if (ending && all_stopped())
        ended();
}

/* ---- for both ---- */

uint32_t life_next_pause(uint32_t last_ms, uint64_t lived_ms)
{
    if (last_ms == 0 || lived_ms >= LONG_LIFE_MS)
        return PAUSE_FIRST_MS;
    return last_ms >= PAUSE_MAX_MS / 2 ? PAUSE_MAX_MS : 2 * last_ms;
}

void life_end(enum vm_outcome how, const char *why)
{
    stop_own();
    if (vm->vcpu) {
        report_failed(how, why ? why : "its VMM ended");
        return;
    }
    outcome = how;
    if (why)
        text_format(reason, sizeof reason, "%s", why);
    ending = true;
    for (uint32_t i = 1; i < vm->vcpus; i++)
        __atomic_store_n(&down(i)->stop, life, __ATOMIC_SEQ_CST);
    tell_all();
    watch();
}

/* It clears itself what it wrote in its memory. */
static error_t registers_begin(cptr_t tcb, uint64_t entry, uint64_t hz)
{
    const uint64_t registers[REGISTERS] = {[REGISTER_RIP] = entry, [REGISTER_RSP] = COMPONENT_STACK_TOP,
                                           [REGISTER_RFLAGS] = RFLAGS_USER, [REGISTER_RDX] = component_wall_clock, [REGISTER_RSI] = hz,
                                           [REGISTER_RDI] = COMPONENT_CONFIG_VA};
    return tcb_write_registers(tcb, 0, REGISTERS, registers);
}

error_t thread_start(cptr_t tcb, uint64_t entry, uint64_t hz)
{
    error_t error = registers_begin(tcb, entry, hz);
    return error ? error : tcb_resume(tcb);
}

/* The VMM's scheduling context may be its own, its notification's, or lent; the vCPU's may be with the VMM. */
static error_t vmm_restart(void)
{
    error_t error;

    tcb_unbind_notification(MANAGER_SLOT_VMM_TCB); /* none of these need be bound now */
    sched_context_unbind(MANAGER_SLOT_VCPU_SC);
    sched_context_unbind(MANAGER_SLOT_VMM_SC);
    error = sched_context_bind(MANAGER_SLOT_VCPU_SC, MANAGER_SLOT_VCPU_TCB);
    if (!error)
        error = sched_context_bind(MANAGER_SLOT_VMM_SC, MANAGER_SLOT_VMM_TCB);
    return error ? error : registers_begin(MANAGER_SLOT_VMM_TCB, config->vmm_entry, tsc_hz);
}

void life_start(void)
{
    error_t error = life > 1 ? vmm_restart() : SEL4_NO_ERROR;

    record->state = VM_LOADING;
    record->exit_code = 0;
    memset(record->counters, 0, sizeof record->counters);
    started = __builtin_ia32_rdtsc();
    if (vfs_lease(false, record->reason, sizeof record->reason) != 0) {
        life_end(OUTCOME_STOPPED, record->reason);
        return;
    }
    if (!error)
        error = tcb_resume(MANAGER_SLOT_VMM_TCB);
    if (error) {
        text_format(record->reason, sizeof record->reason, "node manager: cannot start the VMM: %s", sel4_error_name(error));
        life_end(OUTCOME_STOPPED, record->reason);
    }
}

void life_signalled(uint64_t badge)
{
    if (badge & MANAGER_BADGE_LIFE) {
        irq_handler_ack(MANAGER_SLOT_LIFE_IRQ);
        if (vm->vcpu) {
            places_follow();
            follow();
        } else {
            watch();
        }
    }
    if (badge & MANAGER_BADGE_FAULTS) {
        irq_handler_ack(MANAGER_SLOT_FAULTS_IRQ);
        vfs_faults();
    }
    if ((badge & MANAGER_BADGE_TIMER) && pausing) {
        pausing = false;
        life++;
        for (uint32_t i = 1; i < vm->vcpus; i++)
            __atomic_store_n(&down(i)->run, life, __ATOMIC_SEQ_CST);
        tell_all();
        life_start();
    }
}
