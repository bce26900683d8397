/* The node manager: gives its node's VM the memory, starts it, and says what became of it. It holds the VM's memory as
 * capabilities and maps none of it for itself. */
#pragma once
#include <stdbool.h>
#include "lib.h"
#include "sel4.h"
#include <atoll/component.h>
#include <atoll/vcpu.h>

/* memory.c: guest RAM into the nested tables and the VMM, the image files into the VMM. 0, or -1 with a sentence. */
int memory_bind(const struct manager_config *config, const struct vm_config *vm, char *why, size_t why_size);

/* events.c: whole lines into the event queue; a line that does not fit is dropped and counted there. A VM can make its manager
 * report without end (resets, exit codes); for its own end, its counters and the reason, room is kept until events_last(). */
#define EVENT_LINE_MAX 1536
#define EVENTS_KEPT (2 * EVENT_LINE_MAX)
static inline bool event_fits(uint64_t space, uint64_t length, bool last) { return space >= length + (last ? 0 : EVENTS_KEPT); }
void events_init(void);
void events_last(void);
void event(const char *format, ...) __attribute__((format(printf, 1, 2)));
void event_counters(const char *vm, const uint64_t exits[EXIT_CLASSES], const uint64_t vmm[VMM_COUNTERS]);

/* protocol.c: what a message means. Pure: no capability is used. */
enum vm_state { VM_LOADING, VM_RUNNING, VM_ENDED };
enum vm_action {
    ACTION_REFUSE,  /* answer with an error */
    ACTION_ANSWER,  /* answer 0 */
    ACTION_START, ACTION_RESET, ACTION_EXIT_CODE,
    ACTION_END,     /* powered off */
    ACTION_STOP,    /* stopped; `reason` is set */
    ACTION_IGNORE,  /* not from this node's VM: no answer */
};
struct vm_record {
    enum vm_state state;
    uint32_t index;                     /* vm_config.vm_index: whose badges count */
    uint64_t counters[VMM_COUNTERS];    /* as the VMM last told them */
    uint64_t exit_code;
    char reason[MANAGER_REASON_MAX + 1];
};
/* `words` are the message's, as many as info says (registers and buffer gathered by the caller), at most SEL4_MSG_MAX_LENGTH. */
enum vm_action message_decode(struct vm_record *vm, uint64_t badge, uint64_t info, const uint64_t *words);
