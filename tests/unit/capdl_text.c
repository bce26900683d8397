/* A spec, its model and its text say the same, whichever way one goes; what the stock tool prints is read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <atoll/component.h>
#include <atoll/system.h>
#include "capdl.h"
#include "compile.h"

static uint8_t image_bytes[6000] = {1, 2, 3};
static struct description_vm vms[] = {
    {.name = "alpha", .vcpus = 2, .first_node = 1, .memory = 256u << 20, .boot = BOOT_LINUX, .kernel = "k", .initrd = "i", .cmdline = "console=ttyS0",
     .disks = {{.file = "d", .writable = true, .ssd = SSD_NONE}, {.file = "e", .ssd = SSD_NONE}}, .disk_count = 2},
    {.name = "beta-of-the-second-tenant-xyz12", .vcpus = 1, .first_node = 3, .memory = 5ull << 30, .boot = BOOT_MULTIBOOT, .kernel = "k"},
};
static struct vm_files files[] = {{9000000, 1200000, {3ull << 30, 512}}, {30000, 0, {0}}};
static struct description description = {.file = "two.yaml", .cores = 4, .memory = 8ull << 30, .node_memory = 16u << 20, .vms = vms,
                                         .vm_count = 2};

static void *compiled(uint32_t node, size_t *size)
{
    struct compile_input in = {.description = &description, .vms = files};
    for (unsigned i = 0; i < COMPONENTS; i++)
        in.images[i] = (struct component_image){
            .entry = COMPONENT_IMAGE_VA,
            .count = 2,
            .segments = {{COMPONENT_IMAGE_VA, 6000, image_bytes, 6000, false, true},
                         {COMPONENT_IMAGE_VA + 0x2000, 9000, image_bytes, 100, true, false}}};
    struct spec_builder *s = spec_new(node);
    assert_non_null(s);
    compile_node(s, &in, node);
    void *spec = spec_finish(s, size);
    spec_free(s);
    assert_non_null(spec);
    return spec;
}

static struct capdl_model *from_spec(uint32_t node)
{
    struct complaint why;
    size_t size, request_size;
    void *spec = compiled(node, &size), *request = compile_request(&description, NULL, &request_size);
    struct capdl_model *m = capdl_from_spec(spec, size, request, request_size, node, "x/node.spec", &why);
    if (!m)
        fail_msg("node %u: %s", node, why.text);
    free(spec);
    free(request);
    return m;
}

static char *printed(const struct capdl_model *m, enum capdl_part part)
{
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);
    assert_non_null(f);
    capdl_print(m, part, f);
    fclose(f);
    return text;
}

static struct capdl_model *parsed(const char *standard, const char *annex)
{
    struct complaint why;
    struct capdl_model *m = capdl_new();
    assert_non_null(m);
    if (capdl_parse(m, CAPDL_STANDARD, "standard", standard, strlen(standard), &why) != 0)
        fail_msg("%s", why.text);
    if (annex && capdl_parse(m, CAPDL_ANNEX, "annex", annex, strlen(annex), &why) != 0)
        fail_msg("%s", why.text);
    assert_int_equal(capdl_sort(m), CAPDL_NONE);
    assert_false(m->full);
    return m;
}

static void spec_and_text_are_equal(void **state)
{
    (void)state;
    for (uint32_t node = 0; node < description.cores; node++) {
        char why[160] = "";
        struct capdl_model *m = from_spec(node);
        char *text[] = {printed(m, CAPDL_STANDARD), printed(m, CAPDL_ANNEX)};
        struct capdl_model *again = parsed(text[0], text[1]);
        if (!capdl_equal(m, again, why, sizeof why) || !capdl_equal(again, m, why, sizeof why))
            fail_msg("node %u: %s", node, why);
        char *twice[] = {printed(again, CAPDL_STANDARD), printed(again, CAPDL_ANNEX)};
        for (unsigned part = 0; part < 2; part++) {
            assert_string_equal(text[part], twice[part]);
            free(text[part]);
            free(twice[part]);
        }
        capdl_free(m);
        capdl_free(again);
    }
}

/* A slot, a right, a badge, an object, a parameter: each one counts. */
static void every_difference_is_seen(void **state)
{
    (void)state;
    static const char *const base = "arch x86_64 objects { a = ep b = ep c = cnode (4 bits) f = frame (4k) i = irq n = notification }"
                                    "caps { c { 1: a (R, badge: 5) 2: f (RW) } i { 0: n (W) } } irq maps { 48: i }";
    static const struct { const char *from, *to; } changes[] = {
        {"1: a", "3: a"}, {"1: a", "1: b"}, {"(R,", "(RW,"}, {"badge: 5", "badge: 6"}, {"(RW)", "(RX)"}, {"(RW)", "(RW, uncached)"},
        {"4 bits", "5 bits"}, {"4k", "2M"}, {"48:", "49:"}, {"b = ep", "b = notification"}, {"b = ep", "d = ep"}, {"2: f (RW)", ""},
    };
    struct capdl_model *m = parsed(base, NULL);
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        char text[512], why[160] = "";
        const char *at = strstr(base, changes[i].from);
        assert_non_null(at);
        snprintf(text, sizeof text, "%.*s%s%s", (int)(at - base), base, changes[i].to, at + strlen(changes[i].from));
        struct capdl_model *other = parsed(text, NULL);
        if (capdl_equal(m, other, why, sizeof why) || capdl_equal(other, m, why, sizeof why))
            fail_msg("change %zu (%s) was not seen", i, changes[i].to);
        assert_true(strlen(why) > 0);
        capdl_free(other);
    }
    capdl_free(m);
}

/* Ranges, arrays, covers, nested comments, empty sections: as CapDL/PrintModel.hs writes them. */
static void what_the_stock_tool_prints_is_read(void **state)
{
    (void)state;
    static const char text[] =
        "arch x86_64\n\nobjects {\n\n"
        "  a = tcb (dom: 0)\n"
        "  cn = cnode (10 bits)\n"
        "  ports = io_ports (ports: [4096..45894])\n"
        "  dev = io_device (domainID: 50, 15:10.3)\n"
        "  iopt = io_pt (level: 1)\n"
        "  fr[64] = frame (4k)\n"
        "  big = frame (1024M, paddr: 0x40000000)\n"
        "  h[3] = irq\n"
        "  m = msi_irq (msi_handle: 1, msi_pci_bus: 2, msi_pci_dev: 3, msi_pci_fun: 4)\n"
        "  pdpt0 = pdpt\n  root = pml4\n  pd0 = pd\n  pt0 = pt\n"
        "  ap = asid_pool (asid_high: 0x0)\n"
        "  timer = notification\n  s = sc (period: 10, budget: 10, data: 0, 8 bits)\n"
        "  t = tcb (addr: 4096, ip: 1, sp: 2, prio: 3, max_prio: 4, affinity: 0, resume: True, fpu_disabled: False, fault_ep: 7, dom: 0,"
        " init: [1, 2])\n\n"
        "  rm = ut {a, fr[0..3],\n      timer}\n"
        "  small[50] = ut (12 bits)\n"
        "  small[3] = ut (12 bits) {cn}\n\n"
        "} caps {\n\n"
        "  ap {0: root}\n\n"
        "  cn {\n    1: a\n    3: cn (guard: 1, guard_size: 4)\n    12: small[3..5, 7..20, 23, 27..49]\n    62: fr[9..7]\n"
        "    163: h[0..2]\n    301: timer (G)\n    302: fr[0] (RX, asid: (0x1, 0x2), uncached)\n    303: irq_control\n"
        "    304: sched_control (core: 2)\n    305: ports\n    306: fr[1] (RW, mapping: (pt0, 1))\n  }\n\n"
        "  h[0..1] {0: timer (badge: 3, W)}\n\n"
        "  dev {0: iopt}\n\n"
        "  iopt {5: fr[63] (RW)}\n"
        "  pt0 {0: fr[0..30]}\n  pd0 {1: pt0}\n  pdpt0 {0: pd0\n 1: big (RW)}\n root {511: pdpt0}\n\n"
        "  t {\n    0: cn\n    1: root\n    4: fr[2] (RW)\n    6: s\n    8: timer\n  }\n"
        "} cdt {\n\n  (cn, 1) {(cn, 3)}\n\n} irq maps {\n\n  0: h[0..2]\n  9: m\n\n}\n/* a /* nested */ end */ -- and this\n";
    struct capdl_model *m = parsed(text, NULL);
    char label[CAPDL_NAME_MAX + 16], why[160] = "";
    uint32_t count, cn = capdl_find(m, "cn", CAPDL_SCALAR), first = capdl_caps_of(m, cn, &count);

    assert_int_equal(count, 2 + 3 + 14 + 1 + 23 + 3 + 3 + 6);
    for (uint32_t i = first; i < first + count; i++) {
        const char *expected = m->caps[i].slot == 12 ? "small[3]" : m->caps[i].slot == 15 ? "small[7]" : m->caps[i].slot == 29 ? "small[23]"
                             : m->caps[i].slot == 62 ? "fr[9]" : m->caps[i].slot == 64 ? "fr[7]" : NULL;
        if (expected)
            assert_string_equal(capdl_label(m, m->caps[i].object, label), expected);
    }
    assert_int_equal(m->objects[cn].parent, capdl_find(m, "small", 3));
    assert_int_equal(m->irq_count, 4);
    char *again = printed(m, CAPDL_STANDARD);
    struct capdl_model *second = parsed(again, NULL);
    if (!capdl_equal(m, second, why, sizeof why))
        fail_msg("%s\n%s", why, again);
    free(again);
    capdl_free(m);
    capdl_free(second);
}

static void sections_come_in_any_order(void **state)
{
    (void)state;
    struct capdl_model *m = parsed("arch x86_64 caps { c { 1: a (RWGP) } } objects { c = cnode (2 bits) } irq maps { } objects { a = ep }", NULL);
    assert_int_equal(m->cap_count, 1);
    assert_int_equal(m->caps[0].rights, CAPDL_READ | CAPDL_WRITE | CAPDL_GRANT | CAPDL_GRANT_REPLY);
    capdl_free(m);
}

/* A spec that its reader would take but that contradicts the system request, or itself, has no CapDL. */
static void contradictions_are_refused(void **state)
{
    (void)state;
    struct complaint why;
    size_t size, request_size;
    uint8_t *spec = compiled(1, &size), *request = compile_request(&description, NULL, &request_size);
    struct system_header *h = (struct system_header *)request;
    struct spec_header *s = (struct spec_header *)spec;
    struct spec_object *objects = (struct spec_object *)(spec + s->objects);
    struct spec_mapping *mappings = (struct spec_mapping *)(spec + s->mappings);

#define REFUSED(change, undo, sentence)                                                                      \
    do {                                                                                                     \
        change;                                                                                              \
        assert_null(capdl_from_spec(spec, size, request, request_size, 1, "node.1.spec", &why));             \
        if (!strstr(why.text, sentence))                                                                     \
            fail_msg("'%s' does not say '%s'", why.text, sentence);                                          \
        undo;                                                                                                \
    } while (0)
    struct system_request kept = h->requests[0];
    REFUSED(h->magic++, h->magic--, "system request");
    REFUSED(h->request_count = UINT32_MAX, h->request_count = (uint32_t)((request_size - sizeof *h) / sizeof kept), "system request");
    for (uint32_t i = 0; i < h->request_count; i++)
        if (h->requests[i].node == 1) {
            kept = h->requests[i];
            REFUSED(h->requests[i].kind = 99, h->requests[i] = kept, "unknown kind");
            REFUSED(memset(h->requests[i].name, 'x', sizeof kept.name), h->requests[i] = kept, "without an end");
            REFUSED(strcpy(h->requests[i].name, "1 2"), h->requests[i] = kept, "no name that CapDL can write");
            if (kept.kind == RESOURCE_IPI || kept.kind == RESOURCE_MEMORY || (kept.kind == RESOURCE_SHARED && strstr(kept.name, "out")))
                REFUSED(h->requests[i].node = 2, h->requests[i] = kept, "will have no");
            if (kept.kind == RESOURCE_SHARED && kept.size > 4096)
                REFUSED(h->requests[i].size = 4096, h->requests[i] = kept, "will have no page");
        }
    struct spec_object object = objects[0];
    REFUSED(strcpy(objects[0].name, "a b"), objects[0] = object, "no name that CapDL can write");
    REFUSED(strcpy(objects[0].name, "objects"), objects[0] = object, "no name that CapDL can write");
    REFUSED(strcpy(objects[0].name, objects[1].name); strcat(objects[0].name, ".0"); strcpy(objects[2].name, objects[1].name), break, "two objects are called");
    free(spec);
    spec = compiled(1, &size);
    mappings = (struct spec_mapping *)(spec + ((struct spec_header *)spec)->mappings);
    struct spec_mapping mapping = mappings[1];
    REFUSED(mappings[1].vaddr += 1ull << 39, mappings[1] = mapping, "no table is there");
    uint32_t last = ((struct spec_header *)spec)->mapping_count - 1;
    while (mappings[last].vspace != mappings[last - 1].vspace || !mappings[last].rights || !mappings[last - 1].rights) /* two frames */
        last--;
    REFUSED(mappings[last].vaddr = mappings[last - 1].vaddr, break, "filled twice");
    free(spec);
    free(request);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spec_and_text_are_equal),
        cmocka_unit_test(every_difference_is_seen),
        cmocka_unit_test(what_the_stock_tool_prints_is_read),
        cmocka_unit_test(sections_come_in_any_order),
        cmocka_unit_test(contradictions_are_refused),
    };
    return cmocka_run_group_tests_name("capdl_text", tests, NULL, NULL);
}
