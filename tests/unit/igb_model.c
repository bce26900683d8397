#include <string.h>
#include "igb.h"
#include "registers.h"
#include "igb_model.h"

struct igb_model igb_model;
#define M igb_model
#define R(offset) M.r[(offset) / 4]

void igb_model_power_on(void)
{
    memset(&M, 0, sizeof M);
    M.stuck = -1;
    R(IGB_VFTE) = R(IGB_VFRE) = 0xff;
    R(IGB_RAH(0)) = RAH_VALID | 0x1234; /* the NIC's own address */
    R(IGB_RAL(0)) = 0xabcdef01;
}

uint32_t igb_read(unsigned offset)
{
    uint32_t value = R(offset);
    if (offset == IGB_ICR)
        R(IGB_ICR) = 0;
    return value;
}

static void mailbox_write(unsigned vf, uint32_t value)
{
    uint32_t *reg = &R(IGB_P2VMAILBOX(vf));
    if (value & P2V_RESET_VF_USES)
        *reg &= ~P2V_VF_USES;
    if (value & P2V_PF_USES) {
        if (!(*reg & P2V_VF_USES))
            *reg |= P2V_PF_USES;
    } else {
        *reg &= ~P2V_PF_USES;
    }
    if (value & P2V_STATUS)
        M.v2p[vf] |= 1;
    if (value & P2V_ACKNOWLEDGE)
        M.v2p[vf] |= 2;
}

void igb_write(unsigned offset, uint32_t value)
{
    M.writes++;
    if ((int)offset == M.stuck)
        return;
    if (offset >= IGB_P2VMAILBOX(0) && offset < IGB_P2VMAILBOX(8))
        mailbox_write((offset - IGB_P2VMAILBOX(0)) / 4, value);
    else if (offset == IGB_VFLRE || offset == IGB_MBVFICR)
        R(offset) &= ~value;
    else if (offset == IGB_CTRL)
        R(offset) = M.reset_hangs ? value : value & ~CTRL_RESET;
    else if (offset == IGB_MDIC)
        R(offset) = value | MDIC_READY;
    else if (offset == IGB_RTTBCNRC)
        M.rate[R(IGB_RTTDQSEL) & 15] = value;
    else
        R(offset) = value;
}

void igb_delay(unsigned microseconds) { (void)microseconds; }

void igb_model_vf_reset(unsigned vf)
{
    R(IGB_VFTE) &= ~(1u << vf);
    R(IGB_VFRE) &= ~(1u << vf);
    R(IGB_VFLRE) |= 1u << vf;
}

void igb_model_vf_says(unsigned vf, const uint32_t *words, unsigned n)
{
    memcpy(&R(IGB_VMBMEM(vf)), words, 4 * n);
    R(IGB_MBVFICR) |= 1u << vf;
}

void igb_model_vf_acknowledges(unsigned vf) { R(IGB_MBVFICR) |= 1u << (16 + vf); }

bool igb_model_vf_hears(unsigned vf, uint32_t *words, unsigned n)
{
    bool there = M.v2p[vf] & 1;
    M.v2p[vf] = 0;
    memcpy(words, &R(IGB_VMBMEM(vf)), 4 * n);
    return there;
}
