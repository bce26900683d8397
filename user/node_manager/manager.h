/* The node manager: gives its node's VM the memory, starts it, and says what became of it. It holds the VM's memory as
 * capabilities and maps none of it for itself. */
#pragma once
#include <stdbool.h>
#include "lib.h"
#include "sel4.h"
#include <atoll/component.h>
#include <atoll/vcpu.h>

/* memory.c: guest RAM into the nested tables, the VMM and the I/O space of the VM's functions, the image files into the VMM. 0, or -1 with
 * a sentence. `*free_slot`: the first one left. */
int memory_bind(const struct manager_config *config, const struct vm_config *vm, uint64_t *free_slot, char *why, size_t why_size);

/* vf.c: the VM's virtual functions, all of them together: leased by vCPU 0's manager, the others only show their registers. vfs_lease() is called before the
 * guest starts and each time it starts anew; `reset`: the guest reset itself, and its VMM goes on. vfs_end() when nothing of the VM runs any more. 0, or -1
 * with a sentence. */
#define VFS_REASON_MAX MANAGER_REASON_MAX
void vfs_init(const struct manager_config *config, const struct vm_config *vm, const void *config_frame, uint64_t free_slot, uint64_t tsc_hz);
int vfs_lease(bool reset, char *why, size_t why_size);
void vfs_end(void);
error_t vf_show(unsigned index, uint64_t address); /* not vCPU 0's: map the registers there, and nowhere else; 0: nowhere */

/* places.c: the same on a VM's other nodes. */
void places_init(const struct vm_config *vm, uint64_t tsc_hz);
bool places_tell(unsigned function, uint64_t address); /* false: not on all of them */
void places_follow(void);

/* faults.c: faults of one function, from its range's records into the log; vf.c knows the functions. */
void faults_take(unsigned function, const char *name, cptr_t range);
void vfs_faults(void);

/* What the VMM may ask for, see MANAGER_VF_PLACE and MANAGER_VF_RESET. */
error_t vf_place(uint64_t index, uint64_t address, uint64_t master);
int vf_reset(uint64_t index, char *why, size_t why_size); /* -1: quarantined */
error_t vf_controller(uint64_t index, bool on, uint64_t answer[2]); /* MANAGER_VF_CONTROLLER */
error_t vf_command(uint64_t index, const uint64_t *words, uint64_t answer[2]); /* MANAGER_VF_COMMAND */

/* events.c: whole lines into the event queue; a line that does not fit is dropped and counted there. A VM can make its manager
 * report without end (resets, exit codes); for its own end, its counters and the reason, room is kept until events_last(). */
#define EVENT_LINE_MAX 1536
#define EVENTS_KEPT (2 * EVENT_LINE_MAX)
static inline bool event_fits(uint64_t space, uint64_t length, bool last) { return space >= length + (last ? 0 : EVENTS_KEPT); }
void events_init(void);
void events_last(void);
void event(const char *format, ...) __attribute__((format(printf, 1, 2)));
void event_counters(const char *vm, const uint64_t exits[EXIT_CLASSES], const uint64_t vmm[VMM_COUNTERS]);

/* life.c: the VM's lives, with the managers of its other vCPUs. */
struct vm_record;
enum vm_outcome { OUTCOME_POWERED_OFF, OUTCOME_STOPPED, OUTCOME_IMPOSSIBLE /* to start: never tried again */ };
void life_init(const struct manager_config *, const struct vm_config *, struct vm_record *, uint64_t tsc_hz);
void life_start(void);                                    /* the VMM runs, and asks for the vCPU to be started */
void life_end(enum vm_outcome, const char *reason);       /* this vCPU's; the VM's others follow */
/* A suspended component's thread from its first instruction, in the memory and with the capabilities that it has. */
error_t thread_start(cptr_t tcb, uint64_t entry, uint64_t tsc_hz);
void life_signalled(uint64_t badge);                      /* MANAGER_BADGE_ */
uint32_t life_next_pause(uint32_t last_ms, uint64_t lived_ms); /* before the next restart; last_ms 0: there was none */

/* protocol.c: what a message means. Pure: no capability is used. */
enum vm_state { VM_LOADING, VM_RUNNING, VM_PARKED, VM_ENDED };
enum vm_action {
    ACTION_REFUSE,  /* answer with an error */
    ACTION_ANSWER,  /* answer 0 */
    ACTION_START, ACTION_PARK, ACTION_RESET, ACTION_EXIT_CODE,
    ACTION_END,     /* powered off */
    ACTION_STOP,    /* stopped; `reason` is set */
    ACTION_IGNORE,  /* not from this node's VM: no answer */
    ACTION_VF_PLACE, ACTION_VF_RESET, ACTION_VF_CONTROLLER, ACTION_VF_COMMAND, /* `vf` is set */
};
struct vm_record {
    enum vm_state state;
    uint32_t index;                     /* vm_config.vm_index: whose badges count */
    uint64_t counters[VMM_COUNTERS];    /* as the VMM last told them */
    uint64_t exit_code;
    struct { uint64_t index, address, master; bool on; uint64_t command[8]; } vf;
    char reason[MANAGER_REASON_MAX + 1];
};
/* `words` are the message's, as many as info says (registers and buffer gathered by the caller), at most SEL4_MSG_MAX_LENGTH. */
enum vm_action message_decode(struct vm_record *vm, uint64_t badge, uint64_t info, const uint64_t *words);
