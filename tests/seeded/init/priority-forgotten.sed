# threads.c: console.tcb: the tcb is not what was promised: parameter 'prio'
s/check(tcb_set_priority(tcb, SEL4_CAP_INIT_TCB, t->priority)/check(tcb_set_priority(tcb, SEL4_CAP_INIT_TCB, t->priority + 1)/
