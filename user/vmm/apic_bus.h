/* Interrupt messages between local APICs, I/O APIC and devices: whom a message is for, and how it gets there. Pure but for the kick. AMD APM
 * volume 2, 16.5 and 16.6; Intel SDM volume 3, 11.6.2 and 11.12.10. */
#pragma once
#include "lapic.h"
#include "mailbox.h"

struct apic_bus {
    struct lapic *own;
    struct vm_mailbox *boxes; /* of all vCPUs */
    unsigned count, self;
    void (*kick)(unsigned vcpu); /* wake that vCPU's VMM. NULL: there is no other */
};

enum apic_shorthand { APIC_NO_SHORTHAND, APIC_SELF, APIC_ALL, APIC_OTHERS };

struct apic_message {
    uint32_t destination; /* eight bits, or 32 with `wide` */
    bool wide, logical, level;
    enum apic_shorthand shorthand;
    uint8_t mode, vector; /* LAPIC_MODE_ */
};

/* For a local APIC to say how messages find it. */
void apic_bus_publish(struct apic_bus *bus);

/* Deliver to whom it is for; true if anybody took it. */
bool apic_bus_send(struct apic_bus *bus, const struct apic_message *m);

/* The owner's side: take over what came. A start-up IPI goes to own->start. */
void apic_bus_receive(struct apic_bus *bus);
