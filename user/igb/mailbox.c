/* What a VF's driver may ask of its PF. It is a guest's driver: every message is copied once, checked, and answered with yes or no.
 * It learns its address and VLAN, it never chooses them. */
#include "igb.h"
#include "lib.h"
#include "registers.h"

/* The buffer belongs to one side at a time. A VF that holds on to it harms itself: its message is looked at later. */
static bool buffer_take(unsigned vf)
{
    igb_write(IGB_P2VMAILBOX(vf), P2V_PF_USES);
    return igb_read(IGB_P2VMAILBOX(vf)) & P2V_PF_USES;
}

static void answer(struct igb *g, unsigned vf, const uint32_t *words, unsigned count)
{
    g->vfs[vf].unread = true;
    for (unsigned i = 0; i < count; i++)
        igb_write(IGB_VMBMEM(vf) + 4 * i, words[i]);
    igb_write(IGB_P2VMAILBOX(vf), P2V_STATUS); /* and the buffer is free again */
}

static bool same_address(const struct nic_vf *v, const uint32_t *words)
{
    uint8_t mac[6];
    for (unsigned i = 0; i < 6; i++)
        mac[i] = (uint8_t)(words[i / 4] >> 8 * (i % 4));
    return memcmp(mac, v->mac, 6) == 0;
}

static bool multicast(struct igb *g, unsigned vf, const uint32_t *words)
{
    struct igb_vf *v = &g->vfs[vf];
    unsigned n = MESSAGE_NUMBER(words[0]);

    if (n > IGB_MULTICAST_MAX)
        n = IGB_MULTICAST_MAX; /* what igbvf expects: the first ones count */
    for (unsigned i = 0; i < n; i++)
        v->multicast[i] = words[1 + i / 2] >> 16 * (i % 2) & 0xfff;
    v->multicast_count = n;
    igb_multicast_set(g);
    return true;
}

static bool frame_max(struct igb *g, unsigned vf, uint32_t bytes)
{
    if (bytes < FRAME_STANDARD - 4 || bytes > FRAME_MAX)
        return false;
    g->vfs[vf].frame_max = bytes + 4 <= FRAME_MAX ? bytes + 4 : FRAME_MAX; /* room for the tag that the VF does not see */
    igb_frame_max_set(g, vf);
    return true;
}

/* The VF was reset by its driver: nothing of before holds, and it is told who it is. */
static void reset_said(struct igb *g, unsigned vf)
{
    struct igb_vf *v = &g->vfs[vf];
    uint32_t words[3] = {VF_SAYS_RESET | MESSAGE_ACK, 0, 0};

    memcpy(&words[1], g->config->vfs[vf].mac, 6);
    igb_write(IGB_VFLRE, 1u << vf); /* the reset that it speaks of: seen later, it would silence the VF again */
    v->multicast_count = 0;
    v->frame_max = FRAME_STANDARD;
    igb_filters_set(g, vf);
    v->ready = true;
    igb_traffic_enable(vf, true);
    answer(g, vf, words, 3);
}

/* True: granted. */
static bool granted(struct igb *g, unsigned vf, const uint32_t *words)
{
    switch (words[0] & MESSAGE_WHAT) {
    case VF_SAYS_SET_MAC: return same_address(&g->config->vfs[vf], words + 1);
    case VF_SAYS_SET_MULTICAST: return multicast(g, vf, words);
    case VF_SAYS_SET_VLAN: return words[1] == 0; /* Linux adds VLAN 0, priority tags, to every interface */
    case VF_SAYS_SET_FRAME_MAX: return frame_max(g, vf, words[1]);
    default: return false;
    }
}

static void message(struct igb *g, unsigned vf)
{
    struct igb_vf *v = &g->vfs[vf];
    uint32_t words[MAILBOX_WORDS];

    if (!buffer_take(vf))
        return;
    for (unsigned i = 0; i < MAILBOX_WORDS; i++)
        words[i] = igb_read(IGB_VMBMEM(vf) + 4 * i);
    igb_write(IGB_MBVFICR, 1u << vf); /* a message from here on is a new one */
    igb_write(IGB_P2VMAILBOX(vf), P2V_ACKNOWLEDGE);
    if (words[0] & (MESSAGE_ACK | MESSAGE_NACK))
        return; /* an answer to our ping */
    if (!buffer_take(vf))
        return; /* it did not wait for its answer */
    if (v->programmed && (words[0] & MESSAGE_WHAT) == VF_SAYS_RESET) {
        reset_said(g, vf);
        return;
    }
    bool yes = v->programmed && v->ready && granted(g, vf, words);
    v->refused += !yes;
    words[0] |= (yes ? MESSAGE_ACK : MESSAGE_NACK) | (v->ready ? MESSAGE_CLEAR_TO_SEND : 0);
    answer(g, vf, words, 1);
}

/* "The PF is here": igbvf looks at its link after this. Not between a request and the reading of its answer: who waits for an answer would take it
 * for that. */
static void ping(struct igb *g, unsigned vf)
{
    struct igb_vf *v = &g->vfs[vf];
    uint32_t word = PF_SAYS_CONTROL | (v->ready ? MESSAGE_CLEAR_TO_SEND : 0);

    if (!v->ping_due || v->unread || !buffer_take(vf))
        return;
    if (igb_read(IGB_MBVFICR) >> vf & 1) {
        igb_write(IGB_P2VMAILBOX(vf), 0); /* its own message came first: later */
        return;
    }
    v->ping_due = false;
    answer(g, vf, &word, 1);
}

void igb_mailbox_service(struct igb *g, unsigned vf)
{
    uint32_t causes = igb_read(IGB_MBVFICR) >> vf;

    if (causes >> 16 & 1) {
        igb_write(IGB_MBVFICR, 1u << (16 + vf));
        g->vfs[vf].unread = false;
    }
    if (causes & 1)
        message(g, vf);
    ping(g, vf);
}

void igb_mailbox_ping(struct igb *g, unsigned vf)
{
    g->vfs[vf].ping_due = g->vfs[vf].programmed;
    ping(g, vf);
}
