/* The 82576's PF driver against a model of its registers: what a VF's identity is made of, and that no message of a VF's driver, and no
 * late request of a node manager, changes it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "igb.h"
#include "igb_model.h"
#include "registers.h"

#define R(offset) igb_model.r[(offset) / 4]

static const struct nic_config config = {
    .magic = NIC_CONFIG_MAGIC, .name = "nic0", .vf_count = 4,
    .vfs = {{.mac = {2, 0, 0, 0, 1, 0x10}, .vlan = 100, .rate_mbit = 100, .used = 1},
            {.mac = {2, 0, 0, 0, 1, 0x11}, .used = 1},
            {.mac = {2, 0, 0, 0, 1, 0x12}, .vlan = 100, .used = 1},
            {.mac = {2, 0, 0, 0, 1, 0x13}}}};
static struct igb g;

static int start(void **unused)
{
    char why[100];
    (void)unused;
    igb_model_power_on();
    assert_true(igb_start(&g, &config, why, sizeof why));
    return 0;
}

static uint32_t request(unsigned vf, uint64_t lease, uint32_t command)
{
    struct vf_request r = {1, lease, command};
    struct vf_answer a;
    igb_request(&g, vf, &r, &a);
    assert_int_equal(a.lease, lease);
    return a.status;
}

/* A message and its answer's first word; 0: none came. */
static uint32_t say(unsigned vf, const uint32_t *words, unsigned n, uint32_t *answer)
{
    igb_model_vf_says(vf, words, n);
    igb_service(&g);
    return igb_model_vf_hears(vf, answer, 3) ? answer[0] : 0;
}

static uint32_t say1(unsigned vf, uint32_t w0, uint32_t w1)
{
    uint32_t answer[3];
    return say(vf, (uint32_t[]){w0, w1, 0}, 3, answer);
}

static void up(unsigned vf, uint64_t lease)
{
    assert_int_equal(request(vf, lease, VF_PROGRAM), VF_DONE);
    igb_model_vf_reset(vf);
    assert_int_equal(say1(vf, VF_SAYS_RESET, 0), VF_SAYS_RESET | MESSAGE_ACK);
}

static void silent(unsigned vf)
{
    assert_false(R(IGB_VFTE) >> vf & 1);
    assert_false(R(IGB_VFRE) >> vf & 1);
    assert_int_equal(R(IGB_RAH(vf)), 0);
    for (unsigned i = 0; i < VLVF_ENTRIES; i++)
        assert_false(R(IGB_VLVF(i)) & VLVF_POOL(vf));
}

static void starts_silent(void **unused)
{
    (void)unused;
    for (unsigned i = 0; i < VF_MAX; i++)
        silent(i);
    assert_int_equal(R(IGB_RAL(0)), 0); /* its own address receives nothing */
    assert_int_equal(R(IGB_MRQC), MRQC_VMDQ);
    assert_int_equal(R(IGB_VT_CTL) & VT_CTL_NO_DEFAULT_POOL, VT_CTL_NO_DEFAULT_POOL);
    assert_int_equal(R(IGB_DTXSWC), 0x8000ffff); /* anti-spoof of addresses and VLANs for all eight */
    assert_true(R(IGB_CTRL_EXT) & CTRL_EXT_PF_RESET_DONE);
    assert_int_equal(R(IGB_IVAR_MISC), 0x8000);
    assert_true(R(IGB_RCTL) & RCTL_VLAN_FILTER);
}

static void identity(void **unused)
{
    (void)unused;
    assert_int_equal(request(0, 1, VF_PROGRAM), VF_DONE);
    assert_int_equal(R(IGB_RAL(0)), 0x00000002);
    assert_int_equal(R(IGB_RAH(0)), 0x80041001);           /* valid, pool 0 */
    assert_int_equal(R(IGB_VMVIR(0)), 0x40000064);         /* VLAN 100 always */
    assert_int_equal(R(IGB_VLVF(0)), 0x80001064);          /* VLAN 100 is for pool 0 */
    assert_int_equal(R(IGB_VFTA(3)), 1u << 4);             /* 100 = 3 * 32 + 4 */
    assert_true(R(IGB_VMOLR(0)) & VMOLR_STRIP_VLAN);
    assert_false(R(IGB_VMOLR(0)) & VMOLR_UNTAGGED);        /* nothing without a tag reaches it */
    assert_int_equal(igb_model.rate[0], RTTBCNRC_ENABLE | 10 << 14); /* 1000 / 100 */
    assert_int_equal(igb_model.rate[8], igb_model.rate[0]); /* its second queue, too */
    assert_false(R(IGB_VFTE) & 1);                         /* silent until its driver has reset it */

    assert_int_equal(request(1, 1, VF_PROGRAM), VF_DONE);
    assert_int_equal(R(IGB_RAH(1)), 0x80081101);
    assert_int_equal(R(IGB_VMVIR(1)), 0x80000000);         /* never a tag */
    assert_int_equal(R(IGB_VLVF(1)), 0);
    assert_true(R(IGB_VMOLR(1)) & VMOLR_UNTAGGED);
    assert_int_equal(igb_model.rate[1], 0);
}

/* Two VFs of one VLAN share its entry of the filter, whoever came first and whoever goes. */
static void one_entry_for_a_vlan(void **unused)
{
    (void)unused;
    assert_int_equal(request(2, 1, VF_PROGRAM), VF_DONE);
    assert_int_equal(R(IGB_VLVF(0)), 0x80004064); /* pool 2 alone */
    assert_int_equal(request(0, 1, VF_PROGRAM), VF_DONE);
    assert_int_equal(R(IGB_VLVF(0)), 0x80005064);
    assert_int_equal(request(1, 1, VF_PROGRAM), VF_DONE);
    assert_int_equal(request(0, 1, VF_QUIESCE), VF_DONE);
    assert_int_equal(R(IGB_VLVF(0)), 0x80004064);
    assert_int_equal(R(IGB_VFTA(3)), 1u << 4);
    assert_int_equal(request(2, 1, VF_QUIESCE), VF_DONE);
    assert_int_equal(R(IGB_VLVF(0)), 0);
    assert_int_equal(R(IGB_VFTA(3)), 0);
    for (unsigned i = 1; i < VLVF_ENTRIES; i++)
        assert_int_equal(R(IGB_VLVF(i)), 0);
}

static void reset_tells_the_address(void **unused)
{
    uint32_t answer[3];
    uint8_t mac[6];
    (void)unused;
    assert_int_equal(request(1, 1, VF_PROGRAM), VF_DONE);
    igb_model_vf_reset(1);
    assert_int_equal(say(1, (uint32_t[]){VF_SAYS_RESET, 0, 0}, 3, answer), VF_SAYS_RESET | MESSAGE_ACK);
    memcpy(mac, &answer[1], 6);
    assert_memory_equal(mac, config.vfs[1].mac, 6);
    assert_int_equal(R(IGB_VFTE), 2);
    assert_int_equal(R(IGB_VFRE), 2);
    igb_service(&g); /* nothing of that reset is left that would silence it */
    assert_int_equal(R(IGB_VFTE), 2);
    igb_model_vf_reset(1);
    igb_service(&g);
    assert_int_equal(R(IGB_VFTE), 0);
    assert_int_equal(say1(1, VF_SAYS_SET_VLAN, 0), VF_SAYS_SET_VLAN | MESSAGE_NACK); /* not before it says so */
}

/* The reset's record may be seen only after the message that speaks of it. */
static void reset_seen_late(void **unused)
{
    uint32_t answer[3];
    (void)unused;
    assert_int_equal(request(1, 1, VF_PROGRAM), VF_DONE);
    igb_model_vf_says(1, (uint32_t[]){VF_SAYS_RESET, 0, 0}, 3);
    R(IGB_VFLRE) |= 2;
    igb_mailbox_service(&g, 1);
    assert_true(igb_model_vf_hears(1, answer, 3));
    igb_service(&g);
    assert_int_equal(R(IGB_VFTE), 2);
}

static void what_a_guest_may_not(void **unused)
{
    uint32_t before[4], words[16], answer[3];
    (void)unused;
    up(0, 1);
    memcpy(before, (uint32_t[]){R(IGB_RAL(0)), R(IGB_RAH(0)), R(IGB_VMVIR(0)), R(IGB_VLVF(0))}, sizeof before);
    assert_int_equal(say(0, (uint32_t[]){VF_SAYS_SET_MAC, 0x00000002, 0x1101}, 3, answer), VF_SAYS_SET_MAC | MESSAGE_NACK | MESSAGE_CLEAR_TO_SEND);
    assert_int_equal(say(0, (uint32_t[]){VF_SAYS_SET_MAC, 0x00000002, 0x1001}, 3, answer), VF_SAYS_SET_MAC | MESSAGE_ACK | MESSAGE_CLEAR_TO_SEND);
    assert_int_equal(say1(0, VF_SAYS_SET_VLAN | 1u << 16, 200), VF_SAYS_SET_VLAN | 1u << 16 | MESSAGE_NACK | MESSAGE_CLEAR_TO_SEND);
    assert_int_equal(say1(0, VF_SAYS_SET_VLAN | 1u << 16, 0), VF_SAYS_SET_VLAN | 1u << 16 | MESSAGE_ACK | MESSAGE_CLEAR_TO_SEND);
    assert_int_equal(say1(0, 6, ~0u), 6 | MESSAGE_NACK | MESSAGE_CLEAR_TO_SEND); /* promiscuous */
    assert_int_equal(say1(0, VF_SAYS_SET_FRAME_MAX, 0x2601), VF_SAYS_SET_FRAME_MAX | MESSAGE_NACK | MESSAGE_CLEAR_TO_SEND);
    assert_int_equal(say1(0, VF_SAYS_SET_FRAME_MAX, 9000), VF_SAYS_SET_FRAME_MAX | MESSAGE_ACK | MESSAGE_CLEAR_TO_SEND);
    assert_int_equal(R(IGB_VMOLR(0)) & 0x3fff, 9004);
    srand(1);
    for (unsigned i = 0; i < 20000; i++) { /* any words at all */
        for (unsigned k = 0; k < 16; k++)
            words[k] = (uint32_t)rand() << 16 ^ (uint32_t)rand();
        if (i % 2)
            words[0] &= 0xff0007;
        igb_model_vf_says(0, words, 16);
        igb_service(&g);
        igb_model_vf_hears(0, answer, 3);
        assert_memory_equal(before, ((uint32_t[]){R(IGB_RAL(0)), R(IGB_RAH(0)), R(IGB_VMVIR(0)), R(IGB_VLVF(0))}), sizeof before);
        assert_int_equal(R(IGB_DTXSWC), 0x8000ffff);
        assert_false(R(IGB_VFTE) & ~1u);
        assert_true((R(IGB_VMOLR(0)) & 0x3fff) <= FRAME_MAX);
    }
    silent(1);
    assert_true(g.vfs[0].refused > 1000);
}

static void multicast(void **unused)
{
    uint32_t answer[3];
    (void)unused;
    up(0, 1);
    up(1, 1);
    say(0, (uint32_t[]){VF_SAYS_SET_MULTICAST | 2 << 16, 0x00210fff, 0}, 3, answer);
    assert_int_equal(R(IGB_MTA(127)), 1u << 31);
    assert_int_equal(R(IGB_MTA(1)), 2);
    assert_true(R(IGB_VMOLR(0)) & VMOLR_MULTICAST_TABLE);
    assert_false(R(IGB_VMOLR(1)) & VMOLR_MULTICAST_TABLE);
    say(1, (uint32_t[]){VF_SAYS_SET_MULTICAST | 1 << 16, 0x0021, 0}, 3, answer);
    assert_int_equal(request(0, 1, VF_QUIESCE), VF_DONE);
    assert_int_equal(R(IGB_MTA(127)), 0); /* its own goes, the shared one stays */
    assert_int_equal(R(IGB_MTA(1)), 2);
}

static void quiesce_and_late_requests(void **unused)
{
    (void)unused;
    up(0, 5);
    up(2, 5);
    assert_int_equal(request(0, 4, VF_QUIESCE), VF_STALE);
    assert_int_equal(request(0, 4, VF_PROGRAM), VF_STALE);
    assert_int_equal(request(0, 5, VF_PROGRAM), VF_STALE); /* twice */
    assert_int_equal(R(IGB_VFTE), 5);
    assert_int_equal(request(0, 5, VF_QUIESCE), VF_DONE);
    silent(0);
    assert_int_equal(R(IGB_VFTA(3)), 1u << 4); /* VF 2 is in that VLAN, too */
    assert_int_equal(say1(0, VF_SAYS_RESET, 0), VF_SAYS_RESET | MESSAGE_NACK); /* not its any more */
    silent(0);
    assert_int_equal(request(2, 5, VF_QUIESCE), VF_DONE);
    assert_int_equal(R(IGB_VFTA(3)), 0);
    assert_int_equal(request(0, 6, VF_QUIESCE), VF_DONE); /* quiescing what is quiet */
    assert_int_equal(request(0, 6, VF_PROGRAM), VF_DONE);
    assert_int_equal(request(3, 1, VF_PROGRAM), VF_UNKNOWN); /* nobody's */
    assert_int_equal(request(4, 1, VF_PROGRAM), VF_UNKNOWN);
    assert_int_equal(request(1, 1, 3), VF_UNKNOWN);
    silent(3);
}

/* A register that does not take its value is found, for each that makes up the identity; the VF stays silent. */
static void programming_is_verified(void **unused)
{
    const unsigned registers[] = {IGB_RAL(0), IGB_RAH(0), IGB_VMVIR(0), IGB_VLVF(0), IGB_VMOLR(0)};
    for (unsigned i = 0; i < sizeof registers / sizeof registers[0]; i++) {
        struct vf_request r = {1, 1, VF_PROGRAM};
        struct vf_answer a;
        char what[32];
        start(unused);
        igb_model.stuck = (int)registers[i];
        igb_request(&g, 0, &r, &a);
        assert_int_equal(a.status, VF_FAILED);
        snprintf(what, sizeof what, "(register 0x%x)", registers[i]);
        assert_non_null(strstr(a.reason, what));
        assert_false(g.vfs[0].programmed);
        assert_int_equal(R(IGB_VFTE), 0);
    }
    start(unused);
    R(IGB_DTXSWC) = DTXSWC_LOOPBACK;
    igb_model.stuck = IGB_DTXSWC;
    assert_int_equal(request(0, 1, VF_PROGRAM), VF_FAILED);
}

static void mailbox_held_by_the_vf(void **unused)
{
    uint32_t answer[3];
    (void)unused;
    up(0, 1);
    igb_model_vf_says(0, (uint32_t[]){VF_SAYS_SET_VLAN, 0}, 2);
    R(IGB_P2VMAILBOX(0)) |= P2V_VF_USES;
    igb_service(&g);
    assert_false(igb_model_vf_hears(0, answer, 1));
    up(1, 1); /* the others are served */
    R(IGB_P2VMAILBOX(0)) &= ~P2V_VF_USES;
    igb_service(&g);
    assert_true(igb_model_vf_hears(0, answer, 1));
    R(IGB_P2VMAILBOX(0)) |= P2V_VF_USES; /* and left so: a new lease takes it back */
    assert_int_equal(request(0, 1, VF_QUIESCE), VF_DONE);
    up(0, 2);
}

static void link_is_told(void **unused)
{
    uint32_t answer[3];
    (void)unused;
    up(0, 1);
    up(1, 1);
    igb_model_vf_acknowledges(0);
    R(IGB_STATUS) |= STATUS_LINK_UP;
    igb_service(&g);
    assert_false(igb_model_vf_hears(1, answer, 1)); /* it has not read its answer yet */
    igb_model_vf_acknowledges(1);
    igb_model_vf_says(1, (uint32_t[]){VF_SAYS_SET_VLAN, 0}, 2); /* and asks on */
    igb_service(&g);
    assert_true(igb_model_vf_hears(1, answer, 1));
    assert_int_equal(answer[0] & MESSAGE_WHAT, VF_SAYS_SET_VLAN);
    igb_model_vf_acknowledges(1);
    igb_service(&g);
    assert_true(igb_model_vf_hears(1, answer, 1));
    assert_int_equal(answer[0], PF_SAYS_CONTROL | MESSAGE_CLEAR_TO_SEND);
    assert_true(igb_model_vf_hears(0, answer, 1));
    assert_int_equal(answer[0], PF_SAYS_CONTROL | MESSAGE_CLEAR_TO_SEND);
    igb_model_vf_acknowledges(0);
    igb_service(&g);
    assert_false(igb_model_vf_hears(0, answer, 1));
}

static void a_nic_that_does_not_reset(void **unused)
{
    char why[100];
    (void)unused;
    igb_model_power_on();
    igb_model.reset_hangs = true;
    assert_false(igb_start(&g, &config, why, sizeof why));
    assert_string_equal(why, "the NIC does not come out of its reset");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(starts_silent, start), cmocka_unit_test_setup(identity, start), cmocka_unit_test_setup(one_entry_for_a_vlan, start),
        cmocka_unit_test_setup(reset_tells_the_address, start), cmocka_unit_test_setup(reset_seen_late, start),
        cmocka_unit_test_setup(what_a_guest_may_not, start), cmocka_unit_test_setup(multicast, start),
        cmocka_unit_test_setup(quiesce_and_late_requests, start), cmocka_unit_test_setup(programming_is_verified, start),
        cmocka_unit_test_setup(mailbox_held_by_the_vf, start), cmocka_unit_test_setup(link_is_told, start),
        cmocka_unit_test(a_nic_that_does_not_reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
