/* Namespaces of the emulated server's SSDs: a file each, temporary or one that the user names. */
#pragma once
#include "machine.h"

/* Link a file for each namespace that a disk is on into the machine's folder, and list them in `config`. `stated`: "SSD:NAMESPACE=FILE"; a
 * file that is not there is made. Returns 0, or -1 after one sentence on stderr. */
int ssd_files_make(const struct machine *m, const struct description *d, const char *const *stated, size_t count, struct machine_config *config);
