/* Boot's walk over PCI configuration space, and the binding of functions to names, on a machine whose registers are the input: four functions
 * whose bytes it gives, with masks of what can be written made from them. Every read may differ from the last where the input says so. */
#include <stdlib.h>
#include <string.h>
#include "boot/functions.h"

#define FUNCTIONS 4
#define IMAGE 1024 /* bytes per function; repeated up to 4096 */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint16_t ids[FUNCTIONS] = {0x00, 0x08, 0x100, 0x180};
static uint32_t registers[FUNCTIONS][1024];
static uint32_t unstable, seed;
static struct pci pci;
static struct functions functions;
static union { struct system_header header; uint8_t bytes[sizeof(struct system_header) + 3 * sizeof(struct system_request)]; } s;

static uint32_t *at(uint16_t segment, uint16_t id, unsigned offset)
{
    if (offset % 4 || offset >= PCI_CONFIG_BYTES)
        abort();
    for (unsigned i = 0; i < FUNCTIONS; i++)
        if (segment == 0 && ids[i] == id)
            return &registers[i][offset / 4];
    return NULL;
}

static uint32_t read(void *context, uint16_t segment, uint16_t id, unsigned offset)
{
    (void)context;
    const uint32_t *r = at(segment, id, offset);
    seed = seed * 1664525u + 1013904223u;
    return !r ? UINT32_MAX : *r ^ (unstable && seed >> 28 == 0 ? seed : 0);
}

static void write(void *context, uint16_t segment, uint16_t id, unsigned offset, uint32_t value)
{
    (void)context;
    uint32_t *r = at(segment, id, offset);
    if (!r)
        abort(); /* only what was found is written to */
    uint32_t writable = offset < 8 ? 0x547 : *r | *r << 7 | 0xffff;
    *r = (*r & ~writable) | (value & writable);
}

static void check_bindings(const struct ranges *ram)
{
    for (unsigned i = 0; i < functions.count; i++)
        for (unsigned k = 0; k < PCI_BARS; k++) {
            const struct range *a = &functions.bound[i].bars[k];
            if (a->start == a->end)
                continue;
            if (a->start > a->end || a->start % 4096 || a->end % 4096 || ranges_overlap(ram, a->start, a->end))
                abort();
            for (unsigned n = 0; n < i * PCI_BARS + k; n++) {
                const struct range *b = &functions.bound[n / PCI_BARS].bars[n % PCI_BARS];
                if (b->start < a->end && a->start < b->end)
                    abort(); /* given twice */
            }
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct pci_config config = {read, write, NULL};
    if (size < 16)
        return 0;
    unstable = data[0] & 1, seed = data[1];
    for (unsigned i = 0; i < FUNCTIONS; i++)
        for (unsigned b = 0; b < 4096; b++)
            ((uint8_t *)registers[i])[b] = data[(i * IMAGE + b % IMAGE + 2) % size];
    pci.count = 0;
    if (!pci_scan(&config, 0, 0, 2, &pci))
        return 0;
    uint16_t up;
    const uint8_t path[3] = {8, 0, 0};
    pci_follow(&pci, 0, 0, path, 3, &up);

    static struct iommus units;
    units.unit_count = units.scope_count = 1;
    units.scopes[0] = (struct iommu_scope){.unit = 0, .source = SOURCE_ALL};
    const struct acpi_mcfg mcfg = {.count = 1, .segments = {{.base = 0xb0000000, .last_bus = 2}}};
    static struct ranges ram, kept;
    ram.count = kept.count = 0;
    ranges_add(&ram, 0x100000, 0x80000000);
    struct system_request *r = (struct system_request *)(s.bytes + sizeof s.header);
    s.header.request_count = 3;
    r[0] = (struct system_request){.kind = SYSTEM_FUNCTION, .name = "a", .arg0 = registers[2][0], .arg1 = 0x100, .size = data[2] % 8};
    r[1] = (struct system_request){.kind = SYSTEM_VF, .name = "b", .arg0 = 0, .arg1 = data[3] % 8};
    r[2] = (struct system_request){.kind = SYSTEM_FUNCTION, .name = "c", .arg0 = registers[3][0], .arg1 = SYSTEM_ANYWHERE, .size = data[4] % 8};
    struct functions_input in = {&s.header, &config, &pci, &units, &mcfg, &ram, &kept, true};
    char reason[320] = "";
    for (s.header.request_count = 3; s.header.request_count; s.header.request_count--) {
        if (functions_bind(&in, &functions, reason, sizeof reason)) {
            check_bindings(&ram);
            functions_enable(&in, &functions);
        } else if (!*reason)
            abort();
    }
    pci_stop_masters(&config, &pci);
    pci_control_access(&config, &pci);
    pci_start_bridges(&config, &pci);
    return 0;
}
