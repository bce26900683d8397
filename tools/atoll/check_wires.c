/* Which VMs can send each other frames over a NIC: no capability says so, the description does. One line per network. */
#include "check.h"
#include "description.h"
#include <inttypes.h>

/* Has the VM a function of this NIC in this VLAN? */
static bool vm_on(const struct description_vm *vm, uint32_t nic, uint16_t vlan)
{
    for (size_t i = 0; i < vm->net_count; i++)
        if (vm->net[i].nic == nic && vm->net[i].vlan == vlan)
            return true;
    return false;
}

static void wire_report(const struct description *d, uint32_t nic, uint16_t vlan, FILE *f)
{
    size_t vms = 0;

    for (size_t v = 0; v < d->vm_count; v++)
        vms += vm_on(&d->vms[v], nic, vlan);
    if (vms < 2)
        return;
    if (vlan)
        fprintf(f, "wire: VLAN %u of %s", vlan, d->nics[nic].name);
    else
        fprintf(f, "wire: the untagged network of %s", d->nics[nic].name);
    fputs(" carries frames between ", f);
    for (size_t v = 0, named = 0; v < d->vm_count; v++)
        if (vm_on(&d->vms[v], nic, vlan))
            fprintf(f, "%s%s", !named++ ? "" : named == vms ? " and " : ", ", d->vms[v].name);
    fputs("; give them different `vlan`s if that is not meant\n", f);
}

void check_wires(const struct description *d, FILE *f)
{
    for (size_t v = 0; v < d->vm_count; v++)
        for (size_t i = 0; i < d->vms[v].net_count; i++) {
            const struct description_net *net = &d->vms[v].net[i];
            bool first = true; /* each network once: at its first entry */
            for (size_t w = 0; w < v; w++)
                first = first && !vm_on(&d->vms[w], net->nic, net->vlan);
            for (size_t k = 0; k < i; k++)
                first = first && (d->vms[v].net[k].nic != net->nic || d->vms[v].net[k].vlan != net->vlan);
            if (first)
                wire_report(d, net->nic, net->vlan, f);
        }
}
