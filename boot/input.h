/* What the entry path (multiboot now, UEFI later) hands to the common path: memory and modules, copied out of the loader's
 * structures. Compiles for the host. */
#pragma once
#include <stdint.h>
#include <atoll/resource_map.h>
#include "ranges.h"

#define INPUT_MAX_MODULES 256

struct module {
    char name[RESOURCE_NAME_MAX];
    uint64_t paddr, size;
};

struct boot_input {
    struct ranges ram; /* usable RAM, whole pages, nothing cut out yet */
    unsigned module_count;
    struct module modules[INPUT_MAX_MODULES];
    uint64_t rsdp; /* where the ACPI root pointer is; 0: search for it in the BIOS areas */
};

/* NULL: there is none of that name. */
const struct module *input_module(const struct boot_input *in, const char *name);
