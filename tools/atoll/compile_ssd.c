/* SSDs: their PF drivers on node 0, and on a VM's node a component for each of its disks, which drives a virtual function of its own and serves
 * the VMM. */
#include "compile_vf.h"
#include <stdio.h>
#include <atoll/component.h>
#include <atoll/nvme_disk.h>
#include <atoll/queue.h>

#define QUEUES 2  /* of a function: the admin queue, and one for the disk */
#define VECTORS 1
#define PF_REGISTERS 4 /* pages: controller, doorbells, MSI-X */
#define MEDIATED_PAGES 4 /* of the real admin queue (user/nvme/nvme.h) */
#define IO_TABLES_BITS 14 /* room for three of them */

/* As QEMU's model lays its functions out: registers, doorbells, MSI-X table, a page each (NVM Express 1.4, 3.1). */
static const uint32_t functions[] = {[SSD_NVME] = 0x1b36 | 0x0010u << 16};
static const struct vf_config vf_layout = {.vendor = 0x1b36, .device = 0x0010, .bar = 0, .msix_bar = 0, .msix_bar_pages = 4, .vectors = VECTORS,
                                           .msix_table = 0x2000, .msix_pba = 0x3000, .class_code = 0x010802, .kind = VF_SERVED};

static void vf_name(const struct description *d, const struct description_disk *disk, char *name, size_t size)
{
    snprintf(name, size, "%s.vf%u", d->ssds[disk->ssd].name, disk->vf);
}

/* ---- the system request ---- */

/* Pages of one node alone: the device's, and queues with both ends there. They are no private memory, so a device may reach them, and
 * `atoll check` counts their writers. */
static void add_pages(struct request_list *l, uint32_t node, uint64_t pages, const char *function, const char *what)
{
    request_add(l, RESOURCE_SHARED, node, pages * PAGE, "%s.%s", function, what)->arg0 = 1;
}

void compile_ssd_requests(struct request_list *l, const struct system_header *header, const struct description *d)
{
    uint32_t pf[SSDS_MAX];
    char name[32];

    for (size_t i = 0; i < d->ssd_count; i++) {
        pf[i] = pf_request(l, header, d->ssds[i].name, functions[d->ssds[i].driver], d->ssds[i].at, d->ssds[i].vfs);
        add_pages(l, 0, PF_DMA_PAGES, d->ssds[i].name, "dma");
    }
    if (d->ssd_count)
        vf_request_vectors(l, 0, "vectors.ssds", VECTOR_SSD, (unsigned)d->ssd_count);
    for (size_t v = 0; v < d->vm_count; v++)
        for (size_t i = 0; i < d->vms[v].disk_count; i++) {
            const struct description_disk *disk = &d->vms[v].disks[i];
            uint32_t node = d->vms[v].first_node;
            if (disk->ssd == SSD_NONE)
                continue;
            vf_name(d, disk, name, sizeof name);
            vf_request(l, name, node, pf[disk->ssd], disk->vf, VECTOR_SSD + disk->ssd);
            add_pages(l, node, disk->mediated ? MEDIATED_PAGES : NVME_DISK_DMA_PAGES, name, "dma");
            if (disk->mediated)
                continue;
            add_pages(l, node, QUEUE_PAGES, name, "in");
            add_pages(l, node, 1, name, "in.tail");
            add_pages(l, node, QUEUE_PAGES, name, "out");
            add_pages(l, node, 1, name, "out.tail");
        }
}

/* Frames for a device's DMA: mapped for the part, and as capabilities that it shows the device. */
static void part_dma(struct part *p, struct spec_builder *s, const char *function, uint32_t pages, uint64_t at, uint32_t slot)
{
    char name[48];

    snprintf(name, sizeof name, "%s.dma", function);
    for (uint32_t i = 0; i < pages; i++) {
        uint32_t frame = spec_shared(s, name, i);
        space_map(&p->space, s, frame, at + i * PAGE, RIGHTS_WRITE, false);
        part_cap(p, s, slot + i, frame, RIGHTS_WRITE, 0);
    }
}

/* ---- node 0 ---- */

static void pf_driver(struct spec_builder *s, const struct compile_input *in, uint32_t i)
{
    const struct description *d = in->description;
    const struct description_ssd *ssd = &d->ssds[i];
    struct ssd_config config = {.magic = SSD_CONFIG_MAGIC, .vf_count = ssd->vfs};
    struct pf_part p;
    char name[48];

    snprintf(config.name, sizeof config.name, "%s", ssd->name);
    pf_part_new(&p, s, ssd->name, &in->images[COMPONENT_NVME_PF], VECTOR_SSD + i);
    part_cap(&p.part, s, PF_SLOT_CNODE, p.part.cnode, SEL4_ALL_RIGHTS, 64 - COMPONENT_CNODE_BITS);
    part_cap(&p.part, s, PF_SLOT_IO_SPACE, spec_object(s, ATOLL_IO_SPACE, 0, "%s.io.space", p.name), SEL4_ALL_RIGHTS, 0);
    spec_caps(s, p.part.cnode, PF_SLOT_TABLES, spec_untyped(s, IO_TABLES_BITS, "%s.tables", p.name), 1);
    part_dma(&p.part, s, ssd->name, PF_DMA_PAGES, PF_DMA_VA, PF_SLOT_DMA);
    snprintf(name, sizeof name, "%s.bar0", ssd->name);
    pages_map(&p.part, s, name, 0, PF_REGISTERS, PF_BAR_VA, RIGHTS_WRITE);
    for (size_t v = 0; v < d->vm_count; v++)
        for (size_t k = 0; k < d->vms[v].disk_count; k++) {
            const struct description_disk *disk = &d->vms[v].disks[k];
            if (disk->ssd != i)
                continue;
            config.vfs[disk->vf] = (struct ssd_vf){.used = 1, .namespace_id = disk->namespace_id, .queues = QUEUES, .vectors = VECTORS};
            vf_name(d, disk, name, sizeof name);
            pf_part_vf(&p, s, name, disk->vf);
        }
    uint32_t frame = page_new(s, p.name, "config");
    spec_fill(s, frame, 0, &config, sizeof config);
    part_config(&p.part, s, frame, 0);
}

void compile_ssd_drivers(struct spec_builder *s, const struct compile_input *in)
{
    for (uint32_t i = 0; i < in->description->ssd_count; i++)
        pf_driver(s, in, i);
}

/* ---- a VM's node ---- */

/* Registers and doorbells, the frames for DMA, both queues, and what a wait with a bound takes. */
static void disk_part(struct part *p, struct spec_builder *s, const char *function, uint32_t number, struct part *vmm, uint32_t client,
                      uint32_t own, uint32_t space)
{
    char name[48];

    part_cap(p, s, NVME_DISK_SLOT_NOTIFICATION, own, RIGHTS_READ, 0);
    part_cap(p, s, NVME_DISK_SLOT_CLIENT, client, SEL4_RIGHT_WRITE, VMM_BADGE_DISK);
    part_cap(p, s, NVME_DISK_SLOT_CNODE, p->cnode, SEL4_ALL_RIGHTS, 64 - COMPONENT_CNODE_BITS);
    spec_caps(s, p->cnode, NVME_DISK_SLOT_TABLES, spec_untyped(s, IO_TABLES_BITS, "%s.tables", p->name), 1);
    part_cap(p, s, NVME_DISK_SLOT_IO_SPACE, space, SEL4_ALL_RIGHTS, 0);
    part_cap(p, s, NVME_DISK_SLOT_TIMER, spec_object(s, ATOLL_VCPU, 0, "%s.timer", p->name), SEL4_ALL_RIGHTS, 0);
    part_cap(p, s, NVME_DISK_SLOT_ALARM, own, SEL4_RIGHT_WRITE, NVME_DISK_BADGE_TIMER);
    part_dma(p, s, function, NVME_DISK_DMA_PAGES, NVME_DISK_DMA_VA, NVME_DISK_SLOT_DMA);
    snprintf(name, sizeof name, "%s.bar0", function);
    pages_map(p, s, name, 0, NVME_DISK_BAR_PAGES, NVME_DISK_BAR_VA, RIGHTS_WRITE);
    part_cap(vmm, s, VMM_SLOT_DISK + number, own, SEL4_RIGHT_WRITE, NVME_DISK_BADGE_CLIENT);
    snprintf(name, sizeof name, "%s.in", function);
    part_queue(vmm, s, VMM_QUEUE_DISK + 2 * number, name, true);
    part_queue(p, s, NVME_DISK_QUEUE_REQUESTS, name, false);
    snprintf(name, sizeof name, "%s.out", function);
    part_queue(p, s, NVME_DISK_QUEUE_ANSWERS, name, true);
    part_queue(vmm, s, VMM_QUEUE_DISK + 2 * number + 1, name, false);
}

void compile_ssd_disk(struct spec_builder *s, const struct compile_input *in, const struct description_vm *vm, uint32_t number, uint32_t index,
                      struct part *manager, struct part *vmm, uint32_t notification, struct vf_config *vf)
{
    const struct description_disk *disk = &vm->disks[number];
    const struct component_image *image = &in->images[COMPONENT_NVME_DISK];
    struct nvme_disk_config config = {.magic = NVME_DISK_CONFIG_MAGIC, .namespace_id = disk->namespace_id, .read_only = !disk->writable};
    uint32_t slot = MANAGER_SLOT_VF + index * MANAGER_VF_SLOTS;
    char part_name[16], name[48];
    struct part p;

    *vf = vf_layout;
    vf->entry = image->entry;
    vf_name(in->description, disk, vf->name, sizeof vf->name);
    snprintf(config.name, sizeof config.name, "%s", vf->name);
    snprintf(part_name, sizeof part_name, "nvme-disk%u", number);
    part_new(&p, s, part_name, image, COMPONENT_CNODE_BITS, PRIORITY_DISK, false);
    uint32_t own = spec_object(s, SEL4_NOTIFICATION, 0, "%s.ntfn", part_name);
    uint32_t space = spec_object(s, ATOLL_IO_SPACE, 0, "%s.io.space", part_name);
    disk_part(&p, s, vf->name, number, vmm, notification, own, space);
    manager_vf(manager, s, index, vf, own, NVME_DISK_BADGE_MESSAGE);
    part_cap(manager, s, slot + MANAGER_VF_IO_SPACE, space, SEL4_ALL_RIGHTS, 0);
    part_cap(manager, s, slot + MANAGER_VF_COMPONENT, p.tcb, SEL4_ALL_RIGHTS, 0);
    snprintf(name, sizeof name, "%s.bar0", vf->name);
    pages_map(manager, s, name, 0, 1, MANAGER_VF_VA + index * MANAGER_VF_STRIDE + MANAGER_VF_BAR_AT, RIGHTS_READ); /* was it reset? */

    uint32_t frame = page_new(s, part_name, "config");
    spec_fill(s, frame, 0, &config, sizeof config);
    part_config(&p, s, frame, 0);
}

/* A function that the guest drives. Its node manager has the registers and the admin queue; it gives the page of doorbells to
 * the VMM, so that one has its capability. */
void compile_ssd_mediated(struct spec_builder *s, const struct compile_input *in, const struct description_disk *disk, uint32_t index,
                          struct part *manager, uint32_t notification, struct vf_config *vf)
{
    uint64_t at = MANAGER_VF_VA + index * MANAGER_VF_STRIDE;
    char name[48];

    *vf = vf_layout;
    vf->kind = VF_MEDIATED;
    vf->bar_pages = 2;
    vf->slot = FIRST_SLOT + index;
    vf_name(in->description, disk, vf->name, sizeof vf->name);
    manager_vf(manager, s, index, vf, notification, VMM_BADGE_VF(index, 0));
    part_dma(manager, s, vf->name, MEDIATED_PAGES, at + MANAGER_VF_ADMIN_AT, MANAGER_SLOT_VF + index * MANAGER_VF_SLOTS + MANAGER_VF_ADMIN);
    snprintf(name, sizeof name, "%s.bar0", vf->name);
    pages_map(manager, s, name, 0, vf->bar_pages, at + MANAGER_VF_BAR_AT, RIGHTS_WRITE);
    part_cap(manager, s, MANAGER_SLOT_VF + index * MANAGER_VF_SLOTS + MANAGER_VF_BAR, spec_shared(s, name, 1), RIGHTS_WRITE, 0);
}
