/* dump_altered LOG DIR: would `atoll dump` notice? Each field of each item of each node's spec is altered by itself, and what was promised
 * so compared with what the running system's kernels said. A spec that its own check refuses does not count. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <atoll/spec.h>
#include <atoll/system.h>
#include <sel4/abi.h>
#include "component_image.h"
#include "dump.h"

static struct dump dump;
static uint8_t *request, *spec;
static size_t request_size, spec_size;
static uint32_t node, tried, refused, unnoticed;

static bool noticed(void)
{
    struct complaint why;
    char init[128];
    struct capdl_model *promised = capdl_from_spec(spec, spec_size, request, request_size, node, "altered", &why);
    if (!promised) {
        refused++;
        return true;
    }
    tried++;
    struct capdl_model *found = dump_model(&dump, node, promised, spec, spec_size, init, sizeof init, &why);
    bool same = found && capdl_equal(promised, found, why.text, sizeof why.text);
    capdl_free(promised);
    capdl_free(found);
    return !same;
}

static void alter(const char *what, uint32_t item, void *field, size_t size, uint64_t with)
{
    uint64_t was = 0, now;
    memcpy(&was, field, size);
    now = was ^ with;
    memcpy(field, &now, size);
    if (!noticed() && unnoticed++ < 10)
        printf("# node %" PRIu32 ", item %" PRIu32 ": %s\n", node, item, what);
    memcpy(field, &was, size);
}
#define ALTER(item, index, field, with) alter(#item "." #field, index, &(item)->field, sizeof (item)->field, with)

static void objects(struct spec_header *h)
{
    struct spec_object *o = (void *)(spec + h->objects);
    for (uint32_t i = 0; i < h->object_count; i++, o++) {
        if (o->kind == SPEC_OBJECT_KERNEL)
            ALTER(o, i, type, 1);
        if (o->kind == SPEC_OBJECT_UNTYPED || (o->kind == SPEC_OBJECT_KERNEL && o->type == SEL4_CNODE))
            ALTER(o, i, size_bits, 1);
        if (o->kind == SPEC_OBJECT_SHARED || o->kind == SPEC_OBJECT_IOPORTS)
            ALTER(o, i, page, 1);
        if (o->kind == SPEC_OBJECT_NAMED)
            ALTER(o, i, resource[0], 1);
    }
}

static void caps(struct spec_header *h)
{
    const struct spec_object *o = (void *)(spec + h->objects);
    struct spec_cap *c = (void *)(spec + h->caps);
    for (uint32_t i = 0; i < h->cap_count; i++, c++) {
        uint32_t type = o[c->object].kind == SPEC_OBJECT_KERNEL ? o[c->object].type : SEL4_UNTYPED;
        ALTER(c, i, slot, 1);
        ALTER(c, i, slot, 32);
        ALTER(c, i, object, 1);
        if (type == SEL4_ENDPOINT || type == SEL4_NOTIFICATION) {
            ALTER(c, i, rights, SEL4_RIGHT_GRANT);
            ALTER(c, i, rights, SEL4_RIGHT_WRITE);
            ALTER(c, i, badge, 0x40);
        }
        if (type == SEL4_CNODE)
            ALTER(c, i, badge, 1);
    }
}

static void mappings(struct spec_header *h)
{
    struct spec_mapping *m = (void *)(spec + h->mappings);
    for (uint32_t i = 0; i < h->mapping_count; i++, m++) {
        bool frame = m->rights != 0;
        ALTER(m, i, vaddr, 0x1000);
        ALTER(m, i, vaddr, 0x40000000);
        ALTER(m, i, object, 1);
        if (frame) {
            ALTER(m, i, rights, SEL4_RIGHT_WRITE);
            ALTER(m, i, executable, 1);
        }
    }
}

static void fills(struct spec_header *h)
{
    struct spec_fill *f = (void *)(spec + h->fills);
    for (uint32_t i = 0; i < h->fill_count; i++, f++) {
        uint8_t *bytes = spec + h->data + f->data;
        alter("first byte", i, bytes, 1, 1);
        alter("last byte", i, bytes + f->length - 1, 1, 0x80);
    }
}

static void threads(struct spec_header *h)
{
    struct spec_thread *t = (void *)(spec + h->threads);
    for (uint32_t i = 0; i < h->thread_count; i++, t++) {
        ALTER(t, i, cnode, 1);
        ALTER(t, i, ipc_vaddr, 0x400);
        ALTER(t, i, ip, 1);
        ALTER(t, i, sp, 16);
        ALTER(t, i, argument, 1);
        ALTER(t, i, budget_us, 1);
        ALTER(t, i, period_us, 1 << 20);
        ALTER(t, i, priority, 1);
        ALTER(t, i, mcp, 1);
        ALTER(t, i, flags, SEL4_TCB_FLAG_FPU_DISABLED);
        ALTER(t, i, resume, 1);
        ALTER(t, i, cnode_guard, 1);
        ALTER(t, i, notification, 1);
        if (t->fault_ep != SPEC_NONE) {
            ALTER(t, i, fault_badge, 1);
            ALTER(t, i, fault_ep, ~0ull); /* to SPEC_NONE or to nowhere */
        }
        uint32_t none = SPEC_NONE;
        ALTER(t, i, sc, t->sc ^ none);
        if (t->notification != SPEC_NONE)
            ALTER(t, i, notification, t->notification ^ none);
    }
}

static void interrupts(struct spec_header *h)
{
    struct spec_irq *q = (void *)(spec + h->irqs);
    for (uint32_t i = 0; i < h->irq_count; i++, q++) {
        ALTER(q, i, badge, 8);
        ALTER(q, i, vector, 2);
        if (q->ioapic_pin != SPEC_NONE) {
            ALTER(q, i, ioapic_pin, 1);
            ALTER(q, i, level, 1);
            ALTER(q, i, polarity, 1);
        } else {
            ALTER(q, i, ioapic_pin, q->ioapic_pin ^ 5u);
        }
    }
}

int main(int argc, char **argv)
{
    char path[4096];
    struct complaint why;
    if (argc != 3 || dump_read(&dump, argv[1], &why) != 0) {
        fprintf(stderr, "%s\n", argc == 3 ? why.text : "dump_altered LOG DIR");
        return 2;
    }
    snprintf(path, sizeof path, "%s/system", argv[2]);
    request = file_read(path, &request_size);
    for (node = 0; request && node < ((struct system_header *)request)->node_count; node++) {
        snprintf(path, sizeof path, "%s/node.%" PRIu32 ".spec", argv[2], node);
        if (!(spec = file_read(path, &spec_size)))
            return 2;
        if (noticed()) {
            printf("not ok - node %" PRIu32 " differs without any alteration\n", node);
            return 1;
        }
        tried--;
        struct spec_header *h = (void *)spec;
        objects(h), caps(h), mappings(h), fills(h), threads(h), interrupts(h);
        free(spec);
    }
    printf("%s - %" PRIu32 " alterations of the specs, %" PRIu32 " not noticed (%" PRIu32 " more are refused by the spec's own check)\n",
           unnoticed || tried < 100 ? "not ok" : "ok", tried, unnoticed, refused);
    return unnoticed || tried < 100 ? 1 : 0;
}
