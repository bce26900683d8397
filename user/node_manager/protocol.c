/* Messages of the VMM and faults of its thread. A VMM is untrusted: every word is checked, and whatever it sends costs its
 * own VM at most. */
#include "manager.h"

/* A reason is text of the VMM's making: printable ASCII survives. */
static void take_reason(struct vm_record *vm, uint64_t length, const uint64_t *words, uint64_t word_count)
{
    uint64_t n = length;

    if (n > MANAGER_REASON_MAX)
        n = MANAGER_REASON_MAX;
    if (n > 8 * word_count)
        n = 8 * word_count;
    for (uint64_t i = 0; i < n; i++) {
        char c = (char)(words[i / 8] >> 8 * (i % 8));
        vm->reason[i] = c >= ' ' && c <= '~' ? c : '?';
    }
    vm->reason[n] = '\0';
    if (n == 0)
        text_format(vm->reason, sizeof vm->reason, "no reason given");
}

static enum vm_action decode_request(struct vm_record *vm, uint64_t label, const uint64_t *words, uint64_t n)
{
    switch (label) {
    case MANAGER_START:
        return vm->state == VM_LOADING || vm->state == VM_PARKED ? ACTION_START : ACTION_REFUSE;
    case MANAGER_PARK:
        return vm->state == VM_RUNNING ? ACTION_PARK : ACTION_REFUSE;
    case MANAGER_RESET:
        return vm->state == VM_RUNNING || vm->state == VM_PARKED ? ACTION_RESET : ACTION_REFUSE;
    case MANAGER_VF_PLACE: case MANAGER_VF_RESET:
        if (n < (label == MANAGER_VF_PLACE ? 3 : 1))
            return ACTION_REFUSE;
        vm->vf.index = words[0];
        vm->vf.address = words[1];
        vm->vf.master = words[2];
        return label == MANAGER_VF_PLACE ? ACTION_VF_PLACE : ACTION_VF_RESET;
    case MANAGER_VF_CONTROLLER: case MANAGER_VF_COMMAND:
        if (n < (label == MANAGER_VF_COMMAND ? 9 : 2))
            return ACTION_REFUSE;
        vm->vf.index = words[0];
        vm->vf.on = words[1] & 1;
        for (unsigned i = 0; i < 8 && label == MANAGER_VF_COMMAND; i++)
            vm->vf.command[i] = words[1 + i];
        return label == MANAGER_VF_COMMAND ? ACTION_VF_COMMAND : ACTION_VF_CONTROLLER;
    case MANAGER_POWERED_OFF:
        return ACTION_END;
    case MANAGER_STOPPED:
        take_reason(vm, n ? words[0] : 0, words + 1, n ? n - 1 : 0);
        return ACTION_STOP;
    case MANAGER_EXIT_CODE:
        if (n < 1)
            return ACTION_REFUSE;
        vm->exit_code = words[0];
        return ACTION_EXIT_CODE;
    case MANAGER_COUNTERS:
        if (n < 1 || words[0] > VMM_COUNTERS || n - 1 < words[0])
            return ACTION_REFUSE;
        for (uint64_t i = 0; i < words[0]; i++)
            vm->counters[i] = words[1 + i];
        return ACTION_ANSWER;
    default:
        return ACTION_REFUSE;
    }
}

/* Fault messages (manual, "Faults"): word 0 is the instruction's address in all of them. */
static enum vm_action decode_fault(struct vm_record *vm, uint64_t label, const uint64_t *words, uint64_t n)
{
    uint64_t ip = n > 0 ? words[0] : 0;
    char *to = vm->reason;
    size_t size = sizeof vm->reason;

    if (label == SEL4_FAULT_VM && n >= 4)
        text_format(to, size, "VMM fault: page fault at address 0x%lx, instruction 0x%lx, error code 0x%lx", words[1], ip, words[3]);
    else if (label == SEL4_FAULT_USER_EXCEPTION && n >= 5)
        text_format(to, size, "VMM fault: exception %lu, error code 0x%lx, instruction 0x%lx", words[3], words[4], ip);
    else if (label == SEL4_FAULT_CAP && n >= 2)
        text_format(to, size, "VMM fault: no capability %lu, instruction 0x%lx", words[1], ip);
    else
        text_format(to, size, "VMM fault: type %lu", label);
    return ACTION_STOP;
}

enum vm_action message_decode(struct vm_record *vm, uint64_t badge, uint64_t info, const uint64_t *words)
{
    uint64_t label = sel4_info_label(info), n = sel4_info_length(info);

    if (n > SEL4_MSG_MAX_LENGTH)
        n = SEL4_MSG_MAX_LENGTH;
    if (vm->state == VM_ENDED)
        return ACTION_IGNORE;
    if (badge == MANAGER_BADGE_VMM + vm->index)
        return decode_request(vm, label, words, n);
    if (badge == MANAGER_BADGE_FAULT + vm->index)
        return decode_fault(vm, label, words, n);
    return ACTION_IGNORE;
}
