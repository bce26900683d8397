/* The PCI functions that the system request names ("nic0", "nic0.vf2"), bound to what this machine has: which one it is, whether it may be
 * handed out at all, where its registers are. Nothing is given twice. Pure but for configuration space, which is reached as in pci.h.
 * Compiles for the host. Section numbers: PCI Express Base Specification 6.0. */
#pragma once
#include <atoll/system.h>
#include "acpi.h"
#include "iommu.h"
#include "pci.h"
#include "ranges.h"

#define FUNCTIONS_MAX 512
#define FUNCTION_MAX_ENTRIES (2 + PCI_BARS) /* of the resource map */

struct function_binding {
    unsigned request;       /* index into the system request */
    uint16_t segment, id;   /* requester ID */
    uint8_t unit;           /* of struct iommus */
    uint64_t config;        /* its page of configuration space */
    struct range bars[PCI_BARS]; /* memory that is its alone; start == end: none */
};

struct functions {
    unsigned count;
    struct function_binding bound[FUNCTIONS_MAX];
};

struct functions_input {
    const struct system_header *system; /* plan_make() has accepted it */
    const struct pci_config *config;
    struct pci *pci;
    const struct iommus *iommus;
    const struct acpi_mcfg *mcfg;
    const struct ranges *ram, *kept;
    bool protected;         /* there are units, and they are in order */
};

/* False: `reason` is a sentence. Sizes each SR-IOV capability that is asked for, and places its virtual functions' registers; they are
 * still off when it returns. */
bool functions_bind(const struct functions_input *, struct functions *, char *reason, size_t size);

/* Could request `request`, a SYSTEM_FUNCTION, be met by itself? The same rules and sentences; nothing is bound or written. */
bool functions_possible(const struct system_header *, unsigned request, const struct pci *, const struct iommus *, char *reason, size_t size);

/* Switch the virtual functions on that were asked for: after the units block everything. They answer 100 ms later (9.3.3.3.1). Returns how
 * many physical functions it did this to. */
unsigned functions_enable(const struct functions_input *, const struct functions *);

/* A port's controls that keep traffic between functions behind it from taking a short cut past the IOMMU, 6.12 and 7.7.11: source validation,
 * request and completion redirect, upstream forwarding. */
#define ACS_NEEDED 0x1du
