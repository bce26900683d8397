#include "description_disk.h"
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <atoll/block.h>

static const cyaml_schema_field_t disk_fields[] = {
    CYAML_FIELD_STRING_PTR("virtio", CYAML_FLAG_POINTER, struct yaml_disk, virtio, 1, 4095),
    CYAML_FIELD_BOOL("writable", CYAML_FLAG_OPTIONAL, struct yaml_disk, writable),
    CYAML_FIELD_END};
const cyaml_schema_value_t disk_schema = {CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct yaml_disk, disk_fields)};

#define FAIL(node, ...) complain(why, s->file, yaml_line(node), __VA_ARGS__)

int disk_check(struct yaml_source *s, struct complaint *why, struct description *d, const struct yaml_disk *from, char *path, yaml_node_t *node,
               uint64_t *size)
{
    struct description_vm *vm = &d->vms[d->vm_count - 1];
    yaml_node_t *at = yaml_value(s, node, "virtio");
    struct stat st;

    if (!path)
        return FAIL(node, "out of memory");
    vm->disks[vm->disk_count++] = (struct description_disk){.file = path, .writable = from->writable, .line = yaml_line(node)};
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
