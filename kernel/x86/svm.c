/* Virtual CPUs, the AMD half (APM vol 2, chapter 15): set-up and state; what each exit passes is in svm_exit.c. QEMU offers neither next RIP, decode assists nor flush by ASID; real
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

static uint8_t msr_map[MSRPM_SIZE] __attribute__((aligned(4096)));
static uint8_t io_map[IOPM_SIZE] __attribute__((aligned(4096)));
static uint8_t host_save[4096] __attribute__((aligned(4096)));  /* VMRUN's own */
static uint8_t host_state[4096] __attribute__((aligned(4096))); /* for VMSAVE and VMLOAD: TR, SYSCALL MSRs */
static paddr_t msr_map_paddr, io_map_paddr;
paddr_t host_state_paddr;
static bool present, has_tsc_aux;
static bool flush_needed; /* TLB entries of the guest are stale */

/* What the hardware holds of a guest. */
static struct vcpu *last;
static paddr_t last_root;
struct guest_loaded guest_loaded;

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
                      INTERCEPT_HLT | INTERCEPT_INVLPGA | INTERCEPT_IOIO | INTERCEPT_MSR | INTERCEPT_SHUTDOWN,
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
    guest_loaded.refresh = true;
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
void guest_load(struct vcpu *v, paddr_t nested_root)
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

/* ---- state ---- */

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
    if (!b->event && guest_interruptible(b) && priority > (b->virtual_interrupt & V_TPR_MASK)) {
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
    case VCPU_GROUP_ABCD: guest_read_abcd(v, w); break;
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
