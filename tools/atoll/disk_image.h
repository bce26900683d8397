/* A bootable disk image: a GPT with one EFI system partition that holds boot and its modules. Same contents, same bytes. */
#pragma once
#include <stddef.h>
#include <stdio.h>

/* Write `image`: boot.efi from `boot`, and `count` modules, DIR/NAME each. DIR also takes temporary files, which stay there. What boot
 * will measure goes to `hashes`, "SHA-256  NAME" per line, if that is not NULL. Returns 0, or -1 after one sentence on stderr. */
int disk_image_write(const char *image, const char *boot, const char *dir, char *const names[], size_t count, FILE *hashes);
