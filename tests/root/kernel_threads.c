/* What a thread sees of system calls: its registers, its faults, its TCB, its floating point. */
#include "kernel.h"

/* ---- registers ---- */

/* Loads a pattern into every register that a system call must keep, makes the call `number` on `cptr` with message information `info`,
 * and counts those that changed. rdi, rsi, r8 to r10 and r15 are looked at if the call sends only. */
uint64_t registers_changed(int64_t number, cptr_t cptr, uint64_t info, uint64_t sends);
__asm__(".text\n"
        "registers_changed:\n"
        "push %rbx\npush %rbp\npush %r12\npush %r13\npush %r14\npush %r15\n"
        "push %rcx\npush %rdi\npush %rsi\npush %rdx\n"
        "mov (%rsp), %rsi\nmov 8(%rsp), %rdi\nmov 16(%rsp), %rdx\n"
        "mov $0x1111, %eax\nmov $0x3333, %ebp\nmov $0x4444, %r12d\nmov $0x5555, %r13d\nmov $0x6666, %r14d\n"
        "mov $0x8888, %r8d\nmov $0x9999, %r9d\nmov $0xaaaa, %r10d\nmov $0xffff, %r15d\nxor %r12d, %r12d\n"
        "mov %rsp, %rbx\n"
        "syscall\n"
        "xor %ecx, %ecx\n"
        "cmp %rsp, %rbx\nje 1f\nmov %rbx, %rsp\n1:\n"
        ".macro keeps reg, value\ncmp \\value, \\reg\nje 2f\ninc %ecx\n2:\n.endm\n"
        "keeps %rax, $0x1111\nkeeps %rbp, $0x3333\nkeeps %r12, $0\nkeeps %r13, $0x5555\nkeeps %r14, $0x6666\n"
        "mov 16(%rsp), %r11\nkeeps %rdx, %r11\n"
        "cmpq $0, 24(%rsp)\nje 3f\n"
        "keeps %r8, $0x8888\nkeeps %r9, $0x9999\nkeeps %r10, $0xaaaa\nkeeps %r15, $0xffff\n"
        "mov (%rsp), %r11\nkeeps %rsi, %r11\nmov 8(%rsp), %r11\nkeeps %rdi, %r11\n"
        "3:\nmov %rcx, %rax\nadd $32, %rsp\n"
        "pop %r15\npop %r14\npop %r13\npop %r12\npop %rbp\npop %rbx\nret\n");

void group_registers(void)
{
    cptr_t notification = make(SEL4_NOTIFICATION, 0), empty = next_slot;
    static const struct {
        int64_t number;
        int sends, waits;
        const char *what;
    } calls[] = {{SEL4_SYS_SEND, 1, 0, "Send keeps all registers"}, {SEL4_SYS_NBSEND, 1, 0, "NBSend keeps all registers"},
                 {SEL4_SYS_CALL, 0, 0, "Call keeps the others"}, {SEL4_SYS_NBWAIT, 0, 1, "NBWait keeps the others"},
                 {SEL4_SYS_WAIT, 0, 1, "Wait keeps the others"}, {SEL4_SYS_RECV, 0, 1, "Recv keeps the others"},
                 {SEL4_SYS_NBRECV, 0, 1, "NBRecv keeps the others"}, {SEL4_SYS_YIELD, 0, 0, "Yield keeps the others"}};
    for (unsigned i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        if (calls[i].waits)
            sel4_signal(notification);
        claim(registers_changed(calls[i].number, calls[i].waits ? notification : empty, 0, (uint64_t)calls[i].sends) == 0, calls[i].what);
    }
    claim(registers_changed(SEL4_SYS_SEND, notification, 0, 1) == 0, "Signal keeps all registers");
    sel4_poll(notification);
    struct sel4_message m = {.info = sel4_info(5, 0, 0)};
    sel4_call(empty, &m);
    claim(sel4_info_label(m.info) == SEL4_INVALID_CAPABILITY, "Call of an empty slot: invalid capability");
    m.info = 0;
    sel4_call(ROOT, &m);
    claim(sel4_info_label(m.info) == SEL4_ILLEGAL_OPERATION, "a label that the object does not know: illegal operation");
    drop(notification);
}

/* ---- faults ---- */

extern const char fault_read[], fault_read_end[], fault_opcode[], fault_syscall[], fault_syscall_end[], fault_send[], fault_recv[], fault_in[];
static volatile uint64_t fault_survived;
void fault_next(uint64_t);
__asm__(".text\n"
        "fault_read: mov 0x10, %al\nfault_read_end: mov %rax, %rdi\ncall fault_next\n"
        "fault_opcode: ud2\n"
        "fault_syscall: mov $0xc1, %rdx\nmov $0x77, %r14\nsyscall\nfault_syscall_end: mov %rax, %rdi\ncall fault_next\n"
        "fault_send: mov $-5, %rdx\nmov $0xfffff0000, %rdi\nxor %esi, %esi\nsyscall\nxor %edi, %edi\ncall fault_next\n"
        "fault_recv: mov $-9, %rdx\nmov $0xfffff0000, %rdi\nsyscall\nxor %edi, %edi\ncall fault_next\n"
        "fault_in: in $0x60, %al\n");

void fault_next(uint64_t value) /* where a survivor ends */
{
    fault_survived = value;
    for (;;)
        sel4_wait(0); /* an empty slot: faults, and stops there */
}

/* A thread that begins at `code`; its first fault message. */
static struct thread *faulter(const char *code, cptr_t endpoint, cptr_t reply, struct sel4_message *m)
{
    struct thread *t = thread_make(NULL, 0, 120, mint(endpoint, SEL4_ALL_RIGHTS, 0x55));
    uint64_t ip = (uint64_t)code;
    fault_survived = ~0ull;
    must(tcb_write_registers(t->tcb, 1, 1, &ip), "start");
    sel4_recv(endpoint, reply, m);
    return t;
}

void group_faults(void)
{
    cptr_t endpoint = make(SEL4_ENDPOINT, 0), reply = make(SEL4_REPLY, 0);
    struct sel4_message m = {0};
    faulter(fault_read, endpoint, reply, &m);
    claim(sel4_info_label(m.info) == SEL4_FAULT_VM && m.badge == 0x55, "a read of unmapped memory is a VM fault, by the handler's badge");
    claim(m.mr[0] == (uint64_t)fault_read && m.mr[1] == 0x10 && m.mr[2] == 0, "it says where, at which address, and that it was no fetch");
    threads_end();

    struct thread *t = faulter(fault_opcode, endpoint, reply, &m);
    claim(sel4_info_label(m.info) == SEL4_FAULT_USER_EXCEPTION && m.mr[0] == (uint64_t)fault_opcode && m.mr[3] == 6,
          "an undefined instruction is a user exception, number 6");
    uint64_t sp = m.mr[1], flags = m.mr[2];
    m = (struct sel4_message){.info = sel4_info(0, 0, 3), .mr = {(uint64_t)fault_read_end, sp, flags}};
    sel4_reply_recv(endpoint, reply, &m); /* it goes on elsewhere, and then waits on an empty slot */
    claim(fault_survived != ~0ull, "the reply moves it on");
    claim(sel4_info_label(m.info) == SEL4_FAULT_CAP && m.mr[1] == 0 && m.mr[2] == 1 && m.mr[3] == SEL4_LOOKUP_MISSING,
          "Wait on an empty slot is a capability fault in the receive phase: missing capability");
    (void)t;
    threads_end();

    faulter(fault_opcode, endpoint, reply, &m);
    m.info = sel4_info(1, 0, 0);
    sel4_send(reply, m);
    claim(fault_survived == ~0ull, "a reply with a label leaves it stopped");
    threads_end();

    faulter(fault_syscall, endpoint, reply, &m);
    claim(sel4_info_label(m.info) == SEL4_FAULT_UNKNOWN_SYSCALL && sel4_info_length(m.info) == 19, "an unknown system call is a fault of 19 words");
    claim(sel4_ipc_buffer->msg[13] == 0x77 && sel4_ipc_buffer->msg[18] == 0xc1, "with the registers and the number");
    claim(sel4_ipc_buffer->msg[15] == (uint64_t)fault_syscall_end - 2, "and where the instruction is");
    m.mr[0] = 0x1234; /* rax */
    sel4_ipc_buffer->msg[15] += 2;
    m.info = sel4_info(0, 0, 16);
    sel4_reply_recv(endpoint, reply, &m);
    claim(fault_survived == 0x1234, "the reply sets its registers");
    threads_end();

    faulter(fault_send, endpoint, reply, &m);
    claim(sel4_info_label(m.info) == SEL4_FAULT_CAP && m.mr[1] == 0xfffff0000 && m.mr[2] == 0, "Send to an address beyond the CSpace is a capability fault in the send phase");
    claim(m.mr[3] == SEL4_LOOKUP_GUARD_MISMATCH, "it says that the guard did not match");
    threads_end();
    faulter(fault_recv, endpoint, reply, &m);
    claim(sel4_info_label(m.info) == SEL4_FAULT_CAP && m.mr[2] == 1, "Wait there: in the receive phase");
    threads_end();
    faulter(fault_in, endpoint, reply, &m);
    claim(sel4_info_label(m.info) == SEL4_FAULT_USER_EXCEPTION && m.mr[3] == 13, "a port instruction is exception 13");
    threads_end();
    drop(endpoint);
    drop(reply);
}

/* ---- TCB ---- */

static volatile uint64_t counter, stop;
static void count(uint64_t unused)
{
    (void)unused;
    while (!stop)
        counter++;
}

static volatile uint64_t tls_seen;
static void read_tls(uint64_t unused)
{
    (void)unused;
    uint64_t value;
    __asm__ volatile("mov %%fs:0, %0" : "=r"(value));
    tls_seen = value;
}

void group_tcb(void)
{
    uint64_t registers[SEL4_CONTEXT_WORDS], back[SEL4_CONTEXT_WORDS];
    struct thread *t = thread_make(count, 0, 90, 0);
    for (unsigned i = 0; i < SEL4_CONTEXT_WORDS; i++)
        registers[i] = 0x1000 + i;
    registers[2] = 0xffffffffffffffff;
    must(tcb_write_registers(t->tcb, 0, SEL4_CONTEXT_WORDS, registers), "write");
    must(tcb_read_registers(t->tcb, 0, SEL4_CONTEXT_WORDS, back), "read");
    int same = 1;
    for (unsigned i = 0; i < SEL4_CONTEXT_WORDS; i++)
        same &= i == 2 || back[i] == registers[i];
    claim(same, "registers read back as written");
    claim((back[2] & 0x3000) == 0 && (back[2] & 0x202) == 0x202, "but RFLAGS: no I/O privilege, interrupts on");
    REFUSED(SEL4_ILLEGAL_OPERATION, SEL4_CAP_INIT_TCB, SEL4_TCB_READ_REGISTERS, CAPS(), WORDS(0, 3), "one's own registers are not read");
    REFUSED(SEL4_ILLEGAL_OPERATION, SEL4_CAP_INIT_TCB, SEL4_TCB_WRITE_REGISTERS, CAPS(), WORDS(0, 1, 0), "nor written");
    REFUSED(SEL4_RANGE_ERROR, t->tcb, SEL4_TCB_READ_REGISTERS, CAPS(), WORDS(0, 21), "21 registers are out of range");
    REFUSED(SEL4_TRUNCATED_MESSAGE, t->tcb, SEL4_TCB_WRITE_REGISTERS, CAPS(), WORDS(0, 3, 0), "fewer words than announced: truncated");
    struct thread *u = thread_make(count, 0, 90, 0);
    must(invoke(u->tcb, SEL4_TCB_COPY_REGISTERS, CAPS(t->tcb), WORDS(4 | 8)), "copy");
    must(tcb_read_registers(u->tcb, 0, SEL4_CONTEXT_WORDS, back), "read");
    claim(back[0] == registers[0] && back[17] == registers[17] && back[18] == registers[18], "CopyRegisters copies both halves");
    REFUSED(SEL4_INVALID_CAPABILITY, t->tcb, SEL4_TCB_COPY_REGISTERS, CAPS(ROOT), WORDS(4), "from something that is no thread: invalid capability");
    REFUSED(SEL4_RANGE_ERROR, t->tcb, SEL4_TCB_SET_PRIORITY, CAPS(SEL4_CAP_INIT_TCB), WORDS(256), "a priority above the authority's MCP: range error");
    REFUSED(SEL4_INVALID_CAPABILITY, t->tcb, SEL4_TCB_SET_PRIORITY, CAPS(ROOT), WORDS(1), "an authority that is no thread: invalid capability");
    must(tcb_set_mc_priority(u->tcb, SEL4_CAP_INIT_TCB, 50), "set MCP");
    REFUSED(SEL4_RANGE_ERROR, t->tcb, SEL4_TCB_SET_PRIORITY, CAPS(u->tcb), WORDS(51), "the authority's MCP counts, not the caller's");
    REFUSED(SEL4_RANGE_ERROR, t->tcb, SEL4_TCB_SET_MC_PRIORITY, CAPS(u->tcb), WORDS(51), "for MCPs, too");
    REFUSED(SEL4_ILLEGAL_OPERATION, t->tcb, SEL4_TCB_SET_SPACE, CAPS(0, t->tcb, SEL4_CAP_INIT_VSPACE), WORDS(0, 0), "a CSpace that is no CNode: illegal operation");
    REFUSED(SEL4_ILLEGAL_OPERATION, t->tcb, SEL4_TCB_SET_SPACE, CAPS(0, ROOT, ROOT), WORDS(0, 0), "a VSpace that is no address space: illegal operation");
    REFUSED(SEL4_INVALID_CAPABILITY, t->tcb, SEL4_TCB_SET_SPACE, CAPS(t->tcb, ROOT, SEL4_CAP_INIT_VSPACE), WORDS(0, 0), "a fault handler that is no endpoint");
    REFUSED(SEL4_ALIGNMENT_ERROR, t->tcb, SEL4_TCB_SET_IPC_BUFFER, CAPS(t->buffer_frame), WORDS((uint64_t)t->buffer + 8), "an IPC buffer across its alignment");
    REFUSED(SEL4_TRUNCATED_MESSAGE, t->tcb, SEL4_TCB_CONFIGURE, CAPS(ROOT), WORDS(0, 0, 0), "Configure without its capabilities: truncated");
    claim_error(invoke(t->tcb, SEL4_TCB_CONFIGURE, CAPS(ROOT, SEL4_CAP_INIT_VSPACE, t->buffer_frame), WORDS(0, 0, (uint64_t)t->buffer)), SEL4_NO_ERROR, "Configure sets all three");

    threads_end();
    counter = stop = 0;
    t = thread_make(count, 0, 100, 0);
    thread_start(t);
    sel4_yield();
    claim(counter != 0, "a resumed thread of the same priority runs when its turn comes");
    must(tcb_suspend(t->tcb), "suspend");
    uint64_t was = counter;
    sel4_yield();
    claim(counter == was, "a suspended one does not");
    must(tcb_resume(t->tcb), "resume");
    sel4_yield();
    claim(counter != was, "and goes on when resumed");
    threads_end();

    static uint64_t tls = 0xfeedull;
    t = thread_make(read_tls, 0, 120, 0);
    must(invoke(t->tcb, SEL4_TCB_SET_TLS_BASE, CAPS(), WORDS((uint64_t)&tls)), "set a TLS base");
    thread_start(t);
    claim(tls_seen == 0xfeed, "a thread finds its thread-local storage");
}

/* ---- floating point ---- */

static volatile uint64_t fpu_lost, fpu_rounds;
static void fpu_keep(uint64_t pattern)
{
    for (unsigned i = 0; i < 50; i++) {
        uint64_t back;
        __asm__ volatile("movq %0, %%xmm3" : : "r"(pattern + i) : );
        sel4_yield();
        __asm__ volatile("movq %%xmm3, %0" : "=r"(back));
        fpu_lost += back != pattern + i;
        fpu_rounds++;
    }
}

void group_fpu(void)
{
    fpu_lost = fpu_rounds = 0;
    for (unsigned i = 0; i < 3; i++)
        thread_start(thread_make(fpu_keep, 0x1000 * (i + 1), 100, 0));
    while (fpu_rounds < 150)
        sel4_yield();
    claim(fpu_lost == 0, "three threads keep their SSE registers over 150 switches");
    threads_end();
    cptr_t endpoint = make(SEL4_ENDPOINT, 0), reply = make(SEL4_REPLY, 0);
    struct sel4_message m = {0};
    struct thread *t = thread_make(fpu_keep, 0x77, 120, endpoint);
    must(invoke(t->tcb, SEL4_TCB_SET_FLAGS, CAPS(), WORDS(0, SEL4_TCB_FLAG_FPU_DISABLED)), "disable the FPU");
    claim(answer.mr[0] == SEL4_TCB_FLAG_FPU_DISABLED, "SetFlags answers with the flags");
    thread_start(t);
    sel4_recv(endpoint, reply, &m);
    claim(sel4_info_label(m.info) == SEL4_FAULT_USER_EXCEPTION && m.mr[3] == 7, "without the FPU its first use is exception 7");
    must(tcb_set_flags(t->tcb, SEL4_TCB_FLAG_FPU_DISABLED, 0), "enable the FPU");
    fpu_rounds = 0;
    m.info = 0;
    sel4_send(reply, m);
    while (fpu_rounds < 50)
        sel4_yield();
    claim(fpu_lost == 0, "enabled again it goes on");
    drop(endpoint);
    drop(reply);
}
