/* The VM's virtual functions: their leases, and what each step of a lease does to the device. Who drives the function, the guest or a component
 * of this node, reaches its registers only; its configuration space and its MSI-X table are mapped here and nowhere else.
 * Section numbers: PCI Express Base Specification 6.0. */
#include "manager.h"
#include "lease.h"
#include "mediated.h"
#include "../pf/pci.h"
#include <atoll/vf.h>

#define START_MS 20000      /* the PF driver's time to answer first: its node may be started after this one, */
#define ANSWER_MS 2000      /* and later */
#define FLR_MS 100          /* 6.6.2: nobody looks at a function for so long after its reset */
#define PENDING_MS 100      /* transactions under way end by then, or never */
#define TABLES 8            /* of 2 MiB each, for the places of all functions: MANAGER_VF_TABLES but the directory */
#define MIB2 (1ull << 21)
#define CLASS_NVME 0x010802

struct vf {
    const struct vf_config *config;
    struct lease lease;
    uint64_t requester, sequence;
    uint64_t address;   /* where the guest wants its registers; 0: nowhere */
    bool mapped, told;  /* on this node; on the VM's other nodes, perhaps */
    bool master, unanswered; /* unanswered: the latest request to its PF driver */
};

static struct vf vfs[VM_VFS_MAX];
static unsigned vf_count; /* that are leased here: 0 on nodes of other vCPUs than 0 */
static bool alone;        /* the VM has no other nodes */
static uint64_t ticks_per_second, ticks_per_ms, next_slot, end_slot;
static struct { uint64_t base; } tables[TABLES];
static unsigned table_count;
static bool directory_there;

static cptr_t slot_of(const struct vf *v, unsigned slot)
{
    return MANAGER_SLOT_VF + (cptr_t)(v - vfs) * MANAGER_VF_SLOTS + slot;
}
static char *page_of(const struct vf *v, uint64_t at) { return (char *)MANAGER_VF_VA + (uint64_t)(v - vfs) * MANAGER_VF_STRIDE + at; }
static volatile uint32_t *config_of(const struct vf *v) { return (volatile uint32_t *)page_of(v, MANAGER_VF_CONFIG_AT); }
static volatile uint32_t *register_of(const struct vf *v, unsigned offset)
{
    return (volatile uint32_t *)page_of(v, MANAGER_VF_BAR_AT + offset);
}

static bool is_served(const struct vf *v) { return v->config->kind == VF_SERVED; }

static bool refuse(char *why, size_t size, const char *what, error_t error)
{
    text_format(why, size, "%s: %s", what, sel4_error_name(error));
    return false;
}

static void wait_ms(uint64_t ms)
{
    for (uint64_t start = __builtin_ia32_rdtsc(); __builtin_ia32_rdtsc() - start < ms * ticks_per_ms;)
        __builtin_ia32_pause();
}

/* ---- the guest's view: registers in the nested page tables ---- */

static error_t table_new(uint64_t type, uint64_t address)
{
    if (next_slot == end_slot)
        return SEL4_NOT_ENOUGH_MEMORY;
    error_t error = untyped_retype(MANAGER_SLOT_TABLES, type, 0, MANAGER_SLOT_CNODE, 0, 0, next_slot, 1);
    return error ? error : nested_table_map(next_slot++, MANAGER_SLOT_NESTED, address, 0);
}

/* Page tables stay where they are once made, and their number is bounded: a guest moves its registers a few times, not for ever. */
static error_t tables_make(uint64_t address)
{
    uint64_t base = address & ~(MIB2 - 1);
    error_t error;

    for (unsigned i = 0; i < table_count; i++)
        if (tables[i].base == base)
            return SEL4_NO_ERROR;
    if (table_count == TABLES)
        return SEL4_NOT_ENOUGH_MEMORY;
    if (!directory_there) {
        error = table_new(ATOLL_NESTED_PD, address);
        if (error)
            return error;
        directory_there = true;
    }
    error = table_new(ATOLL_NESTED_PT, address);
    if (!error)
        tables[table_count++].base = base;
    return error;
}

static void hide(struct vf *v)
{
    for (unsigned i = 0; v->mapped && i < v->config->bar_pages; i++)
        page_unmap(slot_of(v, MANAGER_VF_BAR + i));
    v->mapped = false;
}

/* Nothing but these pages appears at the guest's address: whatever else is there already makes the kernel refuse. */
static error_t show(struct vf *v)
{
    error_t error = tables_make(v->address);
    v->mapped = !error;
    for (unsigned i = 0; i < v->config->bar_pages && !error; i++)
        error = nested_page_map(slot_of(v, MANAGER_VF_BAR + i), MANAGER_SLOT_NESTED, v->address + i * 4096ull,
                                SEL4_RIGHT_READ | SEL4_RIGHT_WRITE, SEL4_X86_UNCACHEABLE);
    if (error) {
        hide(v);
        v->address = 0;
    }
    return error;
}

error_t vf_show(unsigned index, uint64_t address)
{
    struct vf *v = &vfs[index];

    if (address == v->address)
        return SEL4_NO_ERROR;
    if (!v->config)
        return SEL4_INVALID_ARGUMENT;
    hide(v);
    v->address = address;
    return address ? show(v) : SEL4_NO_ERROR;
}

/* True: they are nowhere any more. */
static bool registers_unmap(struct vf *v)
{
    hide(v);
    if (v->told)
        v->told = !places_tell((unsigned)(v - vfs), 0);
    return !v->told;
}

/* On all nodes of the VM, or on none. */
static error_t registers_map(struct vf *v)
{
    if (v->mapped || !v->address)
        return SEL4_NO_ERROR;
    error_t error = show(v);
    if (error || alone)
        return error;
    v->told = true;
    if (places_tell((unsigned)(v - vfs), v->address))
        return SEL4_NO_ERROR;
    registers_unmap(v);
    v->address = 0;
    return SEL4_NOT_ENOUGH_MEMORY;
}

/* ---- its PF driver ---- */

static bool ask_pf_driver(struct vf *v, uint32_t command, uint64_t lease, char *why, size_t size)
{
    volatile struct vf_request *r = (volatile void *)page_of(v, MANAGER_VF_REQUEST_AT);
    const volatile struct vf_answer *a = (const volatile void *)page_of(v, MANAGER_VF_ANSWER_AT);
    char reason[VF_REASON_MAX];

    r->lease = lease;
    r->command = command;
    __atomic_store_n(&r->sequence, ++v->sequence, __ATOMIC_RELEASE);
    sel4_signal(slot_of(v, MANAGER_VF_DOORBELL));
    for (uint64_t start = __builtin_ia32_rdtsc(); __atomic_load_n(&a->sequence, __ATOMIC_ACQUIRE) != v->sequence;)
        if (__builtin_ia32_rdtsc() - start > (v->sequence == 1 ? START_MS : ANSWER_MS) * ticks_per_ms) {
            text_format(why, size, "its PF driver does not answer");
            v->unanswered = true;
            return false;
        }
    uint32_t status = a->status;
    for (unsigned i = 0; i < sizeof reason; i++)
        reason[i] = a->reason[i];
    reason[sizeof reason - 1] = '\0';
    if (status != VF_DONE)
        text_format(why, size, "its PF driver refuses: status %u %s", status, reason);
    return status == VF_DONE;
}

/* ---- steps ---- */

static void command_set(const struct vf *v, bool master)
{
    pci_config_write(config_of(v), PCI_COMMAND, PCI_COMMAND_MEMORY | (master ? PCI_COMMAND_MASTER : 0));
}

static unsigned msix_of(const struct vf *v) { return pci_capability(config_of(v), PCI_CAPABILITY_MSIX); }
static unsigned express_of(const struct vf *v) { return pci_capability(config_of(v), PCI_CAPABILITY_EXPRESS); }

/* Silent on the wire, then on the bus; then the IOMMU lets nothing of it through any more, also not what comes late. */
static bool quiesce(struct vf *v, uint64_t lease, char *why, size_t size)
{
    if (!registers_unmap(v)) {
        text_format(why, size, "another node of its VM does not answer");
        v->unanswered = true;
        return false;
    }
    mediated_end((unsigned)(v - vfs));
    if (is_served(v))
        tcb_suspend(slot_of(v, MANAGER_VF_COMPONENT));
    if (!ask_pf_driver(v, VF_QUIESCE, lease, why, size))
        return false;
    unsigned express = express_of(v), msix = msix_of(v);
    if (!express || !msix || !(pci_config_read(config_of(v), express + PCI_EXPRESS_DEVICE) & PCI_DEVICE_CAN_FLR)) {
        text_format(why, size, "its configuration space shows no function level reset, or no MSI-X");
        return false;
    }
    command_set(v, false);
    pci_config_write(config_of(v), msix, pci_config_read(config_of(v), msix) & ~PCI_MSIX_ENABLE);
    for (unsigned ms = 0; pci_config_read(config_of(v), express + PCI_EXPRESS_CONTROL) & PCI_STATUS_PENDING; ms++) {
        if (ms == PENDING_MS) {
            text_format(why, size, "its transactions do not end");
            return false;
        }
        wait_ms(1);
    }
    error_t error = requesters_unbind(slot_of(v, MANAGER_VF_REQUESTER), v->requester);
    return error == SEL4_NO_ERROR || error == SEL4_INVALID_ARGUMENT /* was not bound */ || refuse(why, size, "unbind", error);
}

static bool reset(struct vf *v)
{
    unsigned express = express_of(v);
    pci_config_write(config_of(v), express + PCI_EXPRESS_CONTROL,
                     pci_config_read(config_of(v), express + PCI_EXPRESS_CONTROL) | PCI_CONTROL_FLR);
    wait_ms(FLR_MS);
    return true;
}

/* What a reset leaves of registers that the former user had: queues are off (82576 datasheet, 9.4 and 4.2.1.5), the controller is (NVMe 1.4, 7.3.1). */
static const struct { uint16_t vendor, device; uint32_t class_code, offset, mask; const char *name; } after_reset[] = {
    {0x8086, 0x10ca, 0, 0x2828, 1u << 25, "receive queue 0"}, {0x8086, 0x10ca, 0, 0x2928, 1u << 25, "receive queue 1"},
    {0x8086, 0x10ca, 0, 0x3828, 1u << 25, "transmit queue 0"}, {0x8086, 0x10ca, 0, 0x3928, 1u << 25, "transmit queue 1"},
    {0, 0, CLASS_NVME, 0x14, 1, "the controller (CC.EN)"}, {0, 0, CLASS_NVME, 0x1c, 1, "the controller (CSTS.RDY)"},
};

static bool still_on(const struct vf *v, unsigned i)
{
    bool its = after_reset[i].class_code ? after_reset[i].class_code == v->config->class_code
                                         : after_reset[i].vendor == v->config->vendor && after_reset[i].device == v->config->device;
    return its && *register_of(v, after_reset[i].offset) & after_reset[i].mask;
}

static bool verify(struct vf *v, char *why, size_t size)
{
    unsigned express = express_of(v), msix = msix_of(v);
    if (!express || !msix) {
        text_format(why, size, "its configuration space does not come back");
        return false;
    }
    if (pci_config_read(config_of(v), PCI_COMMAND) & PCI_COMMAND_MASTER || pci_config_read(config_of(v), msix) & PCI_MSIX_ENABLE) {
        text_format(why, size, "it is still a bus master, or MSI-X is still on");
        return false;
    }
    if (pci_config_read(config_of(v), express + PCI_EXPRESS_CONTROL) & PCI_STATUS_PENDING) {
        text_format(why, size, "it has transactions under way");
        return false;
    }
    command_set(v, false);
    const volatile struct pci_msix_entry *entries = (const volatile void *)(page_of(v, MANAGER_VF_MSIX_AT) + v->config->msix_table % 4096);
    for (unsigned i = 0; i < v->config->vectors; i++)
        if (!(entries[i].masked & 1)) {
            text_format(why, size, "MSI-X vector %u is not masked", i);
            return false;
        }
    for (unsigned i = 0; i < sizeof after_reset / sizeof after_reset[0]; i++)
        if (still_on(v, i)) {
            text_format(why, size, "%s is still on (register 0x%x)", after_reset[i].name, after_reset[i].offset);
            return false;
        }
    return true;
}

/* DMA to the guest's memory and nothing else, or to its component's; messages to this node's vectors; and its registers to the guest. */
static bool grant(struct vf *v, char *why, size_t size)
{
    volatile struct pci_msix_entry *entries = (volatile void *)(page_of(v, MANAGER_VF_MSIX_AT) + v->config->msix_table % 4096);
    unsigned msix = msix_of(v);
    uint64_t address, data;
    error_t error;

    for (unsigned i = 0; i < v->config->vectors; i++) {
        error = irq_handler_message(slot_of(v, MANAGER_VF_MESSAGE + i), &address, &data);
        if (error)
            return refuse(why, size, "get its interrupt message", error);
        entries[i].address_low = (uint32_t)address;
        entries[i].address_high = (uint32_t)(address >> 32);
        entries[i].data = (uint32_t)data;
        entries[i].masked = 0;
    }
    error = requesters_bind(slot_of(v, MANAGER_VF_REQUESTER), is_served(v) ? slot_of(v, MANAGER_VF_IO_SPACE) : MANAGER_SLOT_IO_SPACE,
                            v->requester);
    if (error)
        return refuse(why, size, "bind it to its memory", error);
    pci_config_write(config_of(v), msix, (pci_config_read(config_of(v), msix) & ~PCI_MSIX_MASK_ALL) | PCI_MSIX_ENABLE);
    command_set(v, v->master || is_served(v));
    error = registers_map(v);
    return !error || refuse(why, size, "map its registers", error);
}

static bool done(struct vf *v, enum lease_step s, uint64_t number, char *why, size_t size)
{
    switch (s) {
    case LEASE_QUIESCE: return quiesce(v, number, why, size);
    case LEASE_DO_RESET: return reset(v);
    case LEASE_VERIFY: return verify(v, why, size);
    case LEASE_PROGRAM: return ask_pf_driver(v, VF_PROGRAM, number, why, size);
    case LEASE_GRANT: return grant(v, why, size);
    case LEASE_GIVE_BACK: case LEASE_STEPS: break;
    }
    return true;
}

static enum lease_outcome step(void *context, enum lease_step s, uint64_t number, char *why, size_t size)
{
    struct vf *v = context;

    v->unanswered = false;
    return done(v, s, number, why, size) ? LEASE_STEP_DONE : v->unanswered ? LEASE_STEP_UNANSWERED : LEASE_STEP_FAILED;
}

static void block(void *context)
{
    struct vf *v = context;

    requesters_unbind(slot_of(v, MANAGER_VF_REQUESTER), v->requester); /* refused if it was not bound: as good */
    pci_config_write(config_of(v), PCI_COMMAND, 0);
    registers_unmap(v);
    if (is_served(v))
        tcb_suspend(slot_of(v, MANAGER_VF_COMPONENT));
}

static struct lease_hardware hardware(struct vf *v) { return (struct lease_hardware){step, block, v}; }

/* ---- from outside ---- */

static bool is_mediated(const struct vf *v) { return v->config->kind == VF_MEDIATED; }

static void open_mediated(const struct vf *v, const struct vm_config *vm)
{
    const struct mediated_place place = {v->config->name, slot_of(v, MANAGER_VF_ADMIN), page_of(v, MANAGER_VF_ADMIN_AT), register_of(v, 0),
                                          slot_of(v, MANAGER_VF_BAR)};
    uint64_t slots[2] = {next_slot, end_slot};
    error_t error = mediated_open((unsigned)(v - vfs), &place, vm, slots);

    if (error)
        panic("%s: no memory for its admin queue: %s", v->config->name, sel4_error_name(error));
    next_slot = slots[0];
}

void vfs_init(const struct manager_config *config, const struct vm_config *vm, const void *config_frame, uint64_t free_slot, uint64_t tsc_hz)
{
    const struct vfs_config *c = config_frame;
    uint64_t last;

    if (config->vf_count == 0)
        return;
    if (c->magic != VFS_CONFIG_MAGIC || c->count > VM_VFS_MAX)
        panic("the third configuration frame does not list virtual functions");
    ticks_per_second = tsc_hz;
    ticks_per_ms = tsc_hz / 1000;
    mediated_clock(tsc_hz);
    next_slot = free_slot;
    end_slot = 1ull << config->cnode_bits;
    for (unsigned i = 0; i < c->count; i++)
        vfs[i].config = &c->vfs[i];
    if (vm->vcpu)
        return;
    for (unsigned i = 0; i < c->count; i++) {
        error_t error = requesters_range(slot_of(&vfs[i], MANAGER_VF_REQUESTER), MANAGER_SLOT_CNODE, &vfs[i].requester, &last);
        if (error || last != vfs[i].requester)
            panic("%s: its requester ID cannot be told: %s", c->vfs[i].name, sel4_error_name(error));
        if (is_mediated(&vfs[i]))
            open_mediated(&vfs[i], vm);
    }
    vf_count = c->count;
    alone = vm->vcpus == 1;
}

static int renew(struct vf *v, char *why, size_t size)
{
    struct lease_hardware hw = hardware(v);

    if (v->lease.state == LEASE_LEASED)
        lease_end(&v->lease, &hw, v->lease.number);
    if (!lease_take(&v->lease, &hw)) {
        text_format(why, size, "%s is %s: %s", v->config->name, lease_state_name(v->lease.state), v->lease.reason);
        return -1;
    }
    return 0;
}

/* Its component goes first, being of higher priority than the VMM: what it finds in its queues, nobody waits for. */
static int component_start(struct vf *v, char *why, size_t size)
{
    error_t error = is_served(v) ? thread_start(slot_of(v, MANAGER_VF_COMPONENT), v->config->entry, ticks_per_second) : SEL4_NO_ERROR;

    if (error)
        text_format(why, size, "%s: its component cannot be started: %s", v->config->name, sel4_error_name(error));
    return error ? -1 : 0;
}

int vfs_lease(bool reset, char *why, size_t size)
{
    for (unsigned i = 0; i < vf_count; i++) {
        if (reset && is_served(&vfs[i])) /* a guest's reset changes nothing for components */
            continue;
        vfs[i].address = 0;
        vfs[i].master = false;
        if (renew(&vfs[i], why, size) != 0)
            return -1;
        log_line("%s: lease %lu", vfs[i].config->name, vfs[i].lease.number);
        if (component_start(&vfs[i], why, size) != 0)
            return -1;
    }
    return 0;
}

void vfs_end(void)
{
    for (unsigned i = 0; i < vf_count; i++) {
        struct lease_hardware hw = hardware(&vfs[i]);
        if (vfs[i].lease.state != LEASE_LEASED)
            continue;
        if (lease_end(&vfs[i].lease, &hw, vfs[i].lease.number) == LEASE_DONE)
            log_line("%s: lease %lu has ended", vfs[i].config->name, vfs[i].lease.number);
        else
            log_line("%s is %s: %s", vfs[i].config->name, lease_state_name(vfs[i].lease.state), vfs[i].lease.reason);
    }
}

void vfs_faults(void)
{
    for (unsigned i = 0; i < vf_count; i++)
        faults_take(i, vfs[i].config->name, slot_of(&vfs[i], MANAGER_VF_REQUESTER));
}

error_t vf_place(uint64_t index, uint64_t address, uint64_t master)
{
    if (index >= vf_count || address % 4096 || vfs[index].lease.state != LEASE_LEASED || is_served(&vfs[index]))
        return SEL4_INVALID_ARGUMENT;
    struct vf *v = &vfs[index];
    if (address != 0 && is_mediated(v))
        return SEL4_INVALID_ARGUMENT; /* its registers are never the guest's */
    if (address != 0 && (address < VM_HOLE_START || address > VM_HOLE_END - v->config->bar_pages * 4096ull))
        return SEL4_RANGE_ERROR;
    v->master = master != 0;
    command_set(v, v->master);
    if (address == v->address)
        return SEL4_NO_ERROR;
    if (!registers_unmap(v))
        return SEL4_ILLEGAL_OPERATION;
    v->address = address;
    return registers_map(v);
}

int vf_reset(uint64_t index, char *why, size_t size)
{
    if (index >= vf_count || is_served(&vfs[index])) /* not one that the VMM knows of */
        return 0;
    vfs[index].master = false; /* as after any reset */
    return renew(&vfs[index], why, size);
}

/* One that its guest may use, and a bus master: without that, its commands would not come back. */
static bool may_command(uint64_t index)
{
    return index < vf_count && vfs[index].lease.state == LEASE_LEASED && is_mediated(&vfs[index]);
}

error_t vf_controller(uint64_t index, bool on, uint64_t answer[2])
{
    if (!may_command(index) || (on && !vfs[index].master))
        return SEL4_INVALID_ARGUMENT;
    error_t error = mediated_controller((unsigned)index, on, answer);
    if (error)
        block(&vfs[index]); /* nobody knows what it does: until its next reset it does nothing */
    return error;
}

error_t vf_command(uint64_t index, const uint64_t *words, uint64_t answer[2])
{
    if (!may_command(index) || !vfs[index].master)
        return SEL4_INVALID_ARGUMENT;
    mediated_command((unsigned)index, words, answer);
    return SEL4_NO_ERROR;
}
