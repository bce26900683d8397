/* PF driver of the Intel 82576: it gives virtual functions their identity and answers their mailboxes; it sends and receives no
 * frame itself and does no DMA. Section numbers: Intel 82576EB Gigabit Ethernet Controller Datasheet, revision 2.6x. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <atoll/vf.h>

#define IGB_MULTICAST_MAX 30 /* hashes that fit into one message */

struct igb_vf {
    uint64_t lease;      /* highest number ever seen */
    bool programmed;
    bool ready;          /* its driver has reset it and was told its address: clear to send */
    uint32_t frame_max;  /* bytes, VLAN tag and CRC included */
    unsigned multicast_count;
    uint16_t multicast[IGB_MULTICAST_MAX];
    bool unread;         /* an answer of ours that it has not acknowledged: a ping would overwrite it */
    bool ping_due;
    uint64_t refused;    /* messages that asked for what is not its to decide */
};

struct igb {
    const struct nic_config *config;
    struct igb_vf vfs[VF_MAX];
    bool link;
};

/* registers.c in the component; a model of the device in the unit tests. 32-bit accesses. */
uint32_t igb_read(unsigned offset);
void igb_write(unsigned offset, uint32_t value);
void igb_delay(unsigned microseconds);

/* Reset the NIC and bring it up with every VF silent. False: `why` says what is wrong. */
bool igb_start(struct igb *, const struct nic_config *, char *why, size_t why_size);

/* A request for VF `vf`, already copied; the answer is complete but for its sequence. */
void igb_request(struct igb *, unsigned vf, const struct vf_request *, struct vf_answer *);

/* Look at all causes: resets, mailbox messages, link. Called after an interrupt; harmless at any other time. */
void igb_service(struct igb *);
void igb_interrupts_rearm(void); /* after an interrupt's causes were looked at */

/* mailbox.c */
void igb_mailbox_service(struct igb *, unsigned vf);
void igb_mailbox_ping(struct igb *, unsigned vf); /* as soon as its mailbox is free */
/* filters.c: everything that makes up a VF's identity, from its config and its igb_vf; and its opposite. */
void igb_filters_set(struct igb *, unsigned vf);
void igb_filters_clear(struct igb *, unsigned vf);
bool igb_filters_check(struct igb *, unsigned vf, char *why, size_t why_size); /* do the registers read back? */
void igb_multicast_set(struct igb *);      /* the table that all share */
void igb_frame_max_set(struct igb *, unsigned vf);
void igb_traffic_enable(unsigned vf, bool on);
