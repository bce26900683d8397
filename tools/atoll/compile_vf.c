/* NICs and their virtual functions: the PF drivers on node 0, and what a VM's node manager and VMM hold of the functions. */
#include "compile_part.h"
#include <stdio.h>
#include <string.h>
#include <atoll/component.h>
#include <atoll/vf.h>

#define CPU_VECTOR(v) (SEL4_IRQ_CPU_VECTOR_BASE + SEL4_IRQ_USER_MIN + (v))
#define FIRST_SLOT 16 /* of the guest's PCI bus: functions that are passed through */

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

static void vf_name(const struct description *d, const struct description_net *net, char *name, size_t size)
{
    snprintf(name, size, "%s.vf%u", d->nics[net->nic].name, net->vf);
}

/* ---- the system request ---- */

static void add_vectors(struct request_list *l, uint32_t node, unsigned first, unsigned count)
{
    struct system_request *r = request_add(l, RESOURCE_VECTORS, node, 0, "vectors.pci");
    r->arg0 = CPU_VECTOR(first);
    r->arg1 = CPU_VECTOR(first + count - 1);
}

static void add_page(struct request_list *l, uint32_t writer, uint32_t reader, const char *function, const char *what)
{
    request_add(l, RESOURCE_SHARED, writer, PAGE, "%s.%s", function, what)->arg0 = 1;
    request_add(l, RESOURCE_SHARED, reader, PAGE, "%s.%s", function, what)->arg0 = 0;
}

static void add_vf(struct request_list *l, const struct description *d, const struct description_net *net, uint32_t node, uint32_t pf)
{
    char name[32];
    vf_name(d, net, name, sizeof name);
    struct system_request *r = request_add(l, SYSTEM_VF, node, 0, "%s", name);
    r->arg0 = pf;
    r->arg1 = net->vf;
    add_page(l, node, 0, name, "request");
    add_page(l, 0, node, name, "answer");
    r = request_add(l, RESOURCE_IPI, node, 0, "%s.doorbell", name);
    r->arg0 = 0;
    r->arg1 = CPU_VECTOR(VECTOR_NIC + 2 * net->nic);
}

void compile_vf_requests(struct request_list *l, const struct system_header *header, const struct description *d)
{
    uint32_t pf[NICS_MAX];

    for (size_t i = 0; i < d->nic_count; i++) {
        const struct description_nic *nic = &d->nics[i];
        struct system_request *r = request_add(l, SYSTEM_FUNCTION, 0, nic->vfs, "%s", nic->name);
        r->arg0 = kinds[nic->driver].function;
        r->arg1 = nic->at == NIC_ANYWHERE ? SYSTEM_ANYWHERE : nic->at;
        pf[i] = (uint32_t)(r - header->requests);
    }
    if (d->nic_count)
        add_vectors(l, 0, VECTOR_NIC, 2 * (unsigned)d->nic_count);
    for (size_t k = 0; k < d->vm_count; k++) {
        const struct description_vm *vm = &d->vms[k];
        for (size_t i = 0; i < vm->net_count; i++)
            add_vf(l, d, &vm->net[i], vm->first_node, pf[vm->net[i].nic]);
        if (vm->net_count)
            add_vectors(l, vm->first_node, VECTOR_VF, VF_VECTORS * (unsigned)vm->net_count);
    }
}

/* ---- node 0: a PF driver for each NIC ---- */

static void map_pages(struct part *p, struct spec_builder *s, const char *resource, uint32_t first, uint32_t pages, uint64_t at, uint32_t rights)
{
    for (uint32_t i = 0; i < pages; i++)
        space_map_device(&p->space, s, spec_shared(s, resource, first + i), at + i * PAGE, rights);
}

/* Every VF of the NIC that some VM has: its identity, and the pages that its node manager and the PF driver share. */
static void pf_driver_vfs(struct part *p, struct spec_builder *s, const struct description *d, uint32_t nic, struct nic_config *config)
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
            uint64_t at = PF_VF_VA + net->vf * PF_VF_STRIDE;
            snprintf(name, sizeof name, "%s.vf%u.request", d->nics[nic].name, net->vf);
            space_map(&p->space, s, spec_shared(s, name, 0), at, RIGHTS_READ, false);
            snprintf(name, sizeof name, "%s.vf%u.answer", d->nics[nic].name, net->vf);
            space_map(&p->space, s, spec_shared(s, name, 0), at + PAGE, RIGHTS_WRITE, false);
        }
}

static void pf_driver(struct spec_builder *s, const struct compile_input *in, uint32_t i)
{
    const struct description *d = in->description;
    const struct description_nic *nic = &d->nics[i];
    const struct nic_kind *kind = &kinds[nic->driver];
    struct nic_config config = {.magic = NIC_CONFIG_MAGIC, .vf_count = nic->vfs};
    struct part p;
    char part_name[NIC_NAME_MAX + 4], name[48];

    snprintf(part_name, sizeof part_name, "pf-%s", nic->name);
    snprintf(config.name, sizeof config.name, "%s", nic->name);
    part_new(&p, s, part_name, &in->images[COMPONENT_IGB], COMPONENT_CNODE_BITS, PRIORITY_SERVICE, true);
    uint32_t notification = spec_object(s, SEL4_NOTIFICATION, 0, "%s.notification", part_name);
    uint32_t requester = spec_named(s, "%s.requester", nic->name);
    part_cap(&p, s, PF_SLOT_NOTIFICATION, notification, RIGHTS_READ, 0);
    part_cap(&p, s, PF_SLOT_REQUESTER, requester, SEL4_ALL_RIGHTS, 0);
    snprintf(name, sizeof name, "%s.message", part_name);
    part_cap(&p, s, PF_SLOT_MESSAGE, spec_message(s, name, notification, PF_BADGE_MESSAGE, VECTOR_NIC + 2 * i + 1, requester),
             SEL4_ALL_RIGHTS, 0);
    snprintf(name, sizeof name, "%s.doorbell", part_name);
    part_cap(&p, s, PF_SLOT_DOORBELL_IRQ, spec_interrupt(s, name, notification, PF_BADGE_DOORBELL, VECTOR_NIC + 2 * i, SPEC_NONE),
             SEL4_ALL_RIGHTS, 0);
    snprintf(name, sizeof name, "%s.config", nic->name);
    map_pages(&p, s, name, 0, 1, PF_CONFIG_SPACE_VA, RIGHTS_WRITE);
    for (unsigned b = 0; b < 2; b++) {
        snprintf(name, sizeof name, "%s.bar%u", nic->name, kind->bars[b]);
        map_pages(&p, s, name, 0, kind->pages[b], PF_BAR_VA + kind->bars[b] * PF_BAR_STRIDE, RIGHTS_WRITE);
    }
    pf_driver_vfs(&p, s, d, i, &config);
    uint32_t frame = page_new(s, part_name, "config");
    spec_fill(s, frame, 0, &config, sizeof config);
    part_config(&p, s, frame, 0);
}

void compile_pf_drivers(struct spec_builder *s, const struct compile_input *in)
{
    for (uint32_t i = 0; i < in->description->nic_count; i++)
        pf_driver(s, in, i);
}

/* ---- a VM's node ---- */

static void vf(struct spec_builder *s, const struct description *d, const struct description_net *net, uint32_t index, struct part *manager,
               uint32_t notification, struct vf_config *config)
{
    const struct nic_kind *kind = &kinds[d->nics[net->nic].driver];
    uint64_t at = MANAGER_VF_VA + index * MANAGER_VF_STRIDE;
    uint32_t slot = MANAGER_SLOT_VF + index * MANAGER_VF_SLOTS;
    char name[48];

    *config = kind->vf;
    config->slot = FIRST_SLOT + index;
    vf_name(d, net, config->name, sizeof config->name);
    uint32_t requester = spec_named(s, "%s.requester", config->name);
    part_cap(manager, s, slot + MANAGER_VF_REQUESTER, requester, SEL4_ALL_RIGHTS, 0);
    part_cap(manager, s, slot + MANAGER_VF_DOORBELL, spec_named(s, "%s.doorbell", config->name), SEL4_ALL_RIGHTS, 0);
    for (uint32_t i = 0; i < config->vectors; i++) {
        snprintf(name, sizeof name, "%s.message", config->name);
        part_cap(manager, s, slot + MANAGER_VF_MESSAGE + i,
                 spec_message(s, name, notification, VMM_BADGE_VF(index, i), VECTOR_VF + index * VF_VECTORS + i, requester), SEL4_ALL_RIGHTS, 0);
    }
    snprintf(name, sizeof name, "%s.bar%u", config->name, config->bar);
    map_pages(manager, s, name, 0, config->bar_pages, at + MANAGER_VF_BAR_AT, RIGHTS_WRITE);
    for (uint32_t i = 0; i < config->bar_pages; i++)
        part_cap(manager, s, slot + MANAGER_VF_BAR + i, spec_shared(s, name, i), RIGHTS_WRITE, 0);
    snprintf(name, sizeof name, "%s.bar%u", config->name, config->msix_bar);
    map_pages(manager, s, name, config->msix_table / PAGE, 1, at + MANAGER_VF_MSIX_AT, RIGHTS_WRITE);
    snprintf(name, sizeof name, "%s.config", config->name);
    map_pages(manager, s, name, 0, 1, at + MANAGER_VF_CONFIG_AT, RIGHTS_WRITE);
    snprintf(name, sizeof name, "%s.request", config->name);
    space_map(&manager->space, s, spec_shared(s, name, 0), at + MANAGER_VF_REQUEST_AT, RIGHTS_WRITE, false);
    snprintf(name, sizeof name, "%s.answer", config->name);
    space_map(&manager->space, s, spec_shared(s, name, 0), at + MANAGER_VF_ANSWER_AT, RIGHTS_READ, false);
}

void compile_vfs(struct spec_builder *s, const struct description *d, uint32_t node, struct part *manager, struct part *vmm,
                     uint32_t notification)
{
    uint32_t number;
    const struct description_vm *vm = compile_node_vm(d, node, &number);
    struct vfs_config config = {.magic = VFS_CONFIG_MAGIC, .count = (uint32_t)vm->net_count};

    if (vm->net_count == 0)
        return;
    for (uint32_t i = 0; i < config.count; i++)
        vf(s, d, &vm->net[i], i, manager, notification, &config.vfs[i]);
    part_cap(manager, s, MANAGER_SLOT_IO_SPACE, spec_object(s, ATOLL_IO_SPACE, 0, "io.space"), SEL4_ALL_RIGHTS, 0);
    uint32_t frame = page_new(s, "vfs", "config");
    spec_fill(s, frame, 0, &config, sizeof config);
    part_config(vmm, s, frame, 1);
    part_config(manager, s, frame, 2);
}
