/* One virtual CPU of a virtual machine: everything that its VMM knows. vCPU 0's VMM has the devices, too; the others forward accesses to
 * them (docs/decisions/0013). */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <atoll/component.h>
#include <atoll/queue.h>
#include "apic_bus.h"
#include "clock.h"
#include "cpuid.h"
#include "guest_memory.h"
#include "ioapic.h"
#include "lapic.h"
#include "pci.h"
#include "pm.h"
#include "uart.h"
#include "vcpu_state.h"
#include "vf.h"
#include "virtio_devices.h"
#include "watchdog.h"

#define VM_REASON_MAX 160
#define MTRR_VARIABLE 8
#define MTRR_FIXED 11

/* What happens to the guest after an exit. */
enum vm_next {
    VM_RESUME,
    VM_WAIT,       /* halted until an interrupt */
    VM_RESET,
    VM_POWER_OFF,
    VM_STOP,       /* the VMM gives up on it; vm->reason says why */
};

struct msr_state { /* registers that only remember */
    uint64_t mtrr_base[MTRR_VARIABLE], mtrr_mask[MTRR_VARIABLE], mtrr_fixed[MTRR_FIXED], mtrr_default;
    uint64_t mcg_status;
};

/* Pages of code whose exits have been decoded before, see instruction_length(). */
#define CODE_PAGES 16
struct code_page {
    uint64_t linear;      /* its first byte; ~0: none */
    const uint8_t *bytes;
};

struct vm {
    const struct vm_config *config;
    struct guest_memory memory;
    const uint8_t *kernel, *initrd; /* the files; sizes in config */
    uint64_t tsc_hz;
    uint64_t epoch;                 /* Unix time of the host's TSC 0, seconds; 0: unknown */
    struct vcpu vcpu;
    struct cpuid cpuid;
    struct msr_state msr;
    struct clock clock;
    struct lapic lapic;
    struct apic_bus bus;
    bool deaf;                     /* halted with interrupts off */
    struct ioapic ioapic;
    struct uart uart;
    struct pm pm;
    struct pci pci;
    struct watchdog watchdog;
    struct virtio_console virtio_console;
    struct virtio_entropy virtio_entropy;
    struct virtio_block disks[VM_MAX_DISKS];
    struct virtio_net nets[VM_MAX_NETS];
    uint64_t tsc_offset;           /* guest TSC = host TSC + this */
    uint8_t rtc_index;
    enum vm_next next;             /* what a device asked for during this exit */
    struct code_page code_pages[CODE_PAGES];
    void (*console_read)(struct vm *vm); /* the guest took input: more may come */
    void (*timer_changed)(void); /* a device other than the local APIC wants to be called at another time; may be NULL */
    void (*remote)(struct vm *vm, struct device_access *access); /* have vCPU 0's VMM do it; NULL: this is vCPU 0 */
    void (*exit_code)(struct vm *vm, uint32_t code);
    void (*test_hook)(struct vm *vm, uint8_t value);
    struct vf vfs[VM_VFS_MAX];
    unsigned vf_count;
    bool (*vf_place)(unsigned index, uint32_t address, bool master); /* true: there they are */
    void (*vf_reset)(unsigned index);
    bool (*vf_controller)(unsigned index, bool on, uint64_t *capabilities, uint32_t *version); /* MANAGER_VF_CONTROLLER */
    void (*vf_admin)(unsigned index, const uint64_t words[NVME_WORDS], struct nvme_answer *);  /* MANAGER_VF_COMMAND */
    volatile uint32_t *vf_doorbells; /* of VF_MEDIATED functions: a page for each index */
    uint64_t counters[VMM_COUNTERS];
    char reason[VM_REASON_MAX];
};

static inline void vm_count(struct vm *vm, enum vmm_counter counter) { vm->counters[counter]++; }

/* Note why the guest stops, printf-like. Returns VM_STOP. */
enum vm_next vm_stop(struct vm *vm, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Devices and registers as after power-on, then the image loader: false with vm->reason set if the files do not allow it.
 * RAM must be zero. */
bool vm_reset(struct vm *vm);

/* A register or port of a device, by vCPU 0's VMM for any vCPU. */
void vm_device_access(struct vm *vm, struct device_access *access);

/* vCPU 0 owns the I/O APIC: tell it that a level-triggered interrupt was ended. */
void vm_end_of_interrupt(struct vm *vm, unsigned vector);

/* Does nothing but an NMI or INIT bring any of the VM's CPUs back? */
bool vm_is_deaf(const struct vm *vm);

static inline uint64_t host_tsc(void)
{
    uint32_t low, high;

    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
}
static inline uint64_t vm_tsc(const struct vm *vm) { return host_tsc() + vm->tsc_offset; }
