/* NICs with virtual functions, and who gets them: the keys `nics` and `vms[].net` (docs/description.md). */
#pragma once
#include "yaml_check.h"

#define NET_MAX 4 /* `net` entries of a VM */

/* As libcyaml loads them. */
struct yaml_nic {
    char *name, *at;
    uint32_t driver, vfs;
};
struct yaml_net {
    char *nic, *mac;
    uint32_t vf, vlan, rate;
};
extern const cyaml_schema_value_t nic_schema, net_schema;

/* Each returns 0, or -1 with the complaint set. `node` is the entry of the list. */
int nic_check(struct yaml_source *, struct complaint *, struct description *, const struct yaml_nic *, yaml_node_t *node);
/* For the description's last VM. */
int net_check(struct yaml_source *, struct complaint *, struct description *, const struct yaml_net *, yaml_node_t *node);
