/* A component being assembled (compile_part.c): what every one of them has, and how it is given more. */
#pragma once
#include "compile.h"
#include <sel4/abi.h>

#define PAGE 4096u
#define BUDGET_US 100000u /* budget = period: round robin within a priority */
/* Services of the control node share its core, and guests can keep a switch or a PF driver busy without end. All others' turns, 16 of them at
 * most, are well within what waits for a service: Linux's igbvf gives its PF a second, a node manager two (user/node_manager/vf.c). */
#define TURN_US 2000u
#define PRIORITY_SERVICE 200 /* console, node manager, PF drivers */
#define PRIORITY_DISK 170 /* above the VMM: what is in memory has answered when the VMM's signal returns */
#define PRIORITY_VMM 150
#define PRIORITY_VCPU 100
#define RIGHTS_READ SEL4_RIGHT_READ
#define RIGHTS_WRITE (SEL4_RIGHT_READ | SEL4_RIGHT_WRITE)
#define RIGHTS_CALL (SEL4_RIGHT_WRITE | SEL4_RIGHT_GRANT_REPLY)

struct part {
    const char *name;
    uint32_t tcb, cnode, cnode_bits;
    struct space space;
    struct spec_thread *thread;
};

uint32_t page_new(struct spec_builder *, const char *owner, const char *what);
/* Thread, CNode, address space, image, stack, IPC buffer. */
void part_new(struct part *, struct spec_builder *, const char *name, const struct component_image *, uint32_t cnode_bits,
              uint32_t priority, bool resume);
void part_cap(struct part *, struct spec_builder *, uint32_t slot, uint32_t object, uint32_t rights, uint64_t badge);
/* One end of a queue: the own region read-write, the peer's read-only. */
void part_queue(struct part *, struct spec_builder *, uint32_t index, const char *resource, bool produces);
/* A queue within a node, from one part to another, in private pages. */
void part_queue_between(struct part *producer, uint32_t producer_index, struct part *consumer, uint32_t consumer_index,
                        struct spec_builder *, const char *name);
void part_config(struct part *, struct spec_builder *, uint32_t frame, unsigned page);
