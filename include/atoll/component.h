/* What the components of a node tell each other: configuration frames (written offline by the compiler, mapped read-only),
 * capability slots, virtual addresses, and the node manager's protocol.
 *
 * Every component thread starts with rdi = its configuration frame's address, rsi = the TSC rate in hertz, and rdx = Unix time of TSC 0
 * in seconds (0: unknown).
 */
#pragma once
#include <stdint.h>

#define COMPONENT_IMAGE_VA 0x400000ull    /* components are linked here */
#define COMPONENT_STACK_TOP 0x800000ull   /* stack, growing down; COMPONENT_STACK_PAGES mapped, the page below is a hole */
#define COMPONENT_IPC_VA 0x900000ull      /* IPC buffer */
#define COMPONENT_CONFIG_VA 0xa00000ull   /* configuration frame(s) */
#define COMPONENT_QUEUES_VA 0x10000000ull /* queues, each at a fixed 1 MiB stride: producer pages, consumer page at +0x80000 */
#define COMPONENT_QUEUE_STRIDE 0x100000ull
#define COMPONENT_QUEUE_TAIL 0x80000ull
#define VMM_RAM_VA 0x100000000000ull      /* guest RAM in its VMM, guest-physical 0 at this address */
#define VMM_KERNEL_VA 0x200000000000ull   /* the VM's image files, read-only */
#define VMM_INITRD_VA 0x201000000000ull
#define VMM_SHARED_VA 0x30000000ull       /* what the VMMs of one VM share: a struct vm_mailbox per vCPU (user/vmm/mailbox.h) */
#define MANAGER_LIFE_VA 0x38000000ull     /* <atoll/life.h>: two pages per vCPU, written by vCPU 0's manager and by vCPU i's */
#define MANAGER_DEATHS_VA 0x38100000ull   /* and one that the console writes */

/* One VM's vCPUs. */
#define VM_MAX_VCPUS 32
#define VM_MAILBOX_BYTES 256u
#define VM_SHARED_BYTES(vcpus) (((uint64_t)(vcpus) * VM_MAILBOX_BYTES + 4095) & ~4095ull)

#define QUEUE_DATA_SIZE 0x10000u          /* data bytes of every console and log queue (16 pages), header page apart */

/* Every component's CNode has 2^COMPONENT_CNODE_BITS slots but the manager's, which has room for its VM's frames. Slot 0
 * stays empty. The guard is 64 minus the radix zeroes: a capability pointer is the slot's number. */
#define COMPONENT_CNODE_BITS 8
#define COMPONENT_STACK_PAGES 16

/* Virtual machine: how it boots. */
enum vm_boot { VM_BOOT_LINUX = 1, VM_BOOT_MULTIBOOT = 2 };

/* What its node manager does when it ends; a failure is a stop for another reason than power-off, or an exit code other than 0. */
enum vm_restart { VM_RESTART_NEVER, VM_RESTART_ON_FAILURE, VM_RESTART_ALWAYS };

/* Guest-physical memory: RAM from 0 up; what does not fit below the hole goes on at 4 GiB. */
#define VM_HOLE_START 0xc0000000ull
#define VM_HOLE_END 0x100000000ull

/* vm_config.flags: test hooks, YAML key `test-hooks`. The guest writes to port VM_TEST_PORT. */
#define VM_FLAG_TEST_CRASH_VMM 1u    /* value 1: the VMM faults */
#define VM_FLAG_TEST_CRASH_KERNEL 2u /* value 2: the VMM calls sel4_debug_halt(): its kernel panics (debug kernels) */
#define VM_TEST_PORT 0xf5

/* virtio devices of a VM, beyond the entropy device that every VM has. */
#define VM_MAX_DISKS 4
#define VM_MAX_NETS 4
#define VM_FLAG_VIRTIO_CONSOLE 4u /* vm_config.flags: a virtio console beside the serial port, on the same stream */
struct vm_net {
    uint8_t address[6]; /* the only source address that the switch takes */
    uint8_t reserved[2];
};

#define VM_CONFIG_MAGIC 0x3143464e4f434d56ull /* "VMCONFC1" */
#define VM_NAME_MAX 32
struct vm_config { /* shared by node manager and VMM, one 4 KiB frame */
    uint64_t magic;
    char name[VM_NAME_MAX];
    uint64_t memory;       /* guest RAM, bytes, multiple of 2 MiB */
    uint64_t kernel_size, initrd_size; /* exact; initrd 0: none */
    uint32_t boot;         /* enum vm_boot */
    uint32_t vm_index;
    uint32_t vcpus, node;
    uint64_t flags;        /* VM_FLAG_* */
    uint32_t disk_count, net_count;
    struct vm_net nets[VM_MAX_NETS];
    uint64_t vf_count;     /* functions of the guest. Not 0: a struct vfs_config (<atoll/vf.h>) is on the VMM's next page */
    uint32_t restart;      /* enum vm_restart */
    uint32_t vcpu;         /* this VMM's: the VM has one VMM per vCPU, each on the node of its vCPU. Devices are vCPU 0's */
    char cmdline[2048];
};
_Static_assert(sizeof(struct vm_config) <= 4096, "one frame");

/* VMM's capabilities. */
enum vmm_slot {
    VMM_SLOT_FAULT_EP = 1,   /* receives the vCPU's exits; from MANAGER_START on the VMM's notification is bound to its TCB */
    VMM_SLOT_REPLY = 2,
    VMM_SLOT_VCPU = 3,
    VMM_SLOT_MANAGER = 4,    /* endpoint to the node manager, badge = MANAGER_BADGE_VMM + vm_index */
    VMM_SLOT_NOTIFICATION = 5, /* its own notification, badge VMM_BADGE_TIMER: the argument of ATOLL_VCPU_SET_TIMER */
    VMM_SLOT_DOORBELL = 6,   /* IPI capability: wakes the console */
    VMM_SLOT_INPUT_IRQ = 7,  /* IRQ handler of the vector that the console rings for input; signals VMM_BADGE_INPUT */
    VMM_SLOT_NET_IRQ = 8,    /* IRQ handler of VECTOR_NET, which switches ring; signals VMM_BADGE_NET */
    VMM_SLOT_DISK = 16,      /* notification of disk i's component: slot 16 + i */
    VMM_SLOT_NET = 24,       /* IPI capability that wakes net i's switch: slot 24 + i */
    VMM_SLOT_KICK_IRQ = 12,  /* of the vector that the VM's other VMMs ring; signals VMM_BADGE_KICK */
    VMM_SLOT_KICK = 64,      /* IPI capability that kicks vCPU i's VMM: slot 64 + i */
};
#define VMM_VF_DOORBELLS_VA 0x34000000ull /* function i (VF_MEDIATED): its page of doorbells, at 4 KiB * i behind it */
#define VMM_BADGE_TIMER 1
#define VMM_BADGE_INPUT 2
#define VMM_BADGE_EXIT 4     /* badge of the vCPU's fault messages; signals arrive with an OR of the others */
#define VMM_BADGE_DISK 8
#define VMM_BADGE_NET 16
#define VMM_BADGE_VF(vf, vector) (1ull << (32 + 4 * (vf) + (vector))) /* a function's message came */
#define VMM_BADGE_VFS 0xffffffff00000000ull
#define VMM_BADGE_KICK 0x400
#define VMM_QUEUE_OUT 0      /* producer: guest console output. Queue index under COMPONENT_QUEUES_VA */
#define VMM_QUEUE_IN 1       /* consumer: console input */
#define VMM_QUEUE_DISK 2     /* disk i: requests 2 + 2i, answers 3 + 2i (<atoll/block.h>) */
#define VMM_QUEUE_NET 10     /* net i: to the switch 10 + 2i, from it 11 + 2i (<atoll/ether.h>) */

/* Node manager's capabilities. */
enum manager_slot {
    MANAGER_SLOT_ENDPOINT = 1, /* receive: VMM calls and VMM faults */
    MANAGER_SLOT_REPLY = 2,
    MANAGER_SLOT_CNODE = 3,    /* its own CNode, for retype */
    MANAGER_SLOT_VMM_TCB = 4,
    MANAGER_SLOT_VMM_VSPACE = 5,
    MANAGER_SLOT_VCPU_TCB = 6,
    MANAGER_SLOT_VCPU = 7,
    MANAGER_SLOT_NESTED = 8,   /* nested PML4 with an ASID */
    MANAGER_SLOT_TABLES = 9,   /* private untyped for page tables */
    MANAGER_SLOT_DOORBELL = 10, /* IPI: wakes the console */
    MANAGER_SLOT_VMM_SC = 11,
    MANAGER_SLOT_VMM_NOTIFICATION = 12,
    MANAGER_SLOT_NOTIFICATION = 13, /* bound to its own thread, badge MANAGER_BADGE_TIMER: for its own timer */
    MANAGER_SLOT_LIFE_IRQ = 14, /* rung by the VM's other managers; signals MANAGER_BADGE_LIFE */
    MANAGER_SLOT_VCPU_SC = 15,
    MANAGER_SLOT_FAULTS_IRQ = 60, /* IRQ handler of VECTOR_FAULTS; signals MANAGER_BADGE_FAULTS */
    MANAGER_SLOT_LIFE = 16,    /* IPI capability to the manager of vCPU i's node: slot 16 + i. vCPU 0's has all, the others slot 16 */
    MANAGER_SLOT_RAM = 64,     /* frame-only untypeds of the VM's RAM, up to 64 */
    MANAGER_SLOT_KERNEL = 128, /* frame-only untypeds of its kernel file, up to 64 */
    MANAGER_SLOT_INITRD = 192, /* of its initrd file, up to 64 */
    MANAGER_SLOT_VF = 256,     /* per virtual function of its VM MANAGER_VF_SLOTS, enum manager_vf_slot */
    MANAGER_SLOT_IO_SPACE = 511, /* the one that those of the guest share */
    MANAGER_SLOT_FREE = 512,   /* first slot for what it makes itself */
};
#define MANAGER_SPAN 64        /* slots of each of the three */
#define MANAGER_VF_SLOTS 24
enum manager_vf_slot {
    MANAGER_VF_REQUESTER = 0,
    MANAGER_VF_DOORBELL = 1, /* IPI: wakes the PF driver */
    MANAGER_VF_MESSAGE = 2,  /* IRQ handlers of its MSI-X vectors, VF_VECTORS at most; they signal who drives it */
    MANAGER_VF_BAR = 6,      /* frames of the registers that the guest gets, MANAGER_VF_BAR_PAGES at most; VF_MEDIATED: of the doorbells, for the VMM */
    MANAGER_VF_IO_SPACE = 14,  /* VF_SERVED: its own, which its component fills; */
    MANAGER_VF_COMPONENT = 15, /* and that component's TCB */
    MANAGER_VF_ADMIN = 20,   /* VF_MEDIATED: the four frames of its admin queue, mapped at MANAGER_VF_ADMIN_AT */
};
#define MANAGER_VF_BAR_PAGES 8
#define MANAGER_VF_TABLES 12 /* page tables that their places may need: a directory, a table for each 2 MiB that is touched; for admin queues two of
                                devices' addresses, and one of the VMM's for doorbells */
#define MANAGER_VF_VA 0x30000000ull /* function i at MANAGER_VF_STRIDE * i behind it: */
#define MANAGER_VF_STRIDE 0x20000ull
#define MANAGER_VF_CONFIG_AT 0x0    /* its configuration space */
#define MANAGER_VF_MSIX_AT 0x1000   /* the page with its MSI-X table */
#define MANAGER_VF_REQUEST_AT 0x2000 /* to its PF driver, and the answer (<atoll/vf.h>) */
#define MANAGER_VF_ANSWER_AT 0x3000
#define MANAGER_VF_BAR_AT 0x10000   /* its registers */
#define MANAGER_VF_ADMIN_AT 0x18000 /* VF_MEDIATED: its admin queue */
#define MANAGER_QUEUE_EVENTS 0 /* producer: event lines to the console */
#define MANAGER_BADGE_TIMER 1
#define MANAGER_BADGE_LIFE 2
#define MANAGER_BADGE_FAULTS 4    /* the IOMMU blocked something of the VM's functions */
#define MANAGER_BADGE_VMM 0x100   /* calls of the VMM of VM i: badge 0x100 + i */
#define MANAGER_BADGE_FAULT 0x200 /* faults of the VMM thread of VM i */

struct manager_config { /* one frame; the VM's vm_config is the next frame, if there is a VM, and a struct vfs_config the third */
    uint64_t magic; /* MANAGER_CONFIG_MAGIC */
    uint32_t node;
    uint32_t vm_count; /* 0 or 1 */
    uint32_t ram_caps, kernel_caps, initrd_caps; /* upper bounds of the filled untyped slots (spans) */
    uint32_t cnode_bits; /* its CNode has 2^cnode_bits slots */
    uint64_t vmm_entry;  /* the VMM's first instruction, to start it again */
    uint64_t vf_count;   /* functions of the VM, served ones included */
};
#define MANAGER_CONFIG_MAGIC 0x3143464e4f434d4eull

/* VMM to node manager, by Call: label = request; the answer's label is 0, or an SEL4_ error code for a request that does not
 * fit the VM's state. */
enum manager_request {
    MANAGER_START = 1,     /* guest loaded, vCPU state written: run it. Once, and again after MANAGER_PARK, by NBSendRecv: no answer
                              comes. The VMM, which then waits for exits, becomes passive: it runs on the vCPU's scheduling context while it handles an exit, and
                              on its former own one, now its notification's, when it is signalled */
    MANAGER_POWERED_OFF,   /* ordered end. vCPU and VMM are suspended; no answer comes */
    MANAGER_RESET,         /* the guest reset itself. It stays stopped in its exit; the VMM loads it anew and replies with all of the
                              vCPU's state */
    MANAGER_STOPPED,       /* the VMM gives up on the guest. MR0: length; MR1 on: the reason's bytes, eight per word. No answer */
    MANAGER_EXIT_CODE,     /* MR0: what a test guest wrote to port 0xf4. MANAGER_POWERED_OFF follows */
    MANAGER_PARK,          /* suspend the running vCPU: its VMM, which was signalled, writes a new state and asks for MANAGER_START again */
    MANAGER_COUNTERS,      /* before the end. MR0: count; MR1 on: values in enum vmm_counter order */
    MANAGER_VF_PLACE,      /* MR0: function; MR1: guest-physical address of its registers, or 0: nowhere; MR2: may it be a bus master? */
    MANAGER_VF_RESET,      /* MR0: function: the guest wants it reset (FLR). The lease is renewed */
    MANAGER_VF_CONTROLLER, /* MR0: function (VF_MEDIATED); MR1: 1: the guest starts its controller, 0: it stops it. Answer: MR0: its register CAP as
                              the guest may see it, MR1: VS. An error: the controller does not do it */
    MANAGER_VF_COMMAND,    /* MR0: function (VF_MEDIATED); MR1 to MR8: a command of the guest's admin queue. Answer: MR0: status, MR1: result */
};
#define MANAGER_REASON_MAX 200 /* bytes of a reason */
enum vmm_counter { VMM_COUNT_MSR_REFUSED, VMM_COUNT_PORT_UNKNOWN, VMM_COUNT_CPUID_UNKNOWN, VMM_COUNT_MMIO_UNKNOWN,
                   VMM_COUNT_INJECTED, VMM_COUNT_CONSOLE_BYTES, VMM_COUNTERS };
#define VMM_COUNTER_NAMES {"msr-refused", "port-unknown", "cpuid-unknown", "mmio-unknown", "injected", "console-bytes"}

/* Console component (control node). */
enum console_slot {
    CONSOLE_SLOT_NOTIFICATION = 1, /* all its interrupts, badges below */
    CONSOLE_SLOT_UART = 2,         /* I/O ports 0x3f8..0x3ff */
    CONSOLE_SLOT_UART_IRQ = 3,
    CONSOLE_SLOT_DOORBELL_IRQ = 4, /* rung by other nodes and by this node's kernel */
    CONSOLE_SLOT_VM_DOORBELL = 64, /* IPI capability to VM i's node: slot 64 + i */
    CONSOLE_SLOT_MANAGER = 128,    /* IPI capability to the manager of node i, if its VM has other nodes: slot 128 + i */
};
#define CONSOLE_MAX_NODES 64
#define CONSOLE_BADGE_UART 1
#define CONSOLE_BADGE_DOORBELL 2
struct console_config { /* one frame */
    uint64_t magic; /* CONSOLE_CONFIG_MAGIC */
    uint32_t node_count, vm_count;
    char vm_names[62][VM_NAME_MAX];
    struct { uint8_t first_node, vcpus; } vm_nodes[62]; /* a node that dies: its VM's other managers are told, <atoll/life.h> */
};
#define CONSOLE_DEATHS_VA 0x38000000ull /* VM i's struct life_deaths at 4096 * i, if it has several nodes */
#define CONSOLE_CONFIG_MAGIC 0x31434647534e4f43ull
_Static_assert(sizeof(struct console_config) <= 4096, "one frame");
/* Console queues, by index: node i's kernel log 2i, node i's events 2i + 1, VM j's output 2N + 2j, VM j's input 2N + 2j + 1
 * (N = node_count). The console consumes all but the input queues; node 0 has no events. */

/* Disk component (the VM's node): a file in memory. */
enum disk_slot {
    DISK_SLOT_NOTIFICATION = 1, /* its own; the VMM signals it */
    DISK_SLOT_CLIENT = 2,       /* the VMM's notification, badge VMM_BADGE_DISK */
    DISK_SLOT_CNODE = 3,
    DISK_SLOT_VSPACE = 4,
    DISK_SLOT_TABLES = 5,       /* private untyped for page tables */
    DISK_SLOT_FILE = 64,        /* frame-only untypeds of the file, up to DISK_SPAN */
    DISK_SLOT_FREE = 128,       /* first slot for what it makes itself */
};
#define DISK_SPAN 64
#define DISK_FILE_VA 0x300000000000ull
#define DISK_QUEUE_REQUESTS 0 /* consumer */
#define DISK_QUEUE_ANSWERS 1  /* producer */
struct disk_config { /* one frame */
    uint64_t magic; /* DISK_CONFIG_MAGIC */
    uint64_t bytes; /* of the file, a multiple of 512 */
    uint32_t read_only, cnode_bits;
};
#define DISK_CONFIG_MAGIC 0x31474643534b4944ull /* "DISKCFG1" */

/* Switch component (control node). Port p: frames from it in queue 2p, to it in 2p + 1 (<atoll/ether.h>). */
enum switch_slot {
    SWITCH_SLOT_NOTIFICATION = 1,
    SWITCH_SLOT_IRQ = 2,   /* IRQ handler of its vector, which its ports ring */
    SWITCH_SLOT_PORT = 64, /* IPI capability to port p's VMM: slot 64 + p */
};
#define SWITCH_MAX_PORTS 124
#define SWITCH_VLAN_MAX 4094 /* 0: none, a VLAN of its own */
struct switch_port {
    uint8_t address[6];
    uint16_t vlan;
};
struct switch_config { /* one frame */
    uint64_t magic; /* SWITCH_CONFIG_MAGIC */
    uint32_t port_count, reserved;
    struct switch_port ports[SWITCH_MAX_PORTS];
};
#define SWITCH_CONFIG_MAGIC 0x3147464357535445ull
_Static_assert(sizeof(struct switch_config) <= 4096, "one frame");

/* Vectors, as user vectors v (CPU vector 0x30 + v), the same on every node. Who may be rung by somebody that it does not trust has one below
 * ATOLL_MODERATED_VECTORS: then that cannot take much time from its node. */
#define VECTOR_DOORBELL 0x20 /* console doorbell on node 0; console input on a VM's node */
#define VECTOR_UART 0x21
#define VECTOR_NET 0x28    /* on a VM's node: frames from a switch */
#define VECTOR_SWITCH 0x28 /* on node 0: frames for switch i, vector 0x28 + i */
#define MAX_SWITCHES 8
#define VECTOR_KICK 0x30 /* between the VMMs of one VM */
#define VECTOR_LIFE 0x31 /* between its node managers */
#define VECTOR_FAULTS 107 /* the node's kernel: new records of faults, ATOLL_REQUESTERS_FAULT */
