/* Node channels as the resource map lists them: this node's ends, and what may pass. A thing whose own entry is in the same map is here. */
#include "channels.h"
#include <atoll/channel.h>
#include "../state.h"
#include "resources.h"

static word_t entry_words(const struct resource_entry *e)
{
    return e->flags == RESOURCE_MEMORY ? movable_words(e->paddr, e->size) : 1;
}

word_t channels_bytes(const struct resource_map *m)
{
    word_t bytes = 0;
    for (unsigned i = 0; i < m->entry_count; i++) {
        bytes += m->entries[i].kind == RESOURCE_CHANNEL ? sizeof(struct channel) : 0;
        bytes += m->entries[i].kind == RESOURCE_MOVABLE ? sizeof(struct movable) + entry_words(&m->entries[i]) * sizeof(word_t) : 0;
    }
    return bytes;
}

static word_t entries_of(const struct resource_map *m, uint32_t kind)
{
    word_t n = 0;
    for (unsigned i = 0; i < m->entry_count; i++)
        n += m->entries[i].kind == kind;
    return n;
}

static void channel_add(const struct resource_entry *e, char *mailbox, struct channel *c)
{
    *c = (struct channel){.name = e->name, .sent = (void *)mailbox, .taken = (void *)(mailbox + CHANNEL_PAGE), .sends = e->arg0 != 0};
}

static void here_fill(const struct movable *t, word_t *here)
{
    if (t->kind != CHANNEL_MEMORY) {
        here[0] = 1;
        return;
    }
    word_t first = (t->value & MASK(MOVABLE_ORIGIN_BITS)) >> CHANNEL_UNIT_BITS;
    for (word_t unit = first; unit < first + (t->size >> CHANNEL_UNIT_BITS); unit++)
        here[unit / 64] |= BIT(unit % 64);
}

static void movable_add(const struct resource_map *m, const struct resource_entry *e, word_t *here)
{
    struct movable *t = &kernel.movables[kernel.movable_count++];
    *t = (struct movable){.kind = CHANNEL_MEMORY, .channels = e->arg0, .value = e->paddr, .size = e->size, .here = here};
    if (e->flags != RESOURCE_MEMORY) {
        t->kind = e->flags == RESOURCE_REQUESTERS ? CHANNEL_REQUESTERS : CHANNEL_IPI;
        t->value = resource_channel_value(e);
        t->size = 0;
    }
    for (unsigned i = 0; i < m->entry_count; i++)
        if (resource_is_item(e, &m->entries[i]))
            here_fill(t, here);
}

void channels_init(const struct resource_map *m, char *mailboxes, void *memory)
{
    word_t channels = 0;
    kernel.channels = memory;
    kernel.movables = (struct movable *)(kernel.channels + entries_of(m, RESOURCE_CHANNEL));
    word_t *here = (word_t *)(kernel.movables + entries_of(m, RESOURCE_MOVABLE));
    kernel.movable_count = 0;
    for (unsigned i = 0; i < m->entry_count; i++) {
        const struct resource_entry *e = &m->entries[i];
        if (e->kind == RESOURCE_CHANNEL) {
            channel_add(e, mailboxes + channels * CHANNEL_BYTES, &kernel.channels[channels]);
            channels++;
        } else if (e->kind == RESOURCE_MOVABLE) {
            movable_add(m, e, here);
            here += entry_words(e);
        }
    }
}

bool channels_move(const struct resource_map *m, const struct resource_entry *e)
{
    for (unsigned i = 0; i < m->entry_count; i++)
        if (m->entries[i].kind == RESOURCE_MOVABLE && resource_is_item(&m->entries[i], e))
            return true;
    return false;
}
