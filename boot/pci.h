/* PCI functions, found by a bounded walk over configuration space. Compiles for the host: configuration space is reached through
 * two functions. Section numbers: PCI Express Base Specification 6.0; PCI Local Bus Specification 3.0 where "PCI" stands before. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PCI_MAX_FUNCTIONS 1024
#define PCI_BARS 6
#define PCI_CONFIG_BYTES 4096

/* A function's requester ID: bus << 8 | device << 3 | function. */
static inline uint16_t pci_id(unsigned bus, unsigned device, unsigned function)
{
    return (uint16_t)(bus << 8 | device << 3 | function);
}

#define PCI_NAME_SIZE 16
void pci_name(uint16_t segment, uint16_t id, char *name); /* "00:1f.2"; segments but the first come before it: "1:00:1f.2" */

struct pci_config { /* aligned 32-bit accesses; offset < PCI_CONFIG_BYTES */
    uint32_t (*read)(void *context, uint16_t segment, uint16_t id, unsigned offset);
    void (*write)(void *context, uint16_t segment, uint16_t id, unsigned offset, uint32_t value); /* NULL: only look; no register is sized */
    void *context;
};

struct pci_bar { /* size 0: not there */
    uint64_t base, size;
    bool port, wide, prefetchable; /* I/O ports; 64 bits, and so takes two */
};

struct pci_sriov { /* 9.3.3 */
    uint16_t offset; /* of the capability; 0: none */
    uint16_t total, enabled, first, stride, device;
    uint32_t page_sizes;
    struct pci_bar bars[PCI_BARS]; /* of one VF */
};

struct pci_function {
    uint16_t segment, id;
    uint16_t vendor, device;
    uint32_t class; /* class, subclass, interface */
    bool bridge;
    uint8_t secondary, subordinate; /* bridge: the buses behind it */
    struct pci_window { uint64_t start, end; } windows[2]; /* bridge: memory that it passes on, the second one prefetchable; equal: none */
    struct pci_bar bars[PCI_BARS];
    struct pci_bar rom;
    /* offsets of capabilities, 0: none */
    uint16_t express, msi, msix, power, ats, acs, ari, iommu;
    uint8_t port_type;              /* 7.5.3.2: 0 endpoint, 4 root port, 5 and 6 switch ports, 9 integrated endpoint */
    uint8_t msi_vectors;
    uint16_t msix_vectors;
    bool flr, ari_forwarding;       /* can reset alone; a port that forwards to functions above 7 */
    uint16_t acs_controls;          /* what an ACS capability can enforce */
    struct pci_sriov sriov;
    bool damaged;                   /* a capability list that leads nowhere or in a circle */
};

struct pci {
    unsigned count;
    struct pci_function functions[PCI_MAX_FUNCTIONS]; /* by segment, then requester ID */
};

/* Add the functions of a segment's buses. Sizing a base address register takes writes: the function's decoding is off meanwhile, and
 * everything is as it was afterwards. False: more than PCI_MAX_FUNCTIONS. */
bool pci_scan(const struct pci_config *, uint16_t segment, uint8_t first_bus, uint8_t last_bus, struct pci *);

/* NULL: there is none. */
const struct pci_function *pci_find(const struct pci *, uint16_t segment, uint16_t id);

/* The bridge whose secondary bus it is on; NULL: it is on a root bus. */
const struct pci_function *pci_upstream(const struct pci *, const struct pci_function *);

/* The function that a path of bridges leads to (VT-d specification 8.3.1). False: a bridge on it does not exist. */
bool pci_follow(const struct pci *, uint16_t segment, uint8_t bus, const uint8_t *devfn, unsigned hops, uint16_t *id);

/* No function may start a transfer on its own any more. IOMMUs are left alone: they read their tables by themselves. */
void pci_stop_masters(const struct pci_config *, const struct pci *);
/* Every port keeps to the rules of access control (6.12) that it can: nothing passes between functions behind it but by way of the IOMMU. */
void pci_control_access(const struct pci_config *, const struct pci *);
/* Bridges forward again, endpoints stay off. */
void pci_start_bridges(const struct pci_config *, const struct pci *);
