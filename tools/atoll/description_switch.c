/* Software switches and their ports. */
#include "description_net.h"
#include <string.h>
#include <atoll/component.h>

static const cyaml_schema_field_t switch_fields[] = {
    CYAML_FIELD_STRING_PTR("name", CYAML_FLAG_POINTER, struct yaml_switch, name, 1, SWITCH_NAME_MAX - 1),
    CYAML_FIELD_END};
const cyaml_schema_value_t switch_schema = {CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct yaml_switch, switch_fields)};

#define FAIL(node, ...) complain(why, s->file, yaml_line(node), __VA_ARGS__)

int switch_check(struct yaml_source *s, struct complaint *why, struct description *d, const struct yaml_switch *from, yaml_node_t *node)
{
    if (!name_good(from->name))
        return FAIL(node, "switch name '%s'; write a letter, then letters, digits and '-'", from->name);
    for (size_t i = 0; i < d->switch_count; i++)
        if (strcmp(d->switches[i].name, from->name) == 0)
            return FAIL(node, "two switches are named '%s' (the first in line %u); write different names", from->name, d->switches[i].line);
    strcpy(d->switches[d->switch_count].name, from->name);
    d->switches[d->switch_count++].line = yaml_line(node);
    return 0;
}

static unsigned ports_of(const struct description *d, uint32_t network)
{
    unsigned ports = 0;
    for (size_t i = 0; i < d->vm_count; i++)
        for (size_t k = 0; k < d->vms[i].port_count; k++)
            ports += d->vms[i].ports[k].network == network;
    return ports;
}

int port_check(struct yaml_source *s, struct complaint *why, struct description *d, const struct yaml_net *from, yaml_node_t *node)
{
    struct description_vm *vm = &d->vms[d->vm_count - 1];
    struct description_port port = {.vlan = (uint16_t)from->vlan, .line = yaml_line(node)};
    yaml_node_t *vlan_at = yaml_value(s, node, "vlan"), *rate_at = yaml_value(s, node, "rate"), *vf_at = yaml_value(s, node, "vf");
    while (port.network < d->switch_count && strcmp(d->switches[port.network].name, from->network) != 0)
        port.network++;
    if (port.network == d->switch_count)
        return FAIL(yaml_value(s, node, "switch"), "there is no switch '%s'; write one of the names under 'switches'", from->network);
    if (ports_of(d, port.network) == SWITCH_MAX_PORTS)
        return FAIL(node, "switch '%s' has %u ports already, all that it can have; write the name of another", from->network, SWITCH_MAX_PORTS);
    if (vlan_at && (from->vlan < 1 || from->vlan > SWITCH_VLAN_MAX))
        return FAIL(vlan_at, "'vlan' is %u; write 1 to %u, or leave it out", from->vlan, SWITCH_VLAN_MAX);
    if (vf_at || rate_at)
        return FAIL(vf_at ? vf_at : rate_at, "'%s' is for the virtual functions of a 'nic'; leave it out", vf_at ? "vf" : "rate");
    if (mac_choose(s, why, d, from, node, from->network, vm->port_count, port.mac) != 0)
        return -1;
    vm->ports[vm->port_count++] = port;
    return 0;
}
