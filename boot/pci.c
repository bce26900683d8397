#include "bytes.h"
#include "pci.h"
#include "text.h"

#define ID_OFFSET 0x00
#define COMMAND 0x04           /* 7.5.1.1.3; status in the upper half: writing 0 there changes nothing */
#define COMMAND_PORTS 0x1u
#define COMMAND_MEMORY 0x2u
#define COMMAND_MASTER 0x4u
#define STATUS_CAPABILITIES (1u << 20)
#define CLASS 0x08
#define HEADER 0x0c            /* bits 22..16 layout, 23 multi-function */
#define HEADER_MULTI (1u << 23)
#define BAR0 0x10
#define BUSES 0x18             /* bridge: 7..0 primary, 15..8 secondary, 23..16 subordinate */
#define WINDOWS 0x20
#define ROM 0x30
#define ROM_BRIDGE 0x38
#define CAPABILITIES 0x34

#define CAP_POWER 0x01
#define CAP_MSI 0x05
#define CAP_IOMMU 0x0f         /* AMD-Vi specification 3.2: secure device, type 3 */
#define CAP_EXPRESS 0x10
#define CAP_MSIX 0x11
#define EXPRESS_BYTES 0x14     /* 7.5.3: an endpoint's, version 1; version 2 up to device control 2 */
#define EXPRESS_BYTES_2 0x2c
#define EXTENDED 0x100         /* 7.6.3: 15..0 id, 19..16 version, 31..20 next */
#define EXT_ACS 0x0d
#define EXT_ARI 0x0e
#define EXT_ATS 0x0f
#define EXT_SRIOV 0x10
#define MAX_CAPABILITIES 48    /* as many 4-byte ones as the 192 bytes hold */
#define MAX_EXTENDED 480       /* likewise, 8 bytes each */

#define CLASS_IOMMU 0x0806

void pci_name(uint16_t segment, uint16_t id, char *name)
{
    size_t n = segment ? text_format(name, PCI_NAME_SIZE, "%x:", segment) : 0;
    text_format(name + n, PCI_NAME_SIZE - n, "%x%x:%x%x.%u", id >> 12, id >> 8 & 15, id >> 7 & 1, id >> 3 & 15, id & 7);
}

struct access {
    const struct pci_config *config;
    uint16_t segment, id;
};

static uint32_t get(const struct access *a, unsigned offset)
{
    return a->config->read(a->config->context, a->segment, a->id, offset);
}

static void put(const struct access *a, unsigned offset, uint32_t value)
{
    a->config->write(a->config->context, a->segment, a->id, offset, value);
}

/* --- base address registers: PCI 6.2.5.1 --- */

/* All ones written, what sticks tells the size. `slots`: how many registers are left, this one included. */
static struct pci_bar read_bar(const struct access *a, unsigned offset, unsigned slots)
{
    uint32_t low = get(a, offset), high = 0;
    struct pci_bar bar = {.port = low & 1, .wide = (low & 7) == 4, .prefetchable = (low & 9) == 8};
    if (bar.wide && slots < 2)
        return (struct pci_bar){0};
    put(a, offset, UINT32_MAX);
    uint64_t mask = get(a, offset) & (bar.port ? ~3u : ~15u);
    put(a, offset, low);
    if (bar.wide) {
        high = get(a, offset + 4);
        put(a, offset + 4, UINT32_MAX);
        mask |= (uint64_t)get(a, offset + 4) << 32;
        put(a, offset + 4, high);
    } else if (mask) {
        mask |= bar.port && !(mask >> 16) ? 0xffffffffffff0000ull : 0xffffffff00000000ull; /* ports: 16 bits may be all there is */
    }
    bar.size = mask ? ~mask + 1 : 0;
    bar.base = ((uint64_t)high << 32 | low) & (bar.port ? ~3ull : ~15ull);
    if (bar.size & (bar.size - 1)) /* not a power of two: no such register */
        bar = (struct pci_bar){0};
    return bar;
}

static void read_bars(const struct access *a, unsigned offset, unsigned count, struct pci_bar *bars)
{
    for (unsigned i = 0; i < count; i++) {
        bars[i] = read_bar(a, offset + 4 * i, count - i);
        if (bars[i].wide)
            i++;
    }
}

static void size_function(const struct access *a, struct pci_function *f, bool normal)
{
    uint32_t command = get(a, COMMAND) & 0xffff;
    put(a, COMMAND, command & ~(COMMAND_PORTS | COMMAND_MEMORY));
    read_bars(a, BAR0, normal ? PCI_BARS : f->bridge ? 2 : 0, f->bars);
    if (normal || f->bridge) {
        unsigned offset = normal ? ROM : ROM_BRIDGE;
        uint32_t rom = get(a, offset);
        put(a, offset, ~0x7ffu); /* bit 0 clear: not enabled meanwhile */
        uint32_t mask = get(a, offset) & ~0x7ffu;
        put(a, offset, rom);
        f->rom = (struct pci_bar){.base = rom & ~0x7ffu, .size = mask ? (uint64_t)~mask + 1 : 0};
    }
    put(a, COMMAND, command);
}

/* --- capabilities --- */

static void read_express(const struct access *a, unsigned at, struct pci_function *f)
{
    f->express = (uint16_t)at;
    f->port_type = (uint8_t)(get(a, at) >> 20 & 15);
    f->flr = get(a, at + 4) >> 28 & 1;              /* 7.5.3.3 */
    if ((get(a, at) >> 16 & 15) >= 2 && at <= EXTENDED - EXPRESS_BYTES_2) /* 7.5.3.15, 7.5.3.16: ARI forwarding supported and enabled */
        f->ari_forwarding = (get(a, at + 0x24) >> 5 & 1) && (get(a, at + 0x28) >> 5 & 1);
}

static void read_capabilities(const struct access *a, struct pci_function *f)
{
    unsigned at = get(a, CAPABILITIES) & 0xfc, n = 0;
    for (; at && n < MAX_CAPABILITIES; n++) {
        if (at < 0x40)
            break;
        uint32_t header = get(a, at);
        switch (header & 0xff) {
        case CAP_POWER: f->power = (uint16_t)at; break;
        case CAP_MSI:
            f->msi = (uint16_t)at;
            f->msi_vectors = (uint8_t)(1u << (header >> 17 & 7)); /* 7.7.1.2 */
            break;
        case CAP_MSIX:
            f->msix = (uint16_t)at;
            f->msix_vectors = (uint16_t)((header >> 16 & 0x7ff) + 1); /* 7.7.2.2 */
            break;
        case CAP_IOMMU: f->iommu = (uint16_t)at; break;
        case CAP_EXPRESS:
            if (at <= EXTENDED - EXPRESS_BYTES) /* all of it inside */
                read_express(a, at, f);
            break;
        default: break;
        }
        at = header >> 8 & 0xfc;
    }
    f->damaged |= at != 0;
}

static void read_sriov(const struct access *a, unsigned at, struct pci_function *f)
{
    struct pci_sriov *s = &f->sriov;
    s->offset = (uint16_t)at;
    s->total = (uint16_t)(get(a, at + 0x0c) >> 16);
    s->enabled = get(a, at + 0x08) & 1 ? (uint16_t)get(a, at + 0x10) : 0;
    s->first = (uint16_t)get(a, at + 0x14);
    s->stride = (uint16_t)(get(a, at + 0x14) >> 16);
    s->device = (uint16_t)(get(a, at + 0x18) >> 16);
    s->page_sizes = get(a, at + 0x1c);
    if (!a->config->write)
        return;
    uint32_t control = get(a, at + 0x08) & 0xffff;
    put(a, at + 0x08, control & ~0x8u); /* VF memory space off meanwhile */
    read_bars(a, at + 0x24, PCI_BARS, s->bars);
    put(a, at + 0x08, control);
}

static void read_extended(const struct access *a, struct pci_function *f)
{
    unsigned at = EXTENDED, n = 0;
    uint32_t header = get(a, at);
    if (header == 0 || header == UINT32_MAX)
        return;
    for (; at && n < MAX_EXTENDED; n++) {
        if (at < EXTENDED)
            break;
        header = get(a, at);
        switch (header & 0xffff) {
        case EXT_ACS:
            f->acs = (uint16_t)at;
            f->acs_controls = (uint16_t)(get(a, at + 4) & 0x7f);
            break;
        case EXT_ARI: f->ari = (uint16_t)at; break;
        case EXT_ATS: f->ats = (uint16_t)at; break;
        case EXT_SRIOV:
            if (at + 0x40 <= PCI_CONFIG_BYTES)
                read_sriov(a, at, f);
            break;
        default: break;
        }
        at = header >> 20 & 0xffc;
    }
    f->damaged |= at != 0;
}

/* --- functions --- */

static bool present(const struct access *a)
{
    uint32_t id = get(a, ID_OFFSET);
    return id != UINT32_MAX && (id & 0xffff) != 0xffff && id != 0;
}

/* 7.5.1.3.8 to 7.5.1.3.10: 15..4 base and 31..20 limit in MiB; the prefetchable one may have upper halves. */
static void read_windows(const struct access *a, struct pci_function *f)
{
    for (unsigned i = 0; i < 2; i++) {
        uint32_t window = get(a, WINDOWS + 4 * i);
        bool wide = i == 1 && (window & 0xf) == 1;
        uint64_t start = (uint64_t)(window & 0xfff0) << 16 | (wide ? (uint64_t)get(a, WINDOWS + 8) << 32 : 0);
        uint64_t end = ((window & 0xfff00000) | (wide ? (uint64_t)get(a, WINDOWS + 12) << 32 : 0)) + 0x100000ull;
        f->windows[i] = (struct pci_window){start, end > start ? end : start};
    }
}

static bool add(const struct access *a, struct pci *pci)
{
    if (pci->count == PCI_MAX_FUNCTIONS)
        return false;
    struct pci_function *f = &pci->functions[pci->count++];
    uint32_t id = get(a, ID_OFFSET), layout = get(a, HEADER) >> 16 & 0x7f;
    *f = (struct pci_function){.segment = a->segment, .id = a->id, .vendor = (uint16_t)id, .device = (uint16_t)(id >> 16),
                               .class = get(a, CLASS) >> 8, .bridge = layout == 1};
    if (f->bridge) {
        f->secondary = (uint8_t)(get(a, BUSES) >> 8);
        f->subordinate = (uint8_t)(get(a, BUSES) >> 16);
        read_windows(a, f);
    }
    if (a->config->write)
        size_function(a, f, layout == 0);
    if (get(a, COMMAND) & STATUS_CAPABILITIES)
        read_capabilities(a, f);
    if (f->express)
        read_extended(a, f);
    return true;
}

/* One bus: 32 devices of 8 functions, or, where function 0 has ARI (6.13), one device of 256. */
static bool scan_bus(struct access *a, unsigned bus, struct pci *pci)
{
    bool wide = false;
    for (unsigned devfn = 0; devfn < 256; devfn++) {
        a->id = (uint16_t)(bus << 8 | devfn);
        if (!present(a)) {
            if (devfn % 8 == 0 && !wide)
                devfn += 7;
            continue;
        }
        if (!add(a, pci))
            return false;
        wide |= devfn == 0 && pci->functions[pci->count - 1].ari;
        if (devfn % 8 == 0 && !wide && !(get(a, HEADER) & HEADER_MULTI))
            devfn += 7;
    }
    return true;
}

bool pci_scan(const struct pci_config *config, uint16_t segment, uint8_t first_bus, uint8_t last_bus, struct pci *pci)
{
    struct access a = {config, segment, 0};
    for (unsigned bus = first_bus; bus <= last_bus; bus++)
        if (!scan_bus(&a, bus, pci))
            return false;
    return true;
}

const struct pci_function *pci_find(const struct pci *pci, uint16_t segment, uint16_t id)
{
    for (unsigned i = 0; i < pci->count; i++)
        if (pci->functions[i].segment == segment && pci->functions[i].id == id)
            return &pci->functions[i];
    return NULL;
}

const struct pci_function *pci_upstream(const struct pci *pci, const struct pci_function *of)
{
    for (unsigned i = 0; i < pci->count; i++) {
        const struct pci_function *f = &pci->functions[i];
        if (f->bridge && f->segment == of->segment && f->secondary == of->id >> 8 && f->secondary > f->id >> 8)
            return f;
    }
    return NULL;
}

bool pci_follow(const struct pci *pci, uint16_t segment, uint8_t bus, const uint8_t *devfn, unsigned hops, uint16_t *id)
{
    for (unsigned i = 0; i < hops; i++) {
        *id = (uint16_t)(bus << 8 | devfn[i]);
        if (i + 1 == hops)
            break;
        const struct pci_function *f = pci_find(pci, segment, *id);
        if (!f || !f->bridge)
            return false;
        bus = f->secondary;
    }
    return hops != 0;
}

static void set_masters(const struct pci_config *config, const struct pci *pci, bool bridges, uint32_t value)
{
    for (unsigned i = 0; i < pci->count; i++) {
        const struct pci_function *f = &pci->functions[i];
        if (f->class >> 8 == CLASS_IOMMU || (bridges && !f->bridge))
            continue;
        uint32_t command = config->read(config->context, f->segment, f->id, COMMAND) & 0xffff;
        config->write(config->context, f->segment, f->id, COMMAND, (command & ~COMMAND_MASTER) | value);
    }
}

void pci_stop_masters(const struct pci_config *config, const struct pci *pci)
{
    set_masters(config, pci, false, 0);
}

/* 7.7.11: source validation, translation blocking, request and completion redirect, upstream forwarding. */
void pci_control_access(const struct pci_config *config, const struct pci *pci)
{
    for (unsigned i = 0; i < pci->count; i++) {
        const struct pci_function *f = &pci->functions[i];
        if (f->acs && f->bridge)
            config->write(config->context, f->segment, f->id, f->acs + 4u, (f->acs_controls & 0x1fu) << 16);
    }
}

void pci_start_bridges(const struct pci_config *config, const struct pci *pci)
{
    set_masters(config, pci, true, COMMAND_MASTER);
}
