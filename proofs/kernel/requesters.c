/* function: requesters_invoke (Divide, Bind, Unbind), requesters_deleted, io_space_unbind_all
 * property: a requester goes through the tables of the one space that it is bound to, or nowhere; only those of the capability's range are bound; when a range or a space goes, its requesters are blocked before; a range is only divided into smaller ones that do not overlap; a refusal changes nothing
 * bound: two units, two spaces, 2 bindings, two earlier divisions; all ranges, arguments
 * options: --unwind 5
 * seconds: 300
 */
#include "../proof.h"
/* The same struct without a table behind it: the code uses no more of it. Fewer bindings: loops over them are alike. */
#define io_space io_space_of_the_kernel
#define io_space_unbind_all unbind_all_of_the_kernel
#include "kernel/x86/iospace.h"
#undef io_space
#undef io_space_unbind_all
#undef IO_BOUND_MAX
#define IO_BOUND_MAX 2
struct io_space {
    word_t table[1];
    struct iommu *unit;
    word_t domain, bound_count;
};
void io_space_unbind_all(struct io_space *);
static struct io_space space_a, space_b, *space_meant;
static void *object_named(word_t offset) { (void)offset; return space_meant; }
static paddr_t paddr_of(const void *p) { return p == space_a.table ? 0x1000 : 0x5000; }
#define object_at object_named
#define object_paddr paddr_of
#include "kernel/x86/requesters.c"
#undef object_at

struct kernel kernel;
static struct iommu unit_a, unit_b;
#define unit_of(cap) (requesters_unit(cap) ? &unit_b : &unit_a)
static word_t args[4];
static struct slot slot, division_a, division_b, target;
static struct tcb caller;
static bool is_child[2];

/* A ghost: where the device entry of one arbitrary requester of one arbitrary unit points. */
static word_t ghost_requester;
static struct iommu *ghost_unit;
static const struct io_space *ghost_attached;
static bool changed;

struct iommu *iommu_at(word_t n) { return n ? &unit_b : &unit_a; }
void iommu_memory_written(const struct iommu *u, const void *p, word_t bytes) { (void)u, (void)p, (void)bytes; }
void iommu_device_attach(struct iommu *u, word_t requester, paddr_t table, word_t domain)
{
    const struct io_space *s = table == 0x5000 ? &space_b : &space_a;
    HOLDS(s->unit == u && s->domain == domain && domain >= u->domain_first && domain - u->domain_first < u->domain_count, "a domain of this node's, the space's own");
    HOLDS(u->domains_used[(domain - u->domain_first) / 64] >> (domain - u->domain_first) % 64 & 1, "which is marked as used");
    HOLDS(requester >= requesters_first(slot.cap) && requester <= requesters_last(slot.cap) && u == unit_of(slot.cap), "a requester of the range");
    changed = true;
    if (u == ghost_unit && requester == ghost_requester)
        ghost_attached = s;
}
void iommu_device_block(struct iommu *u, word_t requester, word_t domain)
{
    (void)domain;
    changed = true;
    if (u == ghost_unit && requester == ghost_requester)
        ghost_attached = NULL;
}
bool iommu_fault_take(struct iommu *u, word_t first, word_t last, struct iommu_fault *f)
{
    HOLDS(u == unit_of(slot.cap) && first == requesters_first(slot.cap) && last == requesters_last(slot.cap), "faults of this range");
    *f = (struct iommu_fault){nondet_word(), nondet_word(), nondet_word()};
    return nondet_bool();
}
word_t invocation_arg(const struct invocation *inv, unsigned i) { (void)inv; return args[i]; }
void invocation_result(struct invocation *inv, unsigned i, word_t v) { (void)inv, (void)i, (void)v; }
status_t refuse_plain(status_t s) { return s; }
status_t refuse_argument(word_t w) { (void)w; return SEL4_INVALID_ARGUMENT; }
status_t refuse_capability(word_t w) { (void)w; return SEL4_INVALID_CAPABILITY; }
status_t refuse_range(word_t min, word_t max) { (void)min, (void)max; return SEL4_RANGE_ERROR; }
status_t root_from_cap(const struct slot *s, enum cap_tag want, struct root *out)
{
    if (!s || want != CAP_IO_SPACE || nondet_bool())
        return SEL4_INVALID_CAPABILITY;
    *out = (struct root){ROOT_IO, 0, 1};
    return STATUS_OK;
}
struct lookup cspace_lookup_target(cap_t root, word_t index, word_t depth)
{
    (void)root, (void)index, (void)depth;
    return (struct lookup){nondet_bool() ? STATUS_OK : SEL4_FAILED_LOOKUP, &target, 0};
}
bool slot_is_empty(const struct slot *s) { return cap_tag(s->cap) == CAP_NULL; }
bool slot_is_parent(const struct slot *a, const struct slot *b) { HOLDS(a == &slot, "children of this range"); return is_child[b == &division_b]; }
static bool inserted;
void slot_insert(cap_t cap, struct slot *parent, struct slot *to)
{
    word_t first = requesters_first(cap), last = requesters_last(cap);
    HOLDS(parent == &slot && to == &target && slot_is_empty(to), "into an empty slot, as the range's child");
    HOLDS(requesters_unit(cap) == requesters_unit(slot.cap) && first <= last, "a range of the same unit");
    HOLDS(first >= requesters_first(slot.cap) && last <= requesters_last(slot.cap), "inside the divided one");
    HOLDS(last - first < requesters_last(slot.cap) - requesters_first(slot.cap), "smaller than it");
    HOLDS(!is_child[0] || last < requesters_first(division_a.cap) || first > requesters_last(division_a.cap), "beside another division");
    HOLDS(!is_child[0] || !is_child[1] || last < requesters_first(division_b.cap) || first > requesters_last(division_b.cap), "and beside one behind it");
    inserted = true;
}

static unsigned messages_blocked;
bool irq_requesters_in_use(word_t unit, word_t first, word_t last) { (void)unit, (void)first, (void)last; return false; }
void irq_requesters_deleted(word_t unit, word_t first, word_t last)
{
    HOLDS(unit == requesters_unit(slot.cap) && first == requesters_first(slot.cap) && last == requesters_last(slot.cap), "the messages of this range");
    messages_blocked++;
}

/* The invariants: the books of the ghost's requester, and of each space. */
static unsigned bindings_of_ghost;
static const struct io_space *bound_in(void)
{
    const struct io_space *in = NULL;
    bindings_of_ghost = 0;
    for (word_t i = 0; i < binding_count; i++)
        if (bindings[i].space->unit == ghost_unit && bindings[i].requester == ghost_requester) {
            in = bindings[i].space;
            bindings_of_ghost++;
        }
    return in;
}
static bool sound(const struct io_space *s)
{
    word_t n = 0;
    for (word_t i = 0; i < binding_count; i++)
        n += bindings[i].space == s;
    return n == s->bound_count && (s->unit != NULL) == (n != 0);
}

static void arbitrary(struct iommu *u, struct io_space *s)
{
    u->domain_first = nondet_below(1000);
    u->domain_count = nondet_below(3);
    u->domains_used[0] = nondet_word();
    s->bound_count = nondet_below(IO_BOUND_MAX + 1);
}
static void arbitrary_domain(struct io_space *s)
{
    word_t domain = nondet_below(2);
    s->unit = s->bound_count ? (nondet_bool() ? &unit_a : &unit_b) : NULL;
    s->domain = s->unit ? s->unit->domain_first + domain : 0;
    ASSUME(!s->unit || (domain < s->unit->domain_count && (s->unit->domains_used[0] >> domain & 1)));
}

int main(void)
{
    arbitrary(&unit_a, &space_a);
    arbitrary(&unit_b, &space_b);
    arbitrary_domain(&space_a);
    arbitrary_domain(&space_b);
    division_a.cap = cap_requesters(nondet_below(2), nondet_word() & 0xffff, nondet_word() & 0xffff);
    division_b.cap = cap_requesters(nondet_below(2), nondet_word() & 0xffff, nondet_word() & 0xffff);
    is_child[0] = nondet_bool();
    is_child[1] = nondet_bool();
    ASSUME(!space_a.unit || space_a.unit != space_b.unit || space_a.domain != space_b.domain);
    binding_count = nondet_below(IO_BOUND_MAX + 1);
    for (unsigned i = 0; i < IO_BOUND_MAX; i++)
        bindings[i] = (struct binding){nondet_bool() ? &space_a : &space_b, (uint16_t)nondet_word()};
    ASSUME(sound(&space_a) && sound(&space_b));
    for (unsigned i = 0; i < IO_BOUND_MAX; i++)
        for (unsigned j = 0; j < i; j++)
            ASSUME(i >= binding_count || bindings[i].requester != bindings[j].requester || bindings[i].space->unit != bindings[j].space->unit);
    slot.cap = cap_requesters(nondet_below(2), nondet_word() & 0xffff, nondet_word() & 0xffff);
    slot.next = (word_t)&division_a;
    division_a.next = (word_t)&division_b;
    target.cap.w0 = nondet_word();
    ASSUME(requesters_first(slot.cap) <= requesters_last(slot.cap));
    for (unsigned i = 0; i < 4; i++)
        args[i] = nondet_word();
    ghost_requester = nondet_word() & 0xffff;
    ghost_unit = (nondet_bool() ? &unit_a : &unit_b);
    ghost_attached = bound_in();
    const struct io_space *before = ghost_attached;
    space_meant = nondet_bool() ? &space_a : &space_b;
    struct slot space_slot = {.next = 0};
    struct invocation inv = {.slot = &slot, .cap = slot.cap, .label = nondet_word(), .length = nondet_below(121),
                             .extra = {nondet_bool() ? &space_slot : NULL}, .caller = &caller};
    bool ghost_in_range = ghost_unit == unit_of(slot.cap) && ghost_requester >= requesters_first(slot.cap) && ghost_requester <= requesters_last(slot.cap);
    status_t s = STATUS_OK;

    switch (nondet_below(3)) {
    case 0:
        s = requesters_invoke(&inv);
        HOLDS(s == STATUS_OK || (!changed && !inserted), "a refusal changes nothing");
        HOLDS(ghost_attached == before || (ghost_in_range && args[0] == ghost_requester), "only the requester that is named, of this range");
        HOLDS(ghost_attached == before || (before ? inv.label == ATOLL_REQUESTERS_UNBIND && !ghost_attached : ghost_attached == space_meant), "bound where it was bound nowhere, or unbound");
        REACH(s == STATUS_OK && inv.label == ATOLL_REQUESTERS_DIVIDE);
        REACH(s == STATUS_OK && inv.label == ATOLL_REQUESTERS_BIND && space_a.bound_count == 2);
        REACH(s == STATUS_OK && inv.label == ATOLL_REQUESTERS_UNBIND && before && !binding_count);
        REACH(s == SEL4_NOT_ENOUGH_MEMORY);
        REACH(s == SEL4_REVOKE_FIRST);
        break;
    case 1:
        requesters_deleted(slot.cap);
        HOLDS(ghost_in_range ? ghost_attached == NULL : ghost_attached == before, "with the range its requesters are blocked, no others");
        HOLDS(messages_blocked == 1, "and their messages");
        REACH(ghost_in_range && before && binding_count);
        break;
    default:
        io_space_unbind_all(space_meant);
        HOLDS(before == space_meant ? ghost_attached == NULL : ghost_attached == before, "with the space its requesters are blocked, no others");
        HOLDS(space_meant->bound_count == 0, "nothing is bound to it");
        REACH(before == space_meant && binding_count);
    }
    HOLDS(bound_in() == ghost_attached, "the device entry says what the books say");
    HOLDS(bindings_of_ghost <= 1, "one space at most");
    HOLDS(sound(&space_a) && sound(&space_b), "a space knows how many use it; one that none uses has no unit");
}
