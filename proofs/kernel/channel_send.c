/* function: channel_invoke (send): channel_full, channel_write, channel_publish, movable_*
 * property: only the one capability to a whole thing that boot lets pass leaves; its record is exact and counts only when the slot is empty and the thing noted as away; no word of another record changes; a refusal changes nothing
 * bound: up to two things of any size at any address; any capability, any word of the peer's
 * options: --unwind 4
 * solver: bitwuzla
 * seconds: 300
 */
#include "channel_end.inc"

static cap_t cap_before;
static unsigned loads, stores;
static bool published;
static word_t first_count;
static struct channel_record written;

static uint64_t load_contract(volatile uint64_t *at)
{
    HOLDS(at == &taken.taken, "the sender reads how many were taken");
    loads++;
    return nondet_word();
}
/* Where it is written tells which word it is; it goes to `written` instead of the page. */
static void store_contract(volatile uint64_t *at, uint64_t value)
{
    word_t offset = (word_t)((const volatile char *)at - (const volatile char *)&sent);
    HOLDS(offset < sizeof sent && offset / sizeof written == first_count % CHANNEL_RECORDS, "only words of the next record are written");
    stores++;
    published = offset % sizeof written == offsetof(struct channel_record, sequence);
    HOLDS(published == (stores == 4), "the sequence is the last word written");
    HOLDS(!published || marks == 1, "when the thing is noted as away");
    switch (offset % sizeof written) {
    case offsetof(struct channel_record, sequence): written.sequence = value; break;
    case offsetof(struct channel_record, kind): written.kind = value; break;
    case offsetof(struct channel_record, value): written.value = value; break;
    case offsetof(struct channel_record, size_bits): written.size_bits = value; break;
    default: HOLDS(false, "a whole word");
    }
}
void slot_clear(struct slot *s)
{
    HOLDS(s == &slot && stores == 3 && !published, "the slot is cleared when the record is there, and before it counts");
    s->cap = cap_null();
    s->prev = s->next = 0;
}
struct lookup cspace_lookup_target(cap_t root, word_t i, word_t d) { (void)root, (void)i, (void)d; return (struct lookup){SEL4_FAILED_LOOKUP, NULL, 0}; }
void slot_insert_original(cap_t c, struct slot *s) { (void)c, (void)s; HOLDS(false, "a sender installs nothing"); }
void invocation_result(struct invocation *inv, unsigned i, word_t v) { (void)inv, (void)i, (void)v; }

int main(void)
{
    arbitrary_end(true);
    slot.cap = cap_before = (cap_t){nondet_word(), nondet_word()};
    slot.prev = nondet_bool() ? (word_t)&channel_slot : 0;
    word_t prev = slot.prev, count = end->count;
    first_count = count;
    struct invocation inv = {.slot = &channel_slot, .cap = cap_channel(number), .label = nondet_word(), .length = nondet_below(121),
                             .extra = {nondet_bool() ? &slot : NULL}, .caller = &caller, .call = true};

    status_t s = channel_invoke(&inv);

    const struct channel_record *r = &written;
    HOLDS(loads <= 1, "the peer's word is read once");
    if (s != STATUS_OK) {
        HOLDS(slot.cap.w0 == cap_before.w0 && slot.cap.w1 == cap_before.w1 && slot.prev == prev, "refused: the capability stays");
        HOLDS(marks == 0 && end->count == count && stores == 0, "refused: nothing changes");
    } else {
        enum cap_tag tag = cap_tag(cap_before);
        HOLDS(inv.extra[0] == &slot && inv.label == ATOLL_CHANNEL_SEND, "sent is what was asked for");
        HOLDS((tag == CAP_UNTYPED && untyped_frame_only(cap_before)) || tag == CAP_REQUESTERS || tag == CAP_IPI, "of a movable kind");
        HOLDS(!children && final && prev == 0 && !in_use, "the only capability, made from none, unused");
        HOLDS(slot_is_empty(&slot), "it has left");
        HOLDS(r->sequence == count + 1 && end->count == count + 1 && stores == 4, "the record counts, as the next one");
        HOLDS(tag != CAP_UNTYPED || (r->kind == CHANNEL_MEMORY && r->value == untyped_paddr(cap_before) && r->size_bits == untyped_size_bits(cap_before)),
              "the record is this memory");
        HOLDS(tag != CAP_REQUESTERS || (r->kind == CHANNEL_REQUESTERS && r->size_bits == 0 && r->value >> 32 == requesters_unit(cap_before) &&
                                        (r->value & 0xffff) == requesters_first(cap_before) && (r->value >> 16 & 0xffff) == requesters_last(cap_before)),
              "the record is this range");
        HOLDS(tag != CAP_IPI || (r->kind == CHANNEL_IPI && r->size_bits == 0 && (r->value & 0xffffffff) == ipi_apic_id(cap_before) &&
                                 r->value >> 32 == ipi_vector(cap_before)), "the record is this IPI");
        HOLDS(thing_has(0, r->kind, r->value, r->size_bits) || thing_has(1, r->kind, r->value, r->size_bits), "boot lets it pass here");
        HOLDS(marks == 1 && !marked_here && marked.kind == r->kind && marked.value == r->value && marked.size_bits == r->size_bits,
              "exactly this is noted as away");
    }
    REACH(s == STATUS_OK && cap_tag(cap_before) == CAP_UNTYPED && r->size_bits == 30);
    REACH(s == STATUS_OK && cap_tag(cap_before) == CAP_UNTYPED && r->size_bits == 21);
    REACH(s == STATUS_OK && cap_tag(cap_before) == CAP_REQUESTERS);
    REACH(s == STATUS_OK && cap_tag(cap_before) == CAP_IPI);
    REACH(s == SEL4_INVALID_CAPABILITY);
    REACH(s == SEL4_RANGE_ERROR);
    REACH(s == SEL4_REVOKE_FIRST);
    REACH(s == SEL4_ILLEGAL_OPERATION);
    REACH(s == SEL4_DELETE_FIRST);
    REACH(s == SEL4_NOT_ENOUGH_MEMORY);
    REACH(s == SEL4_TRUNCATED_MESSAGE);
}
