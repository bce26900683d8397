#include <x86/amdvi.h>
#include <x86/vtd.h>
#include "rules.h"
#include "text.h"

#define REFUSE(...) (text_format(r->reason, r->size, __VA_ARGS__), false)
#define CLASS_HOST_BRIDGE 0x0600 /* PCI code and ID assignment specification, 1.7: never a requester of its own */
#define CLASS_IOMMU 0x0806

struct refusal {
    char *reason;
    size_t size;
};

/* --- whose unit --- */

bool rules_scope_names(const struct iommu_scope *s, const struct pci *pci, uint16_t segment, uint16_t id)
{
    uint16_t at;
    switch (s->source) {
    case SOURCE_RANGE: return id >= s->first && id <= s->last;
    case SOURCE_PATH: return pci_follow(pci, segment, s->path.bus, s->path.devfn, s->path.hops, &at) && at == id;
    case SOURCE_SUBTREE: {
        if (!pci_follow(pci, segment, s->path.bus, s->path.devfn, s->path.hops, &at))
            return false;
        const struct pci_function *bridge = pci_find(pci, segment, at);
        unsigned bus = id >> 8;
        return at == id || (bridge && bridge->bridge && bus >= bridge->secondary && bus <= bridge->subordinate);
    }
    default: return false;
    }
}

/* VT-d 8.4: a unit that names a function wins over the one for all the rest. */
unsigned rules_unit_of(const struct iommus *u, const struct pci *pci, uint16_t segment, uint16_t id)
{
    unsigned rest = IOMMU_NO_UNIT;
    for (unsigned i = 0; i < u->scope_count; i++) {
        const struct iommu_scope *s = &u->scopes[i];
        if (s->unit == IOMMU_NO_UNIT || u->units[s->unit].segment != segment)
            continue;
        if (rules_scope_names(s, pci, segment, id))
            return s->unit;
        if (s->source == SOURCE_ALL)
            rest = s->unit;
    }
    return rest;
}

const struct iommu_reserved *rules_reserved(const struct iommus *u, const struct pci *pci, uint16_t segment, uint16_t id)
{
    for (unsigned i = 0; i < u->reserved_count; i++) {
        const struct iommu_reserved *r = &u->reserved[i];
        for (unsigned k = 0; k < r->scope_count; k++) {
            const struct iommu_scope *s = &u->scopes[r->first_scope + k];
            if (r->segment == segment && (s->source == SOURCE_ALL || rules_scope_names(s, pci, segment, id)))
                return r;
        }
    }
    return NULL;
}

const struct iommu_scope *rules_ioapic(const struct iommus *u, uint32_t id)
{
    for (unsigned i = 0; i < u->scope_count; i++)
        if (u->scopes[i].unit != IOMMU_NO_UNIT && u->scopes[i].source == SOURCE_IOAPIC && u->scopes[i].id == id)
            return &u->scopes[i];
    return NULL;
}

bool rules_requester(const struct iommus *u, const struct pci *pci, const struct iommu_scope *s, uint16_t *id)
{
    *id = s->first;
    return !s->path.hops || pci_follow(pci, u->units[s->unit].segment, s->path.bus, s->path.devfn, s->path.hops, id);
}

/* --- the rules --- */

static bool check_presence(const struct rules_input *in, struct refusal *r)
{
    if (in->iommus->unit_count == 0)
        return REFUSE("no IOMMU: every device could reach all memory; enable \"IOMMU\" (AMD-Vi or VT-d) in the firmware's settings; "
                      "an emulated server has one with --machine vtd or amdvi");
    return true;
}

static bool check_known(const struct rules_input *in, struct refusal *r)
{
    const struct iommus *u = in->iommus;
    if (u->unknown_in)
        return REFUSE("the firmware's table %s has an entry of unknown type 0x%x, so some device may be under no known IOMMU; "
                      "update the firmware, or this program", u->unknown_in, u->unknown_type);
    return true;
}

static bool check_remapping(const struct rules_input *in, struct refusal *r)
{
    const struct iommus *u = in->iommus;
    if (!u->remaps_interrupts)
        return REFUSE("no interrupt remapping: every device could raise any interrupt; enable \"interrupt remapping\" in the firmware's "
                      "settings (QEMU: intremap=on)");
    if (u->x2apic_opt_out)
        return REFUSE("the firmware asks not to use x2APIC mode, which interrupt remapping needs here; enable \"x2APIC\" in its settings");
    return true;
}

static bool check_segments(const struct rules_input *in, struct refusal *r)
{
    if (in->mcfg->count == 0)
        return REFUSE("the firmware offers no table of PCI segments (MCFG), so devices cannot be found and held back");
    return true;
}

static bool check_vtd(const struct iommu_unit *u, const struct iommu_facts *f, struct refusal *r)
{
    if (f->capability == UINT64_MAX || f->capability == 0)
        return REFUSE("the IOMMU at 0x%lx does not answer", u->paddr);
    if (!(f->extended & VTD_ECAP_QUEUE))
        return REFUSE("the IOMMU at 0x%lx has no queued invalidation; use a newer machine", u->paddr);
    if (!(f->extended & VTD_ECAP_INTERRUPTS))
        return REFUSE("the IOMMU at 0x%lx has no interrupt remapping; enable it in the firmware's settings (QEMU: intremap=on)", u->paddr);
    if (!(f->extended & VTD_ECAP_X2APIC))
        return REFUSE("the IOMMU at 0x%lx remaps no interrupts to x2APIC destinations; enable \"x2APIC\" in the firmware's settings "
                      "(QEMU: eim=on)", u->paddr);
    if (!(f->capability & VTD_CAP_LEVELS_4))
        return REFUSE("the IOMMU at 0x%lx has no 4-level page tables (48-bit addresses); QEMU: aw-bits=48", u->paddr);
    return true;
}

static bool check_amdvi(const struct iommu_unit *u, const struct iommu_facts *f, struct refusal *r)
{
    if (f->features == UINT64_MAX || f->features == 0)
        return REFUSE("the IOMMU at 0x%lx does not answer", u->paddr);
    if (!(f->features & AMDVI_FEATURE_INVALIDATE_ALL))
        return REFUSE("the IOMMU at 0x%lx cannot drop all that it caches by one command; use a newer machine", u->paddr);
    if (!(f->features & AMDVI_FEATURE_X2APIC) || !(f->features & AMDVI_FEATURE_WIDE_ENTRIES))
        return REFUSE("the IOMMU at 0x%lx remaps no interrupts to x2APIC destinations; enable \"x2APIC\" in the firmware's settings "
                      "(QEMU: xtsup=on)", u->paddr);
    return true;
}

static bool check_ioapics(const struct rules_input *in, struct refusal *r)
{
    for (unsigned i = 0; i < in->madt->ioapic_count; i++) {
        uint32_t id = in->madt->ioapics[i].id;
        const struct iommu_scope *s = rules_ioapic(in->iommus, id);
        uint16_t requester;
        if (!s)
            return REFUSE("no IOMMU remaps the interrupts of the IOAPIC with id %u; enable \"interrupt remapping\" in the firmware's "
                          "settings (QEMU: intremap=on)", id);
        if (!rules_requester(in->iommus, in->pci, s, &requester))
            return REFUSE("the firmware's table names a bridge before the IOAPIC with id %u that does not exist", id);
    }
    return true;
}

static bool check_functions(const struct rules_input *in, struct refusal *r)
{
    for (unsigned i = 0; i < in->pci->count; i++) {
        const struct pci_function *f = &in->pci->functions[i];
        if (f->class >> 8 == CLASS_HOST_BRIDGE || f->class >> 8 == CLASS_IOMMU)
            continue;
        char name[PCI_NAME_SIZE];
        pci_name(f->segment, f->id, name);
        if (rules_unit_of(in->iommus, in->pci, f->segment, f->id) == IOMMU_NO_UNIT)
            return REFUSE("no IOMMU is responsible for the PCI device %s; update the firmware", name);
    }
    return true;
}

static bool check_units(const struct rules_input *in, struct refusal *r)
{
    for (unsigned i = 0; i < in->iommus->unit_count; i++) {
        const struct iommu_unit *u = &in->iommus->units[i];
        if (!(u->kind == IOMMU_VT_D ? check_vtd : check_amdvi)(u, &in->facts[i], r))
            return false;
    }
    return true;
}

/* In the order in which boot stops at the first that is broken. */
static const struct rule {
    const char *requirement, *good;
    bool (*check)(const struct rules_input *, struct refusal *);
} rules[] = {
    {"IOMMU", "every device's memory accesses can be held back", check_presence},
    {"IOMMU tables", "all that the firmware says about IOMMUs is understood", check_known},
    {"interrupt remapping", "no device can raise an interrupt that is not its own", check_remapping},
    {"PCI configuration", "the firmware says where devices are found", check_segments},
    {"IOMMU units", "every unit has queued invalidation, x2APIC destinations and 48-bit addresses", check_units},
    {"IOAPIC", "the interrupts of every IOAPIC are remapped", check_ioapics},
    {"IOMMU coverage", "every device is behind an IOMMU", check_functions},
};

bool rules_check(const struct rules_input *in, char *reason, size_t size)
{
    struct refusal r = {reason, size};
    for (unsigned i = 0; i < sizeof rules / sizeof rules[0]; i++)
        if (!rules[i].check(in, &r))
            return false;
    return true;
}

void rules_judge(const struct rules_input *in, const struct verdicts *to)
{
    char reason[320];
    struct refusal r = {reason, sizeof reason};
    for (unsigned i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        if (rules[i].check == check_units && !in->facts)
            verdict(to, VERDICT_WARN, rules[i].requirement, "their registers are not seen from here; start the probe's image to know");
        else if (rules[i].check(in, &r))
            verdict(to, VERDICT_PASS, rules[i].requirement, "%s", rules[i].good);
        else
            verdict(to, VERDICT_FAIL, rules[i].requirement, "%s", reason);
        if (i == 0 && in->iommus->unit_count == 0)
            i = 2; /* without a unit, the next two have nothing to say but this */
        if (rules[i].check == check_segments && in->iommus->unit_count == 0)
            return;
    }
}
