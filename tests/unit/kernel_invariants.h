/* What must hold between any two system calls, of every build of the kernel on the host. */
#pragma once
#include "kernel/core.h"

void invariants_check_list(struct slot *any); /* the derivation list that `any` is in */
void invariants_check_threads(void);          /* threads, scheduling contexts, replies, ready and release queues */
