/* The node manager, top to bottom: bind the memory, start the VMM, then serve its requests and its faults. */
#include "manager.h"
#include "root.h"

const char component_name[] = "manager";

static struct vm_record record;
static const struct vm_config *vm;

/* The message's words, from registers and buffer, into memory that the VMM cannot change any more. */
static void gather(const struct sel4_message *m, uint64_t words[SEL4_MSG_MAX_LENGTH])
{
    uint64_t n = sel4_info_length(m->info);

    for (uint64_t i = 0; i < SEL4_MSG_MAX_LENGTH; i++)
        words[i] = i >= n ? 0 : i < SEL4_MSG_REGISTERS ? m->mr[i] : sel4_ipc_buffer->msg[i];
}

/* The VMM waits for exits: from here on it is passive, and an exit costs no switch of scheduling contexts. Its notification is bound to it
 * only now: a signal between the steps would have woken it with no scheduling context to run on. One that came before is delivered. */
static error_t vmm_make_passive(void)
{
    error_t error = sched_context_unbind(MANAGER_SLOT_VMM_SC);

    if (!error)
        error = sched_context_bind(MANAGER_SLOT_VMM_SC, MANAGER_SLOT_VMM_NOTIFICATION);
    if (!error)
        error = tcb_bind_notification(MANAGER_SLOT_VMM_TCB, MANAGER_SLOT_VMM_NOTIFICATION);
    return error;
}

static void vm_start(void)
{
    bool first = record.state == VM_LOADING; /* in this life */
    error_t error = first ? vmm_make_passive() : SEL4_NO_ERROR;

    if (first && vm->vcpu == 0)
        log_line("vm %s: first instruction at TSC %lu", vm->name, (uint64_t)__builtin_ia32_rdtsc());
    if (!error)
        error = tcb_resume(MANAGER_SLOT_VCPU_TCB);
    if (error) {
        text_format(record.reason, sizeof record.reason, "node manager: cannot start the vCPU: %s", sel4_error_name(error));
        life_end(OUTCOME_STOPPED, record.reason);
        return;
    }
    record.state = VM_RUNNING;
    if (first && vm->vcpu == 0)
        event("vm %s started", vm->name);
}

/* An answer: its label, and words. */
struct answer { uint64_t label, words[2]; unsigned count; };

/* Act on a message. True: the caller gets the answer. */
static bool act(enum vm_action action, struct answer *a)
{
    uint64_t *label = &a->label;

    *a = (struct answer){.label = SEL4_NO_ERROR};
    switch (action) {
    case ACTION_START:
        vm_start();
        return false;
    case ACTION_PARK:
        *label = (uint64_t)tcb_suspend(MANAGER_SLOT_VCPU_TCB);
        record.state = VM_PARKED;
        return true;
    case ACTION_RESET:
        event("vm %s reset", vm->name);
        if (vfs_lease(true, record.reason, sizeof record.reason) == 0)
            return true;
        life_end(OUTCOME_STOPPED, record.reason);
        return false;
    case ACTION_VF_PLACE:
        *label = (uint64_t)vf_place(record.vf.index, record.vf.address, record.vf.master);
        return true;
    case ACTION_VF_RESET:
        if (vf_reset(record.vf.index, record.reason, sizeof record.reason) == 0)
            return true;
        life_end(OUTCOME_STOPPED, record.reason);
        return false;
    case ACTION_VF_CONTROLLER:
        *label = (uint64_t)vf_controller(record.vf.index, record.vf.on, a->words);
        a->count = 2;
        return true;
    case ACTION_VF_COMMAND:
        *label = (uint64_t)vf_command(record.vf.index, record.vf.command, a->words);
        a->count = 2;
        return true;
    case ACTION_EXIT_CODE:
        event("vm %s exit-code %lu", vm->name, record.exit_code);
        return true;
    case ACTION_END:
        life_end(OUTCOME_POWERED_OFF, NULL);
        return false;
    case ACTION_STOP:
        life_end(OUTCOME_STOPPED, record.reason);
        return false;
    case ACTION_ANSWER:
        return true;
    case ACTION_REFUSE:
        *label = SEL4_ILLEGAL_OPERATION;
        return true;
    case ACTION_IGNORE:
        break;
    }
    return false;
}

__attribute__((noreturn)) static void serve(void)
{
    struct sel4_message m = {0};
    uint64_t words[SEL4_MSG_MAX_LENGTH];
    struct answer answer;

    sel4_recv(MANAGER_SLOT_ENDPOINT, MANAGER_SLOT_REPLY, &m);
    for (;;) {
        if (m.badge && m.badge < MANAGER_BADGE_VMM) {
            life_signalled(m.badge);
            sel4_recv(MANAGER_SLOT_ENDPOINT, MANAGER_SLOT_REPLY, &m);
            continue;
        }
        gather(&m, words);
        if (act(message_decode(&record, m.badge, m.info, words), &answer)) {
            m.info = sel4_info(answer.label, 0, answer.count);
            m.mr[0] = answer.words[0];
            m.mr[1] = answer.words[1];
            sel4_reply_recv(MANAGER_SLOT_ENDPOINT, MANAGER_SLOT_REPLY, &m);
        } else {
            sel4_recv(MANAGER_SLOT_ENDPOINT, MANAGER_SLOT_REPLY, &m);
        }
    }
}

void component_main(const void *config, uint64_t tsc_hz)
{
    const struct manager_config *c = config;
    char why[VFS_REASON_MAX];
    uint64_t free_slot;

    if (c->magic != MANAGER_CONFIG_MAGIC)
        panic("the configuration frame is not a manager's");
    events_init();
    if (c->vm_count == 0) {
        log_line("node %u idle", c->node);
        record.state = VM_ENDED;
        serve();
    }
    vm = (const struct vm_config *)((const char *)config + 4096);
    if (vm->magic != VM_CONFIG_MAGIC)
        panic("the second configuration frame is not a VM's");
    record.index = vm->vm_index;
    life_init(c, vm, &record, tsc_hz);
    if (memory_bind(c, vm, &free_slot, why, sizeof why) != 0) {
        life_end(OUTCOME_IMPOSSIBLE, why);
        serve();
    }
    places_init(vm, tsc_hz);
    vfs_init(c, vm, (const char *)config + 2 * 4096, free_slot, tsc_hz);
    life_start();
    serve();
}
