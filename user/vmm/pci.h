/* The guest's PCI bus: bus 0, device slots 0 to 31, function 0 of each; 0 is a host bridge. Configuration by mechanism 1 (PCI Local
 * Bus Specification 3.0, 3.2.2.3) and by ECAM (PCI Express Base Specification 5.0, 7.2.2). BARs are 32-bit memory, placed by the
 * VMM and moved by the guest; interrupts are MSI-X only: the interrupt pin register reads 0 and there is no INTx line.
 *
 * Nothing that a guest writes is trusted: a register takes the bits of its write mask, a BAR answers inside the window only.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#define PCI_ADDRESS_PORT 0xcf8
#define PCI_DATA_PORT 0xcfc

/* Guest-physical: where BARs may be, and configuration space, 4 KiB for each of bus 0's functions. */
#define PCI_WINDOW 0xc0000000u
#define PCI_WINDOW_END 0xe0000000u
#define PCI_ECAM 0xe0000000u
#define PCI_ECAM_SIZE 0x100000u

#define PCI_SLOTS 32u
#define PCI_BARS 6u
#define PCI_CONFIG_BYTES 256u
#define PCI_MSIX_MAX 64u

/* Configuration registers, byte offsets of their double words (PCI Local Bus Specification 3.0, 6.1). */
enum { PCI_ID = 0x00, PCI_COMMAND = 0x04, PCI_CLASS = 0x08, PCI_HEADER = 0x0c, PCI_BAR0 = 0x10, PCI_SUBSYSTEM = 0x2c,
       PCI_CAPABILITIES = 0x34, PCI_INTERRUPT = 0x3c, PCI_FIRST_CAPABILITY = 0x40 };
#define PCI_COMMAND_MEMORY 0x2u
#define PCI_COMMAND_MASTER 0x4u
#define PCI_COMMAND_INTX_OFF 0x400u
#define PCI_STATUS_CAPABILITIES 0x100000u /* as bit of the double word that begins with the command register */

enum { PCI_CAP_VENDOR = 0x09, PCI_CAP_EXPRESS = 0x10, PCI_CAP_MSIX = 0x11 };

struct vm;
struct pci_function;

struct pci_ops {
    /* An access inside a BAR, up to 8 bytes, with any alignment. MSI-X table and pending bits never arrive here. */
    uint64_t (*bar_read)(struct pci_function *f, unsigned bar, uint32_t offset, unsigned bytes);
    void (*bar_write)(struct pci_function *f, unsigned bar, uint32_t offset, unsigned bytes, uint64_t value);
    /* The rest may be NULL. `offset` is a double word's. */
    void (*config_reading)(struct pci_function *f, unsigned offset); /* before a read: may refresh f->config */
    void (*config_written)(struct pci_function *f, unsigned offset, uint32_t mask); /* after a write; mask: the bits that were named */
    void (*bar_moved)(struct pci_function *f, unsigned bar);           /* see pci_bar_address() */
    void (*msix_changed)(struct pci_function *f, unsigned vector);     /* entry or masks; PCI_MSIX_MAX: all */
    void (*reset)(struct pci_function *f); /* the machine's reset, after the configuration's */
};

struct pci_msix {
    uint8_t capability; /* its offset in configuration space; 0: none */
    uint8_t bar;
    uint16_t count;
    uint32_t table, pba; /* offsets in the BAR */
    uint64_t pending;
    struct {
        uint32_t address, address_high, data, control;
    } entries[PCI_MSIX_MAX];
};

struct pci_function {
    struct vm *vm;
    const struct pci_ops *ops;
    void *device;
    uint32_t config[PCI_CONFIG_BYTES / 4];
    uint32_t writable[PCI_CONFIG_BYTES / 4]; /* bits that the guest's writes reach */
    uint32_t at_reset[PCI_CONFIG_BYTES / 4]; /* config after pci_add */
    uint32_t bar_bytes[PCI_BARS];            /* power of two, at least 4096; 0: no such BAR */
    uint8_t free; /* where the next capability goes */
    uint8_t last_capability;
    struct pci_msix msix;
};

/* A BAR that answers at the moment. */
struct pci_range {
    uint32_t start, bytes;
    struct pci_function *function;
    unsigned bar;
};

struct pci {
    uint32_t address; /* mechanism 1's */
    uint32_t next_bar; /* first address of the window that no BAR was given */
    struct pci_function *slots[PCI_SLOTS];
    struct pci_range ranges[PCI_SLOTS * PCI_BARS];
    unsigned range_count;
    struct pci_function bridge;
};

/* -- Setting up, once, before the guest runs: identity, then BARs and capabilities, then pci_add. ---------------------- */

void pci_init(struct vm *vm);
void pci_function_init(struct pci_function *f, uint16_t vendor, uint16_t device, uint32_t class_revision, uint16_t subsystem_vendor,
                       uint16_t subsystem);
void pci_bar_add(struct pci_function *f, unsigned bar, uint32_t bytes);
/* Returns its offset: `bytes` with the two of id and link, which are filled in here. 0: no room. */
unsigned pci_capability_add(struct pci_function *f, uint8_t id, unsigned bytes);
void pci_msix_add(struct pci_function *f, unsigned bar, uint32_t table, uint32_t pba, unsigned count);
void pci_add(struct vm *vm, unsigned slot, struct pci_function *f, const struct pci_ops *ops, void *device);
void pci_reset(struct vm *vm);

/* -- For devices. --------------------------------------------------------------------------------------------------------- */

/* Where a BAR answers, or 0: memory decoding off, or outside the window. */
uint32_t pci_bar_address(const struct pci_function *f, unsigned bar);
/* May the function reach memory (Command.Bus Master)? A device looks before it touches what the guest pointed it to. */
static inline bool pci_is_master(const struct pci_function *f) { return f->config[PCI_COMMAND / 4] & PCI_COMMAND_MASTER; }
/* Raise a vector: sent, or pending while masked. Without MSI-X enabled nothing happens; false then. */
bool pci_msix_raise(struct pci_function *f, unsigned vector);
bool pci_msix_enabled(const struct pci_function *f);
bool pci_msix_masked(const struct pci_function *f, unsigned vector); /* by the function's or the entry's mask */

/* -- The guest's side. ---------------------------------------------------------------------------------------------------- */

uint32_t pci_port_read(struct vm *vm, uint16_t port, unsigned bytes); /* ports 0xcf8 to 0xcff */
void pci_port_write(struct vm *vm, uint16_t port, unsigned bytes, uint32_t value);
/* ECAM and window: true if something answered. */
bool pci_mmio_read(struct vm *vm, uint64_t address, unsigned bytes, uint64_t *value);
bool pci_mmio_write(struct vm *vm, uint64_t address, unsigned bytes, uint64_t value);

/* -- Between pci.c, pci_function.c and pci_msix.c. ---------------------------------------------------------------------------- */

uint32_t pci_config_read(struct pci_function *f, unsigned offset); /* a double word */
void pci_config_write(struct pci_function *f, unsigned offset, uint32_t mask, uint32_t value);
void pci_map(struct vm *vm); /* BARs or memory decoding changed */
bool pci_msix_covers(const struct pci_function *f, unsigned bar, uint32_t offset);
uint64_t pci_msix_read(const struct pci_function *f, uint32_t offset, unsigned bytes);
void pci_msix_write(struct pci_function *f, uint32_t offset, unsigned bytes, uint64_t value);
void pci_msix_flush(struct pci_function *f); /* send what is pending and no longer masked */
