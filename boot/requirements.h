/* What a machine must offer, requirement by requirement, each with what was found or what to change. The probe tells all of them; boot stops at the
 * first one that fails, with the same sentence. Pure: they judge what was found and touch nothing. Compiles for the host. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "pci.h"

struct iommus;
struct system_header;

enum verdict { VERDICT_PASS, VERDICT_WARN, VERDICT_FAIL };

/* Who wants to know. */
struct verdicts {
    void (*tell)(void *context, enum verdict, const char *requirement, const char *sentence);
    void *context;
};
void verdict(const struct verdicts *, enum verdict, const char *requirement, const char *format, ...) __attribute__((format(printf, 4, 5)));

/* A processor's CPUID leaves (AMD APM vol. 3, appendix E; Intel SDM vol. 2, CPUID) and, where they can be read, model-specific registers. */
struct processor_facts {
    uint32_t apic_id;
    uint32_t basic_ecx, basic_edx;         /* leaf 1 */
    uint32_t more_ebx;                     /* leaf 7, 0 if there is none */
    uint32_t extended_ecx, extended_edx;   /* leaf 0x8000_0001 */
    uint32_t power_edx;                    /* leaf 0x8000_0007 */
    uint32_t svm_edx;                      /* leaf 0x8000_000a, 0 if there is none */
    bool vm_cr_known;
    uint64_t vm_cr;                        /* MSR VM_CR, AMD APM vol. 2, 15.30.1 */
};
void requirements_processor(const struct processor_facts *, const struct verdicts *);

/* Enough for what is asked for? False: `reason` is a sentence. */
bool requirement_cores(unsigned have, unsigned need, char *reason, size_t size);
uint64_t request_memory(const struct system_header *); /* bytes for nodes and VMs, files and queues not counted */
bool requirement_memory(uint64_t have, uint64_t need, char *reason, size_t size);

/* How far a core's time stamp counter is from the boot core's, in ticks: somewhere in [low, high], as messages between the two tell. Each
 * message narrows it: a core saw the value `seen` after the boot core had seen `before`, and before that saw `after`. */
struct tsc_distance { int64_t low, high; };
#define TSC_DISTANCE_UNKNOWN {INT64_MIN, INT64_MAX}
void tsc_distance_narrow(struct tsc_distance *, uint64_t before, uint64_t seen, uint64_t after);
/* May they be one clock? False: `reason` is a sentence. */
bool requirement_tsc(uint32_t apic_id, const struct tsc_distance *, char *reason, size_t size);
/* What a running Linux found out about that. */
enum tsc_seen { TSC_NOT_COMPARED, TSC_TOGETHER, TSC_APART };
void requirements_tsc(enum tsc_seen, const struct verdicts *);

/* Devices: what may be given to VMs, and what could not. Nothing in here stops boot by itself: only a device that the description names does. */
void requirements_devices(const struct pci *, const struct iommus *, const struct verdicts *);
