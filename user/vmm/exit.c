/* One switch over the exit classes. Whatever the guest does ends here in a defined reaction: what the CPU or the bus would
 * do, and a counter where nothing is behind what it asked for. */
#include "emulate.h"
#include "exit.h"
#include "lib.h"
#include "msr.h"
#include "port.h"

#define HANDLER __attribute__((noinline)) /* each saves the registers that it needs itself */
#define KVM_ENOSYS 1000u
#define XCR0_SSE_AVX 6u

static const uint8_t opcode_cpuid[] = {0x0f, 0xa2}, opcode_rdmsr[] = {0x0f, 0x32}, opcode_wrmsr[] = {0x0f, 0x30},
                     opcode_hlt[] = {0xf4}, opcode_pause[] = {0xf3, 0x90}, opcode_invd[] = {0x0f, 0x08},
                     opcode_xsetbv[] = {0x0f, 0x01, 0xd1}, opcode_vmmcall[] = {0x0f, 0x01, 0xd9}, opcode_rdtsc[] = {0x0f, 0x31};

uint32_t exit_groups(enum vcpu_exit exit_class)
{
    switch (exit_class) {
    case EXIT_CPUID: case EXIT_PORT: case EXIT_MSR: case EXIT_CALL: return VCPU_GROUP_ABCD;
    case EXIT_HLT: case EXIT_WINDOW: return VCPU_GROUP_RIP | VCPU_GROUP_EVENT;
    case EXIT_NESTED: case EXIT_CONTROL: case EXIT_DEBUG_REG:
        return VCPU_GROUP_ABCD | VCPU_GROUP_GPR | VCPU_GROUP_RIP | VCPU_GROUP_CONTROL | VCPU_GROUP_SEGMENTS;
    case EXIT_XSETBV: return VCPU_GROUP_ABCD | VCPU_GROUP_CONTROL;
    default: return 0;
    }
}

static void advance(struct vm *vm, const uint8_t *opcode, unsigned bytes)
{
    vm->vcpu.advance = instruction_length(vm, opcode, bytes);
}

static void cpuid_answer(struct vcpu *v, const struct cpuid_regs *r)
{
    v->words[W_RAX] = r->eax;
    v->words[W_RBX] = r->ebx;
    v->words[W_RCX] = r->ecx;
    v->words[W_RDX] = r->edx;
    v->changed |= VCPU_GROUP_ABCD;
}

/* A leaf whose answer follows the guest's registers, or that is not there: zeroes (APM volume 3, CPUID). */
static __attribute__((noinline)) void cpuid_special(struct vm *vm, uint32_t leaf, uint32_t subleaf, const struct cpuid_regs *fixed)
{
    struct cpuid_regs r = {0};
    struct cpuid_state state;

    if (fixed) {
        vcpu_need(&vm->vcpu, VCPU_GROUP_CONTROL);
        state.osxsave = vm->vcpu.words[W_CR4] & CR4_OSXSAVE;
        state.apic = vm->lapic.base & LAPIC_BASE_ENABLED;
        state.xcr0 = vm->vcpu.words[W_XCR0];
        r = *fixed;
        cpuid_adjust(&vm->cpuid, leaf, subleaf, &state, &r);
    } else {
        vm_count(vm, VMM_COUNT_CPUID_UNKNOWN);
    }
    cpuid_answer(&vm->vcpu, &r);
}

static HANDLER enum vm_next exit_cpuid(struct vm *vm)
{
    struct vcpu *v = &vm->vcpu;
    uint32_t leaf = (uint32_t)v->words[W_RAX];
    const struct cpuid_regs *fixed = cpuid_lookup(&vm->cpuid, leaf);

    if (fixed && !cpuid_depends(leaf))
        cpuid_answer(v, fixed);
    else
        cpuid_special(vm, leaf, (uint32_t)v->words[W_RCX], fixed);
    advance(vm, opcode_cpuid, sizeof opcode_cpuid);
    return VM_RESUME;
}

static HANDLER enum vm_next exit_port(struct vm *vm)
{
    struct vcpu *v = &vm->vcpu;
    uint64_t q = v->qualification[0];
    uint16_t port = (uint16_t)q;
    unsigned bytes = q >> 17 & 7;
    bool in = q >> 16 & 1;

    if (q >> 20 & 1)
        return emulate_string_port(vm, port, bytes, in);
    vm->next = VM_RESUME;
    if (in) {
        uint64_t value = port_read(vm, port, bytes), keep = bytes == 4 ? 0 : bytes == 2 ? ~0xffffull : ~0xffull;

        v->words[W_RAX] = (v->words[W_RAX] & keep) | value;
        v->changed |= VCPU_GROUP_ABCD;
    } else {
        port_write(vm, port, bytes, (uint32_t)v->words[W_RAX]);
    }
    v->advance = vcpu_exit_length(v);
    return vm->next;
}

static HANDLER enum vm_next exit_msr(struct vm *vm)
{
    struct vcpu *v = &vm->vcpu;
    uint32_t msr = (uint32_t)v->qualification[0];
    bool write = v->qualification[1] & 1, good;
    uint64_t value = (uint32_t)v->words[W_RAX] | v->words[W_RDX] << 32;

    good = write ? msr_write(vm, msr, value) : msr_read(vm, msr, &value);
    if (!good) {
        vm_count(vm, VMM_COUNT_MSR_REFUSED);
        vcpu_raise_gp(v);
        return VM_RESUME;
    }
    if (!write) {
        v->words[W_RAX] = (uint32_t)value;
        v->words[W_RDX] = value >> 32;
        v->changed |= VCPU_GROUP_ABCD;
    } else if (msr >= LAPIC_MSR_FIRST && msr <= LAPIC_MSR_LAST) {
        unsigned ended = lapic_take_eoi(&vm->lapic);

        if (ended)
            vm_end_of_interrupt(vm, ended);
    }
    advance(vm, write ? opcode_wrmsr : opcode_rdmsr, 2);
    return VM_RESUME;
}

static HANDLER enum vm_next exit_nested(struct vm *vm)
{
    enum vm_next next = emulate_nested_fault(vm);
    unsigned ended = lapic_take_eoi(&vm->lapic);

    if (ended)
        vm_end_of_interrupt(vm, ended);
    return next;
}

static HANDLER enum vm_next exit_hlt(struct vm *vm)
{
    struct vcpu *v = &vm->vcpu;

    vm->deaf = !(vcpu_get(v, W_RFLAGS, VCPU_GROUP_RIP) & RFLAGS_IF);
    if (vm->deaf && !vm->lapic.nmi_pending && vm_is_deaf(vm))
        return vm_stop(vm, vm->bus.count > 1 ? "all its CPUs are halted with interrupts off" : "halted with interrupts off");
    advance(vm, opcode_hlt, sizeof opcode_hlt);
    return exit_wakes(vm) ? VM_RESUME : VM_WAIT;
}

static HANDLER enum vm_next exit_xsetbv(struct vm *vm)
{
    struct vcpu *v = &vm->vcpu;
    uint64_t value = (uint32_t)v->words[W_RAX] | v->words[W_RDX] << 32;

    if (!(v->words[W_CR4] & CR4_OSXSAVE)) {
        vcpu_raise_ud(v);
        return VM_RESUME;
    }
    /* x87 always, AVX only with SSE, nothing that CPUID does not offer (APM volume 2, 11.5.2). */
    if (vcpu_privilege(v) || (uint32_t)v->words[W_RCX] || !(value & 1) || (value & ~(uint64_t)vm->cpuid.xcr0) ||
        (value & XCR0_SSE_AVX) == 4) {
        vcpu_raise_gp(v);
        return VM_RESUME;
    }
    vcpu_set(v, W_XCR0, VCPU_GROUP_CONTROL, value);
    advance(vm, opcode_xsetbv, sizeof opcode_xsetbv);
    return VM_RESUME;
}

static HANDLER enum vm_next exit_tsc(struct vm *vm)
{
    uint64_t now = vm_tsc(vm);

    vcpu_set(&vm->vcpu, W_RDX, VCPU_GROUP_ABCD, now >> 32);
    vcpu_set(&vm->vcpu, W_RAX, VCPU_GROUP_ABCD, (uint32_t)now);
    advance(vm, opcode_rdtsc, sizeof opcode_rdtsc);
    return VM_RESUME;
}

/* KVM's convention, as CPUID names KVM: an unknown call returns -ENOSYS. None is offered. */
static HANDLER enum vm_next exit_call(struct vm *vm)
{
    vcpu_set(&vm->vcpu, W_RAX, VCPU_GROUP_ABCD, -(uint64_t)KVM_ENOSYS);
    advance(vm, opcode_vmmcall, sizeof opcode_vmmcall);
    return VM_RESUME;
}

/* An intercepted exception goes on to the guest as it is. */
static HANDLER enum vm_next exit_exception(struct vm *vm)
{
    unsigned vector = vm->vcpu.qualification[0] & 0x1f;
    bool has_error = vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21;

    vcpu_raise(&vm->vcpu, vector, has_error, (uint32_t)vm->vcpu.qualification[1]);
    return VM_RESUME;
}

static HANDLER enum vm_next exit_unknown(struct vm *vm)
{
    const struct vcpu *v = &vm->vcpu;

    if (v->exit_class == EXIT_TASK_SWITCH)
        return vm_stop(vm, "hardware task switch at 0x%lx", v->exit_rip);
    if (v->exit_class == EXIT_BAD_STATE)
        return vm_stop(vm, "impossible CPU state: group 0x%lx, word %lu", v->qualification[0], v->qualification[1]);
    return vm_stop(vm, "unknown exit %u (0x%lx) at 0x%lx", v->exit_class, v->qualification[0], v->exit_rip);
}

enum vm_next exit_handle(struct vm *vm)
{
    struct vcpu *v = &vm->vcpu;

    v->exit_tpr = vm->lapic.tpr = (vm->lapic.tpr & 0xf) | (uint32_t)(v->exit_flags >> EXIT_CR8_SHIFT & 0xf) << 4;
    switch ((enum vcpu_exit)v->exit_class) {
    case EXIT_CPUID: return exit_cpuid(vm);
    case EXIT_PORT: return exit_port(vm);
    case EXIT_MSR: return exit_msr(vm);
    case EXIT_HLT: return exit_hlt(vm);
    case EXIT_NESTED: return exit_nested(vm);
    case EXIT_CALL: return exit_call(vm);
    case EXIT_SHUTDOWN: return vm_stop(vm, "triple fault");
    case EXIT_CONTROL: return emulate_control(vm);
    case EXIT_DEBUG_REG: return emulate_debug(vm);
    case EXIT_EXCEPTION: return exit_exception(vm);
    case EXIT_WINDOW: case EXIT_NMI_WINDOW: return VM_RESUME; /* exit_finish injects */
    case EXIT_XSETBV: return exit_xsetbv(vm);
    case EXIT_WBINVD: /* the guest's memory is coherent with whatever it can reach */
        advance(vm, opcode_invd, sizeof opcode_invd);
        return VM_RESUME;
    case EXIT_VIRT: case EXIT_MONITOR: /* CPUID offers neither */
        vcpu_raise_ud(v);
        return VM_RESUME;
    case EXIT_RDPMC: /* no counters */
        vcpu_raise_gp(v);
        return VM_RESUME;
    case EXIT_TSC: return exit_tsc(vm);
    case EXIT_PAUSE:
        advance(vm, opcode_pause, sizeof opcode_pause);
        return VM_RESUME;
    case EXIT_TASK_SWITCH: case EXIT_BAD_STATE: case EXIT_NONE: case EXIT_OTHER: case EXIT_INTERRUPT: case EXIT_CLASSES: break;
    }
    return exit_unknown(vm);
}

/* Is there an interrupt that task priority lets through? */
static bool deliverable(const struct vm *vm, int vector) { return vector >> 4 > (int)(vm->lapic.tpr >> 4); }

bool exit_wakes(struct vm *vm)
{
    int vector = lapic_candidate(&vm->lapic);

    return vm->lapic.nmi_pending || (!vm->deaf && vector >= 0 && deliverable(vm, vector));
}

/* Put the best pending event into the reply, or ask for an exit when it becomes possible. */
static void inject(struct vm *vm, int vector)
{
    struct vcpu *v = &vm->vcpu;
    uint64_t state;
    bool open;

    if (vector < 0 && !vm->lapic.nmi_pending)
        return;
    vcpu_need(v, VCPU_GROUP_EVENT | VCPU_GROUP_RIP);
    state = v->words[W_INTERRUPT_STATE] & ~(uint64_t)(VCPU_WINDOW | VCPU_NMI_WINDOW | VCPU_WINDOW_PRIORITY_MAX << VCPU_WINDOW_PRIORITY_SHIFT);
    open = !(v->words[W_EVENT] & VCPU_EVENT_VALID) && (!(state & VCPU_SHADOW) || v->advance);
    if (v->advance)
        state &= ~(uint64_t)VCPU_SHADOW;
    if (vm->lapic.nmi_pending && (state & VCPU_NMI_MASKED)) {
        state |= VCPU_NMI_WINDOW;
    } else if (vm->lapic.nmi_pending && open) {
        vm->lapic.nmi_pending = false;
        v->words[W_EVENT] = VCPU_EVENT_VALID | VCPU_EVENT_NMI | 2;
        state |= VCPU_NMI_MASKED;
        vm_count(vm, VMM_COUNT_INJECTED);
        open = false;
    } else if (vm->lapic.nmi_pending) { /* behind the event, or the shadow */
        state |= VCPU_WINDOW | VCPU_WINDOW_PRIORITY_MAX << VCPU_WINDOW_PRIORITY_SHIFT;
    }
    if (vector >= 0 && open && (v->words[W_RFLAGS] & RFLAGS_IF) && deliverable(vm, vector)) {
        lapic_accept(&vm->lapic, (unsigned)vector);
        v->words[W_EVENT] = VCPU_EVENT_VALID | VCPU_EVENT_INTERRUPT | (unsigned)vector;
        vm_count(vm, VMM_COUNT_INJECTED);
    } else if (vector >= 0 && !(state & VCPU_WINDOW)) {
        state |= VCPU_WINDOW | (uint64_t)(vector >> 4) << VCPU_WINDOW_PRIORITY_SHIFT;
    }
    v->words[W_INTERRUPT_STATE] = state;
    v->changed |= VCPU_GROUP_EVENT;
}

/* The CPU traps behind an instruction that began with RFLAGS.TF set; one that was done in software is no different (APM volume 2, 13.1.4). */
void exit_finish_step(struct vm *vm)
{
    struct vcpu *v = &vm->vcpu;
    bool done = v->advance || v->element_done;

    v->element_done = false;
    if (!done)
        return;
    vcpu_set(v, W_DR6, VCPU_GROUP_CONTROL, vcpu_get(v, W_DR6, VCPU_GROUP_CONTROL) | DR6_STEP);
    vcpu_set(v, W_EVENT, VCPU_GROUP_EVENT, VCPU_EVENT_VALID | VCPU_EVENT_EXCEPTION | VECTOR_DB);
}

void exit_finish_events(struct vm *vm)
{
    uint64_t cr8 = vm->lapic.tpr >> 4;

    if (cr8 != (vm->vcpu.exit_flags >> EXIT_CR8_SHIFT & 0xf))
        vcpu_set(&vm->vcpu, W_CR8, VCPU_GROUP_CONTROL, cr8);
    if (!lapic_quiet(&vm->lapic))
        inject(vm, lapic_candidate(&vm->lapic));
}
