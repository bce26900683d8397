#include "vmm_fixture.h"
#include "loader.h"

/* Everything is always there. */
void vcpu_need(struct vcpu *v, uint32_t groups) { v->present |= groups; }

static void send(void *context, uint8_t byte)
{
    struct fixture *f = context;

    if (f->output_bytes < sizeof f->output - 1)
        f->output[f->output_bytes++] = (char)byte;
}

static struct fixture *fixture_of(struct vm *vm) { return (struct fixture *)((char *)vm - offsetof(struct fixture, vm)); }

static void console_read(struct vm *vm)
{
    struct fixture *f = fixture_of(vm);

    while (f->input && *f->input && uart_room(&vm->uart))
        uart_receive(&vm->uart, (uint8_t)*f->input++);
}

static void exit_code(struct vm *vm, uint32_t code)
{
    fixture_of(vm)->exit_code = code;
    fixture_of(vm)->exit_codes++;
}

static void test_hook(struct vm *vm, uint8_t value) { (void)vm, (void)value; }

/* A CPU that claims every feature. */
struct cpuid_regs fixture_cpuid(uint32_t leaf, uint32_t subleaf)
{
    switch (leaf) {
    case 0: return (struct cpuid_regs){0x20, 0x68747541, 0x444d4163, 0x69746e65};
    case 0x80000000: return (struct cpuid_regs){0x80000030, 0x68747541, 0x444d4163, 0x69746e65};
    case 0x80000008: return (struct cpuid_regs){0x00003934, ~0u, ~0u, ~0u};
    case 0xd:
        if (subleaf == 2)
            return (struct cpuid_regs){256, 576, 0, 0};
        return (struct cpuid_regs){~0u, ~0u, ~0u, ~0u};
    default: return (struct cpuid_regs){~0u, ~0u, ~0u, ~0u};
    }
}

int fixture_new(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);

    assert_non_null(f);
    f->config.magic = VM_CONFIG_MAGIC;
    f->config.memory = FIXTURE_MEMORY;
    f->vm.config = &f->config;
    f->vm.memory = (struct guest_memory){calloc(1, FIXTURE_MEMORY), FIXTURE_MEMORY};
    assert_non_null(f->vm.memory.base);
    f->vm.tsc_hz = 2500000000u;
    f->vm.uart.send = send;
    f->vm.uart.context = f;
    f->vm.console_read = console_read;
    f->vm.exit_code = exit_code;
    f->vm.test_hook = test_hook;
    pci_init(&f->vm);
    f->vm.lapic.bus = &f->vm.bus;
    f->vm.bus = (struct apic_bus){.own = &f->vm.lapic, .boxes = f->boxes, .count = 1};
    cpuid_init(&f->vm.cpuid, fixture_cpuid, f->vm.tsc_hz);
    vm_reset(&f->vm); /* without an image: devices only */
    loader_enter_64(&f->vm, 0x100000);
    *state = f;
    return 0;
}

int fixture_free(void **state)
{
    struct fixture *f = *state;

    free(f->vm.memory.base);
    free(f);
    return 0;
}

void fixture_code(struct fixture *f, const uint8_t *bytes, unsigned n)
{
    memcpy(f->vm.memory.base + 0x100000, bytes, n);
    f->vm.vcpu.words[W_RIP] = 0x100000;
}

void fixture_exit(struct fixture *f, enum vcpu_exit exit_class, uint64_t q1, uint64_t q2)
{
    struct vcpu *v = &f->vm.vcpu;

    v->exit_class = exit_class;
    v->exit_flags = exit_class | (v->words[W_CR8] & 0xf) << EXIT_CR8_SHIFT;
    if (v->words[W_RFLAGS] & RFLAGS_IF && !(v->words[W_INTERRUPT_STATE] & VCPU_SHADOW))
        v->exit_flags |= EXIT_INTERRUPTIBLE;
    v->exit_rip = v->words[W_RIP];
    v->qualification[0] = q1;
    v->qualification[1] = q2;
    v->present = VCPU_ALL_GROUPS;
    v->changed = 0;
    v->advance = 0;
    v->words[W_EVENT] = 0;
}

uint64_t event_vector(const struct fixture *f)
{
    uint64_t event = f->vm.vcpu.words[W_EVENT];

    return f->vm.vcpu.changed & VCPU_GROUP_EVENT && event & VCPU_EVENT_VALID ? event & 0xff : ~0ull;
}
