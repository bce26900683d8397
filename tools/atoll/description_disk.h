/* Disks of VMs: the key `vms[].disks` (docs/description.md). */
#pragma once
#include "yaml_check.h"

/* As libcyaml loads them. */
struct yaml_disk {
    char *virtio;
    bool writable;
};
extern const cyaml_schema_value_t disk_schema;

/* For the description's last VM; `node` is the entry of the list, `path` the file's path from here, which becomes the description's. `size`: its
 * bytes. Returns 0, or -1 with the complaint set. */
int disk_check(struct yaml_source *, struct complaint *, struct description *, const struct yaml_disk *, char *path, yaml_node_t *node,
               uint64_t *size);
