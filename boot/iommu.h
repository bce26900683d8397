/* What the firmware says about IOMMUs: DMAR (Intel VT-d specification 4.1, chapter 8) or IVRS (AMD I/O Virtualization Technology
 * (IOMMU) Specification 3.09, section 5.2). Bounded readers of untrusted bytes; they compile for the host. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#define IOMMU_MAX_UNITS 32
#define IOMMU_MAX_SCOPES 1024
#define IOMMU_MAX_RESERVED 64
#define IOMMU_MAX_HOPS 8
#define IOMMU_NO_UNIT 0xffu

enum iommu_kind { IOMMU_AMD_VI, IOMMU_VT_D };

/* Whom a unit, or a reserved region, is about. */
enum iommu_source {
    SOURCE_ALL,       /* every function of the segment that nothing else names */
    SOURCE_RANGE,     /* the requester IDs first..last */
    SOURCE_PATH,      /* VT-d: the function that a path of bridges leads to */
    SOURCE_SUBTREE,   /* VT-d: the bridge that a path leads to, and all behind it */
    SOURCE_IOAPIC,    /* `id` is its APIC id; as a requester it is `first` (AMD-Vi) or the path's (VT-d) */
    SOURCE_HPET,
    SOURCE_NAMESPACE, /* a device that is no PCI function */
};

struct iommu_path { /* VT-d 8.3.1: from a bus downward, a device and function per bridge, the last one the target's */
    uint8_t bus, hops;
    uint8_t devfn[IOMMU_MAX_HOPS];
};

struct iommu_scope {
    uint8_t unit; /* IOMMU_NO_UNIT: of a reserved region */
    uint8_t id;
    uint8_t source;           /* enum iommu_source */
    uint8_t settings;         /* AMD-Vi: data byte of the entry, 5.2.2.1: interrupts that pass unremapped */
    uint16_t first, last;     /* requester IDs: bus << 8 | device << 3 | function */
    uint16_t alias;           /* AMD-Vi: the requester ID that the functions appear as, else equal to first */
    struct iommu_path path;
};

struct iommu_unit {
    enum iommu_kind kind;
    uint64_t paddr;
    uint64_t register_bytes;
    uint16_t segment;
    uint16_t requester;       /* AMD-Vi: the unit's own requester ID */
    uint8_t flags;            /* AMD-Vi: IVHD flags, 5.2.2.1 */
    uint8_t block;            /* AMD-Vi: type of the block that the scopes were taken from */
};

struct iommu_reserved { /* RMRR, IVMD: memory that devices insist on */
    uint16_t segment;
    uint64_t start, end;      /* [start, end) */
    unsigned first_scope, scope_count;
};

struct iommus {
    unsigned unit_count, scope_count, reserved_count;
    struct iommu_unit units[IOMMU_MAX_UNITS];
    struct iommu_scope scopes[IOMMU_MAX_SCOPES];
    struct iommu_reserved reserved[IOMMU_MAX_RESERVED];
    bool remaps_interrupts;   /* DMAR flag INTR_REMAP; AMD-Vi units always can */
    bool x2apic_opt_out;      /* DMAR flag: the firmware wants no x2APIC mode */
    unsigned ats_ports;       /* ATSR structures: root ports where devices may ask for translations. Not used */
    unsigned affinities;      /* RHSA structures: units and their NUMA domains. Not used */
    const char *unknown_in;   /* not NULL: this table has an entry that this program does not know ... */
    unsigned unknown_type;    /* ... of this type */
};

/* NULL or a sentence. Both add to what is there; `units` starts zeroed. */
const char *dmar_read(const uint8_t *table, uint32_t size, struct iommus *units);
const char *ivrs_read(const uint8_t *table, uint32_t size, struct iommus *units);
