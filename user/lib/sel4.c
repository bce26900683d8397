/* The invocations of sel4.h: arguments into message words, a Call, the reply's label out. */
#include "sel4.h"
#include "lib.h"
#include <atoll/component.h>

_Static_assert(COMPONENT_IPC_VA == 0x900000, "start.S knows it");

/* The words of a message beyond the registers lie in the buffer; so do a reply's. */
static error_t invoke(cptr_t cptr, uint64_t label, unsigned caps, const cptr_t *cap, unsigned words, const uint64_t *word,
                      struct sel4_message *reply)
{
    struct sel4_message m = {.info = sel4_info(label, caps, words)};

    for (unsigned i = 0; i < caps; i++)
        sel4_ipc_buffer->caps_or_badges[i] = cap[i];
    for (unsigned i = 0; i < words; i++)
        if (i < SEL4_MSG_REGISTERS)
            m.mr[i] = word[i];
        else
            sel4_ipc_buffer->msg[i] = word[i];
    sel4_call(cptr, &m);
    if (reply)
        *reply = m;
    return (error_t)sel4_info_label(m.info);
}

#define CAPS(...) sizeof((cptr_t[]){__VA_ARGS__}) / sizeof(cptr_t), (cptr_t[]){__VA_ARGS__}
#define WORDS(...) sizeof((uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t), (uint64_t[]){__VA_ARGS__}
#define NOTHING 0, NULL

/* The words of a reply, at most `words`; those that the reply lacks become 0. */
static void reply_words(const struct sel4_message *m, unsigned words, uint64_t *to)
{
    for (unsigned i = 0; i < words; i++)
        if (i >= sel4_info_length(m->info))
            to[i] = 0;
        else
            to[i] = i < SEL4_MSG_REGISTERS ? m->mr[i] : sel4_ipc_buffer->msg[i];
}

error_t untyped_retype(cptr_t untyped, uint64_t type, uint64_t size_bits, cptr_t root, uint64_t node_index,
                       uint64_t node_depth, uint64_t node_offset, uint64_t count)
{
    return invoke(untyped, SEL4_UNTYPED_RETYPE, CAPS(root), WORDS(type, size_bits, node_index, node_depth, node_offset, count),
                  NULL);
}

error_t cnode_copy(cptr_t to_root, uint64_t to, uint64_t to_depth, cptr_t from_root, uint64_t from, uint64_t from_depth,
                   uint64_t rights)
{
    return invoke(to_root, SEL4_CNODE_COPY, CAPS(from_root), WORDS(to, to_depth, from, from_depth, rights), NULL);
}

error_t cnode_mint(cptr_t to_root, uint64_t to, uint64_t to_depth, cptr_t from_root, uint64_t from, uint64_t from_depth,
                   uint64_t rights, uint64_t badge)
{
    return invoke(to_root, SEL4_CNODE_MINT, CAPS(from_root), WORDS(to, to_depth, from, from_depth, rights, badge), NULL);
}

error_t cnode_move(cptr_t to_root, uint64_t to, uint64_t to_depth, cptr_t from_root, uint64_t from, uint64_t from_depth)
{
    return invoke(to_root, SEL4_CNODE_MOVE, CAPS(from_root), WORDS(to, to_depth, from, from_depth), NULL);
}

error_t cnode_delete(cptr_t root, uint64_t index, uint64_t depth)
{
    return invoke(root, SEL4_CNODE_DELETE, NOTHING, WORDS(index, depth), NULL);
}

error_t cnode_revoke(cptr_t root, uint64_t index, uint64_t depth)
{
    return invoke(root, SEL4_CNODE_REVOKE, NOTHING, WORDS(index, depth), NULL);
}

error_t tcb_set_space(cptr_t tcb, cptr_t fault_endpoint, cptr_t cspace, uint64_t cspace_data, cptr_t vspace,
                      uint64_t vspace_data)
{
    return invoke(tcb, SEL4_TCB_SET_SPACE, CAPS(fault_endpoint, cspace, vspace), WORDS(cspace_data, vspace_data), NULL);
}

error_t tcb_set_ipc_buffer(cptr_t tcb, uint64_t vaddr, cptr_t frame)
{
    return invoke(tcb, SEL4_TCB_SET_IPC_BUFFER, CAPS(frame), WORDS(vaddr), NULL);
}

error_t tcb_set_priority(cptr_t tcb, cptr_t authority, uint64_t priority)
{
    return invoke(tcb, SEL4_TCB_SET_PRIORITY, CAPS(authority), WORDS(priority), NULL);
}

error_t tcb_set_mc_priority(cptr_t tcb, cptr_t authority, uint64_t mcp)
{
    return invoke(tcb, SEL4_TCB_SET_MC_PRIORITY, CAPS(authority), WORDS(mcp), NULL);
}

error_t tcb_set_flags(cptr_t tcb, uint64_t clear, uint64_t set)
{
    return invoke(tcb, SEL4_TCB_SET_FLAGS, NOTHING, WORDS(clear, set), NULL);
}

error_t tcb_suspend(cptr_t tcb) { return invoke(tcb, SEL4_TCB_SUSPEND, NOTHING, NOTHING, NULL); }
error_t tcb_resume(cptr_t tcb) { return invoke(tcb, SEL4_TCB_RESUME, NOTHING, NOTHING, NULL); }

error_t tcb_unbind_notification(cptr_t tcb) { return invoke(tcb, SEL4_TCB_UNBIND_NOTIFICATION, NOTHING, NOTHING, NULL); }

error_t tcb_bind_notification(cptr_t tcb, cptr_t notification)
{
    return invoke(tcb, SEL4_TCB_BIND_NOTIFICATION, CAPS(notification), NOTHING, NULL);
}

error_t tcb_write_registers(cptr_t tcb, int resume, unsigned words, const uint64_t *registers)
{
    uint64_t message[2 + SEL4_CONTEXT_WORDS] = {resume != 0, words};

    if (words > SEL4_CONTEXT_WORDS)
        return SEL4_RANGE_ERROR;
    for (unsigned i = 0; i < words; i++)
        message[2 + i] = registers[i];
    return invoke(tcb, SEL4_TCB_WRITE_REGISTERS, NOTHING, 2 + words, message, NULL);
}

error_t tcb_read_registers(cptr_t tcb, int suspend, unsigned words, uint64_t *registers)
{
    struct sel4_message reply;
    error_t error = invoke(tcb, SEL4_TCB_READ_REGISTERS, NOTHING, WORDS(suspend != 0, words), &reply);

    if (!error)
        reply_words(&reply, words, registers);
    return error;
}

error_t sched_control_configure(cptr_t control, cptr_t sc, uint64_t budget_us, uint64_t period_us, uint64_t extra_refills,
                                uint64_t badge, uint64_t flags)
{
    return invoke(control, SEL4_SCHED_CONTROL_CONFIGURE_FLAGS, CAPS(sc),
                  WORDS(budget_us, period_us, extra_refills, badge, flags), NULL);
}

error_t sched_context_bind(cptr_t sc, cptr_t tcb_or_notification)
{
    return invoke(sc, SEL4_SCHED_CONTEXT_BIND, CAPS(tcb_or_notification), NOTHING, NULL);
}

error_t sched_context_unbind(cptr_t sc) { return invoke(sc, SEL4_SCHED_CONTEXT_UNBIND, NOTHING, NOTHING, NULL); }

error_t pdpt_map(cptr_t table, cptr_t vspace, uint64_t vaddr, uint64_t attributes)
{
    return invoke(table, SEL4_X86_PDPT_MAP, CAPS(vspace), WORDS(vaddr, attributes), NULL);
}

error_t page_directory_map(cptr_t table, cptr_t vspace, uint64_t vaddr, uint64_t attributes)
{
    return invoke(table, SEL4_X86_PAGE_DIRECTORY_MAP, CAPS(vspace), WORDS(vaddr, attributes), NULL);
}

error_t page_table_map(cptr_t table, cptr_t vspace, uint64_t vaddr, uint64_t attributes)
{
    return invoke(table, SEL4_X86_PAGE_TABLE_MAP, CAPS(vspace), WORDS(vaddr, attributes), NULL);
}

error_t page_map(cptr_t frame, cptr_t vspace, uint64_t vaddr, uint64_t rights, uint64_t attributes)
{
    return invoke(frame, SEL4_X86_PAGE_MAP, CAPS(vspace), WORDS(vaddr, rights, attributes), NULL);
}

error_t page_unmap(cptr_t frame) { return invoke(frame, SEL4_X86_PAGE_UNMAP, NOTHING, NOTHING, NULL); }

error_t asid_pool_assign(cptr_t pool, cptr_t vspace)
{
    return invoke(pool, SEL4_X86_ASID_POOL_ASSIGN, CAPS(vspace), NOTHING, NULL);
}

/* A bare vector (IPI, doorbell) has no pin. */
error_t irq_control_get(cptr_t control, uint64_t vector, cptr_t root, uint64_t index, uint64_t depth)
{
    return invoke(control, SEL4_IRQ_CONTROL_GET, CAPS(root), WORDS(vector, index, depth), NULL);
}

error_t irq_control_get_ioapic(cptr_t control, cptr_t root, uint64_t index, uint64_t depth, uint64_t ioapic, uint64_t pin,
                               uint64_t level, uint64_t polarity, uint64_t vector)
{
    return invoke(control, SEL4_IRQ_CONTROL_GET_IOAPIC, CAPS(root), WORDS(index, depth, ioapic, pin, level, polarity, vector),
                  NULL);
}

error_t irq_control_get_msi(cptr_t control, cptr_t root, uint64_t index, uint64_t depth, cptr_t range, uint64_t requester, uint64_t vector)
{
    return invoke(control, SEL4_IRQ_CONTROL_GET_MSI, CAPS(root, range),
                  WORDS(index, depth, requester >> 8, requester >> 3 & 31, requester & 7, 0, vector), NULL);
}

error_t irq_handler_message(cptr_t handler, uint64_t *address, uint64_t *data)
{
    struct sel4_message m;
    error_t error = invoke(handler, ATOLL_IRQ_HANDLER_MESSAGE, NOTHING, NOTHING, &m);
    uint64_t words[2];
    reply_words(&m, 2, words);
    *address = words[0];
    *data = words[1];
    return error;
}

error_t irq_handler_set_notification(cptr_t handler, cptr_t notification)
{
    return invoke(handler, SEL4_IRQ_HANDLER_SET_NOTIFICATION, CAPS(notification), NOTHING, NULL);
}

error_t irq_handler_ack(cptr_t handler) { return invoke(handler, SEL4_IRQ_HANDLER_ACK, NOTHING, NOTHING, NULL); }

error_t ioport_control_issue(cptr_t control, uint64_t first, uint64_t last, cptr_t root, uint64_t index, uint64_t depth)
{
    return invoke(control, SEL4_X86_IOPORT_CONTROL_ISSUE, CAPS(root), WORDS(first, last, index, depth), NULL);
}

error_t ioport_in8(cptr_t ports, uint16_t port, uint8_t *value)
{
    struct sel4_message reply;
    error_t error = invoke(ports, SEL4_X86_IOPORT_IN8, NOTHING, WORDS(port), &reply);

    *value = (uint8_t)reply.mr[0];
    return error;
}

error_t ioport_out8(cptr_t ports, uint16_t port, uint8_t value)
{
    return invoke(ports, SEL4_X86_IOPORT_OUT8, NOTHING, WORDS(port, value), NULL);
}

error_t nested_table_map(cptr_t table, cptr_t root, uint64_t address, uint64_t attributes)
{
    return invoke(table, ATOLL_NESTED_TABLE_MAP, CAPS(root), WORDS(address, attributes), NULL);
}

error_t nested_page_map(cptr_t frame, cptr_t root, uint64_t address, uint64_t rights, uint64_t attributes)
{
    return invoke(frame, ATOLL_NESTED_PAGE_MAP, CAPS(root), WORDS(address, rights, attributes), NULL);
}

error_t vcpu_bind(cptr_t vcpu, cptr_t tcb) { return invoke(vcpu, ATOLL_VCPU_BIND, CAPS(tcb), NOTHING, NULL); }

error_t vcpu_set_transfer(cptr_t vcpu, uint64_t exit_class, uint64_t groups_out, uint64_t groups_in)
{
    return invoke(vcpu, ATOLL_VCPU_SET_TRANSFER, NOTHING, WORDS(exit_class, groups_out, groups_in), NULL);
}

error_t vcpu_read(cptr_t vcpu, uint64_t groups, unsigned words, uint64_t *values)
{
    struct sel4_message reply;
    error_t error = invoke(vcpu, ATOLL_VCPU_READ, NOTHING, WORDS(groups), &reply);

    if (!error)
        reply_words(&reply, words, values);
    return error;
}

error_t vcpu_write(cptr_t vcpu, uint64_t groups, unsigned words, const uint64_t *values)
{
    uint64_t message[SEL4_MSG_MAX_LENGTH] = {groups};

    if (words >= SEL4_MSG_MAX_LENGTH)
        return SEL4_RANGE_ERROR;
    for (unsigned i = 0; i < words; i++)
        message[1 + i] = values[i];
    return invoke(vcpu, ATOLL_VCPU_WRITE, NOTHING, 1 + words, message, NULL);
}

error_t vcpu_interrupt(cptr_t vcpu, uint64_t event, int *accepted)
{
    struct sel4_message reply;
    error_t error = invoke(vcpu, ATOLL_VCPU_INTERRUPT, NOTHING, WORDS(event), &reply);

    *accepted = !error && reply.mr[0] == 1;
    return error;
}

error_t vcpu_set_timer(cptr_t vcpu, cptr_t notification, uint64_t tsc_deadline)
{
    if (!notification)
        return invoke(vcpu, ATOLL_VCPU_SET_TIMER, NOTHING, WORDS(0), NULL);
    return invoke(vcpu, ATOLL_VCPU_SET_TIMER, CAPS(notification), WORDS(tsc_deadline), NULL);
}

error_t vcpu_counters(cptr_t vcpu, unsigned classes, uint64_t *counts)
{
    struct sel4_message reply;
    error_t error = invoke(vcpu, ATOLL_VCPU_COUNTERS, NOTHING, NOTHING, &reply);

    if (!error)
        reply_words(&reply, classes, counts);
    return error;
}

void sel4_debug_name_thread(cptr_t tcb, const char *name)
{
    struct sel4_message m = {0};
    char *to = (char *)sel4_ipc_buffer->msg;
    size_t n = strlen(name);

    if (n > 31)
        n = 31;
    memcpy(to, name, n);
    to[n] = '\0';
    sel4_syscall(SEL4_SYS_DEBUG_NAME_THREAD, tcb, &m, 0, 0);
}

error_t io_table_map(cptr_t table, cptr_t space, uint64_t address)
{
    return invoke(table, ATOLL_IO_TABLE_MAP, CAPS(space), WORDS(address), NULL);
}

error_t io_page_map(cptr_t frame, cptr_t space, uint64_t address, uint64_t rights)
{
    return invoke(frame, ATOLL_IO_PAGE_MAP, CAPS(space), WORDS(address, rights), NULL);
}

error_t requesters_bind(cptr_t range, cptr_t space, uint64_t requester)
{
    return invoke(range, ATOLL_REQUESTERS_BIND, CAPS(space), WORDS(requester), NULL);
}

error_t requesters_unbind(cptr_t range, uint64_t requester)
{
    return invoke(range, ATOLL_REQUESTERS_UNBIND, NOTHING, WORDS(requester), NULL);
}

error_t requesters_divide(cptr_t range, cptr_t root, uint64_t index, uint64_t depth, uint64_t first, uint64_t last)
{
    return invoke(range, ATOLL_REQUESTERS_DIVIDE, CAPS(root), WORDS(index, depth, first, last), NULL);
}

/* Dividing off nothing (first 1, last 0) is always refused, and the refusal says what there is (manual, "Errors": RangeError). */
error_t requesters_range(cptr_t range, cptr_t root, uint64_t *first, uint64_t *last)
{
    struct sel4_message m;
    error_t error = invoke(range, ATOLL_REQUESTERS_DIVIDE, CAPS(root), WORDS(0, 0, 1, 0), &m);

    *first = m.mr[0];
    *last = m.mr[1];
    return error == SEL4_RANGE_ERROR ? SEL4_NO_ERROR : error ? error : SEL4_ILLEGAL_OPERATION;
}

error_t requesters_take_fault(cptr_t range, struct requesters_fault *fault)
{
    struct sel4_message m;
    error_t error = invoke(range, ATOLL_REQUESTERS_FAULT, NOTHING, NOTHING, &m);
    uint64_t words[6];
    reply_words(&m, 6, words);
    *fault = (struct requesters_fault){words[0], words[1], words[2], words[3], words[4], words[5]};
    return error;
}

error_t page_get_address(cptr_t frame, uint64_t *paddr)
{
    struct sel4_message m;
    error_t error = invoke(frame, SEL4_X86_PAGE_GET_ADDRESS, NOTHING, NOTHING, &m);
    reply_words(&m, 1, paddr);
    return error;
}

error_t channel_send(cptr_t channel, cptr_t thing)
{
    return invoke(channel, ATOLL_CHANNEL_SEND, CAPS(thing), NOTHING, NULL);
}

error_t channel_receive(cptr_t channel, cptr_t root, uint64_t index, uint64_t depth, struct channel_thing *thing)
{
    struct sel4_message m;
    error_t error = invoke(channel, ATOLL_CHANNEL_RECEIVE, CAPS(root), WORDS(index, depth), &m);
    uint64_t words[3];
    reply_words(&m, 3, words);
    *thing = (struct channel_thing){words[0], words[1], words[2]};
    return error;
}

const char *sel4_error_name(error_t error)
{
    static const char *const names[] = {"no error", "invalid argument", "invalid capability", "illegal operation",
                                        "range error", "alignment error", "failed lookup", "truncated message",
                                        "delete first", "revoke first", "not enough memory"};
    if (error < 0 || (unsigned)error >= sizeof names / sizeof names[0])
        return "unknown error";
    return names[error];
}
