/* The registers by the AMD APM volume 2, appendix A, and the KVM clock. What is not in the table does not exist: #GP. */
#include "msr.h"
#include "lib.h"

#define MSR_TSC 0x10u
#define MSR_APIC_BASE 0x1bu
#define MSR_TSC_ADJUST 0x3bu
#define MSR_PATCH_LEVEL 0x8bu
#define MSR_MTRR_CAP 0xfeu
#define MSR_MCG_CAP 0x179u
#define MSR_MCG_STATUS 0x17au
#define MSR_DEBUG_CONTROL 0x1d9u
#define MSR_MTRR_VARIABLE 0x200u
#define MSR_MTRR_DEFAULT 0x2ffu
#define MSR_TSC_DEADLINE 0x6e0u
#define MSR_EFER 0xc0000080u
#define MSR_TSC_AUX 0xc0000103u
#define MSR_SYSCFG 0xc0010010u
#define MSR_HWCR 0xc0010015u
#define MSR_NB_CFG 0xc001001fu
#define MSR_INTERRUPT_PENDING 0xc0010055u
#define MSR_SMM_ADDRESS 0xc0010112u
#define MSR_SMM_MASK 0xc0010113u
#define MSR_DE_CFG 0xc0011029u

#define HWCR_TSC_FREQ_SEL 0x1000000u /* the TSC counts at the P0 rate */
#define HWCR_WRITABLE 0x1000d48ull   /* cache and debug switches that system software sets and that mean nothing here */
#define DE_CFG_LFENCE 0x2u           /* LFENCE is dispatch serialising */
#define PATCH_LEVEL 0x01000065u      /* "new": no guest then believes that it must load microcode */
#define MTRR_CAP (MTRR_VARIABLE | 0x500u) /* fixed ranges, write-combining */
#define MTRR_ENABLED_WRITE_BACK 0xc06u
#define EFER_WRITABLE (EFER_SCE | EFER_LME | EFER_NXE)

typedef bool reader(struct vm *vm, uint32_t msr, uint64_t *value);
typedef bool writer(struct vm *vm, uint32_t msr, uint64_t value);

struct msr_entry {
    uint32_t number;
    uint64_t fixed;  /* what it reads without a reader */
    reader *read;
    writer *write;   /* NULL: #GP */
};

void msr_reset(struct msr_state *s)
{
    memset(s, 0, sizeof *s);
    s->mtrr_default = MTRR_ENABLED_WRITE_BACK;
}

static bool write_ignored(struct vm *vm, uint32_t msr, uint64_t value)
{
    (void)vm, (void)msr, (void)value;
    return true;
}

static bool read_tsc(struct vm *vm, uint32_t msr, uint64_t *value)
{
    (void)msr;
    *value = vm_tsc(vm);
    return true;
}

static void set_tsc_offset(struct vm *vm, uint64_t offset)
{
    vm->tsc_offset = offset;
    vcpu_set(&vm->vcpu, W_TSC_OFFSET, VCPU_GROUP_TSC, offset);
}

static bool write_tsc(struct vm *vm, uint32_t msr, uint64_t value)
{
    (void)msr;
    set_tsc_offset(vm, value - host_tsc());
    return true;
}

/* What was added to the TSC since reset, by either register: exactly the offset (Intel SDM vol. 3, 18.17.3). Linux trusts an invariant
 * TSC without a watchdog where this register shows that nobody moved it. */
static bool read_tsc_adjust(struct vm *vm, uint32_t msr, uint64_t *value)
{
    (void)msr;
    *value = vm->tsc_offset;
    return true;
}

static bool write_tsc_adjust(struct vm *vm, uint32_t msr, uint64_t value)
{
    (void)msr;
    set_tsc_offset(vm, value);
    return true;
}

static bool read_tsc_aux(struct vm *vm, uint32_t msr, uint64_t *value)
{
    (void)msr;
    *value = vcpu_get(&vm->vcpu, W_TSC_AUX, VCPU_GROUP_TSC);
    return true;
}

static bool write_tsc_aux(struct vm *vm, uint32_t msr, uint64_t value)
{
    (void)msr;
    if (value >> 32)
        return false;
    vcpu_set(&vm->vcpu, W_TSC_AUX, VCPU_GROUP_TSC, value);
    return true;
}

static bool read_apic_base(struct vm *vm, uint32_t msr, uint64_t *value)
{
    (void)msr;
    *value = vm->lapic.base;
    return true;
}

static bool write_apic_base(struct vm *vm, uint32_t msr, uint64_t value)
{
    (void)msr;
    return lapic_write_base(&vm->lapic, value);
}

static bool read_deadline(struct vm *vm, uint32_t msr, uint64_t *value)
{
    (void)msr;
    *value = lapic_read_deadline(&vm->lapic);
    return true;
}

static bool write_deadline(struct vm *vm, uint32_t msr, uint64_t value)
{
    (void)msr;
    return lapic_write_deadline(&vm->lapic, value);
}

static bool read_efer(struct vm *vm, uint32_t msr, uint64_t *value)
{
    (void)msr;
    *value = vcpu_get(&vm->vcpu, W_EFER, VCPU_GROUP_CONTROL);
    return true;
}

/* LMA is the CPU's; LME may not change under paging (APM volume 2, 3.1.7); NXE only where CPUID offers it. */
static bool write_efer(struct vm *vm, uint32_t msr, uint64_t value)
{
    uint64_t old = vcpu_get(&vm->vcpu, W_EFER, VCPU_GROUP_CONTROL);

    (void)msr;
    if (value & ~(uint64_t)(EFER_WRITABLE | EFER_LMA))
        return false;
    if ((value & EFER_NXE) && !cpuid_has_nx(&vm->cpuid))
        return false;
    if (((value ^ old) & EFER_LME) && (vm->vcpu.words[W_CR0] & CR0_PG))
        return false;
    vcpu_set(&vm->vcpu, W_EFER, VCPU_GROUP_CONTROL, (old & ~(uint64_t)EFER_WRITABLE) | (value & EFER_WRITABLE));
    return true;
}

static bool memory_type_valid(uint64_t type) { return type < 8 && type != 2 && type != 3 && type != 7; }

static bool read_mtrr_default(struct vm *vm, uint32_t msr, uint64_t *value)
{
    (void)msr;
    *value = vm->msr.mtrr_default;
    return true;
}

static bool write_mtrr_default(struct vm *vm, uint32_t msr, uint64_t value)
{
    (void)msr;
    if ((value & ~0xcffull) || !memory_type_valid(value & 0xff))
        return false;
    vm->msr.mtrr_default = value;
    return true;
}

static bool write_mcg_status(struct vm *vm, uint32_t msr, uint64_t value)
{
    (void)msr;
    if (value & ~7ull)
        return false;
    vm->msr.mcg_status = value;
    return true;
}

static bool read_mcg_status(struct vm *vm, uint32_t msr, uint64_t *value)
{
    (void)msr;
    *value = vm->msr.mcg_status;
    return true;
}

static bool write_hwcr(struct vm *vm, uint32_t msr, uint64_t value)
{
    (void)vm, (void)msr;
    return !(value & ~(HWCR_WRITABLE | HWCR_TSC_FREQ_SEL));
}

static bool read_wall_clock(struct vm *vm, uint32_t msr, uint64_t *value)
{
    (void)msr;
    *value = vm->clock.wall;
    return true;
}

static bool write_wall_clock(struct vm *vm, uint32_t msr, uint64_t value)
{
    (void)msr;
    clock_write_wall(&vm->clock, &vm->memory, value, vm->epoch);
    return true;
}

static bool read_system_time(struct vm *vm, uint32_t msr, uint64_t *value)
{
    (void)msr;
    *value = vm->clock.system;
    return true;
}

static bool write_system_time(struct vm *vm, uint32_t msr, uint64_t value)
{
    (void)msr;
    clock_write_system(&vm->clock, &vm->memory, value, vm->tsc_hz);
    return true;
}

/* The allow-list, sorted by number. Besides these: the x2APIC's range and the MTRRs, below. */
static const struct msr_entry table[] = {
    {MSR_TSC, 0, read_tsc, write_tsc},
    {MSR_KVM_WALL_CLOCK, 0, read_wall_clock, write_wall_clock},
    {MSR_KVM_SYSTEM_TIME, 0, read_system_time, write_system_time},
    {MSR_APIC_BASE, 0, read_apic_base, write_apic_base},
    {MSR_TSC_ADJUST, 0, read_tsc_adjust, write_tsc_adjust},
    {MSR_PATCH_LEVEL, PATCH_LEVEL, NULL, write_ignored},
    {MSR_MTRR_CAP, MTRR_CAP, NULL, NULL},
    {MSR_MCG_CAP, 0, NULL, NULL}, /* machine checks exist, banks do not */
    {MSR_MCG_STATUS, 0, read_mcg_status, write_mcg_status},
    {MSR_DEBUG_CONTROL, 0, NULL, write_ignored}, /* no branch records are kept */
    {MSR_MTRR_DEFAULT, 0, read_mtrr_default, write_mtrr_default},
    {MSR_TSC_DEADLINE, 0, read_deadline, write_deadline},
    {MSR_KVM_WALL_CLOCK_NEW, 0, read_wall_clock, write_wall_clock},
    {MSR_KVM_SYSTEM_TIME_NEW, 0, read_system_time, write_system_time},
    {MSR_EFER, 0, read_efer, write_efer},
    {MSR_TSC_AUX, 0, read_tsc_aux, write_tsc_aux},
    {MSR_SYSCFG, 0, NULL, write_ignored},
    {MSR_HWCR, HWCR_TSC_FREQ_SEL, NULL, write_hwcr},
    {MSR_NB_CFG, 0, NULL, write_ignored},
    {MSR_INTERRUPT_PENDING, 0, NULL, write_ignored}, /* C1E is not used */
    {MSR_SMM_ADDRESS, 0, NULL, NULL}, /* there is no system management mode */
    {MSR_SMM_MASK, 0, NULL, NULL},
    {MSR_DE_CFG, DE_CFG_LFENCE, NULL, write_ignored},
};

static const struct msr_entry *find(uint32_t msr)
{
    unsigned low = 0, high = sizeof table / sizeof table[0];

    while (low < high) {
        unsigned middle = (low + high) / 2;

        if (table[middle].number == msr)
            return &table[middle];
        if (table[middle].number < msr)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* The place of an MTRR, or NULL. They are remembered and mean nothing: nested paging decides the memory types. */
static uint64_t *mtrr(struct msr_state *s, uint32_t msr)
{
    uint32_t variable = (msr - MSR_MTRR_VARIABLE) / 2;

    if (msr >= MSR_MTRR_VARIABLE && variable < MTRR_VARIABLE)
        return msr & 1 ? &s->mtrr_mask[variable] : &s->mtrr_base[variable];
    switch (msr) {
    case 0x250: return &s->mtrr_fixed[0];
    case 0x258: case 0x259: return &s->mtrr_fixed[1 + (msr - 0x258)];
    case 0x268: case 0x269: case 0x26a: case 0x26b: case 0x26c: case 0x26d: case 0x26e: case 0x26f:
        return &s->mtrr_fixed[3 + (msr - 0x268)];
    default: return NULL;
    }
}

static bool write_mtrr(uint64_t *place, uint32_t msr, uint64_t value)
{
    const uint64_t address = 0x000ffffffffff000ull;

    if (msr < 0x250) {
        if (value & ~(address | (msr & 1 ? 0x800u : 0xffu)))
            return false;
        if (!(msr & 1) && !memory_type_valid(value & 0xff))
            return false;
    } else {
        for (unsigned i = 0; i < 8; i++)
            if (!memory_type_valid(value >> 8 * i & 0xff))
                return false;
    }
    *place = value;
    return true;
}

bool msr_read(struct vm *vm, uint32_t msr, uint64_t *value)
{
    const struct msr_entry *entry;
    const uint64_t *place;

    if (msr >= LAPIC_MSR_FIRST && msr <= LAPIC_MSR_LAST)
        return lapic_read_msr(&vm->lapic, msr, vm_tsc(vm), value);
    entry = find(msr);
    if (entry) {
        *value = entry->fixed;
        return entry->read ? entry->read(vm, msr, value) : true;
    }
    place = mtrr(&vm->msr, msr);
    if (place)
        *value = *place;
    return place;
}

bool msr_write(struct vm *vm, uint32_t msr, uint64_t value)
{
    const struct msr_entry *entry;
    uint64_t *place;

    if (msr >= LAPIC_MSR_FIRST && msr <= LAPIC_MSR_LAST)
        return lapic_write_msr(&vm->lapic, msr, value, vm_tsc(vm));
    entry = find(msr);
    if (entry)
        return entry->write ? entry->write(vm, msr, value) : false;
    place = mtrr(&vm->msr, msr);
    return place && write_mtrr(place, msr, value);
}
