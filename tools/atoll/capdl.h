/* CapDL: the objects and capabilities of one node, as a model and as text in the language of seL4's capDL tool.
 *
 * A node's text has two files. The standard part is what the stock tool accepts (arch x86_64); what it has no type for stands there
 * as the nearest standard object. The annex, in the same syntax, says for each of these what it really is, adds the
 * node's named resources, and lists which threads belong to which VM and which are trusted. Both make one model. docs/capdl.md is
 * the reference. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include "description.h"

#define CAPDL_NAME_MAX 64
#define CAPDL_NONE UINT32_MAX
#define CAPDL_SCALAR UINT32_MAX /* index of an object that is no element of an array */
#define CAPDL_MAX 65536         /* objects, capabilities, parameters, interrupts, bytes of frame contents x 64: each at most so many */

enum capdl_part { CAPDL_STANDARD, CAPDL_ANNEX, CAPDL_PARTS };

enum capdl_type {
    CAPDL_NOTHING,
    CAPDL_EP, CAPDL_NOTIFICATION, CAPDL_TCB, CAPDL_CNODE, CAPDL_UT, CAPDL_IRQ, CAPDL_IOAPIC_IRQ, CAPDL_MSI_IRQ, CAPDL_ASID_POOL, CAPDL_PT,
    CAPDL_PD, CAPDL_PDPT, CAPDL_PML4, CAPDL_FRAME, CAPDL_IO_PORTS, CAPDL_IO_DEVICE, CAPDL_IO_PT, CAPDL_VCPU, CAPDL_SC, CAPDL_RTREPLY,
    CAPDL_CONTROL, /* irq_control and the like: capabilities without an object, never declared */
    /* The annex's own. Kernel objects that the standard lacks: */
    CAPDL_NESTED_PML4, CAPDL_NESTED_PDPT, CAPDL_NESTED_PD, CAPDL_NESTED_PT, CAPDL_IO_SPACE,
    /* who the threads are: */
    CAPDL_VM, CAPDL_TRUSTED,
    /* entries of the node's resource map: */
    CAPDL_NODE, CAPDL_PRIVATE, CAPDL_MEMORY, CAPDL_MODULE, CAPDL_SHARED, CAPDL_DEVICE, CAPDL_IPI, CAPDL_LOG, CAPDL_LOG_TAIL, CAPDL_UART,
    CAPDL_PORTS, CAPDL_VECTORS, CAPDL_TEXT, CAPDL_REQUESTERS, CAPDL_CHANNEL, CAPDL_MOVABLE,
    CAPDL_TYPES
};

/* Parameters of objects, in the order in which they are printed. */
enum capdl_key {
    CAPDL_KEY_BITS, CAPDL_KEY_PAGE_BITS, CAPDL_KEY_PADDR, CAPDL_KEY_FILL, CAPDL_KEY_LEVEL, CAPDL_KEY_DOMAIN_ID, CAPDL_KEY_PCI,
    CAPDL_KEY_PORTS, CAPDL_KEY_ADDR, CAPDL_KEY_IP, CAPDL_KEY_SP, CAPDL_KEY_PRIO, CAPDL_KEY_MAX_PRIO, CAPDL_KEY_AFFINITY, CAPDL_KEY_RESUME,
    CAPDL_KEY_FPU_DISABLED, CAPDL_KEY_FAULT_EP, CAPDL_KEY_DOM, CAPDL_KEY_INIT, CAPDL_KEY_PERIOD, CAPDL_KEY_BUDGET, CAPDL_KEY_DATA,
    CAPDL_KEY_IOAPIC_NUM, CAPDL_KEY_IOAPIC_PIN, CAPDL_KEY_IOAPIC_LEVEL, CAPDL_KEY_IOAPIC_POLARITY, CAPDL_KEY_MSI_HANDLE,
    CAPDL_KEY_MSI_PCI_BUS, CAPDL_KEY_MSI_PCI_DEV, CAPDL_KEY_MSI_PCI_FUN, CAPDL_KEY_ASID_HIGH,
    /* of the annex */
    CAPDL_KEY_SIZE, CAPDL_KEY_ALIGN, CAPDL_KEY_WRITE, CAPDL_KEY_NODE, CAPDL_KEY_VECTOR, CAPDL_KEY_FIRST, CAPDL_KEY_LAST,
    CAPDL_KEY_HOLDERS,
    CAPDL_KEYS
};

/* How a parameter is written. */
enum capdl_form {
    CAPDL_FORM_NUMBER, CAPDL_FORM_HEX, /* key: 12, key: 0x12 */
    CAPDL_FORM_BOOL,                   /* key: True */
    CAPDL_FORM_BITS,                   /* 12 bits */
    CAPDL_FORM_PAGE,                   /* 4k, 2M, 1024M; the value is log2 */
    CAPDL_FORM_PCI,                    /* 3:1.0; the value is bus << 16 | device << 8 | function */
    CAPDL_FORM_RANGE,                  /* key: [1..2]; the value is first | last << 32 */
    CAPDL_FORM_LIST,                   /* key: [1, 2]; one parameter per value */
    CAPDL_FORM_FILL,                   /* key: [{...}, {...}]; one parameter per text between braces */
};

enum capdl_rights { CAPDL_READ = 1, CAPDL_WRITE = 2, CAPDL_GRANT = 4, CAPDL_GRANT_REPLY = 8 }; /* GRANT of a frame: execute */

/* A TCB's slots, by the names and numbers of the language. */
enum capdl_tcb_slot {
    CAPDL_TCB_CSPACE = 0, CAPDL_TCB_VSPACE = 1, CAPDL_TCB_IPC_BUFFER = 4, CAPDL_TCB_FAULT_EP = 5, CAPDL_TCB_SC = 6,
    CAPDL_TCB_NOTIFICATION = 8, CAPDL_TCB_VCPU = 9, CAPDL_TCB_SLOTS = 10
};

struct capdl_param {
    enum capdl_key key;
    uint64_t value;
    uint32_t text; /* FILL: where its text starts in the model's `texts` */
};

struct capdl_object {
    char name[CAPDL_NAME_MAX];
    uint32_t index;          /* CAPDL_SCALAR, or the element of array `name` */
    enum capdl_type type;    /* the standard type; NOTHING: only the annex knows it */
    enum capdl_type own;     /* the annex's type; NOTHING: standard */
    uint32_t parent;         /* the untyped that covers it, or CAPDL_NONE */
    struct { uint32_t first, count; } params[CAPDL_PARTS];
};

struct capdl_cap {
    uint32_t holder, slot, object;
    uint32_t rights;               /* endpoints, notifications, frames */
    uint64_t badge;                /* endpoints, notifications */
    uint64_t guard, guard_size;    /* CNodes */
    uint64_t core;                 /* sched_control */
    uint32_t span;                 /* memory in pieces takes this many slots at most; else 1 */
    bool uncached;
};

struct capdl_irq { uint32_t number, object; };

struct capdl_model {
    struct capdl_object *objects;
    struct capdl_cap *caps;
    struct capdl_param *params;
    struct capdl_irq *irqs;
    char *texts;
    uint32_t object_count, cap_count, param_count, irq_count, text_size;
    uint32_t object_room, cap_room, param_room, irq_room, text_room;
    uint32_t *buckets; /* hash of names to objects, a power of two of them, never full */
    uint32_t bucket_count;
    bool full; /* something did not fit, or no memory: the model is unusable */
};

/* capdl_words.c: the language's words. */
struct capdl_key_words { const char *name; enum capdl_form form; enum capdl_part part; uint64_t types; /* bit per type that takes it */ };
extern const struct capdl_key_words capdl_keys[CAPDL_KEYS];
extern const char *const capdl_type_names[CAPDL_TYPES];
extern const char *const capdl_tcb_slot_names[CAPDL_TCB_SLOTS]; /* NULL: no such slot */
enum capdl_part capdl_type_part(enum capdl_type);
bool capdl_is_control(const char *name); /* irq_control, ... */
bool capdl_name_valid(const char *name);
/* May a slot of `holder` have a capability to an object of type `held`? */
bool capdl_slot_takes(const struct capdl_object *holder, uint32_t slot, enum capdl_type held);
uint64_t capdl_slot_count(const struct capdl_model *, uint32_t holder);

/* capdl_model.c: building and comparing. Nothing fails half way: what does not fit sets `full`. */
struct capdl_model *capdl_new(void);
void capdl_free(struct capdl_model *);
uint32_t capdl_find(const struct capdl_model *, const char *name, uint32_t index); /* CAPDL_NONE: there is none */
uint32_t capdl_add(struct capdl_model *, const char *name, uint32_t index);        /* one that is not there yet */
void capdl_param_add(struct capdl_model *, uint32_t object, enum capdl_key, uint64_t value, const char *text);
const struct capdl_param *capdl_param(const struct capdl_model *, uint32_t object, enum capdl_key); /* the first one, or NULL */
struct capdl_cap *capdl_cap_add(struct capdl_model *, uint32_t holder, uint32_t slot, uint32_t object);
void capdl_irq_add(struct capdl_model *, uint32_t number, uint32_t object);
/* Sort by names, slots, numbers: equal systems have equal models. To be done once, when everything is there. Two capabilities in one
 * slot: returns the later one's index, else CAPDL_NONE. */
uint32_t capdl_sort(struct capdl_model *);
/* Are two sorted models the same? If not, `why` says what differs. */
bool capdl_equal(const struct capdl_model *, const struct capdl_model *, char *why, size_t why_size);
/* "name" or "name[3]"; the buffer takes CAPDL_NAME_MAX + 16 bytes. */
const char *capdl_label(const struct capdl_model *, uint32_t object, char *buffer);
/* The capabilities of one holder in a sorted model: the first one's index and how many. */
uint32_t capdl_caps_of(const struct capdl_model *, uint32_t holder, uint32_t *count);

/* capdl_print.c: one part of a sorted model as text. */
void capdl_print(const struct capdl_model *, enum capdl_part, FILE *);
/* capdl_parse.c: add a part's text to a model; the standard part comes first. Returns 0, or -1 with the complaint set. */
int capdl_parse(struct capdl_model *, enum capdl_part, const char *file, const char *text, size_t size, struct complaint *why);
/* capdl_spec.c: a node's spec and the system request as a sorted model. `file` is the spec's name. NULL: complaint set. */
struct capdl_model *capdl_from_spec(const void *spec, size_t spec_size, const void *request, size_t request_size, uint32_t node,
                                    const char *file, struct complaint *why);

/* The entries of a system request for one node, as resources of a model. -1: complaint set. */
int capdl_resources_add(struct capdl_model *, const void *request, uint32_t node, const char *file, struct complaint *why);
/* How two sorted models of one node differ, a line per object, capability and interrupt, at most `max` of them: how many there are. */
uint32_t capdl_differences(const struct capdl_model *promised, const struct capdl_model *found, uint32_t max, FILE *);

/* capdl_files.c: what `atoll compile` leaves in a folder. */
#define CAPDL_MAX_NODES 256
struct capdl_system {
    struct capdl_model *nodes[CAPDL_MAX_NODES];
    uint32_t node_count;
};
/* Write DIR/node.N.cdl and DIR/node.N.annex.cdl beside DIR/system and DIR/node.N.spec. */
int capdl_write_system(const char *dir, struct complaint *why);
int capdl_write_model(const struct capdl_model *, const char *dir, uint32_t node, const char *by, struct complaint *why); /* a node's two texts */
/* Read the nodes' texts; where DIR/system and a node's spec are there too, both forms have to say the same. */
int capdl_load_system(const char *dir, struct capdl_system *, struct complaint *why);
void capdl_free_system(struct capdl_system *);
