/* Virtual CPUs: what a VMM and the kernel say to each other. Vendor-neutral: SVM and VMX fill the same words.
 *
 * A TCB becomes a vCPU thread when a vCPU object is bound to it; its VSpace root is then a nested page table root
 * (ATOLL_NESTED_PML4). When scheduled it runs the guest. An exit that the kernel does not handle alone becomes a fault
 * message on the thread's fault endpoint (label ATOLL_FAULT_VCPU); the reply resumes the guest.
 *
 * Exit message:
 *   MR0  bits 7..0 exit class; bits 15..8 instruction length (0: unknown, decode it);
 *        bit 16 EXIT_STEPPING; bit 17 EXIT_INTERRUPTIBLE; bits 21..20 CPL; bit 31 EXIT_EVENT_PENDING; bits 27..24 CR8 (the virtual task priority, which the
 *        guest changes without an exit); bits 63..32 class-specific, see below
 *   MR1  qualification 1      MR2 qualification 2      MR3 guest RIP
 *   MR4..  the state groups that the transfer descriptor of this class sends out, in ascending group order
 *
 * Reply:
 *   label bits 11..0: groups that travel in; bits 15..12: bytes to advance RIP (this also ends an interrupt shadow);
 *   words: the groups in ascending order, from MR0 on. A group that the descriptor does not allow in, or state that is
 *   not architecturally consistent, resumes nothing: the vCPU stops with a EXIT_BAD_STATE fault that names the word.
 *   If RIP is advanced and VCPU_GROUP_RIP travels in, the advance is added to the RIP that travelled in.
 *
 * While the guest is not stopped in a fault (the VMM was woken by a notification), the VMM may use VCPU_READ, VCPU_WRITE and
 * VCPU_INTERRUPT: it runs on the same core, so the guest is not running.
 */
#pragma once

/* Exit classes. Stable numbers: counters and messages use them. */
enum vcpu_exit {
    EXIT_NONE = 0,
    EXIT_CPUID,      /* no qualification */
    EXIT_PORT,       /* MR1: bits 15..0 port; bit 16 in; 19..17 bytes (1, 2, 4); 20 string; 21 rep; 24..22 segment
                        (0 es 1 cs 2 ss 3 ds 4 fs 5 gs; 7 unknown); 27..25 address bytes as log2 (1: 16, 2: 32, 3: 64 bits; 0 unknown).
                        The instruction length is always known. */
    EXIT_MSR,        /* MR1: MSR number (ECX); MR2: bit 0 write */
    EXIT_HLT,
    EXIT_NESTED,     /* nested page fault. MR1: guest-physical address; MR2: bit 0 read, 1 write, 2 fetch, 3 the entry
                        was present, 4 while walking the guest's page tables */
    EXIT_CALL,       /* VMMCALL/VMCALL */
    EXIT_SHUTDOWN,   /* triple fault */
    EXIT_CONTROL,    /* control register access that needs the VMM. MR1: register number 0, 3, 4, 8; MR2: bit 0 write,
                        bit 1 GPR number valid, 7..4 GPR number (x86 encoding), bit 2 LMSW, bit 3 CLTS */
    EXIT_DEBUG_REG,  /* MR1: register; MR2: as EXIT_CONTROL */
    EXIT_EXCEPTION,  /* an intercepted exception. MR1: vector; MR2: error code; CR2 in the control group */
    EXIT_WINDOW,     /* the guest can take an interrupt now, as VCPU_INTERRUPT asked */
    EXIT_XSETBV,
    EXIT_WBINVD,     /* WBINVD, INVD */
    EXIT_VIRT,       /* VMRUN, VMLOAD, VMSAVE, STGI, CLGI, SKINIT, INVLPGA or their VMX siblings: inject #UD. MR1: raw code */
    EXIT_RDPMC,
    EXIT_TSC,        /* RDTSC/RDTSCP, only if intercepted */
    EXIT_MONITOR,    /* MONITOR (MR1 0) or MWAIT (MR1 1) */
    EXIT_PAUSE,
    EXIT_TASK_SWITCH, /* where hardware cannot switch tasks inside a guest; SVM can */
    EXIT_NMI_WINDOW,
    EXIT_BAD_STATE,  /* a reply was refused, or the state does not fit together: the guest was not entered. MR1: group bit, MR2:
                        word inside the group; 0xff: the groups may not travel in or words are missing. MR1 0: no nested
                        address space (MR2 0), or the processor itself refused the state, which is reset (MR2 0xfe) */
    EXIT_OTHER,      /* MR1: raw hardware exit code, MR2: its first information word */
    EXIT_INTERRUPT,  /* counted only: a physical interrupt, handled by the kernel */
    EXIT_CLASSES     /* number of classes */
};

/* For people and for counter lines, by class. */
#define EXIT_CLASS_NAMES {"none", "cpuid", "port", "msr", "hlt", "nested", "call", "shutdown", "control", "debug-reg", "exception", \
                          "window", "xsetbv", "wbinvd", "virt", "rdpmc", "tsc", "monitor", "pause", "task-switch", "nmi-window", \
                          "bad-state", "other", "interrupt"}

#define EXIT_CLASS_MASK 0xff
#define EXIT_LENGTH_SHIFT 8
#define EXIT_STEPPING (1u << 16)       /* RFLAGS.TF is set: who advances RIP owes the guest a #DB */
#define EXIT_INTERRUPTIBLE (1u << 17)  /* RFLAGS.IF is set and no interrupt shadow */
#define EXIT_RFLAGS_SHIFT 8            /* which brings TF and IF there */
#define EXIT_CPL_SHIFT 20
#define EXIT_USER (2u << EXIT_CPL_SHIFT) /* CPL 3 */
#define EXIT_EVENT_PENDING (1u << 31)  /* an event waits to be delivered at the next entry; the event word's own bit */
#define EXIT_CR8_SHIFT 24

/* State groups: a mask in this order of bits; words of each in the order named. */
#define VCPU_GROUP_ABCD 0x001u     /* 4: rax rbx rcx rdx */
#define VCPU_GROUP_GPR 0x002u      /* 12: rsi rdi rbp rsp r8..r15 */
#define VCPU_GROUP_RIP 0x004u      /* 2: rip rflags */
#define VCPU_GROUP_CONTROL 0x008u  /* 9: cr0 cr2 cr3 cr4 cr8 efer xcr0 dr6 dr7 */
#define VCPU_GROUP_SEGMENTS 0x010u /* 16: for es cs ss ds fs gs ldtr tr: (selector | attributes << 16 | limit << 32), base.
                                      Attributes as in the SVM VMCB: bits 3..0 type, 4 S, 6..5 DPL, 7 P, 8 AVL, 9 L, 10 D/B, 11 G */
#define VCPU_GROUP_TABLES 0x020u   /* 4: gdtr limit, base, idtr limit, base */
#define VCPU_GROUP_MSRS 0x040u     /* 9: star lstar cstar sfmask kernel_gs_base sysenter_cs sysenter_esp sysenter_eip pat */
#define VCPU_GROUP_EVENT 0x080u    /* 2: event word to deliver at the next entry (0 none); interrupt state: bit 0 shadow, bit 1
                                      window exit armed, bit 2 NMI masked (by the NMI in the event word, too), bit 3 have an EXIT_NMI_WINDOW when it is no
                                      longer, bits 7..4 priority of the window: the exit comes when
                                      it is above CR8 (VCPU_INTERRUPT arms with the vector's own priority, vector >> 4) */
#define VCPU_GROUP_TSC 0x100u      /* 2: TSC offset (added to the host's), TSC_AUX */
#define VCPU_GROUPS 9
#define VCPU_ALL_GROUPS 0x1ffu
#define VCPU_GROUP_WORDS {4, 12, 2, 9, 16, 4, 9, 2, 2}
#define VCPU_REPLY_ADVANCE_SHIFT 12

/* Event word: bits 7..0 vector, 10..8 type, 11 error code valid, 31 valid, 63..32 error code (the VMCB's EVENTINJ form). */
#define VCPU_EVENT_INTERRUPT (0u << 8)
#define VCPU_EVENT_NMI (2u << 8)
#define VCPU_EVENT_EXCEPTION (3u << 8)
#define VCPU_EVENT_SOFT_INTERRUPT (4u << 8)
#define VCPU_EVENT_ERROR_VALID (1u << 11)
#define VCPU_EVENT_VALID (1u << 31)

/* MSRs that the guest reaches without an exit (the fixed safe menu): FS_BASE, GS_BASE, KERNEL_GS_BASE, STAR, LSTAR, CSTAR,
 * SFMASK, SYSENTER_CS/ESP/EIP, PAT. All others exit. The TSC is read without an exit; all ports exit.
 * CR0, CR3, CR4 and the debug registers are the guest's own on SVM and don't exit: nested paging keeps their effect inside, and
 * the host's come back with every exit. EXIT_CONTROL and EXIT_DEBUG_REG are for hardware that cannot do without. EFER is an
 * MSR that exits. CR8 is virtual (V_TPR); it exits (EXIT_CONTROL) only while a window is armed. #DB, #AC and #MC are intercepted; the VMM puts #DB and #AC back as events. */
