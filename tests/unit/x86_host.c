/* See x86_host.h. */
#include "x86_host.h"
#include <stdio.h>
#include <string.h>
#include "kernel/x86/boot_objects.h"
#include "kernel/x86/cpu.h"
#include "kernel/x86/ioport.h"
#include "kernel/x86/irq.h"
#include "kernel/x86/resources.h"
#include "kernel/x86/svm.h"
#include "kernel/x86/trap.h"

struct host_machine machine;
struct cpu_features cpu = {.xsave = true, .avx = true, .ibpb = true, .xcr0_mask = 7, .guest_cr4_mask = 0x3707ff,
                           .phys_mask = MASK(39)};
struct sel4_bootinfo *bootinfo;
void (*guest_does)(struct vcpu *);
uint32_t ioapic_page[1024];
void (*unit_written)(volatile void *at);

/* ---- the machine ---- */

uint64_t rdmsr(uint32_t msr)
{
    if (msr == 0x822 && machine.bell_waits) /* a doorbell's */
        return 1u << 16;
    if (msr == 0x817)
        return machine.spurious_in_service ? 1u << 31 : 0;
    bool look = msr == 0x821; /* the first of the APIC's registers of waiting interrupts */
    return look && machine.interrupt_every && ++machine.looks % machine.interrupt_every == 0;
}
void wrmsr(uint32_t msr, uint64_t value)
{
    switch (msr) {
    case 0x808: machine.task_priority = value; break;
    case 0x838: machine.timer_count = value; break;
    case 0x830: machine.icr = value; break;
    case 0x80b: machine.end_of_interrupts++; break;
    case MSR_PRED_CMD: machine.barriers++; break;
    default: break;
    }
}

/* An AMD processor with SVM and nested paging, without the optional parts. */
struct cpuid cpuid(uint32_t leaf, uint32_t subleaf)
{
    (void)subleaf;
    switch (leaf) {
    case 0x80000000: return (struct cpuid){0x8000000a, 0, 0, 0};
    case 0x80000001: return (struct cpuid){0, 0, 4, 1u << 27};
    case 0x8000000a: return (struct cpuid){1, 16, 0, 1};
    default: return (struct cpuid){0, 0, 0, 0};
    }
}

void vcpu_run(void)
{
    struct vcpu *v = vcpu_prepare();
    if (!v)
        return;
    assert_int_equal(v->paddr, object_paddr(v));
    assert_non_null(guest_does);
    guest_does(v);
    guest_ended(v);
}

void machine_put_char(char c) { putchar(c); }
void arch_snapshot(const struct tcb *caller) { (void)caller; }
void machine_last_words(void) {}
void machine_halt(void) { abort(); }
static jmp_buf interrupted;
void take_interrupt(void) { longjmp(interrupted, 1); }

/* ---- boot ---- */

static struct resource_entry *add(struct resource_map *m, uint32_t kind, const char *name, uint64_t paddr, uint64_t size)
{
    struct resource_entry *e = &m->entries[m->entry_count++];
    e->kind = kind;
    e->paddr = paddr;
    e->size = size;
    snprintf(e->name, sizeof(e->name), "%s", name);
    m->bytes = (uint32_t)(sizeof(*m) + m->entry_count * sizeof(*e));
    return e;
}

struct resource_map *host_map(void)
{
    struct resource_map *m = calloc(1, RESOURCE_MAP_MAX_BYTES);
    m->magic = RESOURCE_MAP_MAGIC;
    m->version = RESOURCE_MAP_VERSION;
    m->node_count = 1;
    m->tsc_hz = 2000000000;
    m->apic_timer_hz = 1000000000;
    m->private_paddr = WINDOW_PADDR - 0x200000;
    m->private_size = WINDOW_BYTES + 0x200000;
    m->window_paddr = WINDOW_PADDR;
    m->window_size = WINDOW_BYTES;
    m->image_paddr = m->private_paddr;
    m->image_size = 0x20000;
    m->kernel_pml4_paddr = m->private_paddr + 0x20000;
    m->pml4_window_entry = 0x111003;
    m->pml4_image_entry = 0x222003;
    m->phys_limit = 1ull << 39;
    struct resource_entry *e = add(m, RESOURCE_ROOT_IMAGE, "init", WINDOW_PADDR, IMAGE_BYTES);
    e->arg0 = IMAGE_VA;
    e->arg1 = IMAGE_VA + 0x10;
    add(m, RESOURCE_PRIVATE, "private", WINDOW_PADDR + IMAGE_BYTES, WINDOW_BYTES - IMAGE_BYTES);
    add(m, RESOURCE_MEMORY, "ram", GUEST_PADDR, 4ull << 20);
    add(m, RESOURCE_MEMORY, "huge", HUGE_PADDR, 1ull << 30);
    add(m, RESOURCE_MODULE, "file", GUEST_PADDR + (4ull << 20), 12345);
    add(m, RESOURCE_SHARED, "read", SHARED_PADDR, 4096);
    add(m, RESOURCE_SHARED, "write", SHARED_PADDR + 4096, 4096)->arg0 = 1;
    e = add(m, RESOURCE_IPI, "bell", 0, 0);
    e->arg0 = 3, e->arg1 = 0x50;
    e = add(m, RESOURCE_IOPORT, "uart", 0, 0);
    e->arg0 = 0x3f8, e->arg1 = 0x3ff;
    e = add(m, RESOURCE_VECTORS, "vectors", 0, 0);
    e->arg0 = 0x40, e->arg1 = 0x5f;
    e = add(m, RESOURCE_IOAPIC, "ioapic", 0xfec00000, 4096);
    e->arg1 = 24;
    return m;
}

static paddr_t paddr_of_image(const void *p) { return (paddr_t)(uintptr_t)p; }

void host_boot(void)
{
    struct resource_map *m = host_map();
    int entry;
    assert_null(resource_map_check(m, &entry));
    kernel.window = aligned_alloc(1 << 21, WINDOW_BYTES);
    memset(kernel.window, 0, WINDOW_BYTES);
    kernel.window_size = WINDOW_BYTES;
    kernel.window_paddr = WINDOW_PADDR;
    kernel.ticks_per_us = m->tsc_hz / 1000000;
    kernel.min_budget = kernel.ticks_per_us * SEL4_MIN_BUDGET_US;
    machine.tsc = 1000;
    resources_remember(m);
    vspace_init(m->kernel_pml4_paddr, m->pml4_window_entry, m->pml4_image_entry);
    lapic_init(m->tsc_hz, m->apic_timer_hz);
    assert_true(ioport_allow(0x3f8, 0x3ff));
    assert_true(irq_allow(0x40, 0x5f));
    assert_true(ioapic_add(ioapic_page, 24, 0, 0));
    assert_true(guest_hardware_init(paddr_of_image));
    scheduler_init();
    init_create(m, 77);
    tcb_make_runnable_first(init_thread());
    assert_ptr_equal(kernel.current, init_thread());
    bootinfo = object_at((table_walk(table_offset(kernel.current->vspace.cap), kernel.current->context.rdi, LEVEL_PT).entry[0] &
                          PTE_ADDRESS) - WINDOW_PADDR);
}

/* ---- acting as init ---- */

struct slot *slot_at(word_t cptr)
{
    return (struct slot *)object_at(cnode_offset(init_thread()->cspace.cap)) + cptr;
}

word_t call(word_t cptr, word_t label, const word_t *caps, unsigned length, const word_t *words)
{
    struct tcb *t = init_thread();
    unsigned extra = 0;
    assert_ptr_equal(kernel.current, t);
    for (; extra < 3 && caps[extra]; extra++)
        t->ipc_buffer_words[SEL4_IPC_CAPS_WORD + extra] = caps[extra];
    for (unsigned i = 0; i < length; i++)
        message_set_word(t, i, words[i]);
    t->context.rdi = cptr;
    t->context.rsi = message_info(label, 0, extra, length);
    t->context.cause = (word_t)-1;
    handle_syscall(SEL4_SYS_CALL);
    return message_label(t->context.rsi);
}

word_t result(unsigned i) { return message_word(init_thread(), i); }

word_t new_slot(void)
{
    static word_t next;
    next = next ? next : bootinfo->empty.start;
    return next++;
}

word_t retype_from(word_t untyped, word_t type, word_t bits)
{
    word_t slot = new_slot();
    word_t label = CALL(untyped, SEL4_UNTYPED_RETYPE, CAPS(SEL4_CAP_INIT_CNODE), type, bits, 0, 0, slot, 1);
    return label == SEL4_NO_ERROR ? slot : 0;
}

word_t retype(word_t type, word_t bits)
{
    word_t slot = 0;
    for (word_t u = bootinfo->untyped.start; !slot && u < bootinfo->untyped.end; u++)
        if (!untyped_frame_only(slot_at(u)->cap))
            slot = retype_from(u, type, bits);
    assert_int_not_equal(slot, 0);
    return slot;
}

struct atoll_named_slots *named(const char *name)
{
    char *at = (char *)bootinfo + 4096, *end = at + bootinfo->extra_len;
    while (at < end) {
        struct sel4_bootinfo_chunk c;
        memcpy(&c, at, sizeof(c));
        struct atoll_named_slots *n = (void *)(at + sizeof(c));
        for (; c.id == ATOLL_BOOTINFO_NAMES && (char *)n < at + c.len; n++)
            if (!strcmp(n->name, name))
                return n;
        at += c.len;
    }
    fail_msg("no %s in the name table", name);
    return NULL;
}

word_t pte(word_t root_slot, word_t va, enum level level)
{
    struct walk w = table_walk(table_offset(slot_at(root_slot)->cap), va, level);
    return w.level == level && (*w.entry & PTE_PRESENT) ? *w.entry : 0;
}
