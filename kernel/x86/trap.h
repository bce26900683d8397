/* Exceptions: entry.S' labels and the C side's entries. */
#pragma once
#include "../types.h"

/* Exception vectors (APM vol 2, 8.2). */
#define VECTOR_DEBUG 1
#define VECTOR_NMI 2
#define VECTOR_DEVICE_NOT_AVAILABLE 7
#define VECTOR_DOUBLE_FAULT 8
#define VECTOR_PAGE_FAULT 14
#define VECTOR_ALIGNMENT_CHECK 17
#define VECTOR_MACHINE_CHECK 18

/* The local APIC's own vectors; those for devices and IPIs are 0x30..0x9b (irq.h). */
#define VECTOR_TIMER 0xe0
#define VECTOR_SPURIOUS 0xff

extern char vector_stubs[], kernel_stack_top[], emergency_stack_top[];
void syscall_entry(void);
void segments_load(void); /* reload CS and SS from the GDT */
__attribute__((noreturn)) void take_interrupt(void);

struct trap_frame { /* as trap_emergency in entry.S lays it */
    word_t r15, r14, r13, r12, r11, r10, r9, r8, rbp, rdi, rsi, rdx, rcx, rbx, rax;
    word_t vector, error_code, rip, cs, rflags, rsp, ss;
};
void kernel_main(const void *map, ticks_t start);
void trap_from_user(word_t vector, word_t error_code);
void trap_interrupt(word_t vector);
__attribute__((noreturn)) void trap_emergency_report(const struct trap_frame *);
