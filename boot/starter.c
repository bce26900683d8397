/* A description to start from: this machine's cores, memory and network cards, and one VM. */
#include "examine.h"
#include "text.h"

#define MIB (1ull << 20)
#define NODE_MEMORY (4 * MIB)  /* more than a node of that description takes (docs/description.md, machine.node-memory), with its spec */
#define ASIDE (256 * MIB)       /* boot, tables of IOMMUs, the VM's files as loaded and as copied */
#define MOST_VM_MEMORY (1ull << 40)
#define IGB 0x10c98086u         /* the PF driver that there is: Intel 82576 */

struct writer {
    void (*put)(void *context, const char *text);
    void *context;
};

static void line(const struct writer *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void line(const struct writer *w, const char *format, ...)
{
    char text[192];
    va_list arguments;
    va_start(arguments, format);
    text_format_list(text, sizeof text, format, arguments);
    va_end(arguments);
    w->put(w->context, text);
}

static void write_cards(const struct machine_facts *f, const struct writer *w)
{
    unsigned cards = 0;
    char name[PCI_NAME_SIZE];
    for (unsigned i = 0; i < f->pci->count; i++) {
        const struct pci_function *p = &f->pci->functions[i];
        if (p->class >> 16 != 2 || !p->sriov.offset)
            continue;
        pci_name(p->segment, p->id, name);
        bool driven = ((uint32_t)p->device << 16 | p->vendor) == IGB;
        if (cards++ == 0)
            line(w, "# Network cards with virtual functions. This version drives the Intel 82576 (igb); see docs/description.md, key nics.\n");
        line(w, "#   %s (%x:%x): %u virtual functions%s\n", name, p->vendor, p->device, p->sriov.total,
             driven ? "" : "; no driver in this version");
    }
}

void starter_write(const struct machine_facts *f, void (*put)(void *context, const char *text), void *context)
{
    struct writer w = {put, context};
    uint64_t cores = f->cores < EXAMINE_LEAST_CORES ? EXAMINE_LEAST_CORES : f->cores, taken = cores * NODE_MEMORY + ASIDE;
    uint64_t memory = f->memory > taken + 64 * MIB ? f->memory - taken : 64 * MIB;
    if (memory > MOST_VM_MEMORY)
        memory = MOST_VM_MEMORY;
    line(&w, "# Written by the probe for the machine that it ran on.\n");
    line(&w, "machine:\n");
    line(&w, "  cores: %lu       # core 0 is the control node, each VM gets cores of its own\n", cores);
    line(&w, "  memory: %luM\n", f->memory >> 21 << 1);
    write_cards(f, &w);
    line(&w, "vms:\n");
    line(&w, "  - name: first\n");
    line(&w, "    memory: %luM   # all but what %lu nodes and boot need; share it among your VMs\n", memory >> 21 << 1, cores);
    line(&w, "    kernel: vmlinuz      # of your distribution, beside this file\n");
    line(&w, "    initrd: initrd.img\n");
    line(&w, "    cmdline: console=ttyS0\n");
}
