#include "bytes.h"
#include "functions.h"
#include "rules.h"
#include "sriov.h"
#include "text.h"

#define PAGE 4096ull
#define ECAM_BUS 0x100000ull   /* 7.2.2: 4 KiB per function, 256 functions per bus */
#define REFUSE(...) (text_format(b->reason, b->size, __VA_ARGS__), false)
#define REFUSE_FUNCTION(...) (text_format(b->reason, b->size, __VA_ARGS__), NULL)
#define PORT_TO_PCI 7  /* 7.5.3.2: behind a bridge to conventional PCI functions share a requester ID */
#define PORT_FROM_PCI 8
#define PORT_INTEGRATED 9

struct binder {
    const struct functions_input *in;
    struct functions *out;
    char *reason;
    size_t size;
    const struct system_request *r; /* the one under way */
    struct ranges busy;             /* addresses that no register can be placed at */
};

/* --- may it be handed out? --- */

static bool check_path(const struct binder *b, const struct pci_function *f, const char *name)
{
    const struct pci *pci = b->in->pci;
    char port[PCI_NAME_SIZE];
    for (const struct pci_function *up = pci_upstream(pci, f); up; up = pci_upstream(pci, up)) {
        pci_name(up->segment, up->id, port);
        if (!up->express || up->port_type == PORT_TO_PCI || up->port_type == PORT_FROM_PCI)
            return REFUSE("node %u: \"%s\" is %s, behind the bridge %s, where functions cannot be told apart; use a PCI Express slot",
                          b->r->node, b->r->name, name, port);
        if ((up->acs_controls & ACS_NEEDED) != ACS_NEEDED)
            return REFUSE("node %u: \"%s\" is %s, behind the port %s, which has no ACS (access control services), so devices behind it could "
                          "reach each other past the IOMMU; use another slot, or enable \"ACS\" in the firmware's settings",
                          b->r->node, b->r->name, name, port);
    }
    return true;
}

static bool check_assignable(const struct binder *b, const struct pci_function *f)
{
    const struct iommus *u = b->in->iommus;
    char name[PCI_NAME_SIZE];
    pci_name(f->segment, f->id, name);
    if (f->bridge || f->class >> 16 == 6 || f->class >> 8 == 0x0806)
        return REFUSE("node %u: \"%s\" is %s, a part of the machine itself; it cannot be given away", b->r->node, b->r->name, name);
    if (f->damaged || !f->express)
        return REFUSE("node %u: \"%s\" is %s, which %s; use another device", b->r->node, b->r->name, name,
                      f->damaged ? "has a damaged list of capabilities" : "is no PCI Express device");
    const struct iommu_reserved *reserved = rules_reserved(u, b->in->pci, f->segment, f->id);
    if (reserved)
        return REFUSE("node %u: \"%s\" is %s, for which the firmware reserves the memory [0x%lx-0x%lx); switch off what uses it (USB legacy "
                      "support, remote management of this device) in the firmware's settings, or use another device",
                      b->r->node, b->r->name, name, reserved->start, reserved->end);
    return check_path(b, f, name);
}

/* An IOAPIC's interrupts come under a requester ID that the firmware chose; a function with the same one would be taken for it. */
static bool is_ioapic(const struct binder *b, uint16_t segment, uint16_t id)
{
    const struct iommus *u = b->in->iommus;
    for (unsigned i = 0; i < u->scope_count; i++) {
        const struct iommu_scope *s = &u->scopes[i];
        uint16_t at;
        if (s->source == SOURCE_IOAPIC && s->unit != IOMMU_NO_UNIT && u->units[s->unit].segment == segment &&
            rules_requester(u, b->in->pci, s, &at) && at == id)
            return true;
    }
    return false;
}

/* --- binding --- */

static const struct function_binding *binding_of(const struct functions *out, uint16_t segment, uint16_t id)
{
    for (unsigned i = 0; i < out->count; i++)
        if (out->bound[i].segment == segment && out->bound[i].id == id)
            return &out->bound[i];
    return NULL;
}

static const struct function_binding *binding_of_request(const struct functions *out, uint64_t request)
{
    for (unsigned i = 0; i < out->count; i++)
        if (out->bound[i].request == request)
            return &out->bound[i];
    return NULL;
}

static bool passed_on(const struct pci_function *port, uint64_t start, uint64_t end)
{
    bool passes = !port; /* a root bus: nothing says what reaches it */
    for (unsigned i = 0; !passes && i < 2; i++)
        passes = start >= port->windows[i].start && end <= port->windows[i].end;
    return passes;
}

/* Whole pages that are no RAM, no configuration space and nobody else's, and that the port above the function passes on to it: where its
 * registers are is the device's own word. Others stay out of reach. */
static bool usable(const struct binder *b, const struct pci_function *port, uint64_t start, uint64_t size)
{
    if (start == 0 || start % PAGE || size < PAGE || start + size < start || start + size > 1ull << 47)
        return false;
    if (ranges_overlap(&b->busy, start, start + size) || !passed_on(port, start, start + size))
        return false;
    for (unsigned i = 0; i < b->out->count; i++)
        for (unsigned k = 0; k < PCI_BARS; k++)
            if (start < b->out->bound[i].bars[k].end && b->out->bound[i].bars[k].start < start + size)
                return false;
    return true;
}

/* `physical`: the function itself, or the one whose nth virtual function it is. */
static bool bind(struct binder *b, unsigned request, const struct pci_function *physical, uint16_t id, unsigned unit, const struct pci_bar *bars,
                 uint64_t nth)
{
    struct functions *out = b->out;
    uint16_t segment = physical->segment;
    const struct pci_function *port = pci_upstream(b->in->pci, physical);
    char name[PCI_NAME_SIZE];
    pci_name(segment, id, name);
    if (out->count == FUNCTIONS_MAX)
        return REFUSE("more than %u PCI functions are asked for", FUNCTIONS_MAX);
    if (unit == IOMMU_NO_UNIT)
        return REFUSE("no IOMMU is responsible for the PCI device %s; update the firmware", name);
    if (is_ioapic(b, segment, id))
        return REFUSE("node %u: \"%s\" would be %s, which is what an IOAPIC of this machine calls itself; use another slot", b->r->node,
                      b->r->name, name);
    const struct function_binding *other = binding_of(out, segment, id);
    if (other)
        return REFUSE("the PCI function %s is given twice, as \"%s\" and as \"%s\"", name, b->in->system->requests[other->request].name,
                      b->r->name);
    struct function_binding *f = &out->bound[out->count];
    *f = (struct function_binding){.request = request, .segment = segment, .id = id, .unit = (uint8_t)unit};
    f->config = mcfg_page(b->in->mcfg, segment, id);
    if (!f->config)
        return REFUSE("node %u: \"%s\" would be %s, on a bus that this machine has no configuration space for", b->r->node, b->r->name, name);
    for (unsigned i = 0; i < PCI_BARS; i++) {
        uint64_t start = bars[i].base + nth * bars[i].size;
        if (bars[i].size && !bars[i].port && usable(b, port, start, bars[i].size))
            f->bars[i] = (struct range){start, start + bars[i].size};
    }
    out->count++;
    return true;
}

static struct pci_function *find(const struct binder *b)
{
    struct pci *pci = b->in->pci;
    const struct system_request *r = b->r;
    for (unsigned i = 0; i < pci->count; i++) {
        struct pci_function *f = &pci->functions[i];
        bool here = r->arg1 == SYSTEM_ANYWHERE ? !binding_of(b->out, f->segment, f->id) : r->arg1 == ((uint64_t)f->segment << 16 | f->id);
        if (here && (r->arg1 != SYSTEM_ANYWHERE || r->arg0 == (f->vendor | (uint64_t)f->device << 16)))
            return f;
    }
    return NULL;
}

/* The function that the request under way means, if it can be had. NULL: refused. */
static struct pci_function *judge_physical(const struct binder *b)
{
    struct pci_function *f = find(b);
    char name[PCI_NAME_SIZE];
    uint64_t wanted = b->r->arg0;
    if (!f && b->r->arg1 == SYSTEM_ANYWHERE)
        return REFUSE_FUNCTION("node %u: this machine has no (further) PCI device %lx:%lx for \"%s\"", b->r->node, wanted & 0xffff, wanted >> 16,
                      b->r->name);
    pci_name((uint16_t)(b->r->arg1 >> 16), (uint16_t)b->r->arg1, name);
    if (!f)
        return REFUSE_FUNCTION("node %u: \"%s\" is to be the PCI device %s, but there is none", b->r->node, b->r->name, name);
    if (wanted != (f->vendor | (uint64_t)f->device << 16))
        return REFUSE_FUNCTION("node %u: \"%s\" is to be the PCI device %s, but that is %x:%x and not %lx:%lx; look where the device is now "
                      "(\"boot: pci:\" lines)", b->r->node, b->r->name, name, f->vendor, f->device, wanted & 0xffff, wanted >> 16);
    pci_name(f->segment, f->id, name);
    if (!check_assignable(b, f))
        return NULL;
    if (b->r->size && !f->sriov.offset)
        return REFUSE_FUNCTION("node %u: \"%s\" is %s, which has no SR-IOV, so no virtual functions; enable \"SR-IOV\" in the firmware's settings, or "
                      "use another device", b->r->node, b->r->name, name);
    if (b->r->size > f->sriov.total)
        return REFUSE_FUNCTION("node %u: \"%s\" is %s, which can have %u virtual functions, not %lu; ask for fewer", b->r->node, b->r->name, name,
                      f->sriov.total, b->r->size);
    return f;
}

static bool bind_physical(struct binder *b, unsigned request)
{
    struct pci_function *f = judge_physical(b);
    char name[PCI_NAME_SIZE];
    if (!f)
        return false;
    pci_name(f->segment, f->id, name);
    if (b->r->size && !sriov_prepare(b->in->config, b->in->pci, f, (uint16_t)b->r->size, &b->busy))
        return REFUSE("node %u: \"%s\" is %s, which does not take the number %lu of virtual functions; use another device", b->r->node,
                      b->r->name, name, b->r->size);
    return bind(b, request, f, f->id, rules_unit_of(b->in->iommus, b->in->pci, f->segment, f->id), f->bars, 0);
}

static bool bind_virtual(struct binder *b, unsigned request)
{
    const struct system_request *parent = b->r->arg0 < b->in->system->request_count ? &b->in->system->requests[b->r->arg0] : NULL;
    const struct function_binding *of = parent && parent->kind == SYSTEM_FUNCTION ? binding_of_request(b->out, b->r->arg0) : NULL;
    if (!of || b->r->arg1 >= parent->size)
        return REFUSE("node %u: \"%s\" is virtual function %lu of request %lu, which has no such one", b->r->node, b->r->name, b->r->arg1,
                      b->r->arg0);
    const struct pci_function *f = pci_find(b->in->pci, of->segment, of->id);
    char name[PCI_NAME_SIZE];
    pci_name(f->segment, f->id, name);
    uint64_t id = f->id + f->sriov.first + b->r->arg1 * f->sriov.stride; /* 9.2.1.2 */
    const struct pci_function *up = pci_upstream(b->in->pci, f);
    if (id > 0xffff || id >> 8 > (up ? up->subordinate : f->id >> 8))
        return REFUSE("node %u: \"%s\" would be on bus %lu, which the firmware left no room for behind %s; use another slot", b->r->node,
                      b->r->name, id >> 8, name);
    if (pci_find(b->in->pci, f->segment, (uint16_t)id))
        return REFUSE("node %u: \"%s\", a virtual function of %s, would be where there is another device already; use another slot",
                      b->r->node, b->r->name, name);
    return bind(b, request, f, (uint16_t)id, of->unit, f->sriov.bars, b->r->arg1);
}

/* Ranges of bare requester IDs that the request names. */
static bool check_ranges(struct binder *b)
{
    for (unsigned i = 0; i < b->in->system->request_count; i++) {
        const struct system_request *r = &b->in->system->requests[i];
        for (unsigned k = 0; r->kind == RESOURCE_REQUESTERS && k < b->out->count; k++) {
            const struct function_binding *f = &b->out->bound[k];
            if (f->segment == r->arg0 && f->id >= (r->arg1 & 0xffff) && f->id <= r->arg1 >> 16)
                return REFUSE("\"%s\" is in the range of PCI devices \"%s\" as well", b->in->system->requests[f->request].name, r->name);
        }
    }
    return true;
}

/* Registers that a further node gets of a function: it must have them. */
static bool check_registers(struct binder *b)
{
    for (unsigned i = 0; i < b->in->system->request_count; i++) {
        const struct system_request *r = &b->in->system->requests[i];
        if (r->kind != SYSTEM_REGISTERS)
            continue;
        const struct function_binding *of = binding_of_request(b->out, r->arg0);
        if (!of || r->arg1 >= PCI_BARS || of->bars[r->arg1].end - of->bars[r->arg1].start < r->size)
            return REFUSE("node %u: \"%s\" is to be %lu bytes of BAR %lu of request %lu, which has no such registers", r->node, r->name, r->size,
                          r->arg1, r->arg0);
    }
    return true;
}

static bool list_busy(const struct functions_input *in, struct ranges *busy)
{
    bool fits = true;
    *busy = *in->ram;
    for (unsigned i = 0; i < in->kept->count; i++)
        fits = fits && ranges_add(busy, in->kept->r[i].start, in->kept->r[i].end);
    for (unsigned i = 0; i < in->mcfg->count; i++) {
        const struct acpi_segment *s = &in->mcfg->segments[i];
        fits = fits && ranges_add(busy, s->base + s->first_bus * ECAM_BUS, s->base + (s->last_bus + 1) * ECAM_BUS);
    }
    return fits;
}

bool functions_possible(const struct system_header *system, unsigned request, const struct pci *pci, const struct iommus *iommus, char *reason, size_t size)
{
    static struct pci found;
    static struct functions none;
    found = *pci;
    struct functions_input in = {.system = system, .pci = &found, .iommus = iommus};
    static struct binder binder;
    binder = (struct binder){.in = &in, .out = &none, .reason = reason, .size = size, .r = &system->requests[request]};
    return judge_physical(&binder) != NULL;
}

bool functions_bind(const struct functions_input *in, struct functions *out, char *reason, size_t size)
{
    static const uint32_t passes[] = {SYSTEM_FUNCTION, SYSTEM_FUNCTION, SYSTEM_VF};
    static struct binder binder;
    struct binder *b = &binder;
    *b = (struct binder){in, out, reason, size, NULL, {0}};
    out->count = 0;
    if (!list_busy(in, &b->busy))
        return REFUSE("the memory map has too many pieces");
    for (unsigned pass = 0; pass < 3; pass++) /* those with a place of their own come first */
        for (unsigned i = 0; i < in->system->request_count; i++) {
            b->r = &in->system->requests[i];
            if (b->r->kind != passes[pass] || (pass < 2 && (b->r->arg1 == SYSTEM_ANYWHERE) != (pass == 1)))
                continue;
            if (!in->protected)
                return REFUSE("node %u: \"%s\" cannot be given away on a machine that is not protected from its devices", b->r->node,
                              b->r->name);
            if (in->system->flags & SYSTEM_FLAG_REST)
                return REFUSE("\"%s\": a foreign root task gets all devices at once, none by name", b->r->name);
            if (!(pass < 2 ? bind_physical : bind_virtual)(b, i))
                return false;
        }
    return check_ranges(b) && check_registers(b);
}

unsigned functions_enable(const struct functions_input *in, const struct functions *functions)
{
    unsigned enabled = 0;
    for (unsigned i = 0; i < functions->count; i++) {
        const struct function_binding *f = &functions->bound[i];
        const struct system_request *r = &in->system->requests[f->request];
        if (r->kind == SYSTEM_FUNCTION && r->size) {
            sriov_enable(in->config, pci_find(in->pci, f->segment, f->id));
            enabled++;
        }
    }
    return enabled;
}
