/* NICs with virtual functions, software switches, and who gets what of them: the keys `nics`, `switches` and `vms[].net`
 * (docs/description.md). */
#pragma once
#include "yaml_check.h"

#define NET_MAX 4 /* `net` entries of a VM */

/* As libcyaml loads them. */
struct yaml_nic {
    char *name, *at;
    uint32_t driver, vfs;
};
struct yaml_net {
    char *nic, *network, *mac; /* nic or network */
    uint32_t vf, vlan, rate;
};
struct yaml_switch {
    char *name;
};
extern const cyaml_schema_value_t nic_schema, net_schema, switch_schema;

/* Each returns 0, or -1 with the complaint set. `node` is the entry of the list. */
int nic_check(struct yaml_source *, struct complaint *, struct description *, const struct yaml_nic *, yaml_node_t *node);
/* For the description's last VM. */
int net_check(struct yaml_source *, struct complaint *, struct description *, const struct yaml_net *, yaml_node_t *node);
int switch_check(struct yaml_source *, struct complaint *, struct description *, const struct yaml_switch *, yaml_node_t *node);
/* A `net` entry that names a switch; net_check calls it. */
int port_check(struct yaml_source *, struct complaint *, struct description *, const struct yaml_net *, yaml_node_t *node);

/* Names of NICs, SSDs and switches: a letter, then letters, digits and '-'. */
bool name_good(const char *name);
bool name_reserved(const char *name); /* of NICs and SSDs: what the compiler's own names begin with */
/* "SEGMENT:BUS:DEVICE.FUNCTION" in hexadecimal, the segment may be left out, as segment << 16 | requester ID. */
bool address_parse(const char *text, uint32_t *place);
/* The address that an entry states, or one that is the same at each start, from names alone. `network`: its NIC's or switch's name; `entry`: its
 * place in the VM's list. Returns 0, or -1 with the complaint set: it is no unicast address, or another entry's. */
int mac_choose(struct yaml_source *, struct complaint *, const struct description *, const struct yaml_net *, yaml_node_t *node,
               const char *network, size_t entry, uint8_t mac[6]);
