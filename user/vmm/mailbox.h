/* What the VMMs of one VM leave for each other, in the page that they share: one box per vCPU. They are one fault domain; still, nothing
 * that is read here is used as an index or a size without a check.
 *
 * A sender puts bits in, then rings: the first to find `rung` clear sends the kick. The owner clears `rung` before it looks. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <atoll/component.h>

#define MAILBOX_NMI 0x1u
#define MAILBOX_INIT 0x2u
#define MAILBOX_START 0x4u /* start-up IPI; the page is in start_page */

enum mailbox_state {
    MAILBOX_ABSENT,  /* its VMM has not come up yet */
    MAILBOX_WAITING, /* after INIT, for the start-up IPI */
    MAILBOX_RUNNING,
    MAILBOX_DEAF,    /* halted with interrupts off: only an NMI or INIT can go on from there */
};

enum device_access_kind { ACCESS_PORT_READ, ACCESS_PORT_WRITE, ACCESS_MMIO_READ, ACCESS_MMIO_WRITE, ACCESS_EOI };
struct device_access {
    uint32_t kind, bytes;
    uint64_t address, value;
};

struct vm_mailbox {
    /* From all others. */
    uint32_t irr[8];     /* vectors that came */
    uint32_t level[8];   /* those that were level-triggered; valid where irr is set */
    uint32_t orders;     /* MAILBOX_ */
    uint32_t start_page;
    uint32_t rung;
    /* From vCPU 0's VMM. */
    uint32_t park;       /* number of the latest reset */
    uint32_t lived;      /* vCPU 0's: guest memory is no longer zero */
    uint32_t answered;   /* number of the latest device access that has been carried out */
    /* From the owner. */
    uint32_t parked;     /* number of the reset for which it stands still */
    uint32_t state;      /* enum mailbox_state */
    uint32_t asked;      /* number of its latest device access */
    uint64_t identity;   /* whom messages find here, apic_bus.h */
    struct device_access access; /* `value` comes back */
    uint64_t reserved[15];
};
_Static_assert(sizeof(struct vm_mailbox) == VM_MAILBOX_BYTES, "sixteen to a page");

/* Has `from` seen to it that a kick must be sent? */
static inline bool mailbox_ring(struct vm_mailbox *to) { return __atomic_exchange_n(&to->rung, 1, __ATOMIC_SEQ_CST) == 0; }
static inline void mailbox_quiet(struct vm_mailbox *own) { __atomic_store_n(&own->rung, 0, __ATOMIC_SEQ_CST); }
