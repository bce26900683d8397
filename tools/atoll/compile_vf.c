/* NICs and their virtual functions: the PF drivers on node 0, and what a VM's node manager and VMM hold of the functions. */
#include "compile_vf.h"
#include <stdio.h>
#include <string.h>
#include <atoll/component.h>

#define CPU_VECTOR(v) (SEL4_IRQ_CPU_VECTOR_BASE + SEL4_IRQ_USER_MIN + (v))

/* What a driver needs to know of its device, and what a guest sees. Intel 82576 datasheet, 9.4 and 9.7. */
static const struct nic_kind {
    uint32_t function;       /* vendor | device << 16 */
    unsigned bars[2], pages[2]; /* mapped into the PF driver: registers, MSI-X table */
    struct vf_config vf;
} kinds[] = {
    [NIC_IGB] = {.function = 0x8086 | 0x10c9u << 16, .bars = {0, 3}, .pages = {32, 1},
                 .vf = {.vendor = 0x8086, .device = 0x10ca, .bar = 0, .bar_pages = 4, .msix_bar = 3, .msix_bar_pages = 4, .vectors = 3,
                        .msix_table = 0, .msix_pba = 0x2000, .class_code = 0x020000}},
};

/* ---- the system request ---- */

void vf_request_vectors(struct request_list *l, uint32_t node, const char *name, unsigned first, unsigned count)
{
    struct system_request *r = request_add(l, RESOURCE_VECTORS, node, 0, "%s", name);
    r->arg0 = CPU_VECTOR(first);
    r->arg1 = CPU_VECTOR(first + count - 1);
}

static void add_page(struct request_list *l, uint32_t writer, uint32_t reader, const char *function, const char *what)
{
    request_add(l, RESOURCE_SHARED, writer, PAGE, "%s.%s", function, what)->arg0 = 1;
    request_add(l, RESOURCE_SHARED, reader, PAGE, "%s.%s", function, what)->arg0 = 0;
}

uint32_t pf_request(struct request_list *l, const struct system_header *header, const char *name, uint32_t function, uint32_t at, uint32_t vfs)
{
    struct system_request *r = request_add(l, SYSTEM_FUNCTION, 0, vfs, "%s", name);
    r->arg0 = function;
    r->arg1 = at == NIC_ANYWHERE ? SYSTEM_ANYWHERE : at;
    return (uint32_t)(r - header->requests);
}

void vf_request(struct request_list *l, const char *name, uint32_t node, uint32_t pf, uint32_t number, unsigned vector)
{
    struct system_request *r = request_add(l, SYSTEM_VF, node, 0, "%s", name);
    r->arg0 = pf;
    r->arg1 = number;
    add_page(l, node, 0, name, "request");
    add_page(l, 0, node, name, "answer");
    r = request_add(l, RESOURCE_IPI, node, 0, "%s.doorbell", name);
    r->arg0 = 0;
    r->arg1 = CPU_VECTOR(vector);
}

/* Where the other vCPUs run, the guest sees the registers of the function that is asked for next, too. */
static void registers_request(struct request_list *l, const struct system_header *header, const char *name, const struct description_vm *vm,
                              const struct vf_config *kind)
{
    uint32_t function = header->request_count + vm->vcpus - 1;

    for (uint32_t i = 1; i < vm->vcpus; i++) {
        struct system_request *r = request_add(l, SYSTEM_REGISTERS, vm->first_node + i, kind->bar_pages * PAGE, "%s.bar%u", name, kind->bar);
        r->arg0 = function;
        r->arg1 = kind->bar;
    }
}

static void net_name(const struct description *d, const struct description_net *net, char *name, size_t size)
{
    snprintf(name, size, "%s.vf%u", d->nics[net->nic].name, net->vf);
}

uint32_t compile_guest_vfs(const struct description_vm *vm) { return (uint32_t)(vm->net_count + vm->mediated_count); }

uint32_t compile_all_vfs(const struct description_vm *vm)
{
    uint32_t count = compile_guest_vfs(vm);
    for (size_t i = 0; i < vm->disk_count; i++)
        count += vm->disks[i].ssd != SSD_NONE && !vm->disks[i].mediated;
    return count;
}

void compile_vf_requests(struct request_list *l, const struct system_header *header, const struct description *d)
{
    uint32_t pf[NICS_MAX];
    char name[32];

    for (size_t i = 0; i < d->nic_count; i++)
        pf[i] = pf_request(l, header, d->nics[i].name, kinds[d->nics[i].driver].function, d->nics[i].at, d->nics[i].vfs);
    if (d->nic_count)
        vf_request_vectors(l, 0, "vectors.pci", VECTOR_NIC, 2 * (unsigned)d->nic_count);
    for (size_t k = 0; k < d->vm_count; k++) {
        const struct description_vm *vm = &d->vms[k];
        for (size_t i = 0; i < vm->net_count; i++) {
            net_name(d, &vm->net[i], name, sizeof name);
            registers_request(l, header, name, vm, &kinds[d->nics[vm->net[i].nic].driver].vf);
            vf_request(l, name, vm->first_node, pf[vm->net[i].nic], vm->net[i].vf, VECTOR_NIC + 2 * vm->net[i].nic);
        }
        if (compile_all_vfs(vm)) {
            vf_request_vectors(l, vm->first_node, "vectors.pci", VECTOR_VF, VF_VECTORS * compile_all_vfs(vm));
            vf_request_vectors(l, vm->first_node, "vectors.faults", VECTOR_FAULTS, 1);
        }
    }
}

/* ---- node 0: a PF driver for each NIC ---- */

void pages_map(struct part *p, struct spec_builder *s, const char *resource, uint32_t first, uint32_t pages, uint64_t at, uint32_t rights)
{
    for (uint32_t i = 0; i < pages; i++)
        space_map_device(&p->space, s, spec_shared(s, resource, first + i), at + i * PAGE, rights);
}

void pf_part_new(struct pf_part *p, struct spec_builder *s, const char *name, const struct component_image *image, unsigned doorbell_vector)
{
    char of_it[48];

    snprintf(p->name, sizeof p->name, "pf-%s", name);
    part_new(&p->part, s, p->name, image, COMPONENT_CNODE_BITS, PRIORITY_SERVICE, true);
    p->notification = spec_object(s, SEL4_NOTIFICATION, 0, "%s.notification", p->name);
    p->requester = spec_named(s, "%s.requester", name);
    part_cap(&p->part, s, PF_SLOT_NOTIFICATION, p->notification, RIGHTS_READ, 0);
    part_cap(&p->part, s, PF_SLOT_REQUESTER, p->requester, SEL4_ALL_RIGHTS, 0);
    snprintf(of_it, sizeof of_it, "%s.doorbell", p->name);
    part_cap(&p->part, s, PF_SLOT_DOORBELL_IRQ, spec_interrupt(s, of_it, p->notification, PF_BADGE_DOORBELL, doorbell_vector, SPEC_NONE),
             SEL4_ALL_RIGHTS, 0);
    snprintf(of_it, sizeof of_it, "%s.config", name);
    pages_map(&p->part, s, of_it, 0, 1, PF_CONFIG_SPACE_VA, RIGHTS_WRITE);
}

void pf_part_vf(struct pf_part *p, struct spec_builder *s, const char *name, uint32_t number)
{
    uint64_t at = PF_VF_VA + number * PF_VF_STRIDE;
    char page[48];

    snprintf(page, sizeof page, "%s.request", name);
    space_map(&p->part.space, s, spec_shared(s, page, 0), at, RIGHTS_READ, false);
    snprintf(page, sizeof page, "%s.answer", name);
    space_map(&p->part.space, s, spec_shared(s, page, 0), at + PAGE, RIGHTS_WRITE, false);
}

/* Every VF of the NIC that some VM has: its identity, and the pages that its node manager and the PF driver share. */
static void pf_driver_vfs(struct pf_part *p, struct spec_builder *s, const struct description *d, uint32_t nic, struct nic_config *config)
{
    char name[48];
    for (size_t v = 0; v < d->vm_count; v++)
        for (size_t i = 0; i < d->vms[v].net_count; i++) {
            const struct description_net *net = &d->vms[v].net[i];
            if (net->nic != nic)
                continue;
            struct nic_vf *vf = &config->vfs[net->vf];
            *vf = (struct nic_vf){.vlan = net->vlan, .rate_mbit = net->rate, .used = 1};
            memcpy(vf->mac, net->mac, 6);
            net_name(d, net, name, sizeof name);
            pf_part_vf(p, s, name, net->vf);
        }
}

static void pf_driver(struct spec_builder *s, const struct compile_input *in, uint32_t i)
{
    const struct description *d = in->description;
    const struct description_nic *nic = &d->nics[i];
    const struct nic_kind *kind = &kinds[nic->driver];
    struct nic_config config = {.magic = NIC_CONFIG_MAGIC, .vf_count = nic->vfs};
    struct pf_part p;
    char name[48];

    snprintf(config.name, sizeof config.name, "%s", nic->name);
    pf_part_new(&p, s, nic->name, &in->images[COMPONENT_IGB], VECTOR_NIC + 2 * i);
    snprintf(name, sizeof name, "%s.message", p.name);
    part_cap(&p.part, s, PF_SLOT_MESSAGE, spec_message(s, name, p.notification, PF_BADGE_MESSAGE, VECTOR_NIC + 2 * i + 1, p.requester),
             SEL4_ALL_RIGHTS, 0);
    for (unsigned b = 0; b < 2; b++) {
        snprintf(name, sizeof name, "%s.bar%u", nic->name, kind->bars[b]);
        pages_map(&p.part, s, name, 0, kind->pages[b], PF_BAR_VA + kind->bars[b] * PF_BAR_STRIDE, RIGHTS_WRITE);
    }
    pf_driver_vfs(&p, s, d, i, &config);
    uint32_t frame = page_new(s, p.name, "config");
    spec_fill(s, frame, 0, &config, sizeof config);
    part_config(&p.part, s, frame, 0);
}

void compile_pf_drivers(struct spec_builder *s, const struct compile_input *in)
{
    for (uint32_t i = 0; i < in->description->nic_count; i++)
        pf_driver(s, in, i);
}

/* ---- a VM's node ---- */

/* What the guest sees of a function, on any of its VM's nodes. */
static void registers(struct spec_builder *s, struct part *manager, uint32_t index, const struct vf_config *config)
{
    char name[48];

    snprintf(name, sizeof name, "%s.bar%u", config->name, config->bar);
    for (uint32_t i = 0; i < config->bar_pages; i++)
        part_cap(manager, s, MANAGER_SLOT_VF + index * MANAGER_VF_SLOTS + MANAGER_VF_BAR + i, spec_shared(s, name, i), RIGHTS_WRITE, 0);
}

void manager_vf(struct part *manager, struct spec_builder *s, uint32_t index, const struct vf_config *config, uint32_t notification, uint64_t badge)
{
    uint64_t at = MANAGER_VF_VA + index * MANAGER_VF_STRIDE;
    uint32_t slot = MANAGER_SLOT_VF + index * MANAGER_VF_SLOTS;
    char name[48];

    uint32_t requester = spec_named(s, "%s.requester", config->name);
    part_cap(manager, s, slot + MANAGER_VF_REQUESTER, requester, SEL4_ALL_RIGHTS, 0);
    part_cap(manager, s, slot + MANAGER_VF_DOORBELL, spec_named(s, "%s.doorbell", config->name), SEL4_ALL_RIGHTS, 0);
    for (uint32_t i = 0; i < config->vectors; i++) {
        snprintf(name, sizeof name, "%s.message", config->name);
        part_cap(manager, s, slot + MANAGER_VF_MESSAGE + i,
                 spec_message(s, name, notification, badge << i, VECTOR_VF + index * VF_VECTORS + i, requester), SEL4_ALL_RIGHTS, 0);
    }
    snprintf(name, sizeof name, "%s.bar%u", config->name, config->msix_bar);
    pages_map(manager, s, name, config->msix_table / PAGE, 1, at + MANAGER_VF_MSIX_AT, RIGHTS_WRITE);
    snprintf(name, sizeof name, "%s.config", config->name);
    pages_map(manager, s, name, 0, 1, at + MANAGER_VF_CONFIG_AT, RIGHTS_WRITE);
    snprintf(name, sizeof name, "%s.request", config->name);
    space_map(&manager->space, s, spec_shared(s, name, 0), at + MANAGER_VF_REQUEST_AT, RIGHTS_WRITE, false);
    snprintf(name, sizeof name, "%s.answer", config->name);
    space_map(&manager->space, s, spec_shared(s, name, 0), at + MANAGER_VF_ANSWER_AT, RIGHTS_READ, false);
}

/* A function of a NIC, which the guest drives. */
static void guest_vf(struct spec_builder *s, const struct description *d, const struct description_net *net, uint32_t index, struct part *manager,
                     uint32_t notification, struct vf_config *config)
{
    char name[48];

    *config = kinds[d->nics[net->nic].driver].vf;
    config->slot = FIRST_SLOT + index;
    net_name(d, net, config->name, sizeof config->name);
    manager_vf(manager, s, index, config, notification, VMM_BADGE_VF(index, 0));
    snprintf(name, sizeof name, "%s.bar%u", config->name, config->bar);
    pages_map(manager, s, name, 0, config->bar_pages, MANAGER_VF_VA + index * MANAGER_VF_STRIDE + MANAGER_VF_BAR_AT, RIGHTS_WRITE);
    registers(s, manager, index, config);
}

static void configure(struct part *part, struct spec_builder *s, const struct vfs_config *config, unsigned page)
{
    uint32_t frame = page_new(s, "vfs", "config");
    spec_fill(s, frame, 0, config, sizeof *config);
    part_config(part, s, frame, page);
}

void compile_vf_registers(struct spec_builder *s, const struct description *d, uint32_t node, struct part *manager)
{
    uint32_t number;
    const struct description_vm *vm = compile_node_vm(d, node, &number);
    struct vfs_config config = {.magic = VFS_CONFIG_MAGIC, .count = (uint32_t)vm->net_count};

    for (uint32_t i = 0; i < config.count; i++) {
        config.vfs[i] = kinds[d->nics[vm->net[i].nic].driver].vf;
        net_name(d, &vm->net[i], config.vfs[i].name, sizeof config.vfs[i].name);
        registers(s, manager, i, &config.vfs[i]);
    }
    if (config.count)
        configure(manager, s, &config, 2);
}

void compile_vfs(struct spec_builder *s, const struct compile_input *in, uint32_t node, struct part *manager, struct part *vmm,
                 uint32_t notification)
{
    const struct description *d = in->description;
    uint32_t number;
    const struct description_vm *vm = compile_node_vm(d, node, &number);
    struct vfs_config config = {.magic = VFS_CONFIG_MAGIC};

    for (uint32_t i = 0; i < vm->net_count; i++)
        guest_vf(s, d, &vm->net[i], config.count++, manager, notification, &config.vfs[i]);
    for (uint32_t i = 0; i < vm->disk_count; i++)
        if (vm->disks[i].mediated) {
            compile_ssd_mediated(s, in, &vm->disks[i], config.count, manager, notification, &config.vfs[config.count]);
            config.count++;
        }
    if (config.count) {
        part_cap(manager, s, MANAGER_SLOT_IO_SPACE, spec_object(s, ATOLL_IO_SPACE, 0, "io.space"), SEL4_ALL_RIGHTS, 0);
        configure(vmm, s, &config, 1);
    }
    for (uint32_t i = 0; i < vm->disk_count; i++)
        if (vm->disks[i].ssd != SSD_NONE && !vm->disks[i].mediated) {
            compile_ssd_disk(s, in, vm, i, config.count, manager, vmm, notification, &config.vfs[config.count]);
            config.count++;
        }
    if (config.count)
        configure(manager, s, &config, 2);
}
