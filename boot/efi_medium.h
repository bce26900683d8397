/* The medium that the firmware started boot from: a file system, or a TFTP server (PXE). Both have the files of EFI_FOLDER. Section numbers: UEFI
 * Specification 2.10. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

/* Finds it; stops if there is none. An EFI_HANDLE and EFI_BOOT_SERVICES: callers need not have the firmware's headers. */
void medium_open(void *image, void *boot_services);
/* Up to `size` bytes of a file of ours; returns how many there were. Stops if it cannot be read. */
uint64_t medium_read(const char *name, void *to, uint64_t size);
/* False: not written, or a medium that takes no files. */
bool medium_write(const char *name, const char *text, uint64_t size);
