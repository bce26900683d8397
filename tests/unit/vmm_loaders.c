/* Image loaders and ACPI tables: a good image is placed as promised, a bad one refused with a sentence, and nothing is read
 * beyond the file or written beyond RAM. */
#include "vmm_fixture.h"
#include "acpi.h"
#include "linux.h"
#include "loader.h"
#include "multiboot.h"

#define SETUP 0x600u   /* two setup sectors and the first one */
#define PAYLOAD 0x8000u
#define FILE_BYTES (SETUP + PAYLOAD)

static void put(uint8_t *file, unsigned offset, uint64_t value, unsigned bytes) { memcpy(file + offset, &value, bytes); }

/* A file in memory of exactly its size, so that the sanitizer sees a read behind it. */
static void give(struct fixture *f, const void *bytes, size_t n)
{
    uint8_t *copy = malloc(n ? n : 1);

    assert_non_null(copy);
    memcpy(copy, bytes, n);
    free((void *)(uintptr_t)f->vm.kernel);
    f->vm.kernel = copy;
    f->config.kernel_size = n;
}

static int drop(void **state)
{
    struct fixture *f = *state;

    free((void *)(uintptr_t)f->vm.kernel);
    return fixture_free(state);
}

static uint8_t image[FILE_BYTES];
static const uint8_t *good_linux(void)
{
    memset(image, 0, sizeof image);
    for (unsigned i = SETUP; i < FILE_BYTES; i++)
        image[i] = (uint8_t)(i * 7);
    put(image, 0x1f1, 2, 1);
    put(image, 0x1f4, PAYLOAD / 16, 4);
    put(image, 0x1fe, 0xaa55, 2);
    put(image, 0x201, 0x66, 1);
    put(image, 0x202, 0x53726448, 4);
    put(image, 0x206, 0x20f, 2);
    put(image, 0x22c, 0x7fffffff, 4);
    put(image, 0x230, 0x200000, 4);
    put(image, 0x234, 1, 1);
    put(image, 0x236, 0x7f, 2);
    put(image, 0x238, 2047, 4);
    put(image, 0x258, 0x1000000, 8);
    put(image, 0x260, 0x200000, 4);
    return image;
}

static uint32_t read32(struct fixture *f, uint64_t address)
{
    uint32_t value;

    memcpy(&value, guest_memory_at(&f->vm.memory, address, 4), 4);
    return value;
}

static void linux_is_placed(void **state)
{
    struct fixture *f = *state;
    struct vcpu *v = &f->vm.vcpu;
    static const uint8_t initrd[5000] = {1, 2, 3};

    give(f, good_linux(), FILE_BYTES);
    f->vm.initrd = initrd;
    f->config.initrd_size = sizeof initrd;
    f->config.boot = VM_BOOT_LINUX;
    strcpy(f->config.cmdline, "console=ttyS0");
    assert_true(vm_reset(&f->vm));
    assert_memory_equal(f->vm.memory.base + 0x1000000, image + SETUP, PAYLOAD);
    assert_int_equal(v->words[W_RIP], 0x1000200);
    assert_int_equal(v->words[W_RSI], LOADER_INFO);
    assert_int_equal(v->words[W_EFER], EFER_LME | EFER_LMA);
    assert_int_equal(v->changed, VCPU_ALL_GROUPS);
    assert_int_equal(vcpu_code_bits(v), 64);
    assert_string_equal((char *)f->vm.memory.base + read32(f, LOADER_INFO + 0x228), "console=ttyS0");
    assert_int_equal(read32(f, LOADER_INFO + 0x218), FIXTURE_MEMORY - 0x2000);
    assert_int_equal(read32(f, LOADER_INFO + 0x21c), sizeof initrd);
    assert_memory_equal(f->vm.memory.base + FIXTURE_MEMORY - 0x2000, initrd, sizeof initrd);
    assert_int_equal(read32(f, LOADER_INFO + 0x70), ACPI_TABLES);
    assert_int_equal(f->vm.memory.base[LOADER_INFO + 0x1e8], 3);
    assert_int_equal(read32(f, LOADER_INFO + 0x2d0 + 40), 0x100000); /* third range */
    assert_int_equal(read32(f, LOADER_INFO + 0x2d0 + 48), FIXTURE_MEMORY - 0x100000);
    assert_int_equal(read32(f, LOADER_TABLES + 0x2000 + 8), 0x200083);
}

static const char *refusal(struct fixture *f, bool (*load)(struct vm *))
{
    f->vm.reason[0] = '\0';
    return load(&f->vm) ? "loaded" : f->vm.reason;
}

#define REFUSED(load, change, clause)                                  \
    do {                                                               \
        change;                                                        \
        const char *said = refusal(f, load);                           \
        if (!strstr(said, clause))                                     \
            fail_msg("%s: %s", #change, said);                         \
    } while (0)
#define BAD_LINUX(offset, value, bytes, clause) \
    REFUSED(linux_load, (good_linux(), put(image, offset, value, bytes), give(f, image, FILE_BYTES)), clause)

static void bad_linux_files(void **state)
{
    struct fixture *f = *state;
    static const uint8_t initrd[16];

    REFUSED(linux_load, give(f, good_linux(), FILE_BYTES), "loaded");
    REFUSED(linux_load, give(f, good_linux(), FILE_BYTES - 1), "kernel file: truncated: 34303 bytes instead of 34304");
    REFUSED(linux_load, give(f, good_linux(), 700), "kernel file: truncated: 700 bytes are too few");
    REFUSED(linux_load, give(f, "", 0), "truncated");
    BAD_LINUX(0x1fe, 0, 2, "no boot protocol header");
    BAD_LINUX(0x202, 0, 4, "no boot protocol header");
    BAD_LINUX(0x206, 0x205, 2, "boot protocol 2.05 is too old");
    BAD_LINUX(0x236, 0, 2, "not a 64-bit kernel");
    BAD_LINUX(0x201, 0x10, 1, "too short");
    BAD_LINUX(0x1f1, 255, 1, "truncated");
    BAD_LINUX(0x1f4, 0xffffffff, 4, "truncated");
    BAD_LINUX(0x1f4, 0, 4, "truncated");
    BAD_LINUX(0x260, 0x10000000, 4, "give it more memory");
    BAD_LINUX(0x260, 0xffffffff, 4, "give it more memory");
    BAD_LINUX(0x258, 0x7fffffffffffffff, 8, "loaded"); /* relocatable: it goes elsewhere */
    put(image, 0x234, 0, 1);
    REFUSED(linux_load, give(f, image, FILE_BYTES), "give it more memory");
    BAD_LINUX(0x230, 0x3, 4, "loaded"); /* odd alignment, preferred place is fine */
    BAD_LINUX(0x238, 3, 4, "loaded");
    strcpy(f->config.cmdline, "quiet");
    BAD_LINUX(0x238, 3, 4, "command line: longer than the 3 bytes");
    f->vm.initrd = initrd;
    f->config.initrd_size = 0x10000000;
    REFUSED(linux_load, give(f, good_linux(), FILE_BYTES), "initrd file:");
    f->config.initrd_size = 16;
    BAD_LINUX(0x22c, 0x1000, 4, "initrd file:");
}

static void any_linux_header(void **state)
{
    struct fixture *f = *state;
    uint64_t seed = 88172645463325252ull;

    for (unsigned round = 0; round < 20000; round++) {
        good_linux();
        for (unsigned i = 0; i < 3; i++) {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            image[0x1f1 + seed % 0x73] = (uint8_t)(seed >> 32);
        }
        give(f, image, FILE_BYTES);
        linux_load(&f->vm);
    }
}

/* -- Multiboot. ------------------------------------------------------------------------------------------------------- */

struct multiboot_file {
    uint8_t elf[52];
    struct {
        uint32_t type, offset, vaddr, paddr, filesz, memsz, flags, align;
    } segment[2];
    uint32_t header[8]; /* magic, flags, checksum, addresses */
    uint8_t code[64];
};

static struct multiboot_file good_elf(void)
{
    struct multiboot_file m = {.segment = {{1, offsetof(struct multiboot_file, header), 0xc0100000, 0x100000, 96, 96, 5, 4},
                                           {1, offsetof(struct multiboot_file, code), 0, 0x200000, 64, 0x5000, 6, 4}},
                               .header = {0x1badb002, 3, -(0x1badb002u + 3)}};
    static const uint16_t machine[] = {2, 3};

    memcpy(m.elf, "\177ELF\1\1\1", 7);
    memcpy(m.elf + 16, machine, 4);
    put(m.elf, 24, 0x100020, 4); /* entry */
    put(m.elf, 28, 52, 4);       /* program headers */
    put(m.elf, 42, 32, 2);
    put(m.elf, 44, 2, 2);
    memset(m.code, 0xcc, sizeof m.code);
    return m;
}

static struct multiboot_file good_addresses(void)
{
    struct multiboot_file m = {.header = {0x1badb002, 0x10003, -(0x1badb002u + 0x10003), 0, 0, 0, 0, 0}};

    m.header[3] = 0x100000 + offsetof(struct multiboot_file, header);
    m.header[4] = 0x100000;
    m.header[5] = 0x100000 + sizeof m;
    m.header[6] = 0x110000;
    m.header[7] = 0x100000 + offsetof(struct multiboot_file, code);
    return m;
}

static void multiboot_is_placed(void **state)
{
    struct fixture *f = *state;
    struct vcpu *v = &f->vm.vcpu;
    struct multiboot_file m = good_elf();
    static const uint8_t initrd[100] = {42};

    give(f, &m, sizeof m);
    f->vm.initrd = initrd;
    f->config.initrd_size = sizeof initrd;
    f->config.boot = VM_BOOT_MULTIBOOT;
    strcpy(f->config.cmdline, "seed=7");
    assert_true(vm_reset(&f->vm));
    assert_int_equal(v->words[W_RIP], 0x100020);
    assert_int_equal(v->words[W_RAX], 0x2badb002);
    assert_int_equal(v->words[W_RBX], LOADER_INFO);
    assert_int_equal(vcpu_code_bits(v), 32);
    assert_int_equal(read32(f, 0x100000), 0x1badb002);
    assert_memory_equal(f->vm.memory.base + 0x200000, m.code, 64);
    assert_int_equal(read32(f, LOADER_INFO), 0x24d);
    assert_int_equal(read32(f, LOADER_INFO + 8), (FIXTURE_MEMORY >> 10) - 1024);
    assert_string_equal((char *)f->vm.memory.base + read32(f, LOADER_INFO + 16), "seed=7");
    assert_int_equal(read32(f, LOADER_INFO + 20), 1);
    assert_int_equal(read32(f, read32(f, LOADER_INFO + 24)), FIXTURE_MEMORY - 0x1000);
    assert_int_equal(read32(f, LOADER_INFO + 44), 3 * 24);
    assert_int_equal(f->vm.memory.base[FIXTURE_MEMORY - 0x1000], 42);

    m = good_addresses();
    give(f, &m, sizeof m);
    assert_true(vm_reset(&f->vm));
    assert_memory_equal(f->vm.memory.base + 0x100000, &m, sizeof m);
    assert_int_equal(v->words[W_RIP], m.header[7]);
}

#define BAD_ELF(change, clause) REFUSED(multiboot_load, (m = good_elf(), change, give(f, &m, sizeof m)), clause)
#define BAD_ADDRESSES(change, clause) REFUSED(multiboot_load, (m = good_addresses(), change, give(f, &m, sizeof m)), clause)

static void bad_multiboot_files(void **state)
{
    struct fixture *f = *state;
    struct multiboot_file m;

    BAD_ELF((void)0, "loaded");
    REFUSED(multiboot_load, give(f, "", 0), "no multiboot header");
    REFUSED(multiboot_load, (m = good_elf(), give(f, &m, offsetof(struct multiboot_file, code))), "truncated: ELF segment 0");
    BAD_ELF(m.header[0] = 0, "no multiboot header");
    BAD_ELF(m.header[2]++, "no multiboot header");
    BAD_ELF((m.header[1] = 7, m.header[2] = -(0x1badb002u + 7)), "video mode");
    BAD_ELF((m.header[1] = 11, m.header[2] = -(0x1badb002u + 11)), "features that do not exist");
    BAD_ELF(m.elf[4] = 2, "neither a 32-bit ELF");
    BAD_ELF(put(m.elf, 42, 56, 2), "unusual ELF program headers");
    BAD_ELF(put(m.elf, 44, 65, 2), "unusual ELF program headers");
    BAD_ELF(put(m.elf, 44, 64, 2), "truncated inside its ELF program headers");
    BAD_ELF(put(m.elf, 28, 0xffffffff, 4), "truncated inside its ELF program headers");
    BAD_ELF(m.segment[0].offset = 0xfffffff0, "truncated: ELF segment 0");
    BAD_ELF(m.segment[1].filesz = 65, "truncated: ELF segment 1");
    BAD_ELF(m.segment[1].memsz = 63, "truncated: ELF segment 1");
    BAD_ELF(m.segment[1].paddr = 0x10000, "wants memory from 0x10000");
    BAD_ELF(m.segment[1].paddr = 0xffffff00, "wants memory from 0xffffff00");
    BAD_ELF(m.segment[1].memsz = 0xffffffff, "wants memory");
    BAD_ADDRESSES((void)0, "loaded");
    BAD_ADDRESSES(m.header[3] = 0, "contradict");
    BAD_ADDRESSES(m.header[4] = 0, "contradict");
    BAD_ADDRESSES(m.header[5] += 1, "truncated");
    BAD_ADDRESSES(m.header[5] = 0x90000, "truncated");
    BAD_ADDRESSES((m.header[5] = 0, m.header[6] = 0), "loaded");
    BAD_ADDRESSES(m.header[6] = 0x100001, "bss ends before");
    BAD_ADDRESSES(m.header[6] = 0xffffffff, "wants memory");
    m = good_addresses();
    REFUSED(multiboot_load, give(f, &m, offsetof(struct multiboot_file, header) + 20), "truncated inside its multiboot header");
}

static void any_multiboot_header(void **state)
{
    struct fixture *f = *state;
    uint64_t seed = 88172645463325252ull;

    for (unsigned round = 0; round < 20000; round++) {
        struct multiboot_file m = round & 1 ? good_elf() : good_addresses();
        unsigned where = round & 1 ? 0 : offsetof(struct multiboot_file, header) + 12, span = round & 1 ? 116 : 20;

        for (unsigned i = 0; i < 2; i++) {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            ((uint8_t *)&m)[where + seed % span] = (uint8_t)(seed >> 32);
        }
        give(f, &m, sizeof m);
        multiboot_load(&f->vm);
    }
}

static void small_and_large_machines(void **state)
{
    struct fixture *f = *state;
    struct memory_range ranges[LOADER_RANGES];

    f->config.boot = VM_BOOT_LINUX;
    give(f, good_linux(), FILE_BYTES);
    f->vm.memory.bytes = 0x100000;
    assert_false(vm_reset(&f->vm));
    assert_non_null(strstr(f->vm.reason, "too few"));
    f->vm.memory.bytes = 0x800000; /* the preferred place is beyond: relocated */
    assert_true(vm_reset(&f->vm));
    assert_int_equal(f->vm.vcpu.words[W_RIP], 0x200200);
    f->config.boot = 77;
    assert_false(vm_reset(&f->vm));
    f->vm.memory.bytes = 0x140000000;
    assert_int_equal(loader_memory_map(&f->vm, ranges), 4);
    assert_int_equal(ranges[2].start + ranges[2].bytes, VM_HOLE_START);
    assert_int_equal(ranges[3].start, VM_HOLE_END);
    assert_int_equal(ranges[3].bytes, 0x80000000);
    f->vm.memory.bytes = FIXTURE_MEMORY;
}

static uint8_t sum(const uint8_t *bytes, uint32_t n)
{
    uint8_t s = 0;

    while (n--)
        s = (uint8_t)(s + *bytes++);
    return s;
}

static void acpi_tables_hold_together(void **state)
{
    struct fixture *f = *state;
    const uint8_t *ram = f->vm.memory.base, *rsdp = ram + ACPI_TABLES, *fadt;
    uint32_t xsdt, at, length;

    assert_memory_equal(rsdp, "RSD PTR ", 8);
    assert_int_equal(sum(rsdp, 20), 0);
    assert_int_equal(sum(rsdp, 36), 0);
    xsdt = read32(f, ACPI_TABLES + 24);
    assert_memory_equal(ram + xsdt, "XSDT", 4);
    assert_int_equal(sum(ram + xsdt, read32(f, xsdt + 4)), 0);
    for (unsigned i = 0; i < (read32(f, xsdt + 4) - 36) / 8; i++) {
        at = read32(f, xsdt + 36 + 8 * i);
        length = read32(f, at + 4);
        assert_int_equal(sum(ram + at, length), 0);
        assert_true(at > ACPI_TABLES && at + length < LOADER_HIGH_START);
    }
    fadt = ram + read32(f, xsdt + 36);
    assert_memory_equal(fadt, "FACP", 4);
    at = read32(f, (uint64_t)(fadt - ram) + 140); /* X_DSDT */
    assert_memory_equal(ram + at, "DSDT", 4);
    assert_int_equal(sum(ram + at, read32(f, at + 4)), 0);
    assert_int_equal(read32(f, LOADER_RESET_VECTOR), 0xb00cf9ba);
}

/* Where VMM_KERNEL names a file: what Debian ships is taken. */
static void a_real_kernel(void **state)
{
    struct fixture *f = *state;
    const char *path = getenv("VMM_KERNEL");
    FILE *file = path ? fopen(path, "rb") : NULL;
    uint8_t *bytes;
    size_t n;

    if (!file)
        return;
    bytes = malloc(64u << 20);
    n = fread(bytes, 1, 64u << 20, file);
    fclose(file);
    give(f, bytes, n);
    assert_string_equal(refusal(f, linux_load), "loaded");
    give(f, bytes, n / 2);
    assert_non_null(strstr(refusal(f, linux_load), "truncated"));
    free(bytes);
}

#define T(name) cmocka_unit_test_setup_teardown(name, fixture_new, drop)
int main(void)
{
    const struct CMUnitTest tests[] = {T(linux_is_placed), T(bad_linux_files), T(any_linux_header), T(multiboot_is_placed),
                                       T(bad_multiboot_files), T(any_multiboot_header), T(small_and_large_machines),
                                       T(acpi_tables_hold_together), T(a_real_kernel)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
