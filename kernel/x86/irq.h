/* Interrupt vectors, their routing, and the interrupt controllers of this node. */
#pragma once
#include "../arch.h"

/* User vector v is IRQ v + 16 is CPU vector v + 0x30 (sel4/abi.h). */
static inline word_t irq_of_user_vector(word_t v) { return v + SEL4_IRQ_USER_MIN; }
static inline word_t vector_of_irq(word_t irq) { return irq + SEL4_IRQ_CPU_VECTOR_BASE; }

bool irq_allow(word_t first, word_t last); /* boot: CPU vectors that IRQControl may hand out; false: not a possible range */
void irq_interrupt(word_t vector);         /* one has arrived */
void irq_release(ticks_t now);             /* the time is over for which moderated vectors were held back */
word_t irq_redirection(word_t irq);        /* snapshot: what its IOAPIC pin is programmed to, below 1 << 32 | ioapic << 40 | pin << 48; 0: no pin */
bool irq_requesters_in_use(word_t unit, word_t first, word_t last);  /* a message of theirs raises a vector */
bool irq_requesters_close_one(word_t unit, word_t first, word_t last); /* one message raises nothing any more; false: there was none */

/* ioapic.c. Redirection table of the IOAPICs that this node owns (82093AA data sheet, 3.2.4). */
#define IOAPIC_MAX 8
/* Masks every pin. `remapped`: flags of its RESOURCE_IOAPIC entry. False: too many, or no way to reach this core. */
bool ioapic_add(volatile uint32_t *page, word_t pins, uint32_t apic_id, uint32_t remapped);
word_t ioapic_count(void);
word_t ioapic_pins(word_t ioapic);
bool ioapic_is_requester(word_t unit, word_t requester); /* that is how an IOAPIC appears to this IOMMU */
void ioapic_connect(word_t ioapic, word_t pin, word_t vector, bool level, bool low); /* masked */
void ioapic_disconnect(word_t ioapic, word_t pin, word_t vector);
void ioapic_mask(word_t ioapic, word_t pin, bool masked);
uint32_t ioapic_redirection(word_t ioapic, word_t pin); /* the low half, as the hardware has it */

/* lapic.c, x2APIC mode */
void lapic_init(uint64_t tsc_hz, uint64_t timer_hz);
void lapic_end_of_interrupt(void);
void lapic_spurious(void); /* VECTOR_SPURIOUS has arrived */
void lapic_send(uint32_t apic_id, word_t vector);
bool lapic_pending(void);
void lapic_hold(bool held); /* moderated vectors wait in the local APIC, one of each */
void lapic_timer_set(ticks_t now, ticks_t deadline);
