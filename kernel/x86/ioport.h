/* I/O port ranges as capabilities. */
#pragma once
#include "../arch.h"

bool ioport_allow(word_t first, word_t last); /* boot: from the resource map; false: too many ranges */
status_t ioport_control_invoke(struct invocation *);
status_t ioport_invoke(struct invocation *);
void ioport_deleted(cap_t);
