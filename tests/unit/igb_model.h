/* A model of the 82576's registers as its datasheet has them, as far as the PF driver uses them, and the VF's side of the mailbox. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct igb_model {
    uint32_t r[0x20000 / 4];
    uint32_t v2p[8];        /* what a VF reads in its mailbox register */
    unsigned writes;        /* all, since the last model_quiet() */
    int stuck;              /* this register ignores writes; -1: none */
    uint32_t rate[16];      /* by transmit queue */
    bool reset_hangs;
};
extern struct igb_model igb_model;

void igb_model_power_on(void);
void igb_model_vf_reset(unsigned vf);                              /* CTRL.RST of a VF, or FLR */
void igb_model_vf_says(unsigned vf, const uint32_t *words, unsigned n); /* a message: taken, written, request */
void igb_model_vf_acknowledges(unsigned vf);
bool igb_model_vf_hears(unsigned vf, uint32_t *words, unsigned n); /* is there an answer? */
