/* function: channels_init, channels_bytes, channels_move, channel_add, movable_add, here_fill, entries_of, entry_words (channels.c); resource_is_item
 * property: as many channels and movable things as the map lists, in memory of the size that was asked for, none beside it; a thing is here exactly if the map gives it to this node; of memory, all its units
 * bound: maps of 3 entries, memory of up to 4 units of 2 MiB
 * options: --unwind 9
 */
#include "../proof.h"
#include "kernel/core.h"
#include "kernel/state.h"
#include "kernel/x86/channels.c"
#include "kernel/x86/resources.c"

struct kernel kernel;
static struct {
    struct resource_map map;
    struct resource_entry entries[3];
} spec;
struct resource_entry nondet_entry(void);
static word_t memory[3 * (sizeof(struct movable) / 8 + 2)];
static char mailboxes[3 * CHANNEL_BYTES];

int main(void)
{
    struct resource_map *m = &spec.map;
    m->entry_count = nondet_below(4);
    word_t channels = 0, movables = 0;
    for (unsigned i = 0; i < 3; i++) {
        struct resource_entry *e = &spec.entries[i];
        *e = nondet_entry();
        /* resource_map: whole 2 MiB, below 2^52; of a kind that can be moved */
        ASSUME(e->kind != RESOURCE_MOVABLE || e->flags == RESOURCE_MEMORY || e->flags == RESOURCE_REQUESTERS || e->flags == RESOURCE_IPI);
        ASSUME((e->paddr | e->size) % TWO_MIB == 0 && e->paddr < BIT(50) && e->size != 0 && e->size <= 4 * TWO_MIB);
        channels += i < m->entry_count && e->kind == RESOURCE_CHANNEL;
        movables += i < m->entry_count && e->kind == RESOURCE_MOVABLE;
    }
    word_t bytes = channels_bytes(m);
    HOLDS(bytes <= sizeof memory, "no more than each can take");

    channels_init(m, mailboxes, memory);

    HOLDS(kernel.movable_count == movables, "as many things as the map lists");
    if (movables != 0) {
        const struct movable *t = &kernel.movables[0];
        unsigned first = 0;
        while (spec.entries[first].kind != RESOURCE_MOVABLE)
            first++;
        bool here = false;
        for (unsigned i = 0; i < m->entry_count; i++)
            here |= resource_is_item(&spec.entries[first], &spec.entries[i]);
        HOLDS((char *)(t->here + 1) <= (char *)memory + bytes, "in the memory for it");
        HOLDS(here == (t->here[0] != 0), "here exactly if the map gives it to this node");
        HOLDS(t->channels == spec.entries[first].arg0, "through its channels");
        REACH(here && t->kind == CHANNEL_MEMORY);
    }
    HOLDS(channels == 0 || kernel.channels[0].sent == (void *)mailboxes, "mailboxes in the map's order");
    HOLDS(!channels_move(m, &spec.entries[0]) || movables != 0, "only what is listed is moved");
    REACH(channels == 1 && movables == 2);
}
