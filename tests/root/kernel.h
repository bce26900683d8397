/* The kernel's own conformance tests, by feature group; each group leaves nothing behind. */
#pragma once
#include "harness.h"

void group_registers(void);     /* kernel_threads.c */
void group_faults(void);
void group_tcb(void);
void group_fpu(void);
void group_ipc(void);           /* kernel_ipc.c */
void group_donation(void);
void group_notifications(void);
void group_untyped(void);       /* kernel_objects.c */
void group_cnode(void);
void group_spaces(void);
void group_ports(void);
void group_domains(void);
void group_scheduling(void);    /* kernel_time.c */
void group_contexts(void);
void group_timeouts(void);
void group_interrupts(void);
void group_preemption(void);

/* A refusal: an invocation on `on` and the error that the manual names. */
#define REFUSED(error, on, label, caps, words, what) claim_error(invoke(on, label, caps, words), error, what)
