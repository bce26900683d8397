/* A VF's identity in registers. VF n is pool n; its address is receive address n. A VLAN has one entry of the VLAN filter, that of the first VF in it, with the
 * pools of all who are programmed (8.14.14: one entry per VLAN; which of two would count, nothing says). */
#include "igb.h"
#include "lib.h"
#include "registers.h"

static void bits(unsigned offset, uint32_t clear, uint32_t set) { igb_write(offset, (igb_read(offset) & ~clear) | set); }

void igb_traffic_enable(unsigned vf, bool on)
{
    bits(IGB_VFTE, 1u << vf, on ? 1u << vf : 0);
    bits(IGB_VFRE, 1u << vf, on ? 1u << vf : 0);
}

static uint32_t address_low(const struct nic_vf *v)
{
    return v->mac[0] | (uint32_t)v->mac[1] << 8 | (uint32_t)v->mac[2] << 16 | (uint32_t)v->mac[3] << 24;
}

static uint32_t address_high(const struct nic_vf *v, unsigned vf)
{
    return v->mac[4] | (uint32_t)v->mac[5] << 8 | RAH_POOL(vf) | RAH_VALID;
}

static uint32_t offload(const struct igb *g, unsigned vf)
{
    const struct igb_vf *v = &g->vfs[vf];
    return v->frame_max | VMOLR_LONG | VMOLR_BROADCAST | VMOLR_STRIP_CRC | (v->multicast_count ? VMOLR_MULTICAST_TABLE : 0) |
           (g->config->vfs[vf].vlan ? VMOLR_STRIP_VLAN : VMOLR_UNTAGGED);
}

static uint32_t vlan_insertion(const struct nic_vf *v) { return v->vlan ? VMVIR_ALWAYS | v->vlan : VMVIR_NEVER; }

static unsigned vlan_entry(const struct igb *g, unsigned vf)
{
    unsigned i = 0;

    while (i < vf && (!g->config->vfs[i].used || g->config->vfs[i].vlan != g->config->vfs[vf].vlan))
        i++;
    return i;
}

static uint32_t vlan_filter(const struct igb *g, unsigned vf)
{
    uint16_t vlan = g->config->vfs[vf].vlan;
    uint32_t pools = 0;

    for (unsigned i = 0; i < g->config->vf_count; i++)
        if (g->vfs[i].programmed && g->config->vfs[i].vlan == vlan)
            pools |= VLVF_POOL(i);
    return vlan && pools ? vlan | pools | VLVF_VALID : 0;
}

static void vlan_filter_set(const struct igb *g, unsigned vf)
{
    if (g->config->vfs[vf].vlan)
        igb_write(IGB_VLVF(vlan_entry(g, vf)), vlan_filter(g, vf));
}

/* The first stage of the VLAN filter is one table for all: rebuilt from who is programmed. */
static void vlan_table_set(const struct igb *g)
{
    uint32_t table[VFTA_WORDS] = {0};

    for (unsigned i = 0; i < g->config->vf_count; i++) {
        uint16_t vlan = g->config->vfs[i].vlan;
        if (g->vfs[i].programmed && vlan)
            table[vlan / 32] |= 1u << vlan % 32;
    }
    for (unsigned i = 0; i < VFTA_WORDS; i++)
        igb_write(IGB_VFTA(i), table[i]);
}

void igb_multicast_set(struct igb *g)
{
    uint32_t table[MTA_WORDS] = {0};

    for (unsigned i = 0; i < g->config->vf_count; i++)
        for (unsigned k = 0; k < g->vfs[i].multicast_count; k++)
            table[g->vfs[i].multicast[k] / 32] |= 1u << g->vfs[i].multicast[k] % 32;
    for (unsigned i = 0; i < MTA_WORDS; i++)
        igb_write(IGB_MTA(i), table[i]);
    for (unsigned i = 0; i < g->config->vf_count; i++)
        if (g->vfs[i].programmed)
            igb_write(IGB_VMOLR(i), offload(g, i));
}

void igb_frame_max_set(struct igb *g, unsigned vf) { igb_write(IGB_VMOLR(vf), offload(g, vf)); }

/* Both of its transmit queues: its driver needs one, a hostile one would take the other. */
static void rate_set(const struct nic_vf *v, unsigned vf)
{
    uint32_t value = 0;

    if (v->rate_mbit && v->rate_mbit < LINK_MBIT)
        value = RTTBCNRC_ENABLE | ((LINK_MBIT << RTTBCNRC_FRACTION) / v->rate_mbit);
    for (unsigned queue = vf; queue < 2 * VF_MAX; queue += VF_MAX) {
        igb_write(IGB_RTTDQSEL, queue);
        igb_write(IGB_RTTBCNRM, RTTBCNRM_WINDOW);
        igb_write(IGB_RTTBCNRC, value);
    }
}

void igb_filters_set(struct igb *g, unsigned vf)
{
    const struct nic_vf *v = &g->config->vfs[vf];

    igb_write(IGB_RAL(vf), address_low(v));
    igb_write(IGB_RAH(vf), address_high(v, vf));
    igb_write(IGB_VMVIR(vf), vlan_insertion(v));
    vlan_filter_set(g, vf);
    igb_write(IGB_VMOLR(vf), offload(g, vf));
    bits(IGB_DTXSWC, 0, DTXSWC_MAC_SPOOF(vf) | DTXSWC_VLAN_SPOOF(vf));
    rate_set(v, vf);
    vlan_table_set(g);
    igb_multicast_set(g);
}

void igb_filters_clear(struct igb *g, unsigned vf)
{
    igb_traffic_enable(vf, false);
    igb_write(IGB_RAH(vf), 0);
    igb_write(IGB_RAL(vf), 0);
    vlan_filter_set(g, vf);
    igb_write(IGB_VMVIR(vf), VMVIR_NEVER);
    igb_write(IGB_VMOLR(vf), VMOLR_STRIP_CRC);
    bits(IGB_DTXSWC, 0, DTXSWC_MAC_SPOOF(vf) | DTXSWC_VLAN_SPOOF(vf));
    vlan_table_set(g);
    igb_multicast_set(g);
}

bool igb_filters_check(struct igb *g, unsigned vf, char *why, size_t size)
{
    const struct nic_vf *v = &g->config->vfs[vf];
    const uint32_t spoof = DTXSWC_MAC_SPOOF(vf) | DTXSWC_VLAN_SPOOF(vf);
    const struct {
        const char *name;
        unsigned offset;
        uint32_t mask, want;
    } expected[] = {
        {"the address", IGB_RAL(vf), ~0u, address_low(v)},   {"the address", IGB_RAH(vf), ~0u, address_high(v, vf)},
        {"the VLAN tag", IGB_VMVIR(vf), ~0u, vlan_insertion(v)}, {"the VLAN filter", IGB_VLVF(vlan_entry(g, vf)), ~0u, vlan_filter(g, vf)},
        {"the frame rules", IGB_VMOLR(vf), ~0u, offload(g, vf)}, {"the spoof check", IGB_DTXSWC, spoof, spoof},
    };

    for (unsigned i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        uint32_t value = igb_read(expected[i].offset) & expected[i].mask;
        if (value != expected[i].want) {
            text_format(why, size, "%s reads 0x%x, not 0x%x (register 0x%x)", expected[i].name, value, expected[i].want,
                        expected[i].offset);
            return false;
        }
    }
    return true;
}
