/* The compiler's specs pass init's check; a spec with any one thing wrong is refused, with the item and the rule. */
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
#include <sel4/abi.h>
#include "compile.h"
#include "spec_check.h"

static uint8_t image_bytes[6000] = {1, 2, 3};
static struct description_vm vms[] = {
    {.name = "alpha", .vcpus = 1, .first_node = 1, .memory = 256u << 20, .boot = BOOT_LINUX, .kernel = "k", .initrd = "i", .cmdline = "console=ttyS0",
     .disks = {{.file = "d", .writable = true, .ssd = SSD_NONE}, {.file = "e", .ssd = SSD_NONE}}, .disk_count = 2},
    {.name = "beta", .vcpus = 1, .first_node = 2, .memory = 5ull << 30, .boot = BOOT_MULTIBOOT, .kernel = "k", .test_hooks = true},
};
static struct vm_files files[] = {{9000000, 1200000, {3ull << 30, 512}}, {30000, 0, {0}}};
static struct description description = {.file = "two.yaml", .cores = 4, .memory = 8ull << 30, .node_memory = 16u << 20, .vms = vms,
                                         .vm_count = 2};

static struct compile_input input(void)
{
    struct compile_input in = {.description = &description, .vms = files};
    for (unsigned i = 0; i < COMPONENTS; i++)
        in.images[i] = (struct component_image){
            .entry = COMPONENT_IMAGE_VA,
            .count = 2,
            .segments = {{COMPONENT_IMAGE_VA, 6000, image_bytes, 6000, false, true},
                         {COMPONENT_IMAGE_VA + 0x2000, 9000, image_bytes, 100, true, false}}};
    return in;
}

static void *compiled(uint32_t node, size_t *size)
{
    struct compile_input in = input();
    struct spec_builder *s = spec_new(node);
    assert_non_null(s);
    compile_node(s, &in, node);
    void *spec = spec_finish(s, size);
    spec_free(s);
    assert_non_null(spec);
    return spec;
}

static void specs_of_a_description_pass(void **state)
{
    (void)state;
    for (uint32_t node = 0; node < description.cores; node++) {
        struct spec_view v;
        char why[160] = "";
        size_t size;
        void *spec = compiled(node, &size);
        if (spec_check(spec, size, node, &v, why, sizeof why) != 0)
            fail_msg("node %u: %s", node, why);
        assert_int_equal(v.header->thread_count, node == 0 || node == 3 ? 1 : node == 1 ? 5 : 3); /* two disks */
        assert_int_equal(spec_check(spec, size, node + 1, &v, why, sizeof why), -1);
        assert_non_null(strstr(why, "spec of node"));
        free(spec);
    }
}

/* What a VMM holds is exactly the list in component.h: its own VM's things, and nothing that makes new authority. */
static void a_vmm_gets_its_slots_only(void **state)
{
    (void)state;
    struct spec_view v;
    char why[160];
    size_t size;
    void *spec = compiled(1, &size);
    uint32_t cnode = SPEC_NONE, slots = 0;
    assert_int_equal(spec_check(spec, size, 1, &v, why, sizeof why), 0);
    for (uint32_t i = 0; i < v.header->object_count; i++)
        if (strcmp(v.objects[i].name, "vmm.cnode") == 0)
            cnode = i;
    for (uint32_t i = 0; i < v.header->cap_count; i++)
        if (v.caps[i].cnode == cnode) {
            uint32_t type = v.objects[v.caps[i].object].type;
            slots |= 1u << v.caps[i].slot;
            assert_int_equal(v.caps[i].span, 1);
            assert_true(type != SEL4_TCB && type != SEL4_CNODE && type != SEL4_X86_PML4 && type != SEL4_X86_4K_PAGE);
            assert_int_not_equal(v.objects[v.caps[i].object].kind, SPEC_OBJECT_UNTYPED);
        }
    assert_int_equal(slots, 0x300fe); /* VMM_SLOT_FAULT_EP to VMM_SLOT_INPUT_IRQ, two of VMM_SLOT_DISK */
    free(spec);
}

/* As many services as a description can ask for: who waits while all others are kept busy waits for a fraction of igbvf's second. */
static void services_take_short_turns(void **state)
{
    (void)state;
    struct description crowded = description;
    struct spec_view v;
    char why[160];
    size_t size;
    uint64_t turns = 0;
    for (crowded.nic_count = 0; crowded.nic_count < NICS_MAX; crowded.nic_count++) {
        struct description_nic *nic = &crowded.nics[crowded.nic_count];
        *nic = (struct description_nic){.driver = NIC_IGB, .at = NIC_ANYWHERE, .vfs = 1};
        snprintf(nic->name, sizeof nic->name, "n%zu", crowded.nic_count);
    }
    for (crowded.switch_count = 0; crowded.switch_count < MAX_SWITCHES; crowded.switch_count++)
        snprintf(crowded.switches[crowded.switch_count].name, sizeof crowded.switches[0].name, "s%zu", crowded.switch_count);
    struct compile_input in = input();
    in.description = &crowded;
    struct spec_builder *s = spec_new(0);
    assert_non_null(s);
    compile_node(s, &in, 0);
    void *spec = spec_finish(s, &size);
    spec_free(s);
    assert_int_equal(spec_check(spec, size, 0, &v, why, sizeof why), 0);
    assert_int_equal(v.header->thread_count, 1 + NICS_MAX + MAX_SWITCHES);
    for (uint32_t i = 0; i < v.header->thread_count; i++) {
        assert_true(v.threads[i].priority == v.threads[0].priority && v.threads[i].budget_us == v.threads[i].period_us);
        turns += v.threads[i].budget_us;
    }
    assert_true(turns <= 100000);
    free(spec);
}

static void no_page_is_writable_and_executable(void **state)
{
    (void)state;
    struct spec_view v;
    char why[160];
    size_t size;
    void *spec = compiled(1, &size);
    unsigned executable = 0;
    assert_int_equal(spec_check(spec, size, 1, &v, why, sizeof why), 0);
    for (uint32_t i = 0; i < v.header->mapping_count; i++) {
        executable += v.mappings[i].executable;
        assert_false(v.mappings[i].executable && v.mappings[i].rights & SEL4_RIGHT_WRITE);
    }
    assert_int_equal(executable, 8); /* two text pages each, in the manager, the VMM and two disks */
    free(spec);
}

/* One field of one item overwritten. */
struct damage {
    const char *array; /* which array, or "header" */
    size_t offset, width;
    uint64_t value;
    const char *rule; /* part of the sentence */
};
#define FIELD(type, field) offsetof(struct type, field), sizeof(((struct type *)0)->field)

static const struct damage damages[] = {
    {"header", FIELD(spec_header, magic), 0, "no spec"},
    {"header", FIELD(spec_header, bytes), 1u << 30, "cut off"},
    {"header", FIELD(spec_header, bytes), 8, "cut off"},
    {"header", FIELD(spec_header, object_count), 0xffffffff, "outside the spec"},
    {"header", FIELD(spec_header, object_count), SPEC_MAX_OBJECTS, "outside the spec"},
    {"header", FIELD(spec_header, caps), UINT64_MAX - 7, "outside the spec"},
    {"header", FIELD(spec_header, mappings), 12, "outside the spec"},
    {"header", FIELD(spec_header, data), UINT64_MAX & ~7ull, "outside the spec"},
    {"objects", FIELD(spec_object, kind), 0, "kind is unknown"},
    {"objects", FIELD(spec_object, kind), 99, "kind is unknown"},
    {"objects", FIELD(spec_object, type), SEL4_UNTYPED, "cannot be made"},
    {"objects", FIELD(spec_object, type), ATOLL_OBJECT_TYPES, "cannot be made"},
    {"caps", FIELD(spec_cap, cnode), 0xfffffff0, "no CNode"},
    {"caps", FIELD(spec_cap, cnode), 0, "no CNode"}, /* object 0 is a TCB */
    {"caps", FIELD(spec_cap, slot), 0, "outside the CNode"},
    {"caps", FIELD(spec_cap, slot), 0xffffffff, "outside the CNode"},
    {"caps", FIELD(spec_cap, object), 0xffffffff, "does not exist"},
    {"caps", FIELD(spec_cap, span), 0, "outside the CNode"},
    {"caps", FIELD(spec_cap, span), 0xffffffff, "outside the CNode"},
    {"caps", FIELD(spec_cap, span), 2, "only named memory"},
    {"caps", FIELD(spec_cap, rights), 16, "rights are unknown"},
    {"mappings", FIELD(spec_mapping, vspace), 0xffffffff, "no address space"},
    {"mappings", FIELD(spec_mapping, object), 0xffffffff, "does not exist"},
    {"mappings", FIELD(spec_mapping, object), 0, "cannot be mapped"},
    {"mappings", FIELD(spec_mapping, vaddr), 0x800000000000ull, "not user space"},
    {"mappings", FIELD(spec_mapping, vaddr), 0x1000, "not aligned"}, /* the first mapping is a PDPT */
    {"fills", FIELD(spec_fill, frame), 0, "no private frame"},
    {"fills", FIELD(spec_fill, offset), 4097, "beyond the frame"},
    {"fills", FIELD(spec_fill, length), UINT64_MAX, "beyond the frame"},
    {"fills", FIELD(spec_fill, data), UINT64_MAX, "beyond the spec"},
    {"threads", FIELD(spec_thread, tcb), 1, "no TCB"},
    {"threads", FIELD(spec_thread, cnode), 0, "no CNode"},
    {"threads", FIELD(spec_thread, vspace), 0, "address space does not fit"},
    {"threads", FIELD(spec_thread, ipc_frame), 0, "IPC buffer"},
    {"threads", FIELD(spec_thread, ipc_vaddr), 8, "IPC buffer"},
    {"threads", FIELD(spec_thread, fault_ep), 0, "fault endpoint"},
    {"threads", FIELD(spec_thread, sc), 0, "scheduling context"},
    {"threads", FIELD(spec_thread, notification), 0, "notification"},
    {"threads", FIELD(spec_thread, vcpu), 0, "vCPU"},
    {"threads", FIELD(spec_thread, ip), 0x800000000000ull, "outside user space"},
    {"threads", FIELD(spec_thread, sp), UINT64_MAX, "outside user space"},
    {"threads", FIELD(spec_thread, budget_us), 1, "budget"},
    {"threads", FIELD(spec_thread, budget_us), UINT64_MAX, "budget"},
    {"threads", FIELD(spec_thread, period_us), UINT64_MAX, "budget"},
    {"threads", FIELD(spec_thread, priority), 256, "priority"},
    {"threads", FIELD(spec_thread, mcp), 256, "priority"},
    {"threads", FIELD(spec_thread, flags), 2, "priority or flags"},
    {"threads", FIELD(spec_thread, resume), 2, "priority or flags"},
    {"irqs", FIELD(spec_irq, object), 0, "interrupt"},
    {"irqs", FIELD(spec_irq, object), 0xffffffff, "interrupt"},
    {"irqs", FIELD(spec_irq, notification), 0, "no notification"},
    {"irqs", FIELD(spec_irq, vector), 108, "vector"},
    {"irqs", FIELD(spec_irq, ioapic_pin), 240, "vector"},
    {"irqs", FIELD(spec_irq, level), 2, "vector"},
    {"irqs", FIELD(spec_irq, polarity), 2, "vector"},
};

static uint64_t array_offset(const struct spec_header *h, const char *name)
{
    return strcmp(name, "objects") == 0    ? h->objects
           : strcmp(name, "caps") == 0     ? h->caps
           : strcmp(name, "mappings") == 0 ? h->mappings
           : strcmp(name, "fills") == 0    ? h->fills
           : strcmp(name, "threads") == 0  ? h->threads
           : strcmp(name, "irqs") == 0     ? h->irqs
                                           : 0;
}

static void damaged_specs_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof damages / sizeof damages[0]; i++) {
        const struct damage *d = &damages[i];
        struct spec_view v;
        char why[160] = "";
        size_t size;
        uint8_t *spec = compiled(1, &size);
        memcpy(spec + array_offset((struct spec_header *)spec, d->array) + d->offset, &d->value, d->width);
        if (spec_check(spec, size, 1, &v, why, sizeof why) == 0)
            fail_msg("case %zu (%s, %s) was accepted", i, d->array, d->rule);
        if (!strstr(why, d->rule))
            fail_msg("case %zu: \"%s\" does not say \"%s\"", i, why, d->rule);
        free(spec);
    }
}

static void relations_between_items_are_checked(void **state)
{
    (void)state;
    struct spec_view v;
    char why[160] = "";
    size_t size;
    uint8_t *spec = compiled(1, &size);
    struct spec_header *h = (struct spec_header *)spec;
    struct spec_cap *caps = (struct spec_cap *)(spec + h->caps);
    struct spec_thread *threads = (struct spec_thread *)(spec + h->threads);
    struct spec_object *objects = (struct spec_object *)(spec + h->objects);

    struct spec_cap cap = caps[1];
    caps[1].slot = caps[0].slot;
    caps[1].cnode = caps[0].cnode;
    assert_int_equal(spec_check(spec, size, 1, &v, why, sizeof why), -1);
    assert_non_null(strstr(why, "taken by an earlier"));
    caps[1] = cap;

    uint32_t tcb = threads[1].tcb;
    threads[1].tcb = threads[0].tcb;
    assert_int_equal(spec_check(spec, size, 1, &v, why, sizeof why), -1);
    assert_non_null(strstr(why, "another thread's"));
    threads[1].tcb = tcb;

    memset(objects[0].name, 'x', sizeof objects[0].name);
    assert_int_equal(spec_check(spec, size, 1, &v, why, sizeof why), -1);
    assert_non_null(strstr(why, "has no end"));
    free(spec);
}

/* Every truncation is refused; under the sanitizers nothing beyond the end is read. */
static void truncated_specs_are_refused(void **state)
{
    (void)state;
    size_t size;
    uint8_t *spec = compiled(3, &size);
    for (size_t n = 0; n < size; n += n < 4096 ? 1 : 997) {
        struct spec_view v;
        char why[160];
        uint8_t *cut = malloc(n ? n : 1);
        assert_non_null(cut);
        memcpy(cut, spec, n);
        assert_int_equal(spec_check(cut, n, 3, &v, why, sizeof why), -1);
        free(cut);
    }
    free(spec);
}

static void the_request_is_complete(void **state)
{
    (void)state;
    size_t size;
    struct system_header *h = compile_request(&description, NULL, &size);
    unsigned memory = 0, shared_klog = 0;

    assert_non_null(h);
    assert_true(h->magic == SYSTEM_MAGIC);
    assert_int_equal(h->bytes, size);
    assert_int_equal(h->node_count, 4);
    for (uint32_t i = 0; i < h->request_count; i++) {
        const struct system_request *r = &h->requests[i];
        assert_true(r->node < 4 && r->name[0] && memchr(r->name, 0, sizeof r->name));
        if (r->kind == RESOURCE_MEMORY) {
            memory++;
            assert_true(r->size == vms[r->node - 1].memory);
            assert_true(r->align == (r->node == 1 ? 1ull << 21 : 1ull << 30));
        }
        if (r->kind == RESOURCE_SHARED && strstr(r->name, ".klog")) {
            shared_klog++;
            assert_int_equal(r->node, 0);
        }
    }
    assert_int_equal(memory, 2);
    assert_int_equal(shared_klog, 8);
    free(h);
}

/* A node gets what it needs, in steps of 256 KiB: never less than its objects take, and no step more when these are few. */
static void a_node_needs_what_its_objects_take(void **state)
{
    (void)state;
    struct compile_input in = input();
    in.kernel = (struct component_image){.count = 1, .segments = {{.vaddr = 0xffffffff80000000ull, .memory_size = 200000}}};
    in.init = (struct component_image){.count = 2, .segments = {{.vaddr = 0x200000, .memory_size = 5000}, {.vaddr = 0x203000, .memory_size = 100}}};
    for (uint32_t node = 0; node < description.cores; node++) {
        struct spec_builder *s = spec_new(node);
        compile_node(s, &in, node);
        struct node_memory now = compile_memory(&in, s, 100000);
        uint64_t objects = 0, step = 256u << 10;
        for (uint32_t i = 0; i < s->header.object_count; i++)
            if (s->objects[i].kind == SPEC_OBJECT_KERNEL || s->objects[i].kind == SPEC_OBJECT_UNTYPED)
                objects += 1ull << spec_object_bits(&s->objects[i]);
        assert_true(now.window % step == 0 && now.bytes % 4096 == 0 && now.bytes - now.window > 200000);
        assert_true(now.window >= objects + step + 16384 && now.window <= 2 * objects + 4 * step);
        for (unsigned i = 0; i < 64; i++)
            spec_object(s, SEL4_X86_4K_PAGE, 0, "more");
        struct node_memory more = compile_memory(&in, s, 100000);
        assert_true(more.window == now.window || more.window == now.window + step);
        spec_untyped(s, 20, "a million bytes");
        struct node_memory much = compile_memory(&in, s, 100000);
        assert_true(much.window >= more.window + (1u << 20) && much.bytes - much.window == now.bytes - now.window);
        spec_free(s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_node_needs_what_its_objects_take),
        cmocka_unit_test(specs_of_a_description_pass),
        cmocka_unit_test(a_vmm_gets_its_slots_only),
        cmocka_unit_test(services_take_short_turns),
        cmocka_unit_test(no_page_is_writable_and_executable),
        cmocka_unit_test(damaged_specs_are_refused),
        cmocka_unit_test(relations_between_items_are_checked),
        cmocka_unit_test(truncated_specs_are_refused),
        cmocka_unit_test(the_request_is_complete),
    };
    return cmocka_run_group_tests_name("user_spec", tests, NULL, NULL);
}
