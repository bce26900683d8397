/* Appending to a spec, and laying it out as init reads it. */
#include "spec_builder.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sel4/abi.h>

struct spec_builder *spec_new(uint32_t node)
{
    struct spec_builder *s = calloc(1, sizeof *s);
    if (s)
        s->header.node = node;
    return s;
}

void spec_free(struct spec_builder *s)
{
    if (s)
        free(s->data);
    free(s);
}

/* The index of the next item; the last one for ever when there is no room, as the result is refused anyway. */
static uint32_t next(struct spec_builder *s, uint32_t *count)
{
    if (*count == SPEC_MAX_OBJECTS) {
        s->full = true;
        return SPEC_MAX_OBJECTS - 1;
    }
    return (*count)++;
}

static uint32_t add_object(struct spec_builder *s, struct spec_object o)
{
    uint32_t i = next(s, &s->header.object_count);
    s->objects[i] = o;
    return i;
}

#define FORMAT_NAME(to, format)                          \
    do {                                                 \
        va_list arguments_;                              \
        va_start(arguments_, format);                    \
        vsnprintf(to, sizeof(to), format, arguments_);   \
        va_end(arguments_);                              \
    } while (0)

uint32_t spec_object(struct spec_builder *s, uint32_t type, uint32_t size_bits, const char *name, ...)
{
    struct spec_object o = {.kind = SPEC_OBJECT_KERNEL, .type = type, .size_bits = size_bits};
    FORMAT_NAME(o.name, name);
    return add_object(s, o);
}

uint32_t spec_untyped(struct spec_builder *s, uint32_t size_bits, const char *name, ...)
{
    struct spec_object o = {.kind = SPEC_OBJECT_UNTYPED, .size_bits = size_bits};
    FORMAT_NAME(o.name, name);
    return add_object(s, o);
}

uint32_t spec_named(struct spec_builder *s, const char *resource, ...)
{
    struct spec_object o = {.kind = SPEC_OBJECT_NAMED};
    FORMAT_NAME(o.resource, resource);
    snprintf(o.name, sizeof o.name, "%.*s", (int)sizeof o.name - 1, o.resource);
    return add_object(s, o);
}

/* One object, however many parts have the page: both ends of a queue may be on one node. */
uint32_t spec_shared(struct spec_builder *s, const char *resource, uint32_t page)
{
    for (uint32_t i = 0; i < s->header.object_count; i++)
        if (s->objects[i].page == page && s->objects[i].kind == SPEC_OBJECT_SHARED && strcmp(s->objects[i].resource, resource) == 0)
            return i;

    struct spec_object o = {.kind = SPEC_OBJECT_SHARED, .page = page};
    snprintf(o.resource, sizeof o.resource, "%s", resource);
    snprintf(o.name, sizeof o.name, "%.*s", (int)sizeof o.name - 1, resource);
    return add_object(s, o);
}

uint32_t spec_ports(struct spec_builder *s, uint16_t first, uint16_t last, const char *name)
{
    struct spec_object o = {.kind = SPEC_OBJECT_IOPORTS, .page = first | (uint32_t)last << 16};
    snprintf(o.name, sizeof o.name, "%s", name);
    return add_object(s, o);
}

static uint32_t irq_add(struct spec_builder *s, const char *name, struct spec_irq irq)
{
    struct spec_object o = {.kind = SPEC_OBJECT_IRQ};
    snprintf(o.name, sizeof o.name, "%s", name);
    irq.object = add_object(s, o);
    s->irqs[next(s, &s->header.irq_count)] = irq;
    return irq.object;
}

uint32_t spec_interrupt(struct spec_builder *s, const char *name, uint32_t notification, uint64_t badge, uint32_t vector,
                        uint32_t ioapic_pin)
{
    return irq_add(s, name, (struct spec_irq){.notification = notification, .badge = badge, .vector = vector, .ioapic_pin = ioapic_pin,
                                              .requesters = SPEC_NONE});
}

uint32_t spec_message(struct spec_builder *s, const char *name, uint32_t notification, uint64_t badge, uint32_t vector, uint32_t requesters)
{
    return irq_add(s, name, (struct spec_irq){.notification = notification, .badge = badge, .vector = vector, .ioapic_pin = SPEC_NONE,
                                              .requesters = requesters});
}

void spec_cap(struct spec_builder *s, uint32_t cnode, uint32_t slot, uint32_t object, uint32_t rights, uint64_t badge)
{
    s->caps[next(s, &s->header.cap_count)] = (struct spec_cap){
        .cnode = cnode, .slot = slot, .object = object, .rights = rights, .badge = badge, .span = 1};
}

void spec_caps(struct spec_builder *s, uint32_t cnode, uint32_t slot, uint32_t object, uint32_t span)
{
    s->caps[next(s, &s->header.cap_count)] =
        (struct spec_cap){.cnode = cnode, .slot = slot, .object = object, .rights = SEL4_ALL_RIGHTS, .span = span};
}

void spec_fill(struct spec_builder *s, uint32_t frame, uint32_t offset, const void *bytes, size_t length)
{
    if (s->data_room - s->data_size < length) {
        size_t room = 2 * s->data_room + length + 65536;
        uint8_t *more = realloc(s->data, room);
        if (!more) {
            s->full = true;
            return;
        }
        s->data = more;
        s->data_room = room;
    }
    memcpy(s->data + s->data_size, bytes, length);
    s->fills[next(s, &s->header.fill_count)] =
        (struct spec_fill){.frame = frame, .offset = offset, .data = s->data_size, .length = length};
    s->data_size += length;
}

struct spec_thread *spec_thread(struct spec_builder *s)
{
    struct spec_thread *t = &s->threads[next(s, &s->header.thread_count)];
    *t = (struct spec_thread){.ipc_frame = SPEC_NONE, .fault_ep = SPEC_NONE, .sc = SPEC_NONE, .notification = SPEC_NONE,
                              .vcpu = SPEC_NONE};
    return t;
}

void space_new(struct space *space, struct spec_builder *s, const char *name)
{
    *space = (struct space){.name = name};
    space->root = spec_object(s, SEL4_X86_PML4, 0, "%s.pml4", name);
}

static void add_mapping(struct spec_builder *s, struct spec_mapping m)
{
    s->mappings[next(s, &s->header.mapping_count)] = m;
}

/* The table of `type` that covers vaddr; 2^bits bytes are one such table's reach. */
static void space_table(struct space *space, struct spec_builder *s, uint32_t type, unsigned bits, const char *what,
                        uint64_t vaddr)
{
    uint64_t base = vaddr >> bits << bits;

    for (unsigned i = 0; i < space->count; i++)
        if (space->tables[i].type == type && space->tables[i].base == base)
            return;
    if (space->count == SPACE_MAX_TABLES) {
        s->full = true;
        return;
    }
    space->tables[space->count].type = type;
    space->tables[space->count++].base = base;
    uint32_t table = spec_object(s, type, 0, "%s.%s", space->name, what);
    add_mapping(s, (struct spec_mapping){.vspace = space->root, .object = table, .vaddr = base});
}

static void frame_map(struct space *space, struct spec_builder *s, struct spec_mapping m)
{
    space_table(space, s, SEL4_X86_PDPT, 39, "pdpt", m.vaddr);
    space_table(space, s, SEL4_X86_PAGE_DIRECTORY, 30, "pd", m.vaddr);
    space_table(space, s, SEL4_X86_PAGE_TABLE, 21, "pt", m.vaddr);
    m.vspace = space->root;
    add_mapping(s, m);
}

void space_map(struct space *space, struct spec_builder *s, uint32_t frame, uint64_t vaddr, uint32_t rights, bool executable)
{
    frame_map(space, s, (struct spec_mapping){.object = frame, .vaddr = vaddr, .rights = rights, .executable = executable});
}

void space_map_device(struct space *space, struct spec_builder *s, uint32_t frame, uint64_t vaddr, uint32_t rights)
{
    frame_map(space, s, (struct spec_mapping){.object = frame, .vaddr = vaddr, .rights = rights, .uncached = 1});
}

void *spec_finish(struct spec_builder *s, size_t *bytes)
{
    struct spec_header *h = &s->header;
    const struct {
        const void *from;
        size_t size;
        uint64_t *offset;
    } parts[] = {
        {s->objects, h->object_count * sizeof s->objects[0], &h->objects},
        {s->caps, h->cap_count * sizeof s->caps[0], &h->caps},
        {s->mappings, h->mapping_count * sizeof s->mappings[0], &h->mappings},
        {s->fills, h->fill_count * sizeof s->fills[0], &h->fills},
        {s->threads, h->thread_count * sizeof s->threads[0], &h->threads},
        {s->irqs, h->irq_count * sizeof s->irqs[0], &h->irqs},
        {s->data, s->data_size, &h->data},
    };
    const size_t n = sizeof parts / sizeof parts[0];
    size_t size = sizeof *h;

    for (size_t i = 0; i < n; i++) {
        size = (size + 7) & ~(size_t)7;
        *parts[i].offset = size;
        size += parts[i].size;
    }
    h->magic = SPEC_MAGIC;
    h->bytes = size;
    uint8_t *block = s->full ? NULL : calloc(1, size);
    if (!block)
        return NULL;
    memcpy(block, h, sizeof *h);
    for (size_t i = 0; i < n; i++)
        if (parts[i].size)
            memcpy(block + *parts[i].offset, parts[i].from, parts[i].size);
    *bytes = size;
    return block;
}
