/* The objects and capabilities of one node: the console on node 0; elsewhere a node manager, and the VMM and vCPU of the
 * node's VM. Each component gets what is listed here and nothing else. */
#include "compile_devices.h"
#include <stdio.h>
#include <string.h>
#include <atoll/component.h>
#include <atoll/queue.h>
#include <sel4/abi.h>

#define MIB2 (1ull << 21)
#define GIB (1ull << 30)
#define UART_IOAPIC_PIN 4 /* ISA IRQ 4, identity-mapped unless the MADT overrides it */

const struct description_vm *compile_node_vm(const struct description *d, uint32_t node, uint32_t *index)
{
    for (uint32_t i = 0; i < d->vm_count; i++)
        if (node >= d->vms[i].first_node && node - d->vms[i].first_node < d->vms[i].vcpus) {
            *index = i;
            return &d->vms[i];
        }
    return NULL;
}

static unsigned log2_up(uint64_t n)
{
    unsigned bits = 0;
    while ((1ull << bits) < n)
        bits++;
    return bits;
}

static uint64_t round_up(uint64_t n, uint64_t to) { return (n + to - 1) / to; }

static void compile_console(struct spec_builder *s, const struct compile_input *in)
{
    const struct description *d = in->description;
    struct console_config config = {.magic = CONSOLE_CONFIG_MAGIC, .node_count = d->cores, .vm_count = (uint32_t)d->vm_count};
    struct part console;
    char name[64];

    part_new(&console, s, "console", &in->images[COMPONENT_CONSOLE], COMPONENT_CNODE_BITS, PRIORITY_SERVICE, true);
    uint32_t notification = spec_object(s, SEL4_NOTIFICATION, 0, "console.notification");
    part_cap(&console, s, CONSOLE_SLOT_NOTIFICATION, notification, RIGHTS_READ, 0);
    part_cap(&console, s, CONSOLE_SLOT_UART, spec_ports(s, 0x3f8, 0x3ff, "uart"), SEL4_ALL_RIGHTS, 0);
    part_cap(&console, s, CONSOLE_SLOT_UART_IRQ,
             spec_interrupt(s, "uart.irq", notification, CONSOLE_BADGE_UART, VECTOR_UART, UART_IOAPIC_PIN), SEL4_ALL_RIGHTS, 0);
    part_cap(&console, s, CONSOLE_SLOT_DOORBELL_IRQ,
             spec_interrupt(s, "doorbell.irq", notification, CONSOLE_BADGE_DOORBELL, VECTOR_DOORBELL, SPEC_NONE), SEL4_ALL_RIGHTS,
             0);
    for (uint32_t node = 0; node < d->cores; node++) {
        snprintf(name, sizeof name, "node.%u.klog", node);
        part_queue(&console, s, 2 * node, name, false);
        snprintf(name, sizeof name, "node.%u.events", node);
        if (node > 0)
            part_queue(&console, s, 2 * node + 1, name, false);
    }
    for (uint32_t i = 0; i < d->vm_count; i++) {
        const char *vm = d->vms[i].name;
        snprintf(config.vm_names[i], sizeof config.vm_names[i], "%s", vm);
        snprintf(name, sizeof name, "vm.%s.out", vm);
        part_queue(&console, s, 2 * d->cores + 2 * i, name, false);
        snprintf(name, sizeof name, "vm.%s.in", vm);
        part_queue(&console, s, 2 * d->cores + 2 * i + 1, name, true);
        part_cap(&console, s, CONSOLE_SLOT_VM_DOORBELL + i, spec_named(s, "doorbell.vm.%s", vm), SEL4_ALL_RIGHTS, 0);
        config.vm_nodes[i].first_node = (uint8_t)d->vms[i].first_node;
        config.vm_nodes[i].vcpus = (uint8_t)d->vms[i].vcpus;
        if (d->vms[i].vcpus == 1)
            continue;
        snprintf(name, sizeof name, "vm.%s.deaths", vm);
        space_map(&console.space, s, spec_shared(s, name, 0), CONSOLE_DEATHS_VA + i * PAGE, RIGHTS_WRITE, false);
        for (uint32_t k = 0; k < d->vms[i].vcpus; k++)
            part_cap(&console, s, CONSOLE_SLOT_MANAGER + d->vms[i].first_node + k, spec_named(s, "vm.%s.death.%u", vm, k), SEL4_ALL_RIGHTS, 0);
    }
    uint32_t frame = page_new(s, "console", "config");
    spec_fill(s, frame, 0, &config, sizeof config);
    part_config(&console, s, frame, 0);
}

/* How many 4 KiB tables and how many frames a manager makes for its VM (user/node_manager/memory.c is the consumer). */
struct manager_needs {
    uint64_t tables, slots;
};

/* Large pages, and small ones for the last part. */
static uint64_t file_frames(uint64_t bytes) { return bytes / MIB2 + round_up(bytes % MIB2, PAGE); }

static struct manager_needs manager_needs(const struct description_vm *vm, const struct vm_files *files)
{
    uint64_t top = vm->memory > VM_HOLE_START ? vm->memory + (VM_HOLE_END - VM_HOLE_START) : vm->memory;
    uint64_t images = file_frames(files->kernel_size) + file_frames(files->initrd_size);
    uint64_t frames = vm->memory / GIB + vm->memory % GIB / MIB2;
    struct manager_needs n;

    if (vm->memory < GIB)
        frames = vm->memory / MIB2;
    /* Guest RAM twice (nested, VMM): a PDPT per 512 GiB, a PD for the one GiB that is not whole. Images: a PDPT, PDs, a PT each. */
    n.tables = 2 * (round_up(top, 512 * GIB) + 1) + 1 + round_up(files->kernel_size, GIB) + round_up(files->initrd_size, GIB) + 2;
    if (compile_guest_vfs(vm)) { /* once more for devices; and where the guest sees its functions' registers */
        n.tables += round_up(top, 512 * GIB) + 1 + MANAGER_VF_TABLES;
        frames += (frames + 1) / 2;
    }
    n.slots = MANAGER_SLOT_FREE + 2 * frames + images + n.tables;
    return n;
}

static void compile_vm_config(struct vm_config *c, const struct description_vm *vm, uint32_t index, const struct vm_files *files,
                              uint32_t node)
{
    *c = (struct vm_config){
        .magic = VM_CONFIG_MAGIC,
        .memory = vm->memory,
        .kernel_size = files->kernel_size,
        .initrd_size = files->initrd_size,
        .boot = vm->boot == BOOT_LINUX ? VM_BOOT_LINUX : VM_BOOT_MULTIBOOT,
        .vm_index = index,
        .vcpus = vm->vcpus,
        .vcpu = node - vm->first_node,
        .restart = vm->restart,
        .node = node,
        .flags = (vm->test_hooks ? VM_FLAG_TEST_CRASH_VMM | VM_FLAG_TEST_CRASH_KERNEL : 0) |
                 (vm->virtio_console ? VM_FLAG_VIRTIO_CONSOLE : 0),
        .disk_count = (uint32_t)(vm->disk_count - vm->mediated_count),
        .net_count = node == vm->first_node ? (uint32_t)vm->port_count : 0,
        .vf_count = node == vm->first_node ? compile_guest_vfs(vm) : 0,
    };
    for (unsigned i = 0; i < vm->port_count; i++)
        memcpy(c->nets[i].address, vm->ports[i].mac, 6);
    snprintf(c->name, sizeof c->name, "%s", vm->name);
    snprintf(c->cmdline, sizeof c->cmdline, "%s", vm->cmdline ? vm->cmdline : "");
}

/* Console and files are the business of vCPU 0's node. */
static const struct vm_files *node_files(const struct compile_input *in, const struct description_vm *vm, uint32_t index, uint32_t node)
{
    static const struct vm_files none;
    return node == vm->first_node ? &in->vms[index] : &none;
}

/* What VMMs of several vCPUs share: a page of their own, and kicks; with one vCPU the page is a private one. */
static void vmm_shared(struct part *vmm, struct spec_builder *s, const struct description_vm *vm, uint32_t own, uint32_t notification)
{
    char name[64];

    snprintf(name, sizeof name, "vm.%s.page", vm->name);
    for (uint32_t i = 0; i < VM_SHARED_BYTES(vm->vcpus) / PAGE; i++)
        space_map(&vmm->space, s, vm->vcpus > 1 ? spec_shared(s, name, i) : page_new(s, "vmm", "shared"), VMM_SHARED_VA + i * PAGE,
                  RIGHTS_WRITE, false);
    if (vm->vcpus == 1)
        return;
    part_cap(vmm, s, VMM_SLOT_KICK_IRQ, spec_interrupt(s, "kick.irq", notification, VMM_BADGE_KICK, VECTOR_KICK, SPEC_NONE),
             SEL4_ALL_RIGHTS, 0);
    for (uint32_t i = 0; i < vm->vcpus; i++)
        if (i != own)
            part_cap(vmm, s, VMM_SLOT_KICK + i, spec_named(s, "vm.%s.kick.%u", vm->name, i), SEL4_ALL_RIGHTS, 0);
}

/* The node managers of one VM: vCPU 0's speaks with each of the others. */
static void manager_life(struct part *manager, struct spec_builder *s, const struct description_vm *vm, uint32_t own,
                         uint32_t notification)
{
    char name[64];

    part_cap(manager, s, MANAGER_SLOT_LIFE_IRQ, spec_interrupt(s, "life.irq", notification, MANAGER_BADGE_LIFE, VECTOR_LIFE, SPEC_NONE),
             SEL4_ALL_RIGHTS, 0);
    snprintf(name, sizeof name, "vm.%s.deaths", vm->name);
    space_map(&manager->space, s, spec_shared(s, name, 0), MANAGER_DEATHS_VA, RIGHTS_READ, false);
    for (uint32_t i = own ? own : 1; i < (own ? own + 1 : vm->vcpus); i++) {
        uint64_t at = MANAGER_LIFE_VA + 2 * i * PAGE;
        snprintf(name, sizeof name, "vm.%s.down.%u", vm->name, i);
        space_map(&manager->space, s, spec_shared(s, name, 0), at, own ? RIGHTS_READ : RIGHTS_WRITE, false);
        snprintf(name, sizeof name, "vm.%s.up.%u", vm->name, i);
        space_map(&manager->space, s, spec_shared(s, name, 0), at + PAGE, own ? RIGHTS_WRITE : RIGHTS_READ, false);
        part_cap(manager, s, MANAGER_SLOT_LIFE + (own ? 0 : i), spec_named(s, "vm.%s.life.%u", vm->name, own ? 0 : i), SEL4_ALL_RIGHTS, 0);
    }
}

/* The VMM, its vCPU, and what the manager holds of them. */
static void compile_vm(struct spec_builder *s, const struct compile_input *in, struct part *manager, uint32_t endpoint,
                       uint32_t node)
{
    uint32_t index;
    const struct description_vm *vm = compile_node_vm(in->description, node, &index);
    const struct vm_files *files = node_files(in, vm, index, node);
    struct vm_config config;
    struct part vmm;
    char name[64];

    compile_vm_config(&config, vm, index, files, node);
    part_new(&vmm, s, "vmm", &in->images[COMPONENT_VMM], COMPONENT_CNODE_BITS, PRIORITY_VMM, false);
    uint32_t exits = spec_object(s, SEL4_ENDPOINT, 0, "vmm.exits");
    uint32_t reply = spec_object(s, SEL4_REPLY, 0, "vmm.reply");
    uint32_t notification = spec_object(s, SEL4_NOTIFICATION, 0, "vmm.notification");
    uint32_t doorbell = spec_named(s, "doorbell.console");
    uint32_t config_frame = page_new(s, "vm", "config");
    spec_fill(s, config_frame, 0, &config, sizeof config);
    part_config(&vmm, s, config_frame, 0);
    part_config(manager, s, config_frame, 1);
    vmm.thread->fault_ep = endpoint;
    vmm.thread->fault_badge = MANAGER_BADGE_FAULT + config.vm_index;

    uint32_t vcpu = spec_object(s, ATOLL_VCPU, 0, "vcpu");
    uint32_t nested = spec_object(s, ATOLL_NESTED_PML4, 0, "nested.pml4");
    struct spec_thread *t = spec_thread(s);
    t->tcb = spec_object(s, SEL4_TCB, 0, "vcpu.tcb");
    t->cnode = spec_object(s, SEL4_CNODE, 1, "vcpu.cnode"); /* empty: a guest makes no system calls */
    t->cnode_guard = 63;
    t->vspace = nested;
    t->fault_ep = exits;
    t->fault_badge = VMM_BADGE_EXIT;
    t->sc = spec_object(s, SEL4_SCHED_CONTEXT, SEL4_MIN_SCHED_CONTEXT_BITS, "vcpu.sc");
    t->vcpu = vcpu;
    t->budget_us = t->period_us = BUDGET_US;
    t->priority = PRIORITY_VCPU;

    part_cap(&vmm, s, VMM_SLOT_FAULT_EP, exits, RIGHTS_READ, 0);
    part_cap(&vmm, s, VMM_SLOT_REPLY, reply, SEL4_ALL_RIGHTS, 0);
    part_cap(&vmm, s, VMM_SLOT_VCPU, vcpu, SEL4_ALL_RIGHTS, 0);
    part_cap(&vmm, s, VMM_SLOT_MANAGER, endpoint, RIGHTS_CALL, MANAGER_BADGE_VMM + config.vm_index);
    part_cap(&vmm, s, VMM_SLOT_NOTIFICATION, notification, RIGHTS_WRITE, VMM_BADGE_TIMER);
    part_cap(&vmm, s, VMM_SLOT_DOORBELL, doorbell, SEL4_ALL_RIGHTS, 0);
    vmm_shared(&vmm, s, vm, config.vcpu, notification);
    if (config.vcpu == 0) {
        part_cap(&vmm, s, VMM_SLOT_INPUT_IRQ,
                 spec_interrupt(s, "input.irq", notification, VMM_BADGE_INPUT, VECTOR_DOORBELL, SPEC_NONE), SEL4_ALL_RIGHTS, 0);
        snprintf(name, sizeof name, "vm.%s.out", vm->name);
        part_queue(&vmm, s, VMM_QUEUE_OUT, name, true);
        snprintf(name, sizeof name, "vm.%s.in", vm->name);
        part_queue(&vmm, s, VMM_QUEUE_IN, name, false);
    }

    if (config.vcpu == 0) {
        compile_disks(s, in, &vmm, notification, index);
        compile_ports(s, in, &vmm, notification, index);
    }

    struct manager_needs needs = manager_needs(vm, files);
    if (config.vcpu == 0)
        compile_vfs(s, in, node, manager, &vmm, notification);
    else
        compile_vf_registers(s, in->description, node, manager);
    part_cap(manager, s, MANAGER_SLOT_VMM_TCB, vmm.tcb, SEL4_ALL_RIGHTS, 0);
    part_cap(manager, s, MANAGER_SLOT_VMM_VSPACE, vmm.space.root, SEL4_ALL_RIGHTS, 0);
    part_cap(manager, s, MANAGER_SLOT_VCPU_TCB, t->tcb, SEL4_ALL_RIGHTS, 0);
    part_cap(manager, s, MANAGER_SLOT_VMM_SC, vmm.thread->sc, SEL4_ALL_RIGHTS, 0);
    part_cap(manager, s, MANAGER_SLOT_VMM_NOTIFICATION, notification, RIGHTS_WRITE, 0); /* to bind it, and a context to it */
    part_cap(manager, s, MANAGER_SLOT_VCPU_SC, t->sc, SEL4_ALL_RIGHTS, 0);
    part_cap(manager, s, MANAGER_SLOT_VCPU, vcpu, SEL4_ALL_RIGHTS, 0);
    part_cap(manager, s, MANAGER_SLOT_NESTED, nested, SEL4_ALL_RIGHTS, 0);
    spec_caps(s, manager->cnode, MANAGER_SLOT_TABLES, spec_untyped(s, 12 + log2_up(needs.tables), "manager.tables"), 1);
    spec_caps(s, manager->cnode, MANAGER_SLOT_RAM, spec_named(s, "vm.%s.ram", vm->name), MANAGER_SPAN);
    if (files->kernel_size)
        spec_caps(s, manager->cnode, MANAGER_SLOT_KERNEL, spec_named(s, "vm.%s.kernel", vm->name), MANAGER_SPAN);
    if (files->initrd_size)
        spec_caps(s, manager->cnode, MANAGER_SLOT_INITRD, spec_named(s, "vm.%s.initrd", vm->name), MANAGER_SPAN);
}

static void compile_manager(struct spec_builder *s, const struct compile_input *in, uint32_t node)
{
    uint32_t index = 0;
    const struct description_vm *vm = compile_node_vm(in->description, node, &index);
    struct manager_config config = {
        .magic = MANAGER_CONFIG_MAGIC, .node = node, .vm_count = vm != NULL, .cnode_bits = COMPONENT_CNODE_BITS};
    struct part manager;
    char name[64];

    if (vm) {
        const struct vm_files *files = node_files(in, vm, index, node);
        unsigned bits = log2_up(manager_needs(vm, files).slots);
        config.cnode_bits = bits > COMPONENT_CNODE_BITS ? bits : COMPONENT_CNODE_BITS;
        config.ram_caps = MANAGER_SPAN;
        config.vmm_entry = in->images[COMPONENT_VMM].entry;
        config.vf_count = node == vm->first_node ? compile_all_vfs(vm) : (uint32_t)vm->net_count; /* whose registers are there as well */
        config.kernel_caps = files->kernel_size ? MANAGER_SPAN : 0;
        config.initrd_caps = files->initrd_size ? MANAGER_SPAN : 0;
    }
    part_new(&manager, s, "manager", &in->images[COMPONENT_MANAGER], config.cnode_bits, PRIORITY_SERVICE, true);
    uint32_t endpoint = spec_object(s, SEL4_ENDPOINT, 0, "manager.endpoint");
    part_cap(&manager, s, MANAGER_SLOT_ENDPOINT, endpoint, RIGHTS_READ, 0);
    part_cap(&manager, s, MANAGER_SLOT_REPLY, spec_object(s, SEL4_REPLY, 0, "manager.reply"), SEL4_ALL_RIGHTS, 0);
    part_cap(&manager, s, MANAGER_SLOT_CNODE, manager.cnode, SEL4_ALL_RIGHTS, 64 - config.cnode_bits);
    part_cap(&manager, s, MANAGER_SLOT_DOORBELL, spec_named(s, "doorbell.console"), SEL4_ALL_RIGHTS, 0);
    snprintf(name, sizeof name, "node.%u.events", node);
    part_queue(&manager, s, MANAGER_QUEUE_EVENTS, name, true);

    uint32_t frame = page_new(s, "manager", "config");
    spec_fill(s, frame, 0, &config, sizeof config);
    part_config(&manager, s, frame, 0);
    uint32_t notification = spec_object(s, SEL4_NOTIFICATION, 0, "manager.notification");
    manager.thread->notification = notification;
    part_cap(&manager, s, MANAGER_SLOT_NOTIFICATION, notification, RIGHTS_WRITE, MANAGER_BADGE_TIMER);
    if (vm && node == vm->first_node && compile_all_vfs(vm))
        part_cap(&manager, s, MANAGER_SLOT_FAULTS_IRQ,
                 spec_interrupt(s, "faults.irq", notification, MANAGER_BADGE_FAULTS, VECTOR_FAULTS, SPEC_NONE), SEL4_ALL_RIGHTS, 0);
    if (vm && vm->vcpus > 1)
        manager_life(&manager, s, vm, node - vm->first_node, notification);
    if (vm)
        compile_vm(s, in, &manager, endpoint, node);
}

void compile_node(struct spec_builder *s, const struct compile_input *in, uint32_t node)
{
    if (node == 0) {
        compile_console(s, in);
        compile_pf_drivers(s, in);
        compile_ssd_drivers(s, in);
        compile_switches(s, in);
    } else {
        compile_manager(s, in, node);
    }
}
