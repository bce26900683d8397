/* Virtual CPUs, the AMD half (APM vol 2, chapter 15). QEMU offers neither next RIP, decode assists nor flush by ASID; real
 * processors do; both ways are here, chosen by CPUID.
 *
 * The guest owns CR0, CR3, CR4 and the debug registers: nested paging keeps their effect inside the guest, and every #VMEXIT
 * brings the host's back (DR7 is reset, so the guest's DR0 to DR3 may stay in the registers until another guest runs).
 * #DB and #AC are intercepted because their delivery can raise themselves for ever with no other exit (CVE-2015-5307,
 * CVE-2015-8104). A machine check while the guest has CR4.MCE clear shuts the guest down, which is intercepted.
 */
#include <machine.h>
#include "../core.h"
#include "../state.h"
#include "cpu.h"
#include "fpu.h"
#include "svm.h"
#include "trap.h"
#include "vcpu.h"

#define MSRPM_SIZE 8192
#define IOPM_SIZE 12288
#define VM_CR_SVMDIS BIT(4)
#define GUEST_HARDWARE_ASID 1 /* one is enough: another guest's first run flushes */
#define EVENT_VECTOR_MASK 0xff
#define EVENT_TYPE_MASK (7u << 8)

static uint8_t msr_map[MSRPM_SIZE] __attribute__((aligned(4096)));
static uint8_t io_map[IOPM_SIZE] __attribute__((aligned(4096)));
static uint8_t host_save[4096] __attribute__((aligned(4096)));  /* VMRUN's own */
static uint8_t host_state[4096] __attribute__((aligned(4096))); /* for VMSAVE and VMLOAD: TR, SYSCALL MSRs */
static paddr_t msr_map_paddr, io_map_paddr, host_state_paddr;
static bool present, has_tsc_aux;
static bool flush_needed; /* TLB entries of the guest are stale */

/* What the hardware holds of a guest. */
static struct vcpu *last;
static paddr_t last_root;
struct guest_loaded guest_loaded;

static struct vmcb *vmcb_of(struct vcpu *v) { return (struct vmcb *)(void *)v->hardware; }
static const struct vmcb *vmcb_read(const struct vcpu *v) { return (const struct vmcb *)(const void *)v->hardware; }

/* ---- set-up ---- */

/* Two bits for each MSR, read and write (15.11): cleared means without an exit. */
static void msr_allow(uint32_t msr)
{
    uint32_t base = msr < 0x2000 ? 0 : 0x800, bit = (msr & 0x1fff) * 2; /* the menu has MSRs of the first two ranges */
    msr_map[base + bit / 8] &= (uint8_t)~(3u << bit % 8);
}

bool guest_hardware_init(paddr_t (*image_paddr)(const void *))
{
    /* VMLOAD and VMSAVE move these between processor and VMCB, the PAT moves with VMRUN: the guest's own ones. */
    static const uint32_t menu[] = {MSR_FS_BASE, MSR_GS_BASE, MSR_KERNEL_GS_BASE, MSR_STAR, MSR_LSTAR, MSR_CSTAR, MSR_SFMASK,
                                    MSR_SYSENTER_CS, MSR_SYSENTER_ESP, MSR_SYSENTER_EIP, MSR_PAT};
    if (cpuid(0x80000000, 0).eax < 0x8000000a || !(cpuid(0x80000001, 0).ecx >> 2 & 1) || (rdmsr(MSR_VM_CR) & VM_CR_SVMDIS))
        return false;
    struct cpuid svm = cpuid(0x8000000a, 0);
    if (!(svm.edx & 1) || svm.ebx < 2) /* nested paging, an ASID besides the host's */
        return false;
    cpu.next_rip = svm.edx >> 3 & 1;
    cpu.flush_by_asid = svm.edx >> 6 & 1;
    cpu.decode_assists = svm.edx >> 7 & 1;
    has_tsc_aux = cpuid(0x80000001, 0).edx >> 27 & 1;

    for (unsigned i = 0; i < MSRPM_SIZE; i++)
        msr_map[i] = 0xff;
    for (unsigned i = 0; i < IOPM_SIZE; i++)
        io_map[i] = 0xff;
    for (unsigned i = 0; i < ARRAY_SIZE(menu); i++)
        msr_allow(menu[i]);
    msr_map_paddr = image_paddr(msr_map);
    io_map_paddr = image_paddr(io_map);
    host_state_paddr = image_paddr(host_state);
    wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_SVME);
    wrmsr(MSR_VM_HSAVE_PA, image_paddr(host_save));
    vmsave(host_state_paddr);
    present = true;
    return true;
}

bool guest_hardware_present(void) { return present; }

/* As after INIT (APM vol 2, table 14-1), with everything intercepted that the VMM answers or that must not reach hardware. */
void guest_init(struct vcpu *v)
{
    struct vmcb *b = vmcb_of(v);
    *b = (struct vmcb){
        .intercept_exceptions = BIT(VECTOR_DEBUG) | BIT(VECTOR_ALIGNMENT_CHECK) | BIT(VECTOR_MACHINE_CHECK),
        .intercept3 = INTERCEPT_INTR | INTERCEPT_NMI | INTERCEPT_INIT | INTERCEPT_RDPMC | INTERCEPT_CPUID | INTERCEPT_INVD |
                      INTERCEPT_HLT | INTERCEPT_INVLPGA | INTERCEPT_IOIO | INTERCEPT_MSR | INTERCEPT_TASK_SWITCH |
                      INTERCEPT_SHUTDOWN,
        .intercept4 = INTERCEPT_SVM_INSTRUCTIONS | INTERCEPT_WBINVD | INTERCEPT_MONITOR | INTERCEPT_MWAIT |
                      INTERCEPT_MWAIT_ARMED | INTERCEPT_XSETBV | INTERCEPT_RDPRU,
        .intercept5 = INTERCEPT_BROADCAST,
        .iopm_paddr = io_map_paddr,
        .msrpm_paddr = msr_map_paddr,
        .asid = GUEST_HARDWARE_ASID,
        .virtual_interrupt = V_INTR_MASKING,
        .nested_control = NESTED_PAGING,
        .es = {0, 0x93, 0xffff, 0},
        .cs = {0xf000, 0x9b, 0xffff, 0xffff0000},
        .ss = {0, 0x93, 0xffff, 0},
        .ds = {0, 0x93, 0xffff, 0},
        .fs = {0, 0x93, 0xffff, 0},
        .gs = {0, 0x93, 0xffff, 0},
        .gdtr = {0, 0, 0xffff, 0},
        .ldtr = {0, 0x82, 0xffff, 0},
        .idtr = {0, 0, 0xffff, 0},
        .tr = {0, 0x8b, 0xffff, 0},
        .efer = EFER_SVME,
        .cr0 = CR0_CD | CR0_NW | CR0_ET,
        .dr6 = 0xffff0ff0,
        .dr7 = 0x400,
        .rflags = RFLAGS_ONE,
        .rip = 0xfff0,
        .pat = 0x0007040600070406ull,
    };
    guest_forget(v);
    v->paddr = object_paddr(v);
    v->registers = (struct guest_registers){0};
    v->xcr0 = 1;
    v->tsc_aux = 0;
    v->nmi_masked = v->nmi_window = false;
}

/* ---- running ---- */

void vcpu_flush_tlb(void) { flush_needed = guest_loaded.refresh = true; }
void guest_forget(const struct vcpu *v)
{
    if (last == v)
        last = NULL; /* its memory may become another vCPU, whose first run must flush */
}

static void set_tsc_aux(word_t value)
{
    if (!has_tsc_aux || value == guest_loaded.tsc_aux)
        return;
    wrmsr(MSR_TSC_AUX, value);
    guest_loaded.tsc_aux = value;
}

/* Everything that the hardware must hold for this guest and that stays as it is from one entry to the next. */
static void switch_in(struct vcpu *v, paddr_t nested_root)
{
    struct vmcb *b = vmcb_of(v);
    for (unsigned i = 0; v != last && i < 4; i++) {
        if (last)
            last->dr[i] = read_dr(i);
        write_dr(i, v->dr[i]);
    }
    if (v != last || nested_root != last_root)
        flush_needed = true;
    if (flush_needed)
        b->tlb_control = cpu.flush_by_asid ? TLB_FLUSH_GUEST : TLB_FLUSH_ALL;
    b->nested_cr3 = nested_root;
    fpu_set_xcr0(v->xcr0);
    set_tsc_aux(v->tsc_aux);
    last = v;
    last_root = nested_root;
    flush_needed = guest_loaded.refresh = false;
}

/* An event whose delivery an exit cut short is delivered again at the next entry, unless the instruction that raised it is done again
 * anyway: INT n, INT3 and INTO leave RIP where they stand. QEMU reports interrupts that V_IRQ raised as exceptions. */
static word_t event_to_repeat(word_t info)
{
    word_t type = info & EVENT_TYPE_MASK, vector = info & EVENT_VECTOR_MASK;
    if (type == VCPU_EVENT_SOFT_INTERRUPT || (type == VCPU_EVENT_EXCEPTION && (vector == 3 || vector == 4)))
        return 0;
    if (type == VCPU_EVENT_EXCEPTION && vector >= 32)
        return info & ~(word_t)EVENT_TYPE_MASK;
    return info;
}

static enum guest_end end_as(struct vcpu *v, word_t class, word_t q1, word_t q2)
{
    const struct vmcb *b = vmcb_read(v);
    v->exit = (struct vcpu_exit_info){class, cpu.next_rip && b->next_rip ? (b->next_rip - b->rip) & 0xf : 0, q1, q2};
    return GUEST_EXIT;
}

static enum guest_end end_port(struct vcpu *v)
{
    const struct vmcb *b = vmcb_read(v);
    word_t i = b->exit_info1, q = i >> 16 & 0xffff;
    bool string = i & IOIO_STRING;
    q |= (i & IOIO_IN ? BIT(16) : 0) | (i >> 4 & 7) << 17 | (string ? BIT(20) : 0) | (i & IOIO_REP ? BIT(21) : 0);
    q |= (string && cpu.decode_assists ? i >> 10 & 7 : 7) << 22;
    q |= (i >> 7 & 1 ? 1ull : i >> 8 & 1 ? 2ull : i >> 9 & 1 ? 3ull : 0) << 25;
    v->exit = (struct vcpu_exit_info){EXIT_PORT, (b->exit_info2 - b->rip) & 0xf, q, 0};
    return GUEST_EXIT;
}

static enum guest_end end_nested(struct vcpu *v)
{
    const struct vmcb *b = vmcb_read(v);
    word_t i = b->exit_info1;
    bool write = i & NPF_WRITE, fetch = i & NPF_FETCH;
    word_t access = (!write && !fetch ? 1 : 0) | (write ? 2 : 0) | (fetch ? 4 : 0) | (i & NPF_PRESENT ? 8 : 0) |
                    (i & NPF_TABLE_WALK ? 16 : 0);
    return end_as(v, EXIT_NESTED, b->exit_info2, access);
}

/* CR and DR accesses: the register number is in the exit code, the GPR in EXITINFO1 with decode assists (15.8.1). Bits 1 and 7..4 of
 * the second word say which. */
static enum guest_end end_register(struct vcpu *v, word_t class, word_t number, bool write)
{
    const struct vmcb *b = vmcb_read(v);
    return end_as(v, class, number, (write ? 1 : 0) | (cpu.decode_assists ? 2 | (b->exit_info1 & 0xf) << 4 : 0));
}

static enum guest_end end_exception(struct vcpu *v, word_t vector)
{
    struct vmcb *b = vmcb_of(v);
    if (vector == VECTOR_MACHINE_CHECK)
        panic("machine check while a guest ran: the hardware reports an error");
    return end_as(v, EXIT_EXCEPTION, vector, b->exit_info1);
}

/* Out of the NMI handler at last. The IRET is still to run; the shadow keeps the next NMI away until it has. */
static enum guest_end end_iret(struct vcpu *v)
{
    struct vmcb *b = vmcb_of(v);
    b->intercept3 &= ~(uint32_t)INTERCEPT_IRET;
    b->interrupt_shadow |= INTERRUPT_SHADOW;
    v->nmi_masked = false;
    if (!v->nmi_window)
        return GUEST_AGAIN;
    v->nmi_window = false;
    return end_as(v, EXIT_NMI_WINDOW, 0, 0);
}

static enum guest_end end_window(struct vcpu *v)
{
    struct vmcb *b = vmcb_of(v);
    b->virtual_interrupt &= ~V_ARMED;
    b->intercept3 &= ~(uint32_t)INTERCEPT_VINTR;
    return end_as(v, EXIT_WINDOW, 0, 0);
}

/* The processor refused the state, which vcpu_state.c should have done: say so, and start over from the reset state, since what
 * the VMCB holds now is not the guest's (QEMU leaves the host's registers in it). */
static enum guest_end end_invalid(struct vcpu *v)
{
    log_printf("vcpu: the processor refused the state of a guest; its state is lost\n");
    guest_init(v);
    return end_as(v, EXIT_BAD_STATE, 0, 0xfe);
}

static enum guest_end classify(struct vcpu *v)
{
    const struct vmcb *b = vmcb_read(v);
    uint32_t code = (uint32_t)b->exit_code;
    switch (code) {
    case SVM_EXIT_CPUID: return end_as(v, EXIT_CPUID, 0, 0);
    case SVM_EXIT_IOIO: return end_port(v);
    case SVM_EXIT_MSR: return end_as(v, EXIT_MSR, (uint32_t)v->registers.rcx, b->exit_info1 & 1);
    case SVM_EXIT_NPF: return end_nested(v);
    case SVM_EXIT_HLT: return end_as(v, EXIT_HLT, 0, 0);
    case SVM_EXIT_INTR: v->exit.class = EXIT_INTERRUPT; return GUEST_INTERRUPT;
    case SVM_EXIT_VINTR: return end_window(v);
    case SVM_EXIT_NMI: case SVM_EXIT_INIT: return GUEST_AGAIN; /* it came at STGI */
    case SVM_EXIT_IRET: return end_iret(v);
    case SVM_EXIT_VMMCALL: return end_as(v, EXIT_CALL, 0, 0);
    case SVM_EXIT_SHUTDOWN: return end_as(v, EXIT_SHUTDOWN, 0, 0);
    case SVM_EXIT_XSETBV: return end_as(v, EXIT_XSETBV, 0, 0);
    case SVM_EXIT_WBINVD: case SVM_EXIT_INVD: return end_as(v, EXIT_WBINVD, 0, 0);
    case SVM_EXIT_RDPMC: return end_as(v, EXIT_RDPMC, 0, 0);
    case SVM_EXIT_MONITOR: return end_as(v, EXIT_MONITOR, 0, 0);
    case SVM_EXIT_MWAIT: case SVM_EXIT_MWAIT_ARMED: return end_as(v, EXIT_MONITOR, 1, 0);
    case SVM_EXIT_TASK_SWITCH: return end_as(v, EXIT_TASK_SWITCH, b->exit_info1, b->exit_info2);
    case SVM_EXIT_VMRUN: case SVM_EXIT_VMLOAD: case SVM_EXIT_VMSAVE: case SVM_EXIT_STGI: case SVM_EXIT_CLGI:
    case SVM_EXIT_SKINIT: case SVM_EXIT_INVLPGA:
        return end_as(v, EXIT_VIRT, code, 0);
    case SVM_EXIT_INVALID: return end_invalid(v);
    default: break;
    }
    if (code < SVM_EXIT_DR_READ)
        return end_register(v, EXIT_CONTROL, code & 0xf, code >= SVM_EXIT_CR_WRITE);
    if (code < SVM_EXIT_EXCEPTION)
        return end_register(v, EXIT_DEBUG_REG, code & 0xf, code >= SVM_EXIT_DR_WRITE);
    if (code < SVM_EXIT_INTR)
        return end_exception(v, code - SVM_EXIT_EXCEPTION);
    return end_as(v, EXIT_OTHER, code, b->exit_info1);
}

enum guest_end guest_run(struct vcpu *v, paddr_t nested_root)
{
    struct vmcb *b = vmcb_of(v);
    if (v != last || nested_root != last_root || guest_loaded.refresh)
        switch_in(v, nested_root);
    svm_enter(v, v->paddr, host_state_paddr);
    b->tlb_control = TLB_KEEP;
    b->event = b->exit_interrupt_info & VCPU_EVENT_VALID ? event_to_repeat(b->exit_interrupt_info) : 0;
    return classify(v);
}

/* ---- state ---- */

static bool interruptible(const struct vmcb *b)
{
    return (b->rflags & RFLAGS_IF) && !(b->interrupt_shadow & INTERRUPT_SHADOW);
}

static inline void exit_message(const struct vcpu *v, struct context *to)
{
    const struct vmcb *b = vmcb_read(v);
    to->r10 = v->exit.class | v->exit.length << EXIT_LENGTH_SHIFT | (interruptible(b) ? EXIT_INTERRUPTIBLE : 0) |
              (b->event ? EXIT_EVENT_PENDING : 0) | (b->rflags & RFLAGS_TF ? EXIT_STEPPING : 0) | (b->cpl & 2 ? EXIT_USER : 0) | (b->virtual_interrupt & V_TPR_MASK) << EXIT_CR8_SHIFT;
    to->r8 = v->exit.q1;
    to->r9 = v->exit.q2;
    to->r15 = b->rip;
}

static inline void read_abcd(const struct vcpu *v, word_t *w)
{
    w[0] = vmcb_read(v)->rax;
    w[1] = v->registers.rbx;
    w[2] = v->registers.rcx;
    w[3] = v->registers.rdx;
}

void guest_exit_message(const struct vcpu *v, struct context *to) { exit_message(v, to); }

void guest_exit_message_abcd(const struct vcpu *v, struct context *to, word_t *words)
{
    exit_message(v, to);
    read_abcd(v, words);
}

void guest_advance(struct vcpu *v, word_t bytes)
{
    struct vmcb *b = vmcb_of(v);
    bool long_code = (b->efer & EFER_LMA) && (b->cs.attributes >> 9 & 1);
    b->rip = long_code ? b->rip + bytes : (uint32_t)(b->rip + bytes);
    b->interrupt_shadow &= ~INTERRUPT_SHADOW;
    b->rflags &= ~RFLAGS_RF; /* it was for this instruction */
}

/* Have an exit as soon as the guest can take an interrupt of this priority: a virtual interrupt that is intercepted (15.21.4). While one is armed,
 * writes of CR8 exit, and the VMM asks anew: QEMU takes an equal priority for a higher one, and ends itself (an assertion) when such a write
 * opens the window. */
static void arm_window(struct vmcb *b, word_t priority)
{
    word_t request = priority > (b->virtual_interrupt & V_TPR_MASK) ? V_IRQ : 0;
    b->virtual_interrupt = (b->virtual_interrupt & ~V_ARMED) | request | priority << V_PRIORITY_SHIFT;
    b->intercept3 |= INTERCEPT_VINTR;
    b->intercept_cr |= INTERCEPT_CR8_WRITE;
}

static void set_event(struct vcpu *v, word_t event)
{
    struct vmcb *b = vmcb_of(v);
    b->event = event;
    if ((event & VCPU_EVENT_VALID) && (event & EVENT_TYPE_MASK) == VCPU_EVENT_NMI) {
        v->nmi_masked = true;
        b->intercept3 |= INTERCEPT_IRET;
    }
}

bool guest_try_event(struct vcpu *v, word_t event)
{
    struct vmcb *b = vmcb_of(v);
    if ((event & EVENT_TYPE_MASK) == VCPU_EVENT_NMI) {
        bool now = !b->event && !v->nmi_masked && !(b->interrupt_shadow & INTERRUPT_SHADOW);
        if (now)
            set_event(v, event);
        else if (v->nmi_masked)
            v->nmi_window = true;
        else
            arm_window(b, 0xf); /* behind the event or the shadow */
        return now;
    }
    word_t priority = (event & EVENT_VECTOR_MASK) >> 4;
    if (!b->event && interruptible(b) && priority > (b->virtual_interrupt & V_TPR_MASK)) {
        set_event(v, event);
        return true;
    }
    arm_window(b, priority);
    return false;
}

static void read_segment(const struct vmcb_segment *s, word_t *words)
{
    words[0] = s->selector | (word_t)s->attributes << 16 | (word_t)s->limit << 32;
    words[1] = s->base;
}

static void write_segment(struct vmcb_segment *s, const word_t *words)
{
    *s = (struct vmcb_segment){(uint16_t)words[0], (uint16_t)(words[0] >> 16), (uint32_t)(words[0] >> 32), words[1]};
}

static word_t interrupt_state(const struct vcpu *v)
{
    const struct vmcb *b = vmcb_read(v);
    bool armed = b->virtual_interrupt & V_IRQ;
    return (b->interrupt_shadow & INTERRUPT_SHADOW) | (armed ? 2 : 0) | (v->nmi_masked ? 4 : 0) | (v->nmi_window ? 8 : 0) |
           (armed ? (b->virtual_interrupt >> V_PRIORITY_SHIFT & 0xf) << 4 : 0);
}

static void set_interrupt_state(struct vcpu *v, word_t state)
{
    struct vmcb *b = vmcb_of(v);
    b->interrupt_shadow = state & 1 ? INTERRUPT_SHADOW : 0;
    if (state & 2) {
        arm_window(b, state >> 4 & 0xf);
    } else {
        b->virtual_interrupt &= ~V_ARMED;
        b->intercept3 &= ~(uint32_t)INTERCEPT_VINTR;
        b->intercept_cr &= ~INTERCEPT_CR8_WRITE;
    }
    v->nmi_masked = state & 4;
    v->nmi_window = state & 8;
    b->intercept3 = v->nmi_masked ? b->intercept3 | INTERCEPT_IRET : b->intercept3 & ~(uint32_t)INTERCEPT_IRET;
}

void guest_read_group(const struct vcpu *v, unsigned group, word_t *w)
{
    const struct vmcb *b = vmcb_read(v);
    const struct guest_registers *r = &v->registers;
    switch (1u << group) {
    case VCPU_GROUP_ABCD: read_abcd(v, w); break;
    case VCPU_GROUP_GPR:
        w[0] = r->rsi, w[1] = r->rdi, w[2] = r->rbp, w[3] = b->rsp;
        w[4] = r->r8, w[5] = r->r9, w[6] = r->r10, w[7] = r->r11, w[8] = r->r12, w[9] = r->r13, w[10] = r->r14, w[11] = r->r15;
        break;
    case VCPU_GROUP_RIP: w[0] = b->rip, w[1] = b->rflags; break;
    case VCPU_GROUP_CONTROL:
        w[0] = b->cr0, w[1] = b->cr2, w[2] = b->cr3, w[3] = b->cr4, w[4] = b->virtual_interrupt & V_TPR_MASK;
        w[5] = b->efer & ~EFER_SVME, w[6] = v->xcr0, w[7] = b->dr6, w[8] = b->dr7;
        break;
    case VCPU_GROUP_SEGMENTS:
        read_segment(&b->es, w), read_segment(&b->cs, w + 2), read_segment(&b->ss, w + 4), read_segment(&b->ds, w + 6);
        read_segment(&b->fs, w + 8), read_segment(&b->gs, w + 10), read_segment(&b->ldtr, w + 12), read_segment(&b->tr, w + 14);
        break;
    case VCPU_GROUP_TABLES: w[0] = b->gdtr.limit, w[1] = b->gdtr.base, w[2] = b->idtr.limit, w[3] = b->idtr.base; break;
    case VCPU_GROUP_MSRS:
        w[0] = b->star, w[1] = b->lstar, w[2] = b->cstar, w[3] = b->sfmask, w[4] = b->kernel_gs_base;
        w[5] = b->sysenter_cs, w[6] = b->sysenter_esp, w[7] = b->sysenter_eip, w[8] = b->pat;
        break;
    case VCPU_GROUP_EVENT: w[0] = b->event, w[1] = interrupt_state(v); break;
    case VCPU_GROUP_TSC: w[0] = b->tsc_offset, w[1] = v->tsc_aux; break;
    default: break;
    }
}

static void write_control(struct vcpu *v, const word_t *w)
{
    struct vmcb *b = vmcb_of(v);
    /* Paging as the guest's TLB entries know it: as the guest's own MOV would, a change here makes them stale. */
    if (b->cr0 != w[0] || b->cr3 != w[2] || b->cr4 != w[3] || (b->efer & ~EFER_SVME) != w[5])
        flush_needed = true;
    guest_loaded.refresh = true; /* XCR0 */
    b->cr0 = w[0], b->cr2 = w[1], b->cr3 = w[2], b->cr4 = w[3];
    b->virtual_interrupt = (b->virtual_interrupt & ~V_TPR_MASK) | w[4];
    b->efer = w[5] | EFER_SVME; /* VMRUN insists on it */
    v->xcr0 = w[6];
    b->dr6 = w[7], b->dr7 = w[8];
}

void guest_write_abcd(struct vcpu *v, word_t rax, word_t rbx, word_t rcx, word_t rdx)
{
    vmcb_of(v)->rax = rax;
    v->registers.rbx = rbx;
    v->registers.rcx = rcx;
    v->registers.rdx = rdx;
}

void guest_write_group(struct vcpu *v, unsigned group, const word_t *w)
{
    struct vmcb *b = vmcb_of(v);
    struct guest_registers *r = &v->registers;
    switch (1u << group) {
    case VCPU_GROUP_ABCD: guest_write_abcd(v, w[0], w[1], w[2], w[3]); break;
    case VCPU_GROUP_GPR:
        r->rsi = w[0], r->rdi = w[1], r->rbp = w[2], b->rsp = w[3];
        r->r8 = w[4], r->r9 = w[5], r->r10 = w[6], r->r11 = w[7], r->r12 = w[8], r->r13 = w[9], r->r14 = w[10], r->r15 = w[11];
        break;
    case VCPU_GROUP_RIP: b->rip = w[0], b->rflags = w[1] | RFLAGS_ONE; break;
    case VCPU_GROUP_CONTROL: write_control(v, w); break;
    case VCPU_GROUP_SEGMENTS:
        write_segment(&b->es, w), write_segment(&b->cs, w + 2), write_segment(&b->ss, w + 4), write_segment(&b->ds, w + 6);
        write_segment(&b->fs, w + 8), write_segment(&b->gs, w + 10), write_segment(&b->ldtr, w + 12), write_segment(&b->tr, w + 14);
        b->cpl = b->ss.attributes >> 5 & 3;
        break;
    case VCPU_GROUP_TABLES:
        b->gdtr.limit = (uint32_t)w[0], b->gdtr.base = w[1], b->idtr.limit = (uint32_t)w[2], b->idtr.base = w[3];
        break;
    case VCPU_GROUP_MSRS:
        b->star = w[0], b->lstar = w[1], b->cstar = w[2], b->sfmask = w[3], b->kernel_gs_base = w[4];
        b->sysenter_cs = w[5], b->sysenter_esp = w[6], b->sysenter_eip = w[7], b->pat = w[8];
        break;
    case VCPU_GROUP_EVENT: set_interrupt_state(v, w[1]), set_event(v, w[0]); break; /* an NMI masks further ones */
    case VCPU_GROUP_TSC: b->tsc_offset = w[0], v->tsc_aux = w[1], guest_loaded.refresh = true; break;
    default: break;
    }
}
