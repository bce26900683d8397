/* SSDs and disks of VMs: the keys `ssds` and `vms[].disks` (docs/description.md). */
#pragma once
#include "yaml_check.h"

/* As libcyaml loads them. */
struct yaml_disk {
    char *virtio, *ssd; /* one of them */
    uint32_t namespace_id;
    bool writable, mediated;
};
struct yaml_ssd {
    char *name, *at, *namespace_size;
    uint32_t driver, vfs;
};
extern const cyaml_schema_value_t disk_schema, ssd_schema;

/* For the description's last VM; `node` is the entry of the list, `path` the file's path from here (NULL: the entry names none), which becomes
 * the description's. `size`: bytes of the machine's memory that it takes. Returns 0, or -1 with the complaint set. */
int disk_check(struct yaml_source *, struct complaint *, struct description *, const struct yaml_disk *, char *path, yaml_node_t *node,
               uint64_t *size);
/* `namespace_size`: as the file states it, checked; 0: not stated. */
int ssd_check(struct yaml_source *, struct complaint *, struct description *, const struct yaml_ssd *, uint64_t namespace_size, yaml_node_t *node);
