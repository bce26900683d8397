/* function: channel_invoke (receive): channel_peek, channel_take, movable_*
 * property: whatever the peer's words are at each read: what arrives is exactly the record that was read, of a thing that boot lets pass and that is not here, in an empty slot, and is acknowledged after that; otherwise nothing changes
 * bound: up to two things of any size at any address; each read of a peer's word gives any value
 * options: --unwind 5
 * solver: bitwuzla
 * seconds: 300
 */
#include "channel_end.inc"

static struct channel_record seen;   /* what the reads gave */
static unsigned reads[4], stores;
static struct slot *target;
static cap_t installed;
static unsigned installs;

static uint64_t load_contract(volatile uint64_t *at)
{
    struct channel_record *r = &sent.records[end->count % CHANNEL_RECORDS];
    uint64_t value = nondet_word();
    HOLDS(at == &r->sequence || at == &r->kind || at == &r->value || at == &r->size_bits, "the receiver reads the next record");
    HOLDS(at == &r->sequence || reads[0] == 1, "its sequence before the rest");
    if (at == &r->sequence)
        reads[0]++, seen.sequence = value;
    else if (at == &r->kind)
        reads[1]++, seen.kind = value;
    else if (at == &r->value)
        reads[2]++, seen.value = value;
    else
        reads[3]++, seen.size_bits = value;
    return value;
}
static void store_contract(volatile uint64_t *at, uint64_t value)
{
    HOLDS(at == &taken.taken, "the receiver writes how many it took");
    HOLDS(installs == 1, "and acknowledges what is installed");
    stores++;
    taken.taken = value;
}
struct lookup cspace_lookup_target(cap_t root, word_t i, word_t d)
{
    (void)root, (void)i, (void)d;
    target = nondet_bool() ? &slot : NULL;
    return target ? (struct lookup){STATUS_OK, target, 0} : (struct lookup){nondet_bool() ? SEL4_FAILED_LOOKUP : SEL4_RANGE_ERROR, NULL, 0};
}
void slot_insert_original(cap_t c, struct slot *s)
{
    HOLDS(s == &slot && slot_is_empty(s), "into the empty slot that was named");
    s->cap = installed = c;
    s->prev = 0;
    s->next = SLOT_FLAGS;
    installs++;
}
void slot_clear(struct slot *s) { (void)s; HOLDS(false, "a receiver takes nothing away"); }
static word_t results[3];
void invocation_result(struct invocation *inv, unsigned i, word_t v) { (void)inv; results[i] = v; }

int main(void)
{
    arbitrary_end(false);
    if (nondet_bool())
        slot.cap = (cap_t){nondet_word(), nondet_word()};
    cap_t cap_before = slot.cap;
    word_t count = end->count, taken_before = taken.taken = nondet_word();
    struct invocation inv = {.slot = &channel_slot, .cap = cap_channel(number), .label = nondet_word(), .length = nondet_below(121),
                             .extra = {nondet_bool() ? &cnode_slot_of_receiver : NULL}, .caller = &caller, .call = true};

    status_t s = channel_invoke(&inv);

    for (unsigned k = 0; k < 4; k++)
        HOLDS(reads[k] <= 1, "no word of the peer's is read twice");
    if (installs == 0) {
        HOLDS(slot.cap.w0 == cap_before.w0 && slot.cap.w1 == cap_before.w1, "nothing arrives: the slot is as it was");
        HOLDS(marks == 0 && end->count == count && taken.taken == taken_before && stores == 0, "nothing arrives: nothing changes");
        HOLDS(s != STATUS_OK || (results[0] == CHANNEL_NOTHING && seen.sequence != count + 1), "and the caller is told");
    } else {
        enum cap_tag tag = cap_tag(installed);
        bool in_first = thing_has(0, seen.kind, seen.value, seen.size_bits), in_second = thing_has(1, seen.kind, seen.value, seen.size_bits);
        HOLDS(s == STATUS_OK && installs == 1 && stores == 1, "installed once, acknowledged once");
        HOLDS(cap_tag(cap_before) == CAP_NULL, "the slot was empty");
        HOLDS(seen.sequence == count + 1 && end->count == count + 1 && taken.taken == count + 1, "the next record, in order");
        HOLDS(in_first || in_second, "a thing that boot lets pass here");
        HOLDS(tag != CAP_UNTYPED || (seen.kind == CHANNEL_MEMORY && untyped_frame_only(installed) && untyped_paddr(installed) == seen.value &&
                                     untyped_size_bits(installed) == seen.size_bits && untyped_free(installed) == 0), "the memory of the record, for frames only");
        HOLDS(tag != CAP_REQUESTERS || (seen.kind == CHANNEL_REQUESTERS && requesters_unit(installed) == seen.value >> 32 &&
                                        requesters_first(installed) == (seen.value & 0xffff) && requesters_last(installed) == (seen.value >> 16 & 0xffff)),
              "the range of the record");
        HOLDS(tag != CAP_IPI || (seen.kind == CHANNEL_IPI && ipi_apic_id(installed) == (seen.value & 0xffffffff) && ipi_vector(installed) == seen.value >> 32),
              "the IPI of the record");
        HOLDS(tag == CAP_UNTYPED || tag == CAP_REQUESTERS || tag == CAP_IPI, "of a movable kind");
        HOLDS(is_absent, "it was not here");
        HOLDS(marks == 1 && marked_here && marked.kind == seen.kind && marked.value == seen.value && marked.size_bits == seen.size_bits,
              "and exactly it is noted as here");
        HOLDS(results[0] == seen.kind && results[1] == seen.value && results[2] == seen.size_bits, "the caller is told what came");
    }
    REACH(installs && cap_tag(installed) == CAP_UNTYPED && seen.size_bits == 30);
    REACH(installs && cap_tag(installed) == CAP_UNTYPED && seen.size_bits == 21);
    REACH(installs && cap_tag(installed) == CAP_REQUESTERS);
    REACH(installs && cap_tag(installed) == CAP_IPI);
    REACH(s == STATUS_OK && installs == 0);
    REACH(s == SEL4_INVALID_CAPABILITY && logged == 1);
    REACH(s == SEL4_INVALID_CAPABILITY && logged == 0);
    REACH(s == SEL4_DELETE_FIRST);
    REACH(s == SEL4_ILLEGAL_OPERATION);
    REACH(s == SEL4_TRUNCATED_MESSAGE);
}
