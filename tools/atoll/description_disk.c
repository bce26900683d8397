#include "description_disk.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <atoll/block.h>
#include "description_net.h"

static const cyaml_schema_field_t disk_fields[] = {
    CYAML_FIELD_STRING_PTR("virtio", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct yaml_disk, virtio, 1, 4095),
    CYAML_FIELD_STRING_PTR("ssd", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct yaml_disk, ssd, 1, NIC_NAME_MAX - 1),
    CYAML_FIELD_UINT("namespace", CYAML_FLAG_OPTIONAL, struct yaml_disk, namespace_id),
    CYAML_FIELD_BOOL("writable", CYAML_FLAG_OPTIONAL, struct yaml_disk, writable),
    CYAML_FIELD_BOOL("mediated", CYAML_FLAG_OPTIONAL, struct yaml_disk, mediated),
    CYAML_FIELD_END};
const cyaml_schema_value_t disk_schema = {CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct yaml_disk, disk_fields)};

static const cyaml_strval_t ssd_drivers[] = {{"nvme", SSD_NVME}};
static const cyaml_schema_field_t ssd_fields[] = {
    CYAML_FIELD_STRING_PTR("name", CYAML_FLAG_POINTER, struct yaml_ssd, name, 1, NIC_NAME_MAX - 1),
    CYAML_FIELD_ENUM("driver", CYAML_FLAG_STRICT, struct yaml_ssd, driver, ssd_drivers, 1),
    CYAML_FIELD_STRING_PTR("at", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct yaml_ssd, at, 1, 16),
    CYAML_FIELD_UINT("vfs", CYAML_FLAG_DEFAULT, struct yaml_ssd, vfs),
    CYAML_FIELD_STRING_PTR("namespace-size", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct yaml_ssd, namespace_size, 1, 32),
    CYAML_FIELD_END};
const cyaml_schema_value_t ssd_schema = {CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct yaml_ssd, ssd_fields)};

#define FAIL(node, ...) complain(why, s->file, yaml_line(node), __VA_ARGS__)

int ssd_check(struct yaml_source *s, struct complaint *why, struct description *d, const struct yaml_ssd *from, uint64_t namespace_size,
              yaml_node_t *node)
{
    struct description_ssd *ssd = &d->ssds[d->ssd_count];

    if (!name_good(from->name))
        return FAIL(yaml_value(s, node, "name"), "SSD name '%s'; write a letter, then letters, digits and '-'", from->name);
    if (name_reserved(from->name))
        return FAIL(yaml_value(s, node, "name"), "'%s' is a name that atoll uses itself; write another", from->name);
    for (size_t i = 0; i < d->ssd_count; i++)
        if (strcmp(d->ssds[i].name, from->name) == 0)
            return FAIL(node, "two SSDs are named '%s' (the first in line %u); write different names", from->name, d->ssds[i].line);
    for (size_t i = 0; i < d->nic_count; i++)
        if (strcmp(d->nics[i].name, from->name) == 0)
            return FAIL(node, "'%s' is a NIC's name already (line %u); write another", from->name, d->nics[i].line);
    *ssd = (struct description_ssd){.driver = from->driver, .at = NIC_ANYWHERE, .vfs = from->vfs, .line = yaml_line(node),
                                    .namespace_size = namespace_size ? namespace_size : SSD_NAMESPACE_SIZE};
    strcpy(ssd->name, from->name);
    if (from->at && !address_parse(from->at, &ssd->at))
        return FAIL(yaml_value(s, node, "at"), "'at' is '%s'; write BUS:DEVICE.FUNCTION in hexadecimal, such as 02:00.0", from->at);
    if (from->vfs < 1 || from->vfs > SSD_VFS_MAX)
        return FAIL(yaml_value(s, node, "vfs"), "'vfs' is %u; write 1 to %u", from->vfs, SSD_VFS_MAX);
    d->ssd_count++;
    return 0;
}

/* The disk of some VM that has this function or this namespace of the SSD. */
static const struct description_disk *disk_find(const struct description *d, uint32_t ssd, const uint32_t *vf, uint32_t namespace_id,
                                                const struct description_vm **of)
{
    for (size_t i = 0; i < d->vm_count; i++)
        for (size_t k = 0; k < d->vms[i].disk_count; k++) {
            const struct description_disk *disk = &d->vms[i].disks[k];
            *of = &d->vms[i];
            if (disk->ssd == ssd && (vf ? disk->vf == *vf : disk->namespace_id == namespace_id))
                return disk;
        }
    return NULL;
}

static void disk_add(struct description_vm *vm, const struct description_disk *disk)
{
    size_t at = vm->disk_count++;

    if (disk->mediated)
        vm->mediated_count++;
    for (; !disk->mediated && at > 0 && vm->disks[at - 1].mediated; at--)
        vm->disks[at] = vm->disks[at - 1];
    vm->disks[at] = *disk;
}

static int namespace_check(struct yaml_source *s, struct complaint *why, struct description *d, const struct yaml_disk *from, yaml_node_t *node)
{
    struct description_vm *vm = &d->vms[d->vm_count - 1];
    const struct description_vm *other;
    struct description_disk disk = {.namespace_id = from->namespace_id, .writable = from->writable || !yaml_value(s, node, "writable"),
                                    .mediated = from->mediated, .line = yaml_line(node)};
    yaml_node_t *at = yaml_value(s, node, "namespace");

    while (disk.ssd < d->ssd_count && strcmp(d->ssds[disk.ssd].name, from->ssd) != 0)
        disk.ssd++;
    if (disk.ssd == d->ssd_count)
        return FAIL(yaml_value(s, node, "ssd"), "there is no SSD '%s'; write one of the names under 'ssds'", from->ssd);
    const struct description_ssd *ssd = &d->ssds[disk.ssd];
    if (!at)
        return FAIL(node, "a disk on an SSD has no 'namespace'; add 'namespace: NUMBER'");
    if (from->namespace_id < 1 || from->namespace_id > SSD_NAMESPACES_MAX)
        return FAIL(at, "'namespace' is %u; write 1 to %u", from->namespace_id, SSD_NAMESPACES_MAX);
    const struct description_disk *same = disk_find(d, disk.ssd, NULL, disk.namespace_id, &other);
    if (same)
        return FAIL(at, "namespace %u of '%s' belongs to VM '%s' already (line %u); write another", disk.namespace_id, ssd->name, other->name,
                    same->line);
    while (disk.vf < ssd->vfs && disk_find(d, disk.ssd, &disk.vf, 0, &other))
        disk.vf++;
    if (disk.vf == ssd->vfs)
        return FAIL(node, "all %u virtual functions of '%s' are taken; raise its 'vfs' (line %u), or remove an entry", ssd->vfs, ssd->name,
                    ssd->line);
    if (disk.mediated && !disk.writable)
        return FAIL(yaml_value(s, node, "writable"), "a mediated disk cannot be read-only: its guest writes by itself; leave 'writable' or 'mediated' out");
    disk_add(vm, &disk);
    return 0;
}

static int file_check(struct yaml_source *s, struct complaint *why, struct description *d, const struct yaml_disk *from, char *path,
                      yaml_node_t *node, uint64_t *size)
{
    struct description_vm *vm = &d->vms[d->vm_count - 1];
    yaml_node_t *at = yaml_value(s, node, "virtio"), *of_ssd = yaml_value(s, node, "namespace");
    struct stat st;

    disk_add(vm, &(struct description_disk){.file = path, .writable = from->writable, .ssd = SSD_NONE, .line = yaml_line(node)});
    if (from->mediated)
        return FAIL(yaml_value(s, node, "mediated"), "'mediated' is for disks on an 'ssd'; leave it out");
    if (of_ssd)
        return FAIL(of_ssd, "'namespace' is for disks on an 'ssd'; leave it out");
    if (stat(path, &st) != 0)
        return FAIL(at, "disk '%s' cannot be read: %s; write the path of a disk image, relative to this file", path, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return FAIL(at, "disk '%s' is not a file; write the path of a disk image", path);
    if (st.st_size == 0 || st.st_size % BLOCK_SECTOR)
        return FAIL(at, "disk '%s' has %lld bytes; an image is one or more sectors of %u bytes: `truncate -s %%512` rounds it up", path,
                    (long long)st.st_size, BLOCK_SECTOR);
    *size = (uint64_t)st.st_size;
    return 0;
}

int disk_check(struct yaml_source *s, struct complaint *why, struct description *d, const struct yaml_disk *from, char *path, yaml_node_t *node,
               uint64_t *size)
{
    *size = 0;
    if (!from->virtio == !from->ssd) {
        free(path);
        return FAIL(node, "a 'disks' entry names either a file ('virtio') or an 'ssd'; write one of them");
    }
    if (from->ssd)
        return namespace_check(s, why, d, from, node);
    return path ? file_check(s, why, d, from, path, node, size) : FAIL(node, "out of memory");
}
