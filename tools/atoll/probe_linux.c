#include "probe_linux.h"
#include <cpuid.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TABLE_MAX (1u << 20)
#define MSR_VM_CR 0xc0010114 /* AMD APM vol. 2, 15.30.1 */
#define CONFIG_HEADER 64     /* what Linux shows of a function to everybody */

struct function_file { uint16_t segment, id; size_t size; uint8_t bytes[PCI_CONFIG_BYTES]; };
struct config_files { struct function_file *files; unsigned count, last; };

/* Up to `size` bytes of root/path. -1: errno says why. */
static ssize_t file_bytes(const char *root, const char *path, void *to, size_t size)
{
    char name[4096];
    size_t done = 0;
    snprintf(name, sizeof name, "%s/%s", root, path);
    int fd = open(name, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    ssize_t n = 0;
    while (done < size && (n = read(fd, (char *)to + done, size - done)) > 0)
        done += (size_t)n;
    int error = errno;
    close(fd);
    errno = error;
    return n < 0 && done == 0 ? -1 : (ssize_t)done;
}

static bool number_in(const char *root, const char *path, int base, uint64_t *value)
{
    char text[64];
    ssize_t n = file_bytes(root, path, text, sizeof text - 1);
    if (n <= 0)
        return false;
    text[n] = 0;
    char *end;
    *value = strtoull(text, &end, base);
    return end != text;
}

/* ---- processor, cores, memory ---- */

static void read_processor(struct processor_facts *f, const char *root)
{
    unsigned a, b, c, d;
    char name[4096];
    *f = (struct processor_facts){0};
    if (__get_cpuid(1, &a, &b, &c, &d))
        f->apic_id = b >> 24, f->basic_ecx = c, f->basic_edx = d;
    if (__get_cpuid_count(7, 0, &a, &b, &c, &d))
        f->more_ebx = b;
    if (__get_cpuid(0x80000001, &a, &b, &c, &d))
        f->extended_ecx = c, f->extended_edx = d;
    if (__get_cpuid(0x80000007, &a, &b, &c, &d))
        f->power_edx = d;
    if (__get_cpuid(0x8000000a, &a, &b, &c, &d))
        f->svm_edx = d;
    snprintf(name, sizeof name, "%s/dev/cpu/0/msr", root);
    int fd = open(name, O_RDONLY | O_CLOEXEC);
    f->vm_cr_known = fd >= 0 && pread(fd, &f->vm_cr, sizeof f->vm_cr, MSR_VM_CR) == sizeof f->vm_cr;
    if (fd >= 0)
        close(fd);
}

/* The threads of one core have one list of siblings; the first of them counts. */
static unsigned count_cores(const char *root)
{
    unsigned cores = 0;
    for (unsigned i = 0; i < 4096; i++) {
        char path[128];
        uint64_t first;
        snprintf(path, sizeof path, "sys/devices/system/cpu/cpu%u/topology/thread_siblings_list", i);
        cores += number_in(root, path, 10, &first) && first == i;
    }
    return cores;
}

/* Linux compares the counters at each start, and drops "tsc" from its clock sources if they differ. */
static enum tsc_seen read_tsc(const char *root)
{
    char text[256];
    ssize_t n = file_bytes(root, "sys/devices/system/clocksource/clocksource0/available_clocksource", text, sizeof text - 1);
    text[n < 0 ? 0 : n] = 0;
    return n <= 0 ? TSC_NOT_COMPARED : strstr(text, "tsc") ? TSC_TOGETHER : TSC_APART;
}

static uint64_t read_memory(const char *root)
{
    char text[4096];
    ssize_t n = file_bytes(root, "proc/meminfo", text, sizeof text - 1);
    text[n < 0 ? 0 : n] = 0;
    const char *total = strstr(text, "MemTotal:");
    return total ? strtoull(total + strlen("MemTotal:"), NULL, 10) * 1024 : 0;
}

/* ---- firmware tables ---- */

/* NULL: not there, or (errno EACCES) not for us. */
static uint8_t *table_read(const char *root, const char *signature, uint32_t *size)
{
    char path[64];
    uint8_t *bytes = malloc(TABLE_MAX);
    snprintf(path, sizeof path, "sys/firmware/acpi/tables/%s", signature);
    ssize_t n = bytes ? file_bytes(root, path, bytes, TABLE_MAX) : -1;
    if (n < 0) {
        int error = errno;
        free(bytes);
        errno = error;
        return NULL;
    }
    *size = (uint32_t)n;
    return bytes;
}

static const char *madt_read(struct linux_machine *m, const uint8_t *t, uint32_t size) { return acpi_read_madt(t, size, &m->madt); }
static const char *mcfg_read(struct linux_machine *m, const uint8_t *t, uint32_t size) { return acpi_read_mcfg(t, size, &m->mcfg); }
static const char *vtd_read(struct linux_machine *m, const uint8_t *t, uint32_t size) { return dmar_read(t, size, &m->iommus); }
static const char *amdvi_read(struct linux_machine *m, const uint8_t *t, uint32_t size)
{
    return m->iommus.unit_count ? NULL : ivrs_read(t, size, &m->iommus);
}

static void read_tables(struct linux_machine *m, const char *root)
{
    static const struct { const char *signature; const char *(*read)(struct linux_machine *, const uint8_t *, uint32_t); } tables[] = {
        {"APIC", madt_read}, {"MCFG", mcfg_read}, {"DMAR", vtd_read}, {"IVRS", amdvi_read}};
    for (size_t i = 0; i < sizeof tables / sizeof tables[0] && !m->why_tables[0]; i++) {
        uint32_t size;
        uint8_t *t = table_read(root, tables[i].signature, &size);
        if (!t && (i == 0 || errno != ENOENT))
            snprintf(m->why_tables, sizeof m->why_tables, "/sys/firmware/acpi/tables/%s cannot be read (%s); %s", tables[i].signature,
                     strerror(errno), errno == EACCES ? "run this as root" : "start the probe's image instead");
        const char *wrong = t ? tables[i].read(m, t, size) : NULL;
        if (wrong)
            snprintf(m->why_tables, sizeof m->why_tables, "%s", wrong);
        free(t);
    }
}

/* ---- devices ---- */

static uint32_t config_read(void *context, uint16_t segment, uint16_t id, unsigned offset)
{
    struct config_files *c = context;
    uint32_t value = UINT32_MAX;
    for (unsigned i = 0; i < c->count; i++) {
        unsigned k = (c->last + i) % c->count;
        if (c->files[k].segment != segment || c->files[k].id != id)
            continue;
        c->last = k;
        if (offset + 4 <= c->files[k].size)
            memcpy(&value, c->files[k].bytes + offset, 4);
        else if (offset >= 0x100)
            value = 0; /* no extended space */
        break;
    }
    return value;
}

static void list_functions(struct linux_machine *m, struct config_files *c, const char *root)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/sys/bus/pci/devices", root);
    DIR *d = opendir(path);
    if (!d)
        snprintf(m->why_devices, sizeof m->why_devices, "/sys/bus/pci/devices cannot be read: %s", strerror(errno));
    for (struct dirent *e; d && (e = readdir(d)) && !m->why_devices[0];) {
        unsigned segment, bus, device, function;
        char end;
        if (sscanf(e->d_name, "%4x:%2x:%2x.%1x%c", &segment, &bus, &device, &function, &end) != 4 || device > 31 || function > 7)
            continue;
        struct function_file *more = realloc(c->files, (c->count + 1) * sizeof *more);
        if (!more || c->count == PCI_MAX_FUNCTIONS) {
            snprintf(m->why_devices, sizeof m->why_devices, "more PCI functions than this program can hold");
            break;
        }
        c->files = more;
        struct function_file *f = &c->files[c->count++];
        *f = (struct function_file){.segment = (uint16_t)segment, .id = pci_id(bus, device, function)};
        snprintf(path, sizeof path, "sys/bus/pci/devices/%s/config", e->d_name);
        ssize_t n = file_bytes(root, path, f->bytes, sizeof f->bytes);
        if (n <= CONFIG_HEADER)
            snprintf(m->why_devices, sizeof m->why_devices, "only %zd bytes of the configuration of %.20s can be read; run this as root", n < 0 ? 0 : n,
                     e->d_name);
        f->size = n < 0 ? 0 : (size_t)n;
    }
    if (d)
        closedir(d);
}

static void read_devices(struct linux_machine *m, const char *root)
{
    struct config_files c = {0};
    const struct pci_config config = {config_read, NULL, &c};
    list_functions(m, &c, root);
    for (unsigned i = 0; i < m->mcfg.count && !m->why_devices[0] && c.count; i++) {
        const struct acpi_segment *s = &m->mcfg.segments[i];
        if (!pci_scan(&config, s->segment, s->first_bus, s->last_bus, &m->pci))
            snprintf(m->why_devices, sizeof m->why_devices, "more PCI functions than this program can hold");
    }
    free(c.files);
}

/* Linux shows the units' registers under the names dmarN (by address) and ivhdN (in the table's order). */
static bool read_units(struct linux_machine *m, const char *root)
{
    char path[128];
    unsigned known = 0;
    for (unsigned i = 0; i < m->iommus.unit_count; i++) {
        struct iommu_facts *f = &m->iommu_facts[i];
        snprintf(path, sizeof path, "sys/class/iommu/ivhd%u/amd-iommu/features", i);
        if (m->iommus.units[i].kind == IOMMU_AMD_VI && number_in(root, path, 16, &f->features))
            known++;
        for (unsigned k = 0; m->iommus.units[i].kind == IOMMU_VT_D && k < IOMMU_MAX_UNITS; k++) {
            uint64_t address;
            snprintf(path, sizeof path, "sys/class/iommu/dmar%u/intel-iommu/address", k);
            if (!number_in(root, path, 16, &address) || address != m->iommus.units[i].paddr)
                continue;
            snprintf(path, sizeof path, "sys/class/iommu/dmar%u/intel-iommu/cap", k);
            bool good = number_in(root, path, 16, &f->capability);
            snprintf(path, sizeof path, "sys/class/iommu/dmar%u/intel-iommu/ecap", k);
            known += good && number_in(root, path, 16, &f->extended);
        }
    }
    return known == m->iommus.unit_count;
}

void linux_machine_read(struct linux_machine *m, const char *root)
{
    uint32_t size;
    uint64_t version = 0;
    memset(m, 0, sizeof *m);
    read_processor(&m->facts.processor, root);
    read_tables(m, root);
    if (!m->why_tables[0])
        read_devices(m, root);
    uint8_t *tpm = table_read(root, "TPM2", &size);
    free(tpm);
    m->facts.tpm = tpm || (number_in(root, "sys/class/tpm/tpm0/tpm_version_major", 10, &version) && version == 2);
    m->facts.cores = count_cores(root);
    m->facts.memory = read_memory(root);
    m->facts.tsc = read_tsc(root);
    m->facts.madt = &m->madt;
    m->facts.mcfg = &m->mcfg;
    m->facts.pci = &m->pci;
    m->facts.iommus = &m->iommus;
    m->facts.iommu_facts = m->iommu_facts;
    m->facts.iommu_facts_known = read_units(m, root);
    m->facts.tables_wrong = m->why_tables[0] ? m->why_tables : NULL;
    m->facts.devices_wrong = m->why_devices[0] ? m->why_devices : NULL;
}
