/* One end of a node channel, and the record of what of the machine's movable things is in this node. Pure: host tests and proofs use
 * these very functions. Each access to a shared word is one here, under its own name in proofs/spin/channel.pml. */
#pragma once
#include <atoll/channel.h>
#include "types.h"

struct channel {
    const char *name; /* from the resource map */
    volatile struct channel_sent *sent;
    volatile struct channel_taken *taken;
    uint64_t count; /* records that this end has sent or taken */
    bool sends;
    bool accused; /* a record was refused, and a line says so */
};

/* A thing that may travel: all of it that boot laid out, and which of it is here. The same things are listed at both ends. */
struct movable {
    word_t kind;       /* enum channel_kind */
    word_t channels;   /* bit i: it may pass through this node's channel i */
    word_t value;      /* memory: physical address; else exactly the record's value */
    word_t size;       /* memory: bytes; else 0 */
    word_t *here;      /* a bit per unit of memory, from the address rounded down to MOVABLE_ORIGIN_BITS on; else one bit */
};
#define MOVABLE_ORIGIN_BITS (CHANNEL_UNIT_BITS + 6) /* a word of bits: so an aligned piece is part of one word, or whole words */

/* ---- the mailbox ---- */

/* Sender. A `taken` that cannot be counts as no room: it is the receiver's own loss. */
static inline bool channel_full(const struct channel *c)
{
    return c->count - __atomic_load_n(&c->taken->taken, __ATOMIC_ACQUIRE) >= CHANNEL_RECORDS;
}

/* Sender: the next record, not yet to be taken: its place still has the sequence of CHANNEL_RECORDS records ago. */
static inline void channel_write(const struct channel *c, const struct channel_record *r)
{
    volatile struct channel_record *to = &c->sent->records[c->count % CHANNEL_RECORDS];
    __atomic_store_n(&to->kind, r->kind, __ATOMIC_RELAXED);
    __atomic_store_n(&to->value, r->value, __ATOMIC_RELAXED);
    __atomic_store_n(&to->size_bits, r->size_bits, __ATOMIC_RELAXED);
}

static inline void channel_publish(struct channel *c)
{
    uint64_t at = c->count++ % CHANNEL_RECORDS;
    __atomic_store_n(&c->sent->records[at].sequence, c->count, __ATOMIC_RELEASE);
}

/* Receiver: a copy of the next record; false: there is none yet. Each word is read once. */
static inline bool channel_peek(const struct channel *c, struct channel_record *r)
{
    volatile struct channel_record *from = &c->sent->records[c->count % CHANNEL_RECORDS];
    r->sequence = __atomic_load_n(&from->sequence, __ATOMIC_ACQUIRE);
    r->kind = __atomic_load_n(&from->kind, __ATOMIC_RELAXED);
    r->value = __atomic_load_n(&from->value, __ATOMIC_RELAXED);
    r->size_bits = __atomic_load_n(&from->size_bits, __ATOMIC_RELAXED);
    return r->sequence == c->count + 1;
}

static inline void channel_take(struct channel *c)
{
    __atomic_store_n(&c->taken->taken, ++c->count, __ATOMIC_RELEASE);
}

/* ---- what is here ---- */

/* Is the record of this thing, or a naturally aligned piece of this memory? */
static inline bool movable_covers(const struct movable *m, const struct channel_record *r)
{
    if (r->kind != m->kind)
        return false;
    if (m->kind != CHANNEL_MEMORY)
        return r->value == m->value && r->size_bits == 0;
    return r->size_bits >= CHANNEL_UNIT_BITS && r->size_bits <= CHANNEL_MAX_BITS && (r->value & MASK(r->size_bits)) == 0 &&
           r->value >= m->value && BIT(r->size_bits) <= m->size && r->value - m->value <= m->size - BIT(r->size_bits);
}

struct movable_bits {
    word_t first, words, mask; /* `words` words of `here` from `first` on, `mask` of each */
};

/* For a record that it covers. */
static inline struct movable_bits movable_bits(const struct movable *m, const struct channel_record *r)
{
    if (m->kind != CHANNEL_MEMORY)
        return (struct movable_bits){0, 1, 1};
    word_t unit = (r->value - ALIGN_DOWN(m->value, MOVABLE_ORIGIN_BITS)) >> CHANNEL_UNIT_BITS, units = BIT(r->size_bits - CHANNEL_UNIT_BITS);
    return units < 64 ? (struct movable_bits){unit / 64, 1, MASK(units) << unit % 64} : (struct movable_bits){unit / 64, units / 64, ~0ull};
}

static inline word_t movable_words(word_t value, word_t size) /* of `here` */
{
    return (ALIGN_UP(value + size, MOVABLE_ORIGIN_BITS) - ALIGN_DOWN(value, MOVABLE_ORIGIN_BITS)) >> MOVABLE_ORIGIN_BITS;
}

static inline bool movable_absent(const struct movable *m, const struct channel_record *r)
{
    struct movable_bits b = movable_bits(m, r);
    for (word_t i = 0; i < b.words; i++)
        if (m->here[b.first + i] & b.mask)
            return false;
    return true;
}

static inline void movable_mark(const struct movable *m, const struct channel_record *r, bool here)
{
    struct movable_bits b = movable_bits(m, r);
    for (word_t i = 0; i < b.words; i++)
        m->here[b.first + i] = here ? m->here[b.first + i] | b.mask : m->here[b.first + i] & ~b.mask;
}
