/* The 82576 as a whole: bring-up, requests of node managers, causes of interrupts. */
#include "igb.h"
#include "lib.h"
#include "registers.h"

static bool wait_for(unsigned offset, uint32_t mask, uint32_t value, unsigned microseconds)
{
    for (unsigned i = 0; i <= microseconds; i += 10) {
        if ((igb_read(offset) & mask) == value)
            return true;
        igb_delay(10);
    }
    return false;
}

/* 4.2.1.6.1: reset, then until the EEPROM has been read. */
static bool reset(char *why, size_t size)
{
    igb_write(IGB_IMC, ~0u);
    igb_write(IGB_EIMC, ~0u);
    igb_write(IGB_CTRL, igb_read(IGB_CTRL) | CTRL_RESET);
    igb_delay(1000);
    if (!wait_for(IGB_CTRL, CTRL_RESET, 0, 10000)) {
        text_format(why, size, "the NIC does not come out of its reset");
        return false;
    }
    wait_for(IGB_EECD, EECD_AUTO_READ_DONE, EECD_AUTO_READ_DONE, 10000); /* a NIC without EEPROM never says so */
    igb_write(IGB_IMC, ~0u);
    igb_write(IGB_EIMC, ~0u);
    igb_read(IGB_ICR);
    return true;
}

/* Queues by VM; frames between VMs stay inside; what is for nobody is dropped, not given to a default VM (7.10.3). */
static void switch_start(struct igb *g)
{
    for (unsigned i = 0; i < RECEIVE_ADDRESSES; i++) {
        igb_write(IGB_RAH(i), 0);
        igb_write(IGB_RAL(i), 0);
    }
    for (unsigned i = 0; i < VLVF_ENTRIES; i++)
        igb_write(IGB_VLVF(i), 0);
    for (unsigned i = 0; i < MTA_WORDS; i++)
        igb_write(IGB_UTA(i), 0);
    igb_write(IGB_VFTE, 0);
    igb_write(IGB_VFRE, 0);
    for (unsigned i = 0; i < VF_MAX; i++)
        igb_filters_clear(g, i);
    igb_write(IGB_MRQC, MRQC_VMDQ);
    igb_write(IGB_VT_CTL, VT_CTL_NO_DEFAULT_POOL | VT_CTL_REPLICATE);
    igb_write(IGB_DTXSWC, DTXSWC_LOOPBACK | 0xffff); /* both spoof checks for all */
    igb_write(IGB_RPLOLR, VMOLR_STRIP_VLAN | VMOLR_STRIP_CRC);
    igb_write(IGB_QDE, 0xffff);
    igb_write(IGB_RLPML, FRAME_MAX);
    igb_write(IGB_RCTL, RCTL_ENABLE | RCTL_LONG | RCTL_BROADCAST | RCTL_VLAN_FILTER | RCTL_STRIP_CRC);
    igb_write(IGB_TCTL, igb_read(IGB_TCTL) | TCTL_ENABLE | TCTL_PAD);
}

/* Vector 0 of the PF carries mailbox, resets and link (7.3.1). */
static void interrupts_start(void)
{
    igb_write(IGB_GPIE, GPIE_NON_SELECTIVE | GPIE_MULTIPLE_MSIX | GPIE_AUTO_MASK | GPIE_PBA);
    igb_write(IGB_IVAR_MISC, IVAR_OTHER(0));
    igb_write(IGB_EIAC, 1);
    igb_write(IGB_EIMS, 1);
    igb_write(IGB_MBVFIMR, 0xff);
    igb_write(IGB_IMS, CAUSE_VM_MAILBOX | CAUSE_LINK);
}

/* What came between the look and this raises the interrupt again: the causes are kept until they are read. */
void igb_interrupts_rearm(void) { igb_write(IGB_EIMS, 1); }

static void link_start(void)
{
    igb_write(IGB_CTRL, igb_read(IGB_CTRL) | CTRL_SET_LINK_UP);
    igb_write(IGB_MDIC, MDIC_WRITE | MDIC_PHY_1 | MDIC_REGISTER(PHY_CONTROL) | PHY_CONTROL_NEGOTIATE);
    wait_for(IGB_MDIC, MDIC_READY, MDIC_READY, 10000); /* a port without copper PHY does not say so: its link comes by itself */
}

bool igb_start(struct igb *g, const struct nic_config *config, char *why, size_t size)
{
    *g = (struct igb){.config = config};
    if (config->vf_count > VF_MAX) {
        text_format(why, size, "its configuration has %u virtual functions, the 82576 has %u", config->vf_count, VF_MAX);
        return false;
    }
    if (!reset(why, size))
        return false;
    for (unsigned i = 0; i < VF_MAX; i++)
        g->vfs[i].frame_max = FRAME_STANDARD;
    switch_start(g);
    interrupts_start();
    link_start();
    igb_write(IGB_CTRL_EXT, igb_read(IGB_CTRL_EXT) | CTRL_EXT_PF_RESET_DONE); /* VFs may talk now (4.5.1.2.3) */
    return true;
}

static void forget(struct igb *g, unsigned vf)
{
    struct igb_vf *v = &g->vfs[vf];

    v->ready = v->unread = v->ping_due = false;
    v->multicast_count = 0;
    v->frame_max = FRAME_STANDARD;
}

static void quiesce(struct igb *g, unsigned vf)
{
    g->vfs[vf].programmed = false;
    forget(g, vf);
    igb_filters_clear(g, vf);
}

static void program(struct igb *g, unsigned vf, struct vf_answer *a)
{
    forget(g, vf);
    igb_write(IGB_VFLRE, 1u << vf); /* resets and messages of the lease before */
    igb_write(IGB_P2VMAILBOX(vf), P2V_RESET_VF_USES);
    igb_write(IGB_MBVFICR, 1u << vf | 1u << (16 + vf));
    g->vfs[vf].programmed = true;
    igb_filters_set(g, vf);
    if (!igb_filters_check(g, vf, a->reason, sizeof a->reason)) {
        quiesce(g, vf);
        a->status = VF_FAILED;
    }
}

void igb_request(struct igb *g, unsigned vf, const struct vf_request *r, struct vf_answer *a)
{
    *a = (struct vf_answer){.lease = r->lease, .status = VF_DONE};
    if (vf >= g->config->vf_count || !g->config->vfs[vf].used || (r->command != VF_QUIESCE && r->command != VF_PROGRAM)) {
        a->status = VF_UNKNOWN;
        return;
    }
    struct igb_vf *v = &g->vfs[vf];
    if (r->lease < v->lease || (r->lease == v->lease && v->programmed && r->command == VF_PROGRAM)) {
        a->status = VF_STALE;
        return;
    }
    v->lease = r->lease;
    if (r->command == VF_QUIESCE)
        quiesce(g, vf);
    else
        program(g, vf, a);
}

void igb_service(struct igb *g)
{
    igb_read(IGB_ICR);
    uint32_t resets = igb_read(IGB_VFLRE);
    for (unsigned i = 0; i < g->config->vf_count; i++) {
        if (resets >> i & 1) { /* by its driver, or by FLR: silent until its driver says so */
            igb_write(IGB_VFLRE, 1u << i);
            igb_traffic_enable(i, false);
            forget(g, i);
            if (g->vfs[i].programmed)
                igb_multicast_set(g);
        }
        igb_mailbox_service(g, i);
    }
    bool link = igb_read(IGB_STATUS) & STATUS_LINK_UP;
    for (unsigned i = 0; i < g->config->vf_count && link != g->link; i++)
        igb_mailbox_ping(g, i);
    g->link = link;
}
