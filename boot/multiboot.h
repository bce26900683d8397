/* The multiboot information structure, read into a boot_input. Compiles for the host. */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include "input.h"
#include "view.h"

/* NULL, or a sentence about what is wrong, written to `reason`. */
const char *multiboot_read(const struct memory_view *memory, uint32_t info, struct boot_input *in, char *reason,
                           size_t reason_size);
