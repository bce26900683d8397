/* `atoll dump`: what the kernels said their threads hold (kernel/x86/snapshot.c), as CapDL, beside what the specs promise. */
#pragma once
#include "capdl.h"

#define DUMP_MAX_NODES 256
#define DUMP_NAME_MAX 48
#define DUMP_NONE UINT64_MAX

enum dump_kind { DUMP_MAP, DUMP_TCB, DUMP_SC, DUMP_CAP, DUMP_PTE, DUMP_PAGE, DUMP_IRQ, DUMP_KINDS };

/* One line: its numbers in the order of snapshot.c's list, and the name at its end. */
#define DUMP_WORDS 13
struct dump_line {
    enum dump_kind kind;
    uint64_t w[DUMP_WORDS];
    char name[DUMP_NAME_MAX];
};

struct dump_node {
    bool begun, ended;
    uint64_t apic_id, window, window_size, private_paddr, private_size;
    struct dump_line *lines;
    uint32_t count, room;
};

struct dump {
    const char *file;
    struct dump_node nodes[DUMP_MAX_NODES];
};

/* dump_read.c: the first dump of each node in a log that `atoll run` kept, or in a capture of the serial line. -1: complaint set. */
int dump_read(struct dump *, const char *file, struct complaint *why);
int dump_parse(struct dump *, const char *file, const char *text, size_t size, struct complaint *why);
void dump_free(struct dump *);

/* dump_model.c: the node's dump as a sorted model. Objects get the names that `promised` gives to what stands in the same place;
 * others are called unknown.KIND.ADDRESS. `spec` is the file whose bytes `promised` names as contents of frames. What init kept for itself is checked
 * and goes to `init`: NULL, or a sentence. NULL: complaint set. */
struct capdl_model *dump_model(const struct dump *, uint32_t node, const struct capdl_model *promised, const uint8_t *spec, size_t spec_size,
                               char *init, size_t init_size, struct complaint *why);

/* dump_command.c */
int dump_command(int argc, char **argv, const char *images);
