/* Exceptions and interrupts, the C side. */
#include <machine.h>
#include "../core.h"
#include "../state.h"
#include "irq.h"
#include "timer.h"
#include "trap.h"

#define PAGE_FAULT_FETCH BIT(4) /* APM vol 2, 8.4.2 */

void trap_interrupt(word_t vector)
{
    if (vector == VECTOR_TIMER)
        timer_interrupt();
    else if (vector == VECTOR_SPURIOUS)
        lapic_spurious();
    else
        irq_interrupt(vector);
}

/* seL4's messages carry the x86 vector and error code. A thread without the FPU gets its #NM like any other exception. */
void trap_from_user(word_t vector, word_t error_code)
{
    if (vector >= 32)
        trap_interrupt(vector);
    else if (vector == VECTOR_PAGE_FAULT)
        handle_vm_fault(read_cr2(), error_code & PAGE_FAULT_FETCH, error_code);
    else
        handle_user_exception(vector, error_code);
}

/* An exception inside the kernel, or an NMI or machine check anywhere: nothing of ours raises either on purpose, so it is broken
 * hardware or a broken kernel. This instance stops; the others go on. */
void trap_emergency_report(const struct trap_frame *f)
{
    machine_last_words();
    log_printf("registers: rip %lx cs %lx rflags %lx rsp %lx cr2 %lx cr3 %lx\n", f->rip, f->cs, f->rflags, f->rsp, read_cr2(),
               read_cr3());
    log_printf("registers: rax %lx rbx %lx rcx %lx rdx %lx rsi %lx rdi %lx rbp %lx\n", f->rax, f->rbx, f->rcx, f->rdx, f->rsi,
               f->rdi, f->rbp);
    log_printf("registers: r8 %lx r9 %lx r10 %lx r11 %lx r12 %lx r13 %lx r14 %lx r15 %lx\n", f->r8, f->r9, f->r10, f->r11, f->r12,
               f->r13, f->r14, f->r15);
    if (f->vector == VECTOR_NMI)
        panic("non-maskable interrupt: the hardware reports an error");
    if (f->vector == VECTOR_MACHINE_CHECK)
        panic("machine check: the hardware reports an error");
    panic("exception %lu (error code %lx) in the kernel at %lx", f->vector, f->error_code, f->rip);
}
