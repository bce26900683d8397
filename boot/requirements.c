#include <stdarg.h>
#include "functions.h"
#include "requirements.h"
#include "rules.h"
#include "text.h"

#define VM_CR_DISABLED (1u << 4)
#define CLASS_STORAGE 0x01 /* PCI code and ID assignment specification, 1.2 and 1.3 */
#define CLASS_NETWORK 0x02
#define PORT_ROOT 4        /* PCI Express 7.5.3.2 */
#define PORT_DOWNSTREAM 6

void verdict(const struct verdicts *to, enum verdict v, const char *requirement, const char *format, ...)
{
    char sentence[320];
    va_list arguments;
    va_start(arguments, format);
    text_format_list(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    to->tell(to->context, v, requirement, sentence);
}

/* --- processor --- */

static void need(const struct processor_facts *f, const struct verdicts *to, const char *requirement, bool there, const char *what, const char *change)
{
    if (there)
        verdict(to, VERDICT_PASS, requirement, "there");
    else
        verdict(to, VERDICT_FAIL, requirement, "processor with APIC id %u: no %s; %s", f->apic_id, what, change);
}

void requirements_processor(const struct processor_facts *f, const struct verdicts *to)
{
    need(f, to, "SSE2", f->basic_edx & 1u << 26, "SSE2", "use an x86-64 processor");
    need(f, to, "local APIC", f->basic_edx & 1u << 9, "local APIC", "enable the local APIC in the firmware's processor settings");
    need(f, to, "x2APIC", f->basic_ecx & 1u << 21, "x2APIC mode", "enable \"x2APIC\" in the firmware's processor settings");
    need(f, to, "no-execute", f->extended_edx & 1u << 20, "no-execute pages", "enable \"NX\" in the firmware's processor settings");
    need(f, to, "1 GiB pages", f->extended_edx & 1u << 26, "1 GiB pages", "use a processor that has them");
    need(f, to, "SYSCALL", f->extended_edx & 1u << 11, "SYSCALL", "use an x86-64 processor");
    need(f, to, "FSGSBASE", f->more_ebx & 1u, "FSGSBASE instructions", "use a processor that has them");
    need(f, to, "SMEP and SMAP", (f->more_ebx & 1u << 7) && (f->more_ebx & 1u << 20), "protection of the kernel from user memory (SMEP and SMAP)",
         "use a processor that has it, such as AMD's from Zen on");
    need(f, to, "SVM", f->extended_ecx & 1u << 2, "SVM", "use an AMD processor, or enable \"SVM mode\" in the firmware's processor settings");
    if (f->vm_cr_known)
        need(f, to, "SVM enabled", !(f->vm_cr & VM_CR_DISABLED), "usable SVM, as the firmware has disabled it",
             "enable \"SVM mode\" in the firmware's processor settings");
    else
        verdict(to, VERDICT_WARN, "SVM enabled", "not seen from here; start the probe's image to know");
    need(f, to, "nested paging", f->svm_edx & 1u, "nested paging",
         "enable \"nested paging\" in the firmware's processor settings, or use a processor that has it");
    if (f->power_edx & 1u << 8)
        verdict(to, VERDICT_PASS, "invariant TSC", "the time stamp counter runs at one rate");
    else
        verdict(to, VERDICT_WARN, "invariant TSC", "the processor does not promise a time stamp counter of one rate; time may drift: "
                "use a newer processor (QEMU: -cpu ...,+invtsc)");
}

/* --- time stamp counters --- */

#define TSC_ADVICE "switch the machine off and on again; if that does not help, update its firmware"

void tsc_distance_narrow(struct tsc_distance *d, uint64_t before, uint64_t seen, uint64_t after)
{
    int64_t low = (int64_t)(seen - after), high = (int64_t)(seen - before);
    if (low > d->low)
        d->low = low;
    if (high < d->high)
        d->high = high;
}

bool requirement_tsc(uint32_t apic_id, const struct tsc_distance *d, char *reason, size_t size)
{
    if (d->low > 0)
        text_format(reason, size, "the time stamp counter of the core with APIC id %u is %lu ticks or more ahead of the boot core's; " TSC_ADVICE,
                    apic_id, (uint64_t)d->low);
    if (d->high < 0)
        text_format(reason, size, "the time stamp counter of the core with APIC id %u is %lu ticks or more behind the boot core's; " TSC_ADVICE,
                    apic_id, (uint64_t)-d->high);
    return d->low <= 0 && d->high >= 0;
}

void requirements_tsc(enum tsc_seen seen, const struct verdicts *to)
{
    if (seen == TSC_TOGETHER)
        verdict(to, VERDICT_PASS, "one TSC", "this Linux found the time stamp counters of all cores to be one clock");
    else if (seen == TSC_APART)
        verdict(to, VERDICT_WARN, "one TSC", "this Linux does not trust the time stamp counters, and no VM can have several vCPUs on cores whose "
                "counters differ; " TSC_ADVICE);
    else
        verdict(to, VERDICT_WARN, "one TSC", "the time stamp counters of the cores are not compared from here; a start of the system does");
}

/* --- cores and memory --- */

bool requirement_cores(unsigned have, unsigned need, char *reason, size_t size)
{
    if (have < need)
        text_format(reason, size, "the system needs %u cores, this machine has %u; take nodes out of the description or give the machine more cores",
                    need, have);
    return have >= need;
}

static bool same_name(const struct system_request *a, const struct system_request *b) /* nobody has checked yet that they end */
{
    for (unsigned i = 0; i < RESOURCE_NAME_MAX; i++)
        if (a->name[i] != b->name[i] || !a->name[i])
            return a->name[i] == b->name[i];
    return true;
}

/* RAM of a VM on several nodes, which an earlier request has asked for. */
static bool asked_before(const struct system_header *s, unsigned request)
{
    const struct system_request *r = &s->requests[request];
    for (unsigned k = 0; k < request && r->kind == RESOURCE_MEMORY && r->arg0 > 1; k++)
        if (s->requests[k].kind == RESOURCE_MEMORY && same_name(&s->requests[k], r))
            return true;
    return false;
}

uint64_t request_memory(const struct system_header *s)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < s->request_count; i++)
        if (!asked_before(s, i) && (s->requests[i].kind == RESOURCE_PRIVATE || s->requests[i].kind == RESOURCE_MEMORY) && s->requests[i].size <= 1ull << 52)
            sum += s->requests[i].size;
    return sum;
}

bool requirement_memory(uint64_t have, uint64_t need, char *reason, size_t size)
{
    if (have < need)
        text_format(reason, size, "the system needs %lu MiB of memory, this machine has %lu MiB; give the machine more memory or ask for less",
                    (need + 0xfffff) >> 20, have >> 20);
    return have >= need;
}

/* --- devices --- */

static void check_ports(const struct pci *pci, const struct verdicts *to)
{
    char name[PCI_NAME_SIZE];
    for (unsigned i = 0; i < pci->count; i++) {
        const struct pci_function *f = &pci->functions[i];
        if (!f->express || (f->port_type != PORT_ROOT && f->port_type != PORT_DOWNSTREAM))
            continue;
        pci_name(f->segment, f->id, name);
        if ((f->acs_controls & ACS_NEEDED) == ACS_NEEDED)
            verdict(to, VERDICT_PASS, "ACS", "port %s keeps the devices behind it apart", name);
        else
            verdict(to, VERDICT_WARN, "ACS", "port %s has no ACS: no device behind it can be given to a VM; use another slot, or enable \"ACS\" in the "
                    "firmware's settings", name);
    }
}

static void check_function(const struct pci *pci, const struct iommus *iommus, const struct pci_function *f, const struct verdicts *to)
{
    char name[PCI_NAME_SIZE];
    pci_name(f->segment, f->id, name);
    const struct iommu_reserved *r = rules_reserved(iommus, pci, f->segment, f->id);
    if (f->damaged)
        verdict(to, VERDICT_WARN, "devices", "%s (%x:%x) has a damaged list of capabilities and cannot be given away; replace it", name, f->vendor,
                f->device);
    if (r)
        verdict(to, VERDICT_WARN, "reserved memory", "the firmware reserves [0x%lx-0x%lx) for %s, so it cannot be given away; switch off what uses it "
                "(USB legacy support, remote management) in the firmware's settings", r->start, r->end, name);
    if (f->bridge || !f->express || (f->class >> 16 != CLASS_NETWORK && f->class >> 16 != CLASS_STORAGE))
        return;
    if (f->flr)
        verdict(to, VERDICT_PASS, "FLR", "%s (%x:%x) can be reset by itself", name, f->vendor, f->device);
    else
        verdict(to, VERDICT_WARN, "FLR", "%s (%x:%x) cannot be reset by itself (FLR), so no VM can have it after another one; use another device", name,
                f->vendor, f->device);
    if (f->sriov.offset)
        verdict(to, VERDICT_PASS, "SR-IOV", "%s (%x:%x) can have %u virtual functions", name, f->vendor, f->device, f->sriov.total);
}

void requirements_devices(const struct pci *pci, const struct iommus *iommus, const struct verdicts *to)
{
    bool network = false;
    check_ports(pci, to);
    for (unsigned i = 0; i < pci->count; i++) {
        check_function(pci, iommus, &pci->functions[i], to);
        network = network || (pci->functions[i].class >> 16 == CLASS_NETWORK && pci->functions[i].sriov.offset);
    }
    if (!network)
        verdict(to, VERDICT_WARN, "SR-IOV", "no network card with virtual functions: VMs have virtual networks only; enable \"SR-IOV\" in the firmware's "
                "settings, or add such a card");
}
