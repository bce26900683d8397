#include "examine.h"
#include "bytes.h"
#include "text.h"

/* --- what is to run --- */

/* Cores and memory as plan_make() wants them. */
static void check_size(const struct machine_facts *f, const struct verdicts *to)
{
    char reason[192];
    unsigned cores = f->system && f->system->node_count ? f->system->node_count : EXAMINE_LEAST_CORES;
    uint64_t memory = f->system && f->system->request_count ? request_memory(f->system) : EXAMINE_LEAST_MEMORY;
    if (requirement_cores(f->cores, cores, reason, sizeof reason))
        verdict(to, VERDICT_PASS, "cores", "%u, of which %u are needed", f->cores, cores);
    else
        verdict(to, VERDICT_FAIL, "cores", "%s", reason);
    if (requirement_memory(f->memory, memory, reason, sizeof reason))
        verdict(to, VERDICT_PASS, "memory", "%lu MiB, of which %lu are needed", f->memory >> 20, memory >> 20);
    else
        verdict(to, VERDICT_FAIL, "memory", "%s", reason);
}

static void check_requests(const struct machine_facts *f, const struct verdicts *to)
{
    char reason[320];
    for (unsigned i = 0; f->system && i < f->system->request_count; i++) {
        const struct system_request *r = &f->system->requests[i];
        if (r->kind != SYSTEM_FUNCTION)
            continue;
        if (functions_possible(f->system, i, f->pci, f->iommus, reason, sizeof reason))
            verdict(to, VERDICT_PASS, "device", "\"%s\" is there and can be given away", r->name);
        else
            verdict(to, VERDICT_FAIL, "device", "%s", reason);
    }
}

/* --- the machine --- */

static void check_segments(const struct machine_facts *f, const struct verdicts *to)
{
    if (f->mcfg->count) /* none: rules_judge() tells */
        verdict(to, VERDICT_PASS, "PCI segments", "%u, %u functions found", f->mcfg->count, f->pci->count);
}

static void check_tpm(const struct machine_facts *f, const struct verdicts *to)
{
    if (f->tpm)
        verdict(to, VERDICT_PASS, "TPM", "the firmware offers a TPM 2.0");
    else
        verdict(to, VERDICT_WARN, "TPM", "no TPM 2.0: what was booted cannot be attested; enable \"TPM\" in the firmware's security settings");
}

void examine(const struct machine_facts *f, const struct verdicts *to)
{
    requirements_processor(&f->processor, to);
    requirements_tsc(f->tsc, to);
    check_size(f, to);
    if (f->tables_wrong)
        return verdict(to, VERDICT_FAIL, "firmware tables", "%s", f->tables_wrong);
    if (f->devices_wrong)
        verdict(to, VERDICT_WARN, "devices", "%s", f->devices_wrong);
    struct rules_input in = {.iommus = f->iommus, .facts = f->iommu_facts_known ? f->iommu_facts : NULL, .mcfg = f->mcfg, .madt = f->madt, .pci = f->pci};
    rules_judge(&in, to);
    check_segments(f, to);
    requirements_devices(f->pci, f->iommus, to);
    check_requests(f, to);
    check_tpm(f, to);
}
