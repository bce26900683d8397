/* The words of CapDL (seL4/capdl, CapDL/ParserUtils.hs; slot rules: CapDL/State.hs) and those of the annex. */
#include "capdl.h"
#include <ctype.h>
#include <string.h>

#define T(type) (1ull << CAPDL_##type)
_Static_assert(CAPDL_TYPES <= 64, "a bit per type");

#define S(word, how, which) {word, CAPDL_FORM_##how, CAPDL_STANDARD, which}
#define A(word, how, which) {word, CAPDL_FORM_##how, CAPDL_ANNEX, which}
const struct capdl_key_words capdl_keys[CAPDL_KEYS] = {
    [CAPDL_KEY_BITS] = S("bits", BITS, T(CNODE) | T(UT) | T(SC)),
    [CAPDL_KEY_PAGE_BITS] = S("page size", PAGE, T(FRAME)),
    [CAPDL_KEY_PADDR] = S("paddr", HEX, T(UT) | T(FRAME)),
    [CAPDL_KEY_FILL] = S("fill", FILL, T(FRAME)),
    [CAPDL_KEY_LEVEL] = S("level", NUMBER, T(IO_PT)),
    [CAPDL_KEY_DOMAIN_ID] = S("domainID", NUMBER, T(IO_DEVICE)),
    [CAPDL_KEY_PCI] = S("PCI address", PCI, T(IO_DEVICE)),
    [CAPDL_KEY_PORTS] = S("ports", RANGE, T(IO_PORTS)),
    [CAPDL_KEY_ADDR] = S("addr", HEX, T(TCB)),
    [CAPDL_KEY_IP] = S("ip", HEX, T(TCB)),
    [CAPDL_KEY_SP] = S("sp", HEX, T(TCB)),
    [CAPDL_KEY_PRIO] = S("prio", NUMBER, T(TCB)),
    [CAPDL_KEY_MAX_PRIO] = S("max_prio", NUMBER, T(TCB)),
    [CAPDL_KEY_AFFINITY] = S("affinity", NUMBER, T(TCB)),
    [CAPDL_KEY_RESUME] = S("resume", BOOL, T(TCB)),
    [CAPDL_KEY_FPU_DISABLED] = S("fpu_disabled", BOOL, T(TCB)),
    [CAPDL_KEY_FAULT_EP] = S("fault_ep", NUMBER, T(TCB)),
    [CAPDL_KEY_DOM] = S("dom", NUMBER, T(TCB)),
    [CAPDL_KEY_INIT] = S("init", LIST, T(TCB)),
    [CAPDL_KEY_PERIOD] = S("period", NUMBER, T(SC)),
    [CAPDL_KEY_BUDGET] = S("budget", NUMBER, T(SC)),
    [CAPDL_KEY_DATA] = S("data", NUMBER, T(SC)),
    [CAPDL_KEY_IOAPIC_NUM] = S("ioapic_num", NUMBER, T(IOAPIC_IRQ)),
    [CAPDL_KEY_IOAPIC_PIN] = S("ioapic_pin", NUMBER, T(IOAPIC_IRQ)),
    [CAPDL_KEY_IOAPIC_LEVEL] = S("ioapic_level", NUMBER, T(IOAPIC_IRQ)),
    [CAPDL_KEY_IOAPIC_POLARITY] = S("ioapic_polarity", NUMBER, T(IOAPIC_IRQ)),
    [CAPDL_KEY_MSI_HANDLE] = S("msi_handle", NUMBER, T(MSI_IRQ)),
    [CAPDL_KEY_MSI_PCI_BUS] = S("msi_pci_bus", NUMBER, T(MSI_IRQ)),
    [CAPDL_KEY_MSI_PCI_DEV] = S("msi_pci_dev", NUMBER, T(MSI_IRQ)),
    [CAPDL_KEY_MSI_PCI_FUN] = S("msi_pci_fun", NUMBER, T(MSI_IRQ)),
    [CAPDL_KEY_ASID_HIGH] = S("asid_high", HEX, T(ASID_POOL)),
    [CAPDL_KEY_SIZE] = A("size", HEX, T(PRIVATE) | T(MEMORY) | T(SHARED) | T(DEVICE) | T(LOG) | T(LOG_TAIL)),
    [CAPDL_KEY_ALIGN] = A("align", HEX, T(PRIVATE) | T(MEMORY) | T(MODULE) | T(SHARED) | T(DEVICE)),
    [CAPDL_KEY_WRITE] = A("write", BOOL, T(SHARED) | T(CHANNEL)),
    [CAPDL_KEY_NODE] = A("node", NUMBER, T(NODE) | T(IPI) | T(LOG)),
    [CAPDL_KEY_VECTOR] = A("vector", NUMBER, T(IPI) | T(LOG)),
    [CAPDL_KEY_FIRST] = A("first", NUMBER, T(UART) | T(PORTS) | T(VECTORS)),
    [CAPDL_KEY_LAST] = A("last", NUMBER, T(PORTS) | T(VECTORS)),
    [CAPDL_KEY_HOLDERS] = A("holders", NUMBER, T(MEMORY) | T(SHARED)),
};

const char *const capdl_type_names[CAPDL_TYPES] = {
    [CAPDL_EP] = "ep", [CAPDL_NOTIFICATION] = "notification", [CAPDL_TCB] = "tcb", [CAPDL_CNODE] = "cnode", [CAPDL_UT] = "ut",
    [CAPDL_IRQ] = "irq", [CAPDL_IOAPIC_IRQ] = "ioapic_irq", [CAPDL_MSI_IRQ] = "msi_irq", [CAPDL_ASID_POOL] = "asid_pool",
    [CAPDL_PT] = "pt", [CAPDL_PD] = "pd", [CAPDL_PDPT] = "pdpt", [CAPDL_PML4] = "pml4", [CAPDL_FRAME] = "frame",
    [CAPDL_IO_PORTS] = "io_ports", [CAPDL_IO_DEVICE] = "io_device", [CAPDL_IO_PT] = "io_pt", [CAPDL_VCPU] = "vcpu", [CAPDL_SC] = "sc",
    [CAPDL_RTREPLY] = "rtreply",
    [CAPDL_NESTED_PML4] = "nested_pml4", [CAPDL_NESTED_PDPT] = "nested_pdpt", [CAPDL_NESTED_PD] = "nested_pd",
    [CAPDL_NESTED_PT] = "nested_pt", [CAPDL_IO_SPACE] = "io_space", [CAPDL_VM] = "vm", [CAPDL_TRUSTED] = "trusted", [CAPDL_NODE] = "node",
    [CAPDL_PRIVATE] = "private", [CAPDL_MEMORY] = "memory", [CAPDL_MODULE] = "module", [CAPDL_SHARED] = "shared",
    [CAPDL_DEVICE] = "device", [CAPDL_IPI] = "ipi", [CAPDL_LOG] = "log", [CAPDL_LOG_TAIL] = "log_tail", [CAPDL_UART] = "uart",
    [CAPDL_PORTS] = "ports", [CAPDL_VECTORS] = "vectors", [CAPDL_TEXT] = "text", [CAPDL_REQUESTERS] = "requesters",
    [CAPDL_CHANNEL] = "channel", [CAPDL_MOVABLE] = "movable",
};

const char *const capdl_tcb_slot_names[CAPDL_TCB_SLOTS] = {
    [CAPDL_TCB_CSPACE] = "cspace", [CAPDL_TCB_VSPACE] = "vspace", [CAPDL_TCB_IPC_BUFFER] = "ipc_buffer_slot",
    [CAPDL_TCB_FAULT_EP] = "fault_ep_slot", [CAPDL_TCB_SC] = "sc_slot", [CAPDL_TCB_NOTIFICATION] = "bound_notification",
    [CAPDL_TCB_VCPU] = "bound_vcpu",
};

enum capdl_part capdl_type_part(enum capdl_type type) { return type < CAPDL_NESTED_PML4 ? CAPDL_STANDARD : CAPDL_ANNEX; }

bool capdl_is_control(const char *name)
{
    static const char *const names[] = {"irq_control", "asid_control", "sched_control", "domain", "io_space_master"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

bool capdl_name_valid(const char *name)
{
    size_t length = strlen(name);
    if (length == 0 || length >= CAPDL_NAME_MAX || !isascii(name[0]) || !isalpha(name[0]))
        return false;
    for (size_t i = 1; i < length; i++)
        if (!isascii(name[i]) || (!isalnum(name[i]) && !strchr("-_@.", name[i])))
            return false;
    return strcmp(name, "objects") != 0 && strcmp(name, "caps") != 0 && !capdl_is_control(name);
}

static bool tcb_slot_takes(uint32_t slot, enum capdl_type held)
{
    switch (slot) {
    case CAPDL_TCB_CSPACE: return held == CAPDL_CNODE;
    case CAPDL_TCB_VSPACE: return held == CAPDL_PML4;
    case CAPDL_TCB_IPC_BUFFER: return held == CAPDL_FRAME;
    case CAPDL_TCB_FAULT_EP: return held == CAPDL_EP;
    case CAPDL_TCB_SC: return held == CAPDL_SC;
    case CAPDL_TCB_NOTIFICATION: return held == CAPDL_NOTIFICATION;
    case CAPDL_TCB_VCPU: return held == CAPDL_VCPU;
    default: return false;
    }
}

bool capdl_slot_takes(const struct capdl_object *holder, uint32_t slot, enum capdl_type held)
{
    if (holder->type == CAPDL_NOTHING) /* a party: its threads and its memory */
        return (holder->own == CAPDL_VM && (held == CAPDL_TCB || held == CAPDL_UT)) ||
               (holder->own == CAPDL_TRUSTED && held == CAPDL_TCB);
    switch (holder->type) {
    case CAPDL_TCB: return tcb_slot_takes(slot, held);
    case CAPDL_CNODE: return held != CAPDL_NOTHING;
    case CAPDL_IRQ: case CAPDL_IOAPIC_IRQ: case CAPDL_MSI_IRQ: return slot == 0 && held == CAPDL_NOTIFICATION;
    case CAPDL_ASID_POOL: return held == CAPDL_PML4;
    case CAPDL_PML4: return held == CAPDL_PDPT;
    case CAPDL_PDPT: return held == CAPDL_PD || held == CAPDL_FRAME;
    case CAPDL_PD: return held == CAPDL_PT || held == CAPDL_FRAME;
    case CAPDL_PT: return held == CAPDL_FRAME;
    case CAPDL_IO_DEVICE: return held == CAPDL_IO_PT;
    case CAPDL_IO_PT: return held == CAPDL_IO_PT || held == CAPDL_FRAME;
    default: return false;
    }
}

uint64_t capdl_slot_count(const struct capdl_model *m, uint32_t holder)
{
    const struct capdl_object *o = &m->objects[holder];
    const struct capdl_param *bits = capdl_param(m, holder, CAPDL_KEY_BITS);

    switch (o->type) {
    case CAPDL_NOTHING: return o->own == CAPDL_VM || o->own == CAPDL_TRUSTED ? CAPDL_MAX : 0;
    case CAPDL_TCB: return CAPDL_TCB_SLOTS;
    case CAPDL_CNODE: return bits && bits->value < 32 ? 1ull << bits->value : 0;
    case CAPDL_IRQ: case CAPDL_IOAPIC_IRQ: case CAPDL_MSI_IRQ: case CAPDL_IO_DEVICE: return 1;
    case CAPDL_ASID_POOL: case CAPDL_PML4: case CAPDL_PDPT: case CAPDL_PD: case CAPDL_PT: case CAPDL_IO_PT: return 512;
    default: return 0;
    }
}
