/* function: ioport_invoke, ioport_control_invoke, ioport_allow, inside_allowed (ioport.c)
 * property: a port is read or written only inside the capability's range; a range is issued only inside what boot allowed and where no live one is, into an empty slot; a refusal changes nothing
 * bound: 2 allowed ranges; ranges of up to 128 ports; all invocations
 * options: --unwind 5
 * solver: bitwuzla
 */
#include "../proof.h"
#include <machine.h>
static unsigned accesses;
static uint16_t port_used;
#define in8(p) (accesses++, port_used = (p), nondet_word() & 0xff)
#define in16(p) (accesses++, port_used = (p), nondet_word() & 0xffff)
#define in32(p) (accesses++, port_used = (p), nondet_word() & 0xffffffff)
#define out8(p, v) ((void)(v), accesses++, port_used = (p))
#define out16(p, v) ((void)(v), accesses++, port_used = (p))
#define out32(p, v) ((void)(v), accesses++, port_used = (p))
#include "kernel/x86/ioport.c"

struct kernel kernel;
static struct slot control, root, to;
static word_t args[4];
static bool inserted;
word_t invocation_arg(const struct invocation *inv, unsigned i) { HOLDS(i < inv->length && i < 4, "a word of the message"); return args[i]; }
void invocation_result(struct invocation *inv, unsigned i, word_t v) { (void)inv, (void)i, (void)v; }
status_t refuse_plain(status_t s) { return s; }
status_t refuse_argument(word_t w) { (void)w; return SEL4_INVALID_ARGUMENT; }
status_t refuse_range(word_t a, word_t b) { (void)a, (void)b; return SEL4_RANGE_ERROR; }
bool slot_is_empty(const struct slot *s) { return cap_tag(s->cap) == CAP_NULL; }
struct lookup cspace_lookup_target(cap_t r, word_t i, word_t d) { (void)r, (void)i, (void)d; return nondet_bool() ? (struct lookup){STATUS_OK, &to, 0} : (struct lookup){SEL4_FAILED_LOOKUP, NULL, 0}; }
void slot_insert(cap_t cap, struct slot *from, struct slot *s) { HOLDS(from == &control && s == &to && slot_is_empty(s), "the control's child, in an empty slot"); to.cap = cap; inserted = true; }

int main(void)
{
    __CPROVER_havoc_object(issued);
    allowed_count = nondet_below(2);
    allowed[0] = (struct range){nondet_word(), nondet_word()};
    struct range more = {nondet_word(), nondet_word()};
    HOLDS(ioport_allow(more.first, more.last), "there is room for it");
    for (unsigned i = 0; i < 4; i++)
        args[i] = nondet_word();
    to.cap.w0 = nondet_word();
    word_t first = args[0], last = args[1], ghost = nondet_below(PORTS);
    bool before = issued[ghost / 64] >> ghost % 64 & 1;
    if (nondet_bool()) {
        ASSUME(last - first < 128);
        struct invocation inv = {.slot = &control, .label = nondet_word(), .length = nondet_below(121), .extra = {nondet_bool() ? &root : NULL}};
        status_t s = ioport_control_invoke(&inv);
        bool after = issued[ghost / 64] >> ghost % 64 & 1, inside = ghost >= first && ghost <= last;
        HOLDS(s == STATUS_OK ? inserted && after == (before || inside) : !inserted && after == before, "these ports, or nothing");
        HOLDS(s != STATUS_OK || (first <= last && last < PORTS && inside_allowed(first, last) && !(inside && before)), "allowed, and nobody's");
        REACH(s == STATUS_OK);
        REACH(s == SEL4_REVOKE_FIRST);
    } else {
        struct invocation inv = {.cap = {nondet_word(), nondet_word()}, .label = nondet_word(), .length = nondet_below(121)};
        status_t s = ioport_invoke(&inv);
        bool out = inv.label >= SEL4_X86_IOPORT_OUT8;
        unsigned bytes = 1u << (inv.label - (out ? SEL4_X86_IOPORT_OUT8 : SEL4_X86_IOPORT_IN8)) % 32;
        HOLDS(accesses == (s == STATUS_OK), "once, or not at all");
        HOLDS(s != STATUS_OK || (port_used >= io_port_first(inv.cap) && (word_t)port_used + bytes - 1 <= io_port_last(inv.cap)), "inside the capability's range");
        REACH(s == STATUS_OK && out && bytes == 4);
    }
}
