/* Registers of the 82576 that the PF driver uses (datasheet, chapter 8; the section beside each). */
#pragma once

#define IGB_CTRL 0x0000             /* 8.2.1 */
#define CTRL_SET_LINK_UP (1u << 6)
#define CTRL_RESET (1u << 26)
#define IGB_STATUS 0x0008           /* 8.2.2 */
#define STATUS_LINK_UP (1u << 1)
#define IGB_CTRL_EXT 0x0018         /* 8.2.3 */
#define CTRL_EXT_PF_RESET_DONE (1u << 14)
#define IGB_MDIC 0x0020             /* 8.2.4 */
#define MDIC_WRITE (1u << 26)
#define MDIC_PHY_1 (1u << 21)
#define MDIC_REGISTER(r) ((uint32_t)(r) << 16)
#define MDIC_READY (1u << 28)
#define PHY_CONTROL 0               /* IEEE 802.3, 22.2.4.1 */
#define PHY_CONTROL_NEGOTIATE 0x1340u /* auto-negotiation on and restarted, 1000 Mb/s, full duplex */
#define IGB_VET 0x0038
#define IGB_EECD 0x0010             /* 8.3.1 */
#define EECD_AUTO_READ_DONE (1u << 9)

#define IGB_ICR 0x00c0              /* 8.8.1 */
#define IGB_IMS 0x00d0
#define IGB_IMC 0x00d8
#define CAUSE_LINK (1u << 2)
#define CAUSE_VM_MAILBOX (1u << 8)
#define IGB_EICR 0x1580             /* 8.8.6 on: extended causes, one bit per vector */
#define IGB_EIMS 0x1524
#define IGB_EIMC 0x1528
#define IGB_EIAC 0x152c
#define IGB_EIAM 0x1530
#define IGB_GPIE 0x1514             /* 8.8.18 */
#define GPIE_NON_SELECTIVE (1u << 0)
#define GPIE_MULTIPLE_MSIX (1u << 4)
#define GPIE_AUTO_MASK (1u << 30)
#define GPIE_PBA (1u << 31)
#define IGB_IVAR_MISC 0x1740        /* 8.8.20 */
#define IVAR_OTHER(vector) (((uint32_t)(vector) | 0x80) << 8)

#define IGB_RCTL 0x0100             /* 8.10.1 */
#define RCTL_ENABLE (1u << 1)
#define RCTL_LONG (1u << 5)
#define RCTL_BROADCAST (1u << 15)
#define RCTL_VLAN_FILTER (1u << 18)
#define RCTL_STRIP_CRC (1u << 26)
#define IGB_TCTL 0x0400             /* 8.11.1 */
#define TCTL_ENABLE (1u << 1)
#define TCTL_PAD (1u << 3)
#define IGB_RLPML 0x5004            /* 8.10.4 */
#define FRAME_MAX 0x2600u           /* longest frame that the NIC takes: 9728 */
#define FRAME_STANDARD 1522u        /* 802.3 with VLAN tag and CRC */
#define IGB_QDE 0x2408              /* 8.10.10: queues that drop when they have no buffers, so that none stops the others */
#define IGB_MTA(n) (0x5200 + 4 * (n)) /* 8.10.13 */
#define MTA_WORDS 128
#define IGB_RAL(n) ((n) < 16 ? 0x5400 + 8 * (n) : 0x54e0 + 8 * ((n) - 16)) /* 8.10.14 */
#define IGB_RAH(n) (IGB_RAL(n) + 4)
#define RAH_VALID (1u << 31)
#define RAH_POOL(vf) (1u << (18 + (vf)))
#define RECEIVE_ADDRESSES 24
#define IGB_VFTA(n) (0x5600 + 4 * (n)) /* 8.10.19 */
#define VFTA_WORDS 128
#define IGB_UTA(n) (0xa000 + 4 * (n))
#define IGB_MRQC 0x5818             /* 8.10.20 */
#define MRQC_VMDQ 3u                /* queues by VM, no RSS */

#define IGB_VT_CTL 0x581c           /* 8.14.5 */
#define VT_CTL_NO_DEFAULT_POOL (1u << 29)
#define VT_CTL_REPLICATE (1u << 30)
#define IGB_MBVFICR 0x0c80          /* 8.14.3: bits 7..0 request of VF n, 23..16 acknowledge of VF n; write 1 to clear */
#define IGB_MBVFIMR 0x0c84
#define IGB_VFLRE 0x0c88            /* 8.14.4: VF n was reset; write 1 to clear */
#define IGB_VFRE 0x0c8c             /* receive and transmit enable per VF */
#define IGB_VFTE 0x0c90
#define IGB_P2VMAILBOX(n) (0x0c00 + 4 * (n)) /* 8.14.2 */
#define P2V_STATUS (1u << 0)        /* a message of the PF is there */
#define P2V_ACKNOWLEDGE (1u << 1)
#define P2V_VF_USES (1u << 2)
#define P2V_PF_USES (1u << 3)
#define P2V_RESET_VF_USES (1u << 4)
#define IGB_VMBMEM(n) (0x0800 + 64 * (n)) /* 16 words, shared by both sides */
#define MAILBOX_WORDS 16
#define IGB_DTXSWC 0x3500           /* 8.14.7: bits 7..0 MAC anti-spoof of VF n, 15..8 VLAN anti-spoof, 31 loopback between VMs */
#define DTXSWC_MAC_SPOOF(vf) (1u << (vf))
#define DTXSWC_VLAN_SPOOF(vf) (1u << (8 + (vf)))
#define DTXSWC_LOOPBACK (1u << 31)
#define IGB_VMVIR(n) (0x3700 + 4 * (n)) /* 8.14.13: VLAN tag that the NIC inserts */
#define VMVIR_ALWAYS (1u << 30)     /* this tag, whatever the descriptor says */
#define VMVIR_NEVER (1u << 31)
#define IGB_VMOLR(n) (0x5ad0 + 4 * (n)) /* 8.14.12: bits 13..0 longest frame */
#define VMOLR_LONG (1u << 16)
#define VMOLR_UNTAGGED (1u << 24)
#define VMOLR_MULTICAST_TABLE (1u << 25)
#define VMOLR_BROADCAST (1u << 27)
#define VMOLR_STRIP_VLAN (1u << 30)
#define VMOLR_STRIP_CRC (1u << 31)
#define IGB_RPLOLR 0x5af0           /* 8.14.11: the same for replicated frames */
#define IGB_VLVF(n) (0x5d00 + 4 * (n)) /* 8.14.14: VLAN, bits 19..12 VFs, 31 valid */
#define VLVF_ENTRIES 32
#define VLVF_POOL(vf) (1u << (12 + (vf)))
#define VLVF_VLAN 0xfffu
#define VLVF_VALID (1u << 31)

#define IGB_RTTDQSEL 0x3604         /* 8.12.x: which transmit queue the next two are about */
#define IGB_RTTBCNRM 0x3690
#define RTTBCNRM_WINDOW 0x14u
#define IGB_RTTBCNRC 0x36b0         /* bit 31 on; link rate / limit as 13.14 fixed point in bits 27..0 */
#define RTTBCNRC_ENABLE (1u << 31)
#define RTTBCNRC_FRACTION 14
#define LINK_MBIT 1000u

/* Mailbox messages, word 0: bits 15..0 what, 23..16 its number, and flags (datasheet 7.10.2.9.1 names the registers; the words are
 * what Linux's igb and igbvf say to each other). */
#define MESSAGE_WHAT 0xffffu
#define MESSAGE_NUMBER(word) ((word) >> 16 & 0xff)
#define MESSAGE_ACK 0x80000000u
#define MESSAGE_NACK 0x40000000u
#define MESSAGE_CLEAR_TO_SEND 0x20000000u
#define VF_SAYS_RESET 0x01u
#define VF_SAYS_SET_MAC 0x02u
#define VF_SAYS_SET_MULTICAST 0x03u
#define VF_SAYS_SET_VLAN 0x04u
#define VF_SAYS_SET_FRAME_MAX 0x05u
#define PF_SAYS_CONTROL 0x0100u
