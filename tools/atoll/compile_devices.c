#include "compile_devices.h"
#include <stdio.h>
#include <atoll/component.h>

#define MIB2 (1ull << 21)
#define GIB (1ull << 30)
#define PRIORITY_DISK 170 /* above the VMM: it has answered when the VMM's signal returns */

static unsigned log2_up(uint64_t n)
{
    unsigned bits = 0;
    while ((1ull << bits) < n)
        bits++;
    return bits;
}

/* user/disk/main.c is the consumer: a PDPT, a page directory per GiB, a frame per 2 MiB. */
static void compile_disk(struct spec_builder *s, const struct compile_input *in, struct part *vmm, uint32_t notification,
                         uint32_t number, unsigned index)
{
    const struct description_vm *vm = &in->description->vms[number];
    uint64_t bytes = in->vms[number].disk_sizes[index], directories = (bytes + GIB - 1) / GIB, frames = (bytes + MIB2 - 1) / MIB2;
    unsigned bits = log2_up(DISK_SLOT_FREE + 1 + directories + frames);
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
    spec_caps(s, disk.cnode, DISK_SLOT_TABLES, spec_untyped(s, 12 + log2_up(1 + directories), "%s.tables", name), 1);
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
        compile_disk(s, in, vmm, notification, number, i);
}
