/* Page walks, memory-mapped devices, string I/O, event delivery: whole exits on a machine in memory. */
#include "vmm_fixture.h"
#include "emulate.h"
#include "exit.h"
#include "loader.h"

#define CODE(...) fixture_code(f, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))
#define BEYOND 0xd0000000ull /* reachable by the identity map, no RAM */

static uint64_t *word(struct fixture *f, uint64_t address) { return guest_memory_at(&f->vm.memory, address, 8); }

static enum vm_next nested(struct fixture *f, uint64_t address)
{
    fixture_exit(f, EXIT_NESTED, address, 1);
    return exit_handle(&f->vm);
}

static void room(void **state)
{
    struct fixture *f = *state;
    struct guest_memory big = {NULL, 0x140000000};

    assert_int_equal(guest_memory_room(&f->vm.memory, FIXTURE_MEMORY - 1), 1);
    assert_int_equal(guest_memory_room(&f->vm.memory, FIXTURE_MEMORY), 0);
    assert_int_equal(guest_memory_room(&f->vm.memory, VM_HOLE_END), 0);
    assert_null(guest_memory_at(&f->vm.memory, FIXTURE_MEMORY - 4, 8));
    assert_null(guest_memory_at(&f->vm.memory, ~0ull, 8));
    assert_null(guest_memory_at(&f->vm.memory, 0, 0));
    assert_null(guest_memory_at(&f->vm.memory, 0, ~0ull));
    assert_int_equal(guest_memory_room(&big, VM_HOLE_START - 1), 1);
    assert_int_equal(guest_memory_room(&big, VM_HOLE_START), 0);
    assert_int_equal(guest_memory_room(&big, VM_HOLE_END), 0x80000000);
    assert_int_equal(guest_memory_room(&big, 0x17fffffff), 1);
    assert_int_equal(guest_memory_room(&big, 0x180000000), 0);
}

static bool translate(struct fixture *f, uint64_t linear, unsigned access, uint64_t *physical, uint32_t *error)
{
    struct guest_fault fault = {0};
    bool good = guest_translate(&f->vm.memory, &f->vm.vcpu, linear, access, physical, &fault);

    *error = fault.error;
    return good;
}

/* 4-level tables at 0x200000: linear 0x7f0000000000 -> a 4 KiB page at 0x300000. */
#define LINEAR 0x7f0000000000ull
static uint64_t *tables(struct fixture *f, uint64_t leaf)
{
    f->vm.vcpu.words[W_CR3] = 0x200000;
    *word(f, 0x200000 + 254 * 8) = 0x201007;
    *word(f, 0x201000) = 0x202007;
    *word(f, 0x202000) = 0x203007;
    *word(f, 0x203000) = leaf;
    return word(f, 0x203000);
}

static void walks_with_rights(void **state)
{
    struct fixture *f = *state;
    struct vcpu *v = &f->vm.vcpu;
    uint64_t physical, *leaf = tables(f, 0x300001); /* present, read-only, supervisor */
    uint32_t error;

    assert_true(translate(f, LINEAR + 0x123, 0, &physical, &error));
    assert_int_equal(physical, 0x300123);
    assert_int_equal(*leaf, 0x300021); /* accessed */
    v->words[W_CR0] |= CR0_WP;
    assert_false(translate(f, LINEAR, GUEST_WRITE, &physical, &error));
    assert_int_equal(error, 3);
    v->words[W_CR0] &= ~(uint64_t)CR0_WP;
    assert_true(translate(f, LINEAR, GUEST_WRITE, &physical, &error));
    assert_int_equal(*leaf, 0x300061); /* dirty */
    v->words[W_SS] |= SEGMENT_WORD(0, 0x60, 0); /* privilege level 3 */
    assert_false(translate(f, LINEAR, 0, &physical, &error));
    assert_int_equal(error, 5);
    assert_true(translate(f, LINEAR, GUEST_SYSTEM, &physical, &error));
    *leaf = 0x300007;
    assert_true(translate(f, LINEAR, GUEST_WRITE, &physical, &error));
    v->words[W_SS] &= ~SEGMENT_WORD(0, 0x60, 0);
    v->words[W_CR4] |= CR4_SMAP;
    assert_false(translate(f, LINEAR, 0, &physical, &error));
    v->words[W_RFLAGS] |= RFLAGS_AC;
    assert_true(translate(f, LINEAR, 0, &physical, &error));
    *leaf = 0x8000000000300003;
    assert_false(translate(f, LINEAR, 0, &physical, &error)); /* NX is reserved without EFER.NXE */
    assert_int_equal(error, 9);
    v->words[W_EFER] |= EFER_NXE;
    assert_true(translate(f, LINEAR, 0, &physical, &error));
    assert_false(translate(f, LINEAR, GUEST_FETCH, &physical, &error));
    assert_int_equal(error, 0x11);
    *leaf = 0;
    assert_false(translate(f, LINEAR, 0, &physical, &error));
    assert_int_equal(error, 0);
}

static void walks_large_pages_and_bad_tables(void **state)
{
    struct fixture *f = *state;
    uint64_t physical;
    uint32_t error;

    tables(f, 0);
    *word(f, 0x202000) = 0x400083; /* 2 MiB */
    assert_true(translate(f, LINEAR + 0x12345, 0, &physical, &error));
    assert_int_equal(physical, 0x412345);
    *word(f, 0x201000) = 0x40000083; /* 1 GiB */
    assert_true(translate(f, LINEAR + 0x1234567, 0, &physical, &error));
    assert_int_equal(physical, 0x41234567);
    *word(f, 0x201000) = BEYOND | 7; /* a table where nothing is */
    assert_false(translate(f, LINEAR, 0, &physical, &error));
    assert_int_equal(error, 9);
    *word(f, 0x200000 + 254 * 8) = 0x201087; /* page size in the top level */
    assert_false(translate(f, LINEAR, 0, &physical, &error));
    f->vm.vcpu.words[W_CR3] = 0xffffffffff000;
    assert_false(translate(f, LINEAR, 0, &physical, &error));
}

static void walks_of_old_modes(void **state)
{
    struct fixture *f = *state;
    struct vcpu *v = &f->vm.vcpu;
    uint64_t physical;
    uint32_t error, entry;

    v->words[W_EFER] = 0;
    v->words[W_CR3] = 0x200020;
    *word(f, 0x200020 + 3 * 8) = 0x201001; /* PAE: pointers carry no rights */
    *word(f, 0x201000 + 511 * 8) = 0x6000e3;
    assert_true(translate(f, 0xffe01234, GUEST_WRITE, &physical, &error));
    assert_int_equal(physical, 0x601234);
    v->words[W_CR4] = CR4_PSE;
    v->words[W_CR3] = 0x210000;
    entry = 0x00800083;
    memcpy(guest_memory_at(&f->vm.memory, 0x210000 + 4, 4), &entry, 4);
    assert_true(translate(f, 0x00412345, 0, &physical, &error));
    assert_int_equal(physical, 0x812345);
    v->words[W_CR0] &= ~(uint64_t)CR0_PG;
    assert_true(translate(f, 0x100001234, 0, &physical, &error));
    assert_int_equal(physical, 0x1234);
}

static void ioapic_by_moves(void **state)
{
    struct fixture *f = *state;
    struct vcpu *v = &f->vm.vcpu;

    CODE(0x89, 0x03); /* mov [rbx],eax */
    v->words[W_RBX] = IOAPIC_MMIO;
    v->words[W_RAX] = 1;
    assert_int_equal(nested(f, IOAPIC_MMIO), VM_RESUME);
    assert_int_equal(v->advance, 2);
    CODE(0x8b, 0x4b, 0x10); /* mov ecx,[rbx+16] */
    v->words[W_RCX] = ~0ull;
    assert_int_equal(nested(f, IOAPIC_MMIO + 16), VM_RESUME);
    assert_int_equal(v->words[W_RCX], 0x170020);
    assert_int_equal(v->advance, 3);
    assert_int_equal(f->vm.counters[VMM_COUNT_MMIO_UNKNOWN], 0);
}

static void nothing_reads_as_ones(void **state)
{
    struct fixture *f = *state;
    struct vcpu *v = &f->vm.vcpu;

    v->words[W_RBX] = BEYOND;
    CODE(0x48, 0x8b, 0x03);
    nested(f, BEYOND);
    assert_true(v->words[W_RAX] == ~0ull);
    v->words[W_RAX] = 0x1234;
    CODE(0x8a, 0x23); /* mov ah,[rbx] */
    nested(f, BEYOND);
    assert_int_equal(v->words[W_RAX], 0xff34);
    CODE(0x0f, 0xb6, 0x03); /* movzx eax,byte */
    nested(f, BEYOND);
    assert_int_equal(v->words[W_RAX], 0xff);
    CODE(0x48, 0x0f, 0xbf, 0x03); /* movsx rax,word */
    nested(f, BEYOND);
    assert_true(v->words[W_RAX] == ~0ull);
    CODE(0x80, 0x3b, 0xff); /* cmp byte [rbx],0xff */
    nested(f, BEYOND);
    assert_true(v->words[W_RFLAGS] & 0x40);
    CODE(0x83, 0x23, 0x0f); /* and dword [rbx],15 */
    nested(f, BEYOND);
    assert_int_equal(v->words[W_RFLAGS] & 0x8d5, 0x04);
    CODE(0x87, 0x03); /* xchg [rbx],eax */
    nested(f, BEYOND);
    assert_int_equal(v->words[W_RAX], 0xffffffff);
    assert_int_equal(v->advance, 2);
    assert_true(f->vm.counters[VMM_COUNT_MMIO_UNKNOWN] >= 8);
    v->words[W_RBX] = LAPIC_MMIO; /* x2APIC mode: nobody there */
    CODE(0x8b, 0x03);
    nested(f, LAPIC_MMIO);
    assert_int_equal(v->words[W_RAX], 0xffffffff);
}

static void string_moves(void **state)
{
    struct fixture *f = *state;
    struct vcpu *v = &f->vm.vcpu;

    CODE(0xf3, 0xa4); /* rep movsb from nowhere to RAM */
    v->words[W_RSI] = BEYOND;
    v->words[W_RDI] = 0x300000;
    v->words[W_RCX] = 304;
    nested(f, BEYOND);
    assert_int_equal(v->words[W_RCX], 48); /* a batch; the instruction goes on */
    assert_int_equal(v->advance, 0);
    nested(f, BEYOND);
    assert_int_equal(v->words[W_RCX], 0);
    assert_int_equal(v->advance, 2);
    assert_int_equal(*word(f, 0x300000 + 304 - 8), ~0ull);
    assert_int_equal(*word(f, 0x300000 + 304), 0);
}

static void what_cannot_be_done_stops(void **state)
{
    struct fixture *f = *state;

    f->vm.vcpu.words[W_RBX] = BEYOND;
    CODE(0x0f, 0xae, 0x03); /* fxsave */
    assert_int_equal(nested(f, BEYOND), VM_STOP);
    assert_non_null(strstr(f->vm.reason, "not memory"));
    fixture_exit(f, EXIT_NESTED, BEYOND, 4 | 1);
    assert_int_equal(exit_handle(&f->vm), VM_STOP);
    assert_non_null(strstr(f->vm.reason, "jumped to 0xd0000000"));
    fixture_exit(f, EXIT_NESTED, BEYOND, 0x10);
    assert_int_equal(exit_handle(&f->vm), VM_STOP);
    fixture_exit(f, EXIT_NESTED, BEYOND, 1);
    f->vm.vcpu.exit_flags |= EXIT_EVENT_PENDING;
    assert_int_equal(exit_handle(&f->vm), VM_STOP);
}

static enum vm_next port(struct fixture *f, unsigned number, bool in, unsigned bytes, bool string, bool repeat)
{
    fixture_exit(f, EXIT_PORT, number | (uint64_t)in << 16 | bytes << 17 | (uint64_t)string << 20 | (uint64_t)repeat << 21, 0);
    fixture_exit_length(&f->vm.vcpu, 2);
    return exit_handle(&f->vm);
}

static void plain_ports(void **state)
{
    struct fixture *f = *state;
    struct vcpu *v = &f->vm.vcpu;

    v->words[W_RAX] = 0x1122334455667788;
    assert_int_equal(port(f, 0x3fd, true, 1, false, false), VM_RESUME);
    assert_int_equal(v->words[W_RAX], 0x1122334455667760);
    port(f, 0x9999, true, 2, false, false);
    assert_int_equal(v->words[W_RAX], 0x112233445566ffff);
    port(f, 0x9999, true, 4, false, false);
    assert_int_equal(v->words[W_RAX], 0xffffffff);
    v->words[W_RAX] = 'x';
    port(f, 0x3f8, false, 1, false, false);
    assert_string_equal(f->output, "x");
    assert_int_equal(v->changed, 0);
    assert_int_equal(v->advance, 2);
}

static void string_ports(void **state)
{
    struct fixture *f = *state;
    struct vcpu *v = &f->vm.vcpu;

    memcpy(word(f, 0x300ff8), "hello, world", 12);
    CODE(0xf3, 0x6e); /* rep outsb */
    v->words[W_RSI] = 0x300ff8;
    v->words[W_RCX] = 12;
    v->words[W_RDX] = 0x3f8;
    assert_int_equal(port(f, 0x3f8, false, 1, true, true), VM_RESUME);
    assert_string_equal(f->output, "hello, world");
    assert_int_equal(v->words[W_RSI], 0x301004);
    assert_int_equal(v->advance, 2);
    CODE(0xf3, 0x6d); /* rep insd, backwards */
    v->words[W_RFLAGS] |= RFLAGS_DF;
    v->words[W_RDI] = 0x300100;
    v->words[W_RCX] = 3;
    assert_int_equal(port(f, 0x1000, true, 4, true, true), VM_RESUME);
    assert_int_equal(v->words[W_RDI], 0x300100 - 12);
    assert_true(*word(f, 0x3000f8) == ~0ull);
    assert_int_equal((uint32_t)*word(f, 0x300100), 0xffffffff);
    assert_int_equal(*word(f, 0x3000f0), 0);
    v->words[W_RFLAGS] &= ~(uint64_t)RFLAGS_DF;
    v->words[W_RCX] = 0;
    assert_int_equal(port(f, 0x1000, true, 4, true, true), VM_RESUME);
    assert_int_equal(v->advance, 2);
    CODE(0x6e); /* one element; the page is not there */
    v->words[W_RSI] = 0x8000000000;
    assert_int_equal(port(f, 0x3f8, false, 1, true, false), VM_RESUME);
    assert_int_equal(event_vector(f), VECTOR_PF);
    assert_int_equal(v->words[W_CR2], 0x8000000000);
    assert_int_equal(v->advance, 0);
    v->words[W_RSI] = 0x800000000000; /* not canonical */
    assert_int_equal(port(f, 0x3f8, false, 1, true, false), VM_RESUME);
    assert_int_equal(event_vector(f), VECTOR_GP);
    CODE(0x6c); /* not what the exit says */
    assert_int_equal(port(f, 0x3f8, false, 1, true, false), VM_STOP);
}

static void string_port_that_ends_the_run(void **state)
{
    struct fixture *f = *state;

    CODE(0xf3, 0x6e);
    *word(f, 0x300000) = 0x0706050403020107;
    f->vm.vcpu.words[W_RSI] = 0x300000;
    f->vm.vcpu.words[W_RCX] = 8;
    assert_int_equal(port(f, 0xf4, false, 1, true, true), VM_POWER_OFF);
    assert_int_equal(f->exit_codes, 1);
    assert_int_equal(f->exit_code, 7);
}

static void interrupts_go_in_when_possible(void **state)
{
    struct fixture *f = *state;
    struct vcpu *v = &f->vm.vcpu;

    lapic_write_msr(&f->vm.lapic, 0x80f, 0x1ff, 0);
    lapic_deliver(&f->vm.lapic, 0, 0x45, false);
    fixture_exit(f, EXIT_WINDOW, 0, 0);
    exit_finish(&f->vm); /* interrupts are off: a window is asked for */
    assert_int_equal(v->words[W_EVENT], 0);
    assert_int_equal(v->words[W_INTERRUPT_STATE], VCPU_WINDOW | 4 << VCPU_WINDOW_PRIORITY_SHIFT);
    v->words[W_RFLAGS] |= RFLAGS_IF;
    fixture_exit(f, EXIT_WINDOW, 0, 0);
    v->words[W_INTERRUPT_STATE] |= VCPU_SHADOW;
    exit_finish(&f->vm); /* in a shadow */
    assert_int_equal(v->words[W_EVENT], 0);
    fixture_exit(f, EXIT_WINDOW, 0, 0);
    v->exit_flags |= 5u << EXIT_CR8_SHIFT;
    assert_int_equal(exit_handle(&f->vm), VM_RESUME);
    exit_finish(&f->vm); /* task priority */
    assert_int_equal(v->words[W_EVENT], 0);
    v->words[W_INTERRUPT_STATE] = VCPU_SHADOW;
    fixture_exit(f, EXIT_CPUID, 0, 0);
    fixture_exit_length(v, 2);
    assert_int_equal(exit_handle(&f->vm), VM_RESUME);
    exit_finish(&f->vm); /* the instruction's end ends the shadow */
    assert_int_equal(event_vector(f), 0x45);
    assert_int_equal(v->words[W_INTERRUPT_STATE], 0);
    assert_int_equal(lapic_candidate(&f->vm.lapic), -1);
}

static void an_exception_goes_first(void **state)
{
    struct fixture *f = *state;
    struct vcpu *v = &f->vm.vcpu;

    lapic_write_msr(&f->vm.lapic, 0x80f, 0x1ff, 0);
    lapic_deliver(&f->vm.lapic, 0, 0x45, false);
    v->words[W_RFLAGS] |= RFLAGS_IF;
    fixture_exit(f, EXIT_VIRT, 0x80, 0);
    assert_int_equal(exit_handle(&f->vm), VM_RESUME);
    exit_finish(&f->vm);
    assert_int_equal(event_vector(f), VECTOR_UD);
    assert_true(v->words[W_INTERRUPT_STATE] & VCPU_WINDOW);
    assert_int_equal(lapic_candidate(&f->vm.lapic), 0x45);
}

static void task_priority_through_either_door(void **state)
{
    struct fixture *f = *state;
    struct vcpu *v = &f->vm.vcpu;

    fixture_exit(f, EXIT_MSR, 0x808, 1);
    fixture_exit_length(v, 2);
    v->words[W_RAX] = 0x60;
    v->words[W_RDX] = 0;
    assert_int_equal(exit_handle(&f->vm), VM_RESUME);
    exit_finish(&f->vm);
    assert_int_equal(v->words[W_CR8], 6);
    assert_true(v->changed & VCPU_GROUP_CONTROL);
    v->words[W_CR8] = 2; /* the guest writes CR8 without an exit */
    fixture_exit(f, EXIT_MSR, 0x808, 0);
    fixture_exit_length(v, 2);
    assert_int_equal(exit_handle(&f->vm), VM_RESUME);
    assert_int_equal(v->words[W_RAX], 0x20);
}

static void halting(void **state)
{
    struct fixture *f = *state;
    struct vcpu *v = &f->vm.vcpu;

    CODE(0xf4);
    fixture_exit(f, EXIT_HLT, 0, 0);
    assert_int_equal(exit_handle(&f->vm), VM_STOP);
    assert_string_equal(f->vm.reason, "halted with interrupts off");
    v->words[W_RFLAGS] |= RFLAGS_IF;
    fixture_exit(f, EXIT_HLT, 0, 0);
    assert_int_equal(exit_handle(&f->vm), VM_WAIT);
    assert_int_equal(v->advance, 1);
    lapic_write_msr(&f->vm.lapic, 0x80f, 0x1ff, 0);
    lapic_deliver(&f->vm.lapic, 0, 0x45, false);
    v->words[W_INTERRUPT_STATE] = VCPU_SHADOW; /* sti; hlt */
    fixture_exit(f, EXIT_HLT, 0, 0);
    assert_int_equal(exit_handle(&f->vm), VM_RESUME);
    exit_finish(&f->vm);
    assert_int_equal(event_vector(f), 0x45);
}

static void lengths(void **state)
{
    struct fixture *f = *state;
    static const uint8_t cpuid[] = {0x0f, 0xa2};

    CODE(0x0f, 0xa2, 0x66, 0x0f, 0xa2);
    fixture_exit(f, EXIT_CPUID, 0, 0);
    assert_int_equal(instruction_length(&f->vm, cpuid, 2), 2);
    assert_int_equal(f->vm.code_pages[0].linear, 0x100000);
    assert_int_equal(instruction_length(&f->vm, cpuid, 2), 2);
    f->vm.vcpu.words[W_RIP] += 2;
    fixture_exit(f, EXIT_CPUID, 0, 0);
    assert_int_equal(instruction_length(&f->vm, cpuid, 2), 3);
    CODE(0x0f, 0x01, 0xd1, 0x0f, 0xa2); /* the page is known now: all bytes of the encoding count */
    for (unsigned i = 0; i < 2; i++) {
        f->vm.vcpu.words[W_CR4] |= CR4_OSXSAVE;
        f->vm.vcpu.words[W_RAX] = 1;
        f->vm.vcpu.words[W_RCX] = f->vm.vcpu.words[W_RDX] = 0;
        fixture_exit(f, EXIT_XSETBV, 0, 0);
        assert_int_equal(exit_handle(&f->vm), VM_RESUME);
        assert_int_equal(f->vm.vcpu.advance, 3);
    }
    fixture_exit_length(&f->vm.vcpu, 7);
    assert_int_equal(instruction_length(&f->vm, cpuid, 2), 7);
}

static void control_registers(void **state)
{
    struct fixture *f = *state;
    struct vcpu *v = &f->vm.vcpu;

    CODE(0x0f, 0x22, 0xc0); /* mov cr0,rax */
    v->words[W_RAX] = CR0_PG | CR0_PE | CR0_ET | CR0_CD | CR0_NW | CR0_TS;
    fixture_exit(f, EXIT_CONTROL, 0, 1);
    assert_int_equal(exit_handle(&f->vm), VM_RESUME);
    assert_int_equal(v->words[W_CR0], CR0_PG | CR0_PE | CR0_ET | CR0_TS);
    assert_int_equal(v->advance, 3);
    v->words[W_RAX] = CR0_PG;
    fixture_exit(f, EXIT_CONTROL, 0, 1);
    assert_int_equal(exit_handle(&f->vm), VM_RESUME);
    assert_int_equal(event_vector(f), VECTOR_GP);
    CODE(0x0f, 0x06); /* clts */
    fixture_exit(f, EXIT_CONTROL, 0, 9);
    assert_int_equal(exit_handle(&f->vm), VM_RESUME);
    assert_false(v->words[W_CR0] & CR0_TS);
    CODE(0x0f, 0x22, 0xe0); /* mov cr4,rax */
    fixture_exit(f, EXIT_CONTROL, 4, 1);
    assert_int_equal(exit_handle(&f->vm), VM_RESUME);
    assert_int_equal(event_vector(f), VECTOR_GP);
    CODE(0x0f, 0x23, 0xf8); /* mov dr7,rax */
    v->words[W_RAX] = 0x401;
    fixture_exit(f, EXIT_DEBUG_REG, 7, 1);
    assert_int_equal(exit_handle(&f->vm), VM_RESUME);
    assert_int_equal(v->words[W_DR7], 0x401);
    CODE(0x0f, 0x21, 0xe1); /* mov rcx,dr4: dr6 */
    fixture_exit(f, EXIT_DEBUG_REG, 4, 0);
    assert_int_equal(exit_handle(&f->vm), VM_RESUME);
    assert_int_equal(v->words[W_RCX], 0xffff0ff0);
}

static void extended_states(void **state)
{
    static const struct {
        uint64_t value;
        bool good;
    } tries[] = {{1, true}, {3, true}, {7, true}, {0, false}, {5, false}, {15, false}, {1ull << 63 | 1, false}};
    struct fixture *f = *state;
    struct vcpu *v = &f->vm.vcpu;

    CODE(0x0f, 0x01, 0xd1);
    v->words[W_RCX] = 0;
    fixture_exit(f, EXIT_XSETBV, 0, 0);
    assert_int_equal(exit_handle(&f->vm), VM_RESUME);
    assert_int_equal(event_vector(f), VECTOR_UD); /* CR4.OSXSAVE is off */
    v->words[W_CR4] |= CR4_OSXSAVE;
    for (unsigned i = 0; i < sizeof tries / sizeof tries[0]; i++) {
        v->words[W_RAX] = (uint32_t)tries[i].value;
        v->words[W_RDX] = tries[i].value >> 32;
        fixture_exit(f, EXIT_XSETBV, 0, 0);
        assert_int_equal(exit_handle(&f->vm), VM_RESUME);
        assert_int_equal(event_vector(f) == VECTOR_GP, !tries[i].good);
        if (tries[i].good)
            assert_int_equal(v->words[W_XCR0], tries[i].value);
    }
}

static void every_exit_class_ends(void **state)
{
    struct fixture *f = *state;

    for (unsigned exit_class = 0; exit_class < 300; exit_class++)
        for (unsigned q = 0; q < 64; q++) {
            fixture_exit(f, (enum vcpu_exit)exit_class, q * 0x100000004000001ull, q);
            f->vm.vcpu.words[W_RIP] = q * 0x1234567;
            exit_handle(&f->vm);
            exit_finish(&f->vm);
        }
}

static void calls_and_shutdown(void **state)
{
    struct fixture *f = *state;

    CODE(0x0f, 0x01, 0xd9);
    fixture_exit(f, EXIT_CALL, 0, 0);
    assert_int_equal(exit_handle(&f->vm), VM_RESUME);
    assert_true((int64_t)f->vm.vcpu.words[W_RAX] == -1000);
    assert_int_equal(f->vm.vcpu.advance, 3);
    fixture_exit(f, EXIT_SHUTDOWN, 0, 0);
    assert_int_equal(exit_handle(&f->vm), VM_STOP);
    assert_string_equal(f->vm.reason, "triple fault");
}

#define T(name) cmocka_unit_test_setup_teardown(name, fixture_new, fixture_free)
/* Behind an instruction that was done in software comes the trap of single step; not behind one that raised an exception. */
static void single_step(void **state)
{
    struct fixture *f = *state;
    struct vcpu *v = &f->vm.vcpu;

    CODE(0x0f, 0xa2); /* cpuid */
    fixture_exit(f, EXIT_CPUID, 0, 0);
    v->exit_flags |= EXIT_STEPPING;
    assert_int_equal(exit_handle(&f->vm), VM_RESUME);
    exit_finish(&f->vm);
    assert_int_equal(v->advance, 2);
    assert_int_equal(event_vector(f), VECTOR_DB);
    assert_int_equal(v->words[W_DR6] & DR6_STEP, DR6_STEP);
    fixture_exit(f, EXIT_XSETBV, 0, 0); /* #UD */
    v->exit_flags |= EXIT_STEPPING;
    exit_handle(&f->vm);
    exit_finish(&f->vm);
    assert_int_equal(event_vector(f), VECTOR_UD);
    CODE(0xf3, 0x6e); /* rep outsb: element by element */
    v->words[W_RCX] = 2;
    v->words[W_RSI] = 0x200000;
    for (unsigned left = 2; left--;) {
        fixture_exit(f, EXIT_PORT, 0x80 | 1 << 17 | 1 << 20 | 1 << 21, 0);
        v->exit_flags |= EXIT_STEPPING;
        v->element_done = false;
        exit_handle(&f->vm);
        exit_finish(&f->vm);
        assert_int_equal(v->words[W_RCX], left);
        assert_int_equal(v->advance, left ? 0 : 2);
        assert_int_equal(event_vector(f), VECTOR_DB);
    }
}

static void nmis(void **state)
{
    struct fixture *f = *state;
    struct vcpu *v = &f->vm.vcpu;

    CODE(0x0f, 0xa2);
    f->vm.lapic.nmi_pending = true;
    fixture_exit(f, EXIT_CPUID, 0, 0);
    exit_handle(&f->vm);
    exit_finish(&f->vm);
    assert_int_equal(v->words[W_EVENT], VCPU_EVENT_VALID | VCPU_EVENT_NMI | 2);
    assert_int_equal(v->words[W_INTERRUPT_STATE], VCPU_NMI_MASKED);
    f->vm.lapic.nmi_pending = true; /* in the handler of the first */
    fixture_exit(f, EXIT_CPUID, 0, 0);
    exit_handle(&f->vm);
    exit_finish(&f->vm);
    assert_int_equal(event_vector(f), ~0ull);
    assert_int_equal(v->words[W_INTERRUPT_STATE], VCPU_NMI_MASKED | VCPU_NMI_WINDOW);
    assert_true(f->vm.lapic.nmi_pending);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(room), T(walks_with_rights), T(walks_large_pages_and_bad_tables), T(walks_of_old_modes), T(ioapic_by_moves), T(nothing_reads_as_ones),
        T(string_moves), T(what_cannot_be_done_stops), T(plain_ports), T(string_ports), T(string_port_that_ends_the_run),
        T(interrupts_go_in_when_possible), T(an_exception_goes_first), T(task_priority_through_either_door), T(halting), T(lengths),
        T(control_registers), T(extended_states), T(every_exit_class_ends), T(calls_and_shutdown), T(single_step), T(nmis),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
