#include "compile_devices.h"
#include <stdio.h>
#include <string.h>
#include <atoll/component.h>

#define MIB2 (1ull << 21)
#define GIB (1ull << 30)
#define CPU_VECTOR(v) (SEL4_IRQ_CPU_VECTOR_BASE + SEL4_IRQ_USER_MIN + (v))

static unsigned log2_up(uint64_t n)
{
    unsigned bits = 0;
    while ((1ull << bits) < n)
        bits++;
    return bits;
}

/* user/disk/main.c is the consumer: a PDPT, a page directory per GiB, a frame per 2 MiB; a page table and small frames for the last part. */
static void compile_disk(struct spec_builder *s, const struct compile_input *in, struct part *vmm, uint32_t notification,
                         uint32_t number, unsigned index)
{
    const struct description_vm *vm = &in->description->vms[number];
    uint64_t bytes = in->vms[number].disk_sizes[index], directories = (bytes + GIB - 1) / GIB;
    uint64_t frames = bytes / MIB2 + (bytes % MIB2 + PAGE - 1) / PAGE;
    unsigned bits = log2_up(DISK_SLOT_FREE + 2 + directories + frames);
    struct disk_config config = {.magic = DISK_CONFIG_MAGIC, .bytes = bytes, .read_only = !vm->disks[index].writable, .cnode_bits = bits};
    char name[16], queue[32];
    struct part disk;

    snprintf(name, sizeof name, "disk%u", index);
    part_new(&disk, s, name, &in->images[COMPONENT_DISK], bits, PRIORITY_DISK, true);
    uint32_t own = spec_object(s, SEL4_NOTIFICATION, 0, "%s.notification", name);
    part_cap(&disk, s, DISK_SLOT_NOTIFICATION, own, RIGHTS_READ, 0);
    part_cap(&disk, s, DISK_SLOT_CLIENT, notification, SEL4_RIGHT_WRITE, VMM_BADGE_DISK);
    part_cap(&disk, s, DISK_SLOT_CNODE, disk.cnode, SEL4_ALL_RIGHTS, 64 - bits);
    part_cap(&disk, s, DISK_SLOT_VSPACE, disk.space.root, SEL4_ALL_RIGHTS, 0);
    spec_caps(s, disk.cnode, DISK_SLOT_TABLES, spec_untyped(s, 12 + log2_up(2 + directories), "%s.tables", name), 1);
    spec_caps(s, disk.cnode, DISK_SLOT_FILE, spec_named(s, "vm.%s.disk%u", vm->name, index), DISK_SPAN);
    part_cap(vmm, s, VMM_SLOT_DISK + index, own, SEL4_RIGHT_WRITE, 1);
    snprintf(queue, sizeof queue, "%s.requests", name);
    part_queue_between(vmm, VMM_QUEUE_DISK + 2 * index, &disk, DISK_QUEUE_REQUESTS, s, queue);
    snprintf(queue, sizeof queue, "%s.answers", name);
    part_queue_between(&disk, DISK_QUEUE_ANSWERS, vmm, VMM_QUEUE_DISK + 2 * index + 1, s, queue);

    uint32_t frame = page_new(s, name, "config");
    spec_fill(s, frame, 0, &config, sizeof config);
    part_config(&disk, s, frame, 0);
}

void compile_disks(struct spec_builder *s, const struct compile_input *in, struct part *vmm, uint32_t notification, uint32_t number)
{
    for (unsigned i = 0; i < in->description->vms[number].disk_count; i++)
        if (in->description->vms[number].disks[i].ssd == SSD_NONE)
            compile_disk(s, in, vmm, notification, number, i);
}

/* ---- switches ---- */

static void port_name(const struct description_vm *vm, unsigned port, const char *what, char *name, size_t size)
{
    snprintf(name, size, "vm.%s.n%u.%s", vm->name, port, what);
}

static void add_doorbell(struct request_list *l, uint32_t from, uint32_t to, unsigned vector, const char *name)
{
    struct system_request *r = request_add(l, RESOURCE_IPI, from, 0, "%s", name);
    r->arg0 = to;
    r->arg1 = CPU_VECTOR(vector);
}

static void add_vectors(struct request_list *l, uint32_t node, unsigned first, unsigned count, const char *name)
{
    struct system_request *r = request_add(l, RESOURCE_VECTORS, node, 0, "%s", name);
    r->arg0 = CPU_VECTOR(first);
    r->arg1 = CPU_VECTOR(first + count - 1);
}

void compile_switch_requests(struct request_list *l, const struct description *d)
{
    char name[RESOURCE_NAME_MAX];

    if (d->switch_count)
        add_vectors(l, 0, VECTOR_SWITCH, (unsigned)d->switch_count, "vectors.switches");
    for (size_t v = 0; v < d->vm_count; v++) {
        const struct description_vm *vm = &d->vms[v];
        uint32_t node = vm->first_node;
        for (unsigned i = 0; i < vm->port_count; i++) {
            port_name(vm, i, "out", name, sizeof name);
            request_queue(l, node, name, true);
            port_name(vm, i, "in", name, sizeof name);
            request_queue(l, node, name, false);
            port_name(vm, i, "doorbell", name, sizeof name);
            add_doorbell(l, node, 0, VECTOR_SWITCH + vm->ports[i].network, name);
        }
        if (!vm->port_count)
            continue;
        snprintf(name, sizeof name, "doorbell.net.%s", vm->name);
        add_doorbell(l, 0, node, VECTOR_NET, name);
        add_vectors(l, node, VECTOR_NET, 1, "vectors.net");
    }
}

static void compile_switch(struct spec_builder *s, const struct compile_input *in, uint32_t index)
{
    const struct description *d = in->description;
    struct switch_config config = {.magic = SWITCH_CONFIG_MAGIC};
    char part_name[8 + SWITCH_NAME_MAX], name[RESOURCE_NAME_MAX];
    struct part p;

    snprintf(part_name, sizeof part_name, "switch-%s", d->switches[index].name);
    part_new(&p, s, part_name, &in->images[COMPONENT_SWITCH], COMPONENT_CNODE_BITS, PRIORITY_SERVICE, true);
    uint32_t notification = spec_object(s, SEL4_NOTIFICATION, 0, "%s.ntfn", part_name);
    part_cap(&p, s, SWITCH_SLOT_NOTIFICATION, notification, RIGHTS_READ, 0);
    snprintf(name, sizeof name, "%s.irq", part_name);
    part_cap(&p, s, SWITCH_SLOT_IRQ, spec_interrupt(s, name, notification, 1, VECTOR_SWITCH + index, SPEC_NONE), SEL4_ALL_RIGHTS, 0);
    for (size_t v = 0; v < d->vm_count; v++)
        for (unsigned i = 0; i < d->vms[v].port_count; i++) {
            const struct description_port *port = &d->vms[v].ports[i];
            uint32_t number = config.port_count;
            if (port->network != index || number == SWITCH_MAX_PORTS) /* port_check() refuses more */
                continue;
            config.port_count++;
            memcpy(config.ports[number].address, port->mac, 6);
            config.ports[number].vlan = port->vlan;
            part_cap(&p, s, SWITCH_SLOT_PORT + number, spec_named(s, "doorbell.net.%s", d->vms[v].name), SEL4_ALL_RIGHTS, 0);
            port_name(&d->vms[v], i, "out", name, sizeof name);
            part_queue(&p, s, 2 * number, name, false);
            port_name(&d->vms[v], i, "in", name, sizeof name);
            part_queue(&p, s, 2 * number + 1, name, true);
        }
    uint32_t frame = page_new(s, part_name, "config");
    spec_fill(s, frame, 0, &config, sizeof config);
    part_config(&p, s, frame, 0);
}

void compile_switches(struct spec_builder *s, const struct compile_input *in)
{
    for (uint32_t i = 0; i < in->description->switch_count; i++)
        compile_switch(s, in, i);
}

void compile_ports(struct spec_builder *s, const struct compile_input *in, struct part *vmm, uint32_t notification, uint32_t number)
{
    const struct description_vm *vm = &in->description->vms[number];
    char name[RESOURCE_NAME_MAX];

    for (unsigned i = 0; i < vm->port_count; i++) {
        port_name(vm, i, "doorbell", name, sizeof name);
        part_cap(vmm, s, VMM_SLOT_NET + i, spec_named(s, "%s", name), SEL4_ALL_RIGHTS, 0);
        port_name(vm, i, "out", name, sizeof name);
        part_queue(vmm, s, VMM_QUEUE_NET + 2 * i, name, true);
        port_name(vm, i, "in", name, sizeof name);
        part_queue(vmm, s, VMM_QUEUE_NET + 2 * i + 1, name, false);
    }
    if (vm->port_count)
        part_cap(vmm, s, VMM_SLOT_NET_IRQ, spec_interrupt(s, "net.irq", notification, VMM_BADGE_NET, VECTOR_NET, SPEC_NONE), SEL4_ALL_RIGHTS,
                 0);
}
