/* System calls and invocations, as user level makes them (seL4 MCS, x86-64; manual, chapter 2 and appendix A).
 *
 * Registers: rdx number, rdi capability or badge, rsi message information, r10 r8 r9 r15 the first four message words,
 * r12 reply capability, r13 destination of the two-capability calls. SYSCALL costs rcx and r11; rbx keeps rsp, as the interface
 * lets a kernel lose it. Further words travel in the IPC buffer.
 */
#pragma once
#include <stdint.h>
#include <sel4/abi.h>

typedef uint64_t cptr_t;
typedef int error_t; /* SEL4_NO_ERROR or another SEL4_ error code */

struct sel4_ipc_buffer {
    uint64_t tag;
    uint64_t msg[SEL4_MSG_MAX_LENGTH];
    uint64_t user_data;
    uint64_t caps_or_badges[SEL4_MSG_MAX_EXTRA_CAPS];
    uint64_t receive_cnode, receive_index, receive_depth;
};
_Static_assert(sizeof(struct sel4_ipc_buffer) == 1u << SEL4_IPC_BUFFER_BITS, "manual, IPC buffer layout");

/* This thread's IPC buffer: COMPONENT_IPC_VA (start.S), or what the boot information says (root_start.S). */
extern struct sel4_ipc_buffer *sel4_ipc_buffer;

/* A message's register part. */
struct sel4_message {
    uint64_t badge; /* received: of the capability that was used, or the notification's word */
    uint64_t info;
    uint64_t mr[SEL4_MSG_REGISTERS];
};

static inline uint64_t sel4_info(uint64_t label, uint64_t extra_caps, uint64_t length)
{
    return label << SEL4_MSG_LABEL_SHIFT | extra_caps << SEL4_MSG_EXTRA_SHIFT | length;
}
static inline uint64_t sel4_info_label(uint64_t info) { return info >> SEL4_MSG_LABEL_SHIFT; }
static inline uint64_t sel4_info_length(uint64_t info) { return info & 0x7f; }

#define SEL4_INLINE static inline __attribute__((always_inline))

/* Every system call in one place; m is sent where the call sends and overwritten where it receives. */
SEL4_INLINE void sel4_syscall(int64_t number, cptr_t cptr, struct sel4_message *m, cptr_t reply, cptr_t destination)
{
    register uint64_t r10 __asm__("r10") = m->mr[0];
    register uint64_t r8 __asm__("r8") = m->mr[1];
    register uint64_t r9 __asm__("r9") = m->mr[2];
    register uint64_t r15 __asm__("r15") = m->mr[3];
    register uint64_t r12 __asm__("r12") = reply;
    register uint64_t r13 __asm__("r13") = destination;
    uint64_t rdi = cptr, rsi = m->info;
    __asm__ volatile("mov %%rsp, %%rbx\n\tsyscall\n\tmov %%rbx, %%rsp"
                     : "+D"(rdi), "+S"(rsi), "+r"(r10), "+r"(r8), "+r"(r9), "+r"(r15)
                     : "d"(number), "r"(r12), "r"(r13)
                     : "rbx", "rcx", "r11", "memory");
    m->badge = rdi;
    m->info = rsi;
    m->mr[0] = r10;
    m->mr[1] = r8;
    m->mr[2] = r9;
    m->mr[3] = r15;
}

SEL4_INLINE void sel4_call(cptr_t cptr, struct sel4_message *m) { sel4_syscall(SEL4_SYS_CALL, cptr, m, 0, 0); }
SEL4_INLINE void sel4_recv(cptr_t from, cptr_t reply, struct sel4_message *m)
{
    sel4_syscall(SEL4_SYS_RECV, from, m, reply, 0);
}
SEL4_INLINE void sel4_nbrecv(cptr_t from, cptr_t reply, struct sel4_message *m)
{
    sel4_syscall(SEL4_SYS_NBRECV, from, m, reply, 0);
}
/* Answer the caller held by `reply` with m, then receive from `from` into m. */
SEL4_INLINE void sel4_reply_recv(cptr_t from, cptr_t reply, struct sel4_message *m)
{
    sel4_syscall(SEL4_SYS_REPLY_RECV, from, m, reply, 0);
}
/* Send m to `to` if somebody waits there, then receive from `from` into m. */
SEL4_INLINE void sel4_nbsend_recv(cptr_t to, cptr_t from, cptr_t reply, struct sel4_message *m)
{
    sel4_syscall(SEL4_SYS_NBSEND_RECV, from, m, reply, to);
}
SEL4_INLINE void sel4_send(cptr_t to, struct sel4_message m) { sel4_syscall(SEL4_SYS_SEND, to, &m, 0, 0); }
SEL4_INLINE void sel4_nbsend(cptr_t to, struct sel4_message m) { sel4_syscall(SEL4_SYS_NBSEND, to, &m, 0, 0); }
SEL4_INLINE void sel4_signal(cptr_t notification) /* also IPI capabilities */
{
    struct sel4_message m = {0};
    sel4_syscall(SEL4_SYS_SEND, notification, &m, 0, 0);
}
SEL4_INLINE uint64_t sel4_wait(cptr_t notification)
{
    struct sel4_message m = {0};
    sel4_syscall(SEL4_SYS_WAIT, notification, &m, 0, 0);
    return m.badge;
}
SEL4_INLINE uint64_t sel4_poll(cptr_t notification) /* 0: nothing was signalled */
{
    struct sel4_message m = {0};
    sel4_syscall(SEL4_SYS_NBWAIT, notification, &m, 0, 0);
    return m.badge;
}
SEL4_INLINE void sel4_yield(void)
{
    struct sel4_message m = {0};
    sel4_syscall(SEL4_SYS_YIELD, 0, &m, 0, 0);
}
SEL4_INLINE void sel4_debug_put_char(char c) /* debug kernels */
{
    struct sel4_message m = {0};
    sel4_syscall(SEL4_SYS_DEBUG_PUT_CHAR, (unsigned char)c, &m, 0, 0);
}
SEL4_INLINE void sel4_debug_halt(void) /* debug kernels: this node's kernel panics */
{
    struct sel4_message m = {0};
    sel4_syscall(SEL4_SYS_DEBUG_HALT, 0, &m, 0, 0);
}
SEL4_INLINE void sel4_debug_snapshot(void) /* debug kernels, init only: the kernel prints what all threads hold */
{
    struct sel4_message m = {0};
    sel4_syscall(SEL4_SYS_DEBUG_SNAPSHOT, 0, &m, 0, 0);
}
void sel4_debug_name_thread(cptr_t tcb, const char *name);

/* Invocations. Arguments in the manual's order; a slot in the own CSpace is named by (root, index, depth). */
error_t untyped_retype(cptr_t untyped, uint64_t type, uint64_t size_bits, cptr_t root, uint64_t node_index,
                       uint64_t node_depth, uint64_t node_offset, uint64_t count);
error_t cnode_copy(cptr_t to_root, uint64_t to, uint64_t to_depth, cptr_t from_root, uint64_t from, uint64_t from_depth,
                   uint64_t rights);
error_t cnode_mint(cptr_t to_root, uint64_t to, uint64_t to_depth, cptr_t from_root, uint64_t from, uint64_t from_depth,
                   uint64_t rights, uint64_t badge);
error_t cnode_move(cptr_t to_root, uint64_t to, uint64_t to_depth, cptr_t from_root, uint64_t from, uint64_t from_depth);
error_t cnode_delete(cptr_t root, uint64_t index, uint64_t depth);
error_t cnode_revoke(cptr_t root, uint64_t index, uint64_t depth);

error_t tcb_set_space(cptr_t tcb, cptr_t fault_endpoint, cptr_t cspace, uint64_t cspace_data, cptr_t vspace,
                      uint64_t vspace_data);
error_t tcb_set_ipc_buffer(cptr_t tcb, uint64_t vaddr, cptr_t frame);
error_t tcb_set_priority(cptr_t tcb, cptr_t authority, uint64_t priority);
error_t tcb_set_mc_priority(cptr_t tcb, cptr_t authority, uint64_t mcp);
error_t tcb_set_flags(cptr_t tcb, uint64_t clear, uint64_t set);
error_t tcb_suspend(cptr_t tcb);
error_t tcb_resume(cptr_t tcb);
error_t tcb_bind_notification(cptr_t tcb, cptr_t notification);
error_t tcb_unbind_notification(cptr_t tcb);
/* `words` registers in seL4_UserContext order (sel4/abi.h, SEL4_CONTEXT_WORDS). */
error_t tcb_write_registers(cptr_t tcb, int resume, unsigned words, const uint64_t *registers);
error_t tcb_read_registers(cptr_t tcb, int suspend, unsigned words, uint64_t *registers);

error_t sched_control_configure(cptr_t control, cptr_t sc, uint64_t budget_us, uint64_t period_us, uint64_t extra_refills,
                                uint64_t badge, uint64_t flags);
error_t sched_context_bind(cptr_t sc, cptr_t tcb_or_notification);
error_t sched_context_unbind(cptr_t sc);

error_t pdpt_map(cptr_t table, cptr_t vspace, uint64_t vaddr, uint64_t attributes);
error_t page_directory_map(cptr_t table, cptr_t vspace, uint64_t vaddr, uint64_t attributes);
error_t page_table_map(cptr_t table, cptr_t vspace, uint64_t vaddr, uint64_t attributes);
error_t page_map(cptr_t frame, cptr_t vspace, uint64_t vaddr, uint64_t rights, uint64_t attributes);
error_t page_unmap(cptr_t frame);
error_t asid_pool_assign(cptr_t pool, cptr_t vspace);

error_t irq_control_get(cptr_t control, uint64_t vector, cptr_t root, uint64_t index, uint64_t depth);
error_t irq_control_get_ioapic(cptr_t control, cptr_t root, uint64_t index, uint64_t depth, uint64_t ioapic, uint64_t pin,
                               uint64_t level, uint64_t polarity, uint64_t vector);
/* A message of the function `requester`, inside `range`; then what to program into the function. */
error_t irq_control_get_msi(cptr_t control, cptr_t root, uint64_t index, uint64_t depth, cptr_t range, uint64_t requester, uint64_t vector);
error_t irq_handler_message(cptr_t handler, uint64_t *address, uint64_t *data);
error_t irq_handler_set_notification(cptr_t handler, cptr_t notification);
error_t irq_handler_ack(cptr_t handler);

error_t ioport_control_issue(cptr_t control, uint64_t first, uint64_t last, cptr_t root, uint64_t index, uint64_t depth);
error_t ioport_in8(cptr_t ports, uint16_t port, uint8_t *value);
error_t ioport_out8(cptr_t ports, uint16_t port, uint8_t value);

/* Atoll's own, see <atoll/vcpu.h>. */
error_t nested_table_map(cptr_t table, cptr_t root, uint64_t address, uint64_t attributes);
error_t nested_page_map(cptr_t frame, cptr_t root, uint64_t address, uint64_t rights, uint64_t attributes);
error_t vcpu_bind(cptr_t vcpu, cptr_t tcb);
error_t vcpu_set_transfer(cptr_t vcpu, uint64_t exit_class, uint64_t groups_out, uint64_t groups_in);
error_t vcpu_read(cptr_t vcpu, uint64_t groups, unsigned words, uint64_t *values);
error_t vcpu_write(cptr_t vcpu, uint64_t groups, unsigned words, const uint64_t *values);
error_t vcpu_interrupt(cptr_t vcpu, uint64_t event, int *accepted);
error_t vcpu_set_timer(cptr_t vcpu, cptr_t notification, uint64_t tsc_deadline); /* notification 0: timer off */
error_t vcpu_counters(cptr_t vcpu, unsigned classes, uint64_t *counts);

/* Device address spaces, see <sel4/abi.h>. A requester ID is bus << 8 | device << 3 | function. */
struct requesters_fault { uint64_t there, requester, address, reason, lost, overflows; };
#define FAULT_USER_VECTOR 107 /* signalled when there are new ones */
error_t io_table_map(cptr_t table, cptr_t space, uint64_t address);
error_t io_page_map(cptr_t frame, cptr_t space, uint64_t address, uint64_t rights);
error_t requesters_bind(cptr_t range, cptr_t space, uint64_t requester);
error_t requesters_unbind(cptr_t range, uint64_t requester);
error_t requesters_divide(cptr_t range, cptr_t root, uint64_t index, uint64_t depth, uint64_t first, uint64_t last);
/* Which requester IDs are these? `root`: a CNode, any. */
error_t requesters_range(cptr_t range, cptr_t root, uint64_t *first, uint64_t *last);
error_t requesters_take_fault(cptr_t range, struct requesters_fault *fault);
error_t page_get_address(cptr_t frame, uint64_t *paddr);

/* Node channels, see <atoll/channel.h>. */
error_t channel_send(cptr_t channel, cptr_t thing);
struct channel_thing { uint64_t kind, value, size_bits; }; /* as in a record; kind CHANNEL_NOTHING: nothing was there */
error_t channel_receive(cptr_t channel, cptr_t root, uint64_t index, uint64_t depth, struct channel_thing *thing);

const char *sel4_error_name(error_t error);
