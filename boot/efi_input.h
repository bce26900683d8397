/* What UEFI firmware says, read into a boot_input. Compiles for the host. Section numbers: UEFI Specification 2.10. */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include "input.h"

#define EFI_FOLDER "\\atoll\\"       /* on the medium that boot was started from */
#define EFI_NETWORK_FOLDER "atoll/"    /* the same on a TFTP server */
#define EFI_LIST_FILE "modules"       /* in there: which files are modules */
#define EFI_FILE_NAME_MAX 96

struct efi_module {
    char name[RESOURCE_NAME_MAX], file[EFI_FILE_NAME_MAX];
    uint64_t size;
};

/* The next line of the list, "NAME SIZE FILE" with one blank between each, from *at on. NULL, or a sentence; at the list's end
 * the module's name is empty. */
const char *efi_next_module(const uint8_t *list, size_t size, size_t *at, struct efi_module *module);

/* The memory map (7.2.3): what is RAM once boot services have ended. NULL or a sentence. */
const char *efi_read_memory_map(const uint8_t *map, uint64_t size, uint64_t descriptor_size, struct ranges *ram);
