/* The snapshot: what this kernel's threads really hold, for `atoll dump` to compare with what the spec promises (docs/decisions/0012).
 *
 * Debug builds only, and for init only, at most once. Everything is read from the kernel's own objects and from the page tables as the
 * processor walks them; no name is known here but those of threads and of the resource map. Lines, numbers hexadecimal:
 *
 *   dump: begin NODE APIC-ID WINDOW-PADDR WINDOW-SIZE PRIVATE-PADDR PRIVATE-SIZE
 *   dump: map KIND PADDR SIZE ARG0 ARG1 NAME                          an entry of the resource map
 *   dump: tcb OBJECT STATE PRIORITY MCP FLAGS DOMAIN IP SP ARGUMENT BUFFER SC NOTIFICATION VCPU NAME
 *   dump: sc OBJECT BUDGET-US PERIOD-US
 *   dump: cap HOLDER SLOT W0 W1                                       HOLDER: a TCB or CNode. kernel/cap.h says what the words are
 *   dump: pte TABLE LEVEL INDEX COUNT ENTRY                           COUNT entries in a row for neighbouring frames
 *   dump: page PADDR SUM                                              the contents of a private page that is mapped for a thread
 *   dump: irq IRQ REDIRECTION W0 W1                                   where it comes from (none: 0), and the capability that it signals
 *   dump: end LINES
 *
 * Objects are named by their offset in the window. Bounded by the number of capabilities and entries that there are; too many CNodes or
 * address spaces for the two lists below are told, and `atoll dump` then refuses the whole. */
#include "../core.h"
#include "boot_objects.h"
#include "irq.h"
#include "log.h"
#include "paging.h"
#include "resources.h"

#define MAX_FOUND 64

static word_t lines;
static cap_t cnodes[MAX_FOUND], roots[MAX_FOUND];
static unsigned cnode_count, root_count;

#define LINE(...) (lines++, log_printf("dump: " __VA_ARGS__))

static void found(cap_t *list, unsigned *count, cap_t cap)
{
    for (unsigned i = 0; i < *count; i++)
        if (cap_same_object(list[i], cap))
            return;
    if (*count == MAX_FOUND)
        LINE("too many CNodes or address spaces\n");
    else
        list[(*count)++] = cap;
}

static void write_cap(word_t holder, word_t slot, cap_t cap)
{
    enum cap_tag tag = cap_tag(cap);
    if (tag == CAP_NULL)
        return;
    LINE("cap %lx %lx %lx %lx\n", holder, slot, cap.w0, cap.w1);
    if (tag == CAP_CNODE)
        found(cnodes, &cnode_count, cap);
    if ((tag == CAP_PML4 || tag == CAP_NPML4) && table_mapped(cap))
        found(roots, &root_count, cap);
}

static void write_sc(const struct sched_context *sc)
{
    ticks_t period = sc->period ? sc->period : sc->budget;
    LINE("sc %lx %lx %lx\n", object_offset(sc), sc->budget / kernel.ticks_per_us, period / kernel.ticks_per_us);
}

static word_t offset_or_none(const void *object) { return object ? object_offset(object) : ~0ul; }

static void write_thread(struct tcb *t)
{
    word_t self = object_offset(t);
    LINE("tcb %lx %x %x %x %x %x %lx %lx %lx %lx %lx %lx %lx %s\n", self, (unsigned)t->state, t->priority, t->mcp, t->fpu_disabled, t->domain,
         t->context.rip, t->context.rsp, t->context.rdi, t->ipc_buffer_vaddr, offset_or_none(t->sc),
         offset_or_none(t->bound_notification), offset_or_none(t->vcpu), t->name[0] ? t->name : "?");
    write_cap(self, 0, t->cspace.cap);
    write_cap(self, 1, t->vspace.cap);
    write_cap(self, 2, t->ipc_buffer.cap);
    write_cap(self, 3, t->fault_handler.cap);
    write_cap(self, 4, t->timeout_handler.cap);
    if (t->sc)
        write_sc(t->sc);
}

/* Those in the list, and those found in them. */
static void write_cnodes(void)
{
    for (unsigned i = 0; i < cnode_count; i++)
        for (word_t slot = 0; slot < BIT(cnode_radix(cnodes[i])); slot++)
            write_cap(cnode_offset(cnodes[i]), slot, cnode_slot(cnodes[i], slot)->cap);
}

/* FNV-1a over the page's words. */
static void write_page(paddr_t paddr)
{
    const word_t *words = object_at(paddr - kernel.window_paddr);
    word_t sum = 0xcbf29ce484222325ull;
    for (unsigned i = 0; i < BIT(SEL4_PAGE_BITS) / sizeof(*words); i++)
        sum = (sum ^ words[i]) * 0x100000001b3ull;
    LINE("page %lx %lx\n", paddr, sum);
}

static bool in_window(paddr_t paddr) { return paddr >= kernel.window_paddr && paddr - kernel.window_paddr < kernel.window_size; }

/* The leaf entries from `index` on that map one stretch of memory alike: how many. */
static unsigned run_length(const word_t *table, enum level level, unsigned index)
{
    unsigned n = 1;
    while (index + n < TABLE_ENTRIES && table[index + n] == table[index] + n * BIT(level_bits(level)))
        n++;
    return n;
}

/* One table; returns the next entry that leads to a further table, or TABLE_ENTRIES. */
static unsigned write_entries(word_t offset, enum level level, unsigned index, unsigned end)
{
    const word_t *table = object_at(offset);
    while (index < end) {
        if (!(table[index] & PTE_PRESENT)) {
            index++;
            continue;
        }
        bool leaf = pte_is_leaf(table[index], level);
        unsigned n = leaf ? run_length(table, level, index) : 1;
        LINE("pte %lx %x %x %x %lx\n", offset, (unsigned)level, index, n, table[index]);
        if (!leaf)
            return index;
        for (unsigned i = 0; i < n && level == LEVEL_PT; i++)
            if (in_window(leaf_paddr(table[index + i], level)))
                write_page(leaf_paddr(table[index + i], level));
        index += n;
    }
    return TABLE_ENTRIES;
}

/* Depth first, without recursion: where we are at each level. The upper half of a PML4 is the kernel's. */
static void write_space(cap_t root)
{
    word_t tables[LEVEL_PML4 + 1];
    unsigned next[LEVEL_PML4 + 1] = {0};
    enum level level = LEVEL_PML4;
    tables[level] = table_offset(root);
    for (;;) {
        unsigned end = level == LEVEL_PML4 ? TABLE_ENTRIES / 2 : TABLE_ENTRIES;
        unsigned down = write_entries(tables[level], level, next[level], end);
        if (down < TABLE_ENTRIES) {
            word_t entry = ((const word_t *)object_at(tables[level]))[down];
            next[level] = down + 1;
            level--;
            tables[level] = (entry & PTE_ADDRESS) - kernel.window_paddr;
            next[level] = 0;
        } else if (level == LEVEL_PML4) {
            return;
        } else {
            level++;
        }
    }
}

static void write_irqs(void)
{
    for (word_t irq = 0; irq < NUM_IRQS; irq++)
        if (kernel.irq_state[irq] == IRQ_SIGNAL)
            LINE("irq %lx %lx %lx %lx\n", irq, irq_redirection(irq), kernel.irq_slots[irq].cap.w0, kernel.irq_slots[irq].cap.w1);
}

static void write_map(const struct resource_map *m)
{
    LINE("begin %x %x %lx %lx %lx %lx\n", m->node, m->apic_id, kernel.window_paddr, kernel.window_size, m->private_paddr, m->private_size);
    for (unsigned i = 0; i < m->entry_count; i++) {
        const struct resource_entry *e = &m->entries[i];
        LINE("map %x %lx %lx %lx %lx %s\n", e->kind, e->paddr, e->size, e->arg0, e->arg1, e->name);
    }
}

void arch_snapshot(const struct tcb *caller)
{
    if (caller != init_thread() || lines)
        return;
    log_direct(true);
    write_map(resources_remembered());
    for (struct tcb *t = kernel.all_threads; t; t = t->all_link.next)
        write_thread(t);
    write_cnodes();
    for (unsigned i = 0; i < root_count; i++)
        write_space(roots[i]);
    write_irqs();
    log_printf("dump: end %lx\n", lines);
    log_direct(false);
}
