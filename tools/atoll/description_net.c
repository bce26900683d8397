#include "description_net.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <atoll/vf.h>

#define VLAN_LAST 4094
#define RATE_LAST 1000

static const cyaml_strval_t nic_drivers[] = {{"igb", NIC_IGB}};

static const cyaml_schema_field_t nic_fields[] = {
    CYAML_FIELD_STRING_PTR("name", CYAML_FLAG_POINTER, struct yaml_nic, name, 1, NIC_NAME_MAX - 1),
    CYAML_FIELD_ENUM("driver", CYAML_FLAG_STRICT, struct yaml_nic, driver, nic_drivers, 1),
    CYAML_FIELD_STRING_PTR("at", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct yaml_nic, at, 1, 16),
    CYAML_FIELD_UINT("vfs", CYAML_FLAG_DEFAULT, struct yaml_nic, vfs),
    CYAML_FIELD_END};
const cyaml_schema_value_t nic_schema = {CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct yaml_nic, nic_fields)};

static const cyaml_schema_field_t net_fields[] = {
    CYAML_FIELD_STRING_PTR("nic", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct yaml_net, nic, 1, NIC_NAME_MAX - 1),
    CYAML_FIELD_STRING_PTR("switch", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct yaml_net, network, 1, SWITCH_NAME_MAX - 1),
    CYAML_FIELD_UINT("vf", CYAML_FLAG_OPTIONAL, struct yaml_net, vf),
    CYAML_FIELD_STRING_PTR("mac", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct yaml_net, mac, 1, 32),
    CYAML_FIELD_UINT("vlan", CYAML_FLAG_OPTIONAL, struct yaml_net, vlan),
    CYAML_FIELD_UINT("rate", CYAML_FLAG_OPTIONAL, struct yaml_net, rate),
    CYAML_FIELD_END};
const cyaml_schema_value_t net_schema = {CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct yaml_net, net_fields)};

#define FAIL(node, ...) complain(why, s->file, yaml_line(node), __VA_ARGS__)

bool name_good(const char *name)
{
    bool good = isalpha((unsigned char)name[0]);
    for (const char *p = name; *p; p++)
        good = good && (isalnum((unsigned char)*p) || *p == '-');
    return good;
}

/* "vm.vf0.in" is the console input of a VM `vf0`, and must be nobody's virtual function: compile_request.c names things. */
bool name_reserved(const char *name)
{
    return strcmp(name, "vm") == 0 || strcmp(name, "node") == 0 || strcmp(name, "vectors") == 0;
}

bool address_parse(const char *text, uint32_t *place)
{
    unsigned long part[4] = {0};
    unsigned colons = 0;
    for (const char *p = text; *p; p++)
        colons += *p == ':';
    unsigned i = colons == 2 ? 0 : 1;
    char *end = (char *)text;
    if (colons < 1 || colons > 2)
        return false;
    for (; i < 4; i++) {
        if (!isxdigit((unsigned char)*end))
            return false;
        part[i] = strtoul(end, &end, 16);
        if (*end++ != (i == 3 ? '\0' : i == 2 ? '.' : ':'))
            return false;
    }
    *place = (uint32_t)(part[0] << 16 | part[1] << 8 | part[2] << 3 | part[3]);
    return part[0] <= 0xffff && part[1] <= 0xff && part[2] <= 0x1f && part[3] <= 7;
}

int nic_check(struct yaml_source *s, struct complaint *why, struct description *d, const struct yaml_nic *from, yaml_node_t *node)
{
    struct description_nic *nic = &d->nics[d->nic_count];
    if (!name_good(from->name))
        return FAIL(yaml_value(s, node, "name"), "NIC name '%s'; write a letter, then letters, digits and '-'", from->name);
    if (name_reserved(from->name))
        return FAIL(yaml_value(s, node, "name"), "'%s' is a name that atoll uses itself; write another", from->name);
    for (size_t i = 0; i < d->nic_count; i++)
        if (strcmp(d->nics[i].name, from->name) == 0)
            return FAIL(node, "two NICs are named '%s' (the first in line %u); write different names", from->name, d->nics[i].line);
    *nic = (struct description_nic){.driver = from->driver, .at = NIC_ANYWHERE, .vfs = from->vfs, .line = yaml_line(node)};
    strcpy(nic->name, from->name);
    if (from->at && !address_parse(from->at, &nic->at))
        return FAIL(yaml_value(s, node, "at"), "'at' is '%s'; write BUS:DEVICE.FUNCTION in hexadecimal, such as 01:00.0", from->at);
    if (from->vfs < 1 || from->vfs > NIC_IGB_VFS)
        return FAIL(yaml_value(s, node, "vfs"), "'vfs' is %u; write 1 to %u: the 82576 keeps no more beside its own queues", from->vfs,
                    NIC_IGB_VFS);
    d->nic_count++;
    return 0;
}

static bool mac_parse(const char *text, uint8_t mac[6])
{
    for (unsigned i = 0; i < 6; i++, text += 3) {
        if (!isxdigit((unsigned char)text[0]) || !isxdigit((unsigned char)text[1]) || text[2] != (i < 5 ? ':' : '\0'))
            return false;
        mac[i] = (uint8_t)strtoul(text, NULL, 16);
    }
    return true;
}

/* Locally administered (IEEE 802, 8.4), FNV-1a of "NETWORK/VM/entry". */
static void mac_derive(const char *network, const char *vm, size_t entry, uint8_t mac[6])
{
    char text[96];
    uint64_t hash = 0xcbf29ce484222325ull;
    snprintf(text, sizeof text, "%s/%s/%zu", network, vm, entry);
    for (const char *p = text; *p; p++)
        hash = (hash ^ (uint8_t)*p) * 0x100000001b3ull;
    for (unsigned i = 0; i < 6; i++)
        mac[i] = (uint8_t)(hash >> 8 * i);
    mac[0] = (uint8_t)((mac[0] & 0xfc) | 2);
}

static const struct description_vm *vf_owner(const struct description *d, uint32_t nic, uint32_t vf, const struct description_net **net)
{
    for (size_t i = 0; i < d->vm_count; i++)
        for (size_t k = 0; k < d->vms[i].net_count; k++)
            if (d->vms[i].net[k].nic == nic && d->vms[i].net[k].vf == vf) {
                *net = &d->vms[i].net[k];
                return &d->vms[i];
            }
    return NULL;
}

/* The line of the entry that has this address; 0: none. */
static unsigned mac_line(const struct description *d, const uint8_t mac[6])
{
    for (size_t i = 0; i < d->vm_count; i++) {
        for (size_t k = 0; k < d->vms[i].net_count; k++)
            if (memcmp(d->vms[i].net[k].mac, mac, 6) == 0)
                return d->vms[i].net[k].line;
        for (size_t k = 0; k < d->vms[i].port_count; k++)
            if (memcmp(d->vms[i].ports[k].mac, mac, 6) == 0)
                return d->vms[i].ports[k].line;
    }
    return 0;
}

int mac_choose(struct yaml_source *s, struct complaint *why, const struct description *d, const struct yaml_net *from, yaml_node_t *node,
               const char *network, size_t entry, uint8_t mac[6])
{
    yaml_node_t *at = yaml_value(s, node, "mac");
    if (!from->mac)
        mac_derive(network, d->vms[d->vm_count - 1].name, entry, mac);
    else if (!mac_parse(from->mac, mac) || mac[0] & 1)
        return FAIL(at, "'mac' is '%s'; write six bytes such as 02:00:00:00:01:10, the first one even", from->mac);
    unsigned line = mac_line(d, mac);
    if (line)
        return FAIL(at ? at : node, "this MAC address is used already (line %u); write another", line);
    return 0;
}

static int vf_choose(struct yaml_source *s, struct complaint *why, struct description *d, struct description_net *net,
                     const struct yaml_net *from, yaml_node_t *node)
{
    const struct description_nic *nic = &d->nics[net->nic];
    const struct description_net *other;
    yaml_node_t *at = yaml_value(s, node, "vf");
    if (at == NULL) {
        while (net->vf < nic->vfs && vf_owner(d, net->nic, net->vf, &other))
            net->vf++;
        if (net->vf == nic->vfs)
            return FAIL(node, "all %u virtual functions of '%s' are taken; raise its 'vfs' (line %u), or remove an entry", nic->vfs,
                        nic->name, nic->line);
        return 0;
    }
    net->vf = from->vf;
    if (net->vf >= nic->vfs)
        return FAIL(at, "'vf' is %u; '%s' has 0 to %u", net->vf, nic->name, nic->vfs - 1);
    const struct description_vm *vm = vf_owner(d, net->nic, net->vf, &other);
    if (vm)
        return FAIL(at, "VF %u of '%s' belongs to VM '%s' already (line %u); write another, or leave 'vf' out", net->vf, nic->name,
                    vm->name, other->line);
    return 0;
}

int net_check(struct yaml_source *s, struct complaint *why, struct description *d, const struct yaml_net *from, yaml_node_t *node)
{
    struct description_vm *vm = &d->vms[d->vm_count - 1];
    if (!from->nic == !from->network)
        return FAIL(node, "a 'net' entry names either a 'nic' or a 'switch'; write one of them");
    if (from->network)
        return port_check(s, why, d, from, node);
    struct description_net net = {.vlan = (uint16_t)from->vlan, .rate = from->rate, .line = yaml_line(node)};
    while (net.nic < d->nic_count && strcmp(d->nics[net.nic].name, from->nic) != 0)
        net.nic++;
    if (net.nic == d->nic_count)
        return FAIL(yaml_value(s, node, "nic"), "there is no NIC '%s'; write one of the names under 'nics'", from->nic);
    yaml_node_t *vlan_at = yaml_value(s, node, "vlan"), *rate_at = yaml_value(s, node, "rate");
    if (vlan_at && (from->vlan < 1 || from->vlan > VLAN_LAST))
        return FAIL(vlan_at, "'vlan' is %u; write 1 to %u, or leave it out for untagged frames", from->vlan, VLAN_LAST);
    if (rate_at && (from->rate < 1 || from->rate > RATE_LAST))
        return FAIL(rate_at, "'rate' is %u; write 1 to %u Mbit/s, or leave it out for no limit", from->rate, RATE_LAST);
    if (vf_choose(s, why, d, &net, from, node) != 0)
        return -1;
    if (mac_choose(s, why, d, from, node, d->nics[net.nic].name, vm->net_count, net.mac) != 0)
        return -1;
    vm->net[vm->net_count++] = net;
    return 0;
}
