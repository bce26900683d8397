#include <stdarg.h>
#include "loader.h"
#include "lib.h"

#define PAGE 4096u
#define ENTRY_PRESENT_WRITE 0x3u
#define ENTRY_LARGE 0x80u
#define SELECTOR_CODE 0x10 /* the Linux protocol's __BOOT_CS and __BOOT_DS */
#define SELECTOR_DATA 0x18
#define SELECTOR_TSS 0x20
/* Attributes: present, code or data segment, granularity 4 KiB, accessed. */
#define CODE_64 0xa9b
#define CODE_32 0xc9b
#define DATA_32 0xc93
#define TSS_BUSY 0x8b
#define LDT_PRESENT 0x82
#define CODE_REAL 0x9b
#define DATA_REAL 0x93
#define PAT_RESET 0x0007040600070406ull
#define DR6_RESET 0xffff0ff0ull
#define DR7_RESET 0x400ull

uint64_t loader_low_end(const struct vm *vm)
{
    return vm->memory.bytes < VM_HOLE_START ? vm->memory.bytes : VM_HOLE_START;
}

unsigned loader_memory_map(const struct vm *vm, struct memory_range ranges[LOADER_RANGES])
{
    uint64_t low = loader_low_end(vm);
    unsigned n = 0;

    ranges[n++] = (struct memory_range){0, LOADER_LOW_END, true};
    ranges[n++] = (struct memory_range){LOADER_LOW_END, LOADER_HIGH_START - LOADER_LOW_END, false};
    ranges[n++] = (struct memory_range){LOADER_HIGH_START, low - LOADER_HIGH_START, true};
    if (vm->memory.bytes > low)
        ranges[n++] = (struct memory_range){VM_HOLE_END, vm->memory.bytes - low, true};
    return n;
}

bool loader_refuse(struct vm *vm, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    text_vformat(vm->reason, sizeof vm->reason, format, arguments);
    va_end(arguments);
    return false;
}

bool loader_place_initrd(struct vm *vm, uint64_t floor, uint64_t limit, uint64_t *address)
{
    uint64_t bytes = vm->config->initrd_size, low = loader_low_end(vm);

    if (limit > low)
        limit = low;
    if (bytes > limit || ((limit - bytes) & ~(uint64_t)(PAGE - 1)) < floor)
        return loader_refuse(vm, "initrd file: its %lu bytes do not fit beside the kernel: give the VM more memory", bytes);
    *address = (limit - bytes) & ~(uint64_t)(PAGE - 1);
    memcpy(guest_memory_at(&vm->memory, *address, bytes), vm->initrd, bytes);
    return true;
}

/* What firmware has at the CPU's reset vector. Software that wants a reset may jump there in real mode: Linux does so last of
 * all, and first of all where ACPI is hardware-reduced and there is no EFI. */
void loader_write_reset_vector(struct vm *vm)
{
    static const uint8_t code[] = {
        0xba, 0xf9, 0x0c, /* mov dx,0cf9h */
        0xb0, 0x06,       /* mov al,6 */
        0xee,             /* out dx,al */
        0xeb, 0xfe,       /* jmp to itself */
    };

    memcpy(guest_memory_at(&vm->memory, LOADER_RESET_VECTOR, sizeof code), code, sizeof code);
}

static void segment(struct vcpu *v, enum vcpu_word word, unsigned selector, unsigned attributes, uint32_t limit)
{
    v->words[word] = SEGMENT_WORD(selector, attributes, limit);
    v->words[word + 1] = 0;
}

/* GDT entry with base 0 and limit 4 GiB out of VMCB attributes (bits 7..0 and 11..8 lie apart in a descriptor). */
static uint64_t descriptor(unsigned attributes)
{
    return 0x000f00000000ffffull | (uint64_t)(attributes & 0xff) << 40 | (uint64_t)(attributes >> 8 & 0xf) << 52;
}

static void enter(struct vm *vm, uint64_t rip, unsigned code)
{
    struct vcpu *v = &vm->vcpu;
    const uint64_t gdt[4] = {0, 0, descriptor(code), descriptor(DATA_32)};
    static const uint8_t data[5] = {W_ES, W_SS, W_DS, W_FS, W_GS};

    memset(v, 0, sizeof *v);
    memcpy(guest_memory_at(&vm->memory, LOADER_GDT, sizeof gdt), gdt, sizeof gdt);
    segment(v, W_CS, SELECTOR_CODE, code, 0xffffffffu);
    for (unsigned i = 0; i < 5; i++)
        segment(v, data[i], SELECTOR_DATA, DATA_32, 0xffffffffu);
    segment(v, W_TR, SELECTOR_TSS, TSS_BUSY, 0xffff);
    v->words[W_GDTR_BASE] = LOADER_GDT;
    v->words[W_GDTR_LIMIT] = sizeof gdt - 1;
    v->words[W_RIP] = rip;
    v->words[W_RFLAGS] = RFLAGS_FIXED;
    v->words[W_CR0] = CR0_PE | CR0_ET;
    v->words[W_XCR0] = 1;
    v->words[W_DR6] = DR6_RESET;
    v->words[W_DR7] = DR7_RESET;
    v->words[W_PAT] = PAT_RESET;
    v->words[W_TSC_OFFSET] = vm->tsc_offset;
    v->present = v->changed = VCPU_ALL_GROUPS;
}

/* AMD APM volume 2, table 14-1, and 16.5 for the start-up IPI: real mode at the page that the vector names. */
void loader_enter_real(struct vm *vm, unsigned page)
{
    struct vcpu *v = &vm->vcpu;
    static const uint8_t data[5] = {W_ES, W_SS, W_DS, W_FS, W_GS};
    uint64_t tsc_aux = vcpu_get(v, W_TSC_AUX, VCPU_GROUP_TSC);

    memset(v->words, 0, sizeof v->words);
    segment(v, W_CS, page << 8, CODE_REAL, 0xffff);
    v->words[W_CS_BASE] = (uint64_t)page << 12;
    for (unsigned i = 0; i < 5; i++)
        segment(v, data[i], 0, DATA_REAL, 0xffff);
    segment(v, W_LDTR, 0, LDT_PRESENT, 0xffff);
    segment(v, W_TR, 0, TSS_BUSY, 0xffff);
    v->words[W_GDTR_LIMIT] = v->words[W_IDTR_LIMIT] = 0xffff;
    v->words[W_RFLAGS] = RFLAGS_FIXED;
    v->words[W_CR0] = CR0_CD | CR0_NW | CR0_ET;
    v->words[W_XCR0] = 1;
    v->words[W_DR6] = DR6_RESET;
    v->words[W_DR7] = DR7_RESET;
    v->words[W_PAT] = PAT_RESET;
    v->words[W_TSC_OFFSET] = vm->tsc_offset;
    v->words[W_TSC_AUX] = tsc_aux;
    v->advance = 0;
    v->present = v->changed = VCPU_ALL_GROUPS;
}

void loader_enter_32(struct vm *vm, uint32_t rip) { enter(vm, rip, CODE_32); }

void loader_enter_64(struct vm *vm, uint64_t rip)
{
    uint64_t *pml4 = guest_memory_at(&vm->memory, LOADER_TABLES, 6 * PAGE), *pdpt = pml4 + 512, *pd = pdpt + 512;

    pml4[0] = (LOADER_TABLES + PAGE) | ENTRY_PRESENT_WRITE;
    for (uint64_t i = 0; i < 4; i++)
        pdpt[i] = (LOADER_TABLES + (2 + i) * PAGE) | ENTRY_PRESENT_WRITE;
    for (uint64_t i = 0; i < 4 * 512; i++)
        pd[i] = i << 21 | ENTRY_LARGE | ENTRY_PRESENT_WRITE;
    enter(vm, rip, CODE_64);
    vm->vcpu.words[W_CR0] |= CR0_PG;
    vm->vcpu.words[W_CR3] = LOADER_TABLES;
    vm->vcpu.words[W_CR4] = CR4_PAE;
    vm->vcpu.words[W_EFER] = EFER_LME | EFER_LMA;
}
