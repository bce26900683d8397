#include "acpi.h"
#include "lib.h"
#include "linux.h"
#include "loader.h"

/* Offsets in the file's first sector and, the same, in the zero page (boot.rst, "The Real-Mode Kernel Header"). */
enum {
    ZERO_ACPI_RSDP = 0x070, ZERO_E820_COUNT = 0x1e8, ZERO_E820 = 0x2d0,
    HEADER_START = 0x1f1, HEADER_SETUP_SECTORS = 0x1f1, HEADER_PAYLOAD_SIZE = 0x1f4, HEADER_BOOT_FLAG = 0x1fe,
    HEADER_JUMP = 0x201, HEADER_MAGIC = 0x202, HEADER_VERSION = 0x206, HEADER_LOADER = 0x210, HEADER_RAMDISK = 0x218,
    HEADER_RAMDISK_SIZE = 0x21c, HEADER_CMDLINE = 0x228, HEADER_INITRD_MAX = 0x22c, HEADER_ALIGNMENT = 0x230,
    HEADER_RELOCATABLE = 0x234, HEADER_XLOADFLAGS = 0x236, HEADER_CMDLINE_SIZE = 0x238, HEADER_PREFERRED = 0x258,
    HEADER_INIT_SIZE = 0x260, HEADER_END = 0x264,
};
#define SECTOR 512u
#define MAGIC 0x53726448u /* "HdrS" */
#define BOOT_FLAG 0xaa55u
#define MIN_VERSION 0x20cu /* the first with xloadflags and the 64-bit entry */
#define XLF_KERNEL_64 1u
#define LOADER_UNKNOWN 0xff
#define ENTRY_64 0x200u
#define E820_USABLE 1
#define E820_RESERVED 2
#define E820_BYTES 20u

static uint32_t get(const uint8_t *file, unsigned offset, unsigned bytes)
{
    uint32_t value = 0;

    memcpy(&value, file + offset, bytes);
    return value;
}

struct plan { /* all decided before the first byte is written */
    uint64_t payload, payload_bytes; /* within the file */
    uint64_t load, end;              /* guest-physical; the kernel needs [load, end) */
    uint64_t initrd_limit;
    unsigned header_bytes;
};

static bool check_header(struct vm *vm, struct plan *p)
{
    const uint8_t *file = vm->kernel;
    uint64_t size = vm->config->kernel_size;
    uint32_t sectors;

    if (size < HEADER_END + SECTOR)
        return loader_refuse(vm, "kernel file: truncated: %lu bytes are too few for a Linux kernel", size);
    if (get(file, HEADER_BOOT_FLAG, 2) != BOOT_FLAG || get(file, HEADER_MAGIC, 4) != MAGIC)
        return loader_refuse(vm, "kernel file: not a Linux bzImage: no boot protocol header");
    if (get(file, HEADER_VERSION, 2) < MIN_VERSION)
        return loader_refuse(vm, "kernel file: boot protocol %u.%02u is too old: 2.12 is needed",
                             get(file, HEADER_VERSION + 1, 1), get(file, HEADER_VERSION, 1));
    if (!(get(file, HEADER_XLOADFLAGS, 2) & XLF_KERNEL_64))
        return loader_refuse(vm, "kernel file: not a 64-bit kernel");
    p->header_bytes = HEADER_MAGIC + file[HEADER_JUMP] - HEADER_START;
    if (HEADER_START + p->header_bytes < HEADER_END)
        return loader_refuse(vm, "kernel file: its boot protocol header is too short");
    sectors = file[HEADER_SETUP_SECTORS] ? file[HEADER_SETUP_SECTORS] : 4;
    p->payload = (uint64_t)(sectors + 1) * SECTOR;
    p->payload_bytes = (uint64_t)get(file, HEADER_PAYLOAD_SIZE, 4) * 16;
    if (p->payload + p->payload_bytes > size || !p->payload_bytes)
        return loader_refuse(vm, "kernel file: truncated: %lu bytes instead of %lu", size, p->payload + p->payload_bytes);
    return true;
}

static bool check_placement(struct vm *vm, struct plan *p)
{
    const uint8_t *file = vm->kernel;
    uint64_t needed = get(file, HEADER_INIT_SIZE, 4), memory = loader_low_end(vm);
    uint32_t alignment = get(file, HEADER_ALIGNMENT, 4);

    memcpy(&p->load, file + HEADER_PREFERRED, sizeof p->load);
    if (needed < p->payload_bytes)
        needed = p->payload_bytes;
    if (file[HEADER_RELOCATABLE] && alignment && !(alignment & (alignment - 1)) &&
        (p->load < LOADER_HIGH_START || p->load > memory || needed > memory - p->load)) {
        p->load = (LOADER_HIGH_START + alignment - 1) & ~(uint64_t)(alignment - 1);
    }
    if (p->load < LOADER_HIGH_START || p->load > memory || needed > memory - p->load)
        return loader_refuse(vm, "kernel file: it needs %lu MiB from 0x%lx on, but the VM's memory below 3 GiB is %lu MiB: "
                             "give it more memory", (needed >> 20) + 1, p->load, memory >> 20);
    p->end = p->load + needed;
    p->initrd_limit = (uint64_t)get(file, HEADER_INITRD_MAX, 4) + 1;
    if (strlen(vm->config->cmdline) > get(file, HEADER_CMDLINE_SIZE, 4))
        return loader_refuse(vm, "command line: longer than the %u bytes that this kernel takes",
                             get(file, HEADER_CMDLINE_SIZE, 4));
    return true;
}

static void put(uint8_t *page, unsigned offset, uint64_t value, unsigned bytes) { memcpy(page + offset, &value, bytes); }

static void write_zero_page(struct vm *vm, const struct plan *p, uint64_t initrd)
{
    uint8_t *page = guest_memory_at(&vm->memory, LOADER_INFO, 4096);
    struct memory_range ranges[LOADER_RANGES];
    unsigned n = loader_memory_map(vm, ranges);

    memcpy(page + HEADER_START, vm->kernel + HEADER_START, p->header_bytes);
    put(page, ZERO_ACPI_RSDP, ACPI_TABLES, 8);
    put(page, HEADER_LOADER, LOADER_UNKNOWN, 1);
    put(page, HEADER_CMDLINE, LOADER_CMDLINE, 4);
    put(page, HEADER_RAMDISK, initrd, 4);
    put(page, HEADER_RAMDISK_SIZE, initrd ? vm->config->initrd_size : 0, 4);
    put(page, ZERO_E820_COUNT, n, 1);
    for (unsigned i = 0; i < n; i++) {
        put(page, ZERO_E820 + i * E820_BYTES, ranges[i].start, 8);
        put(page, ZERO_E820 + i * E820_BYTES + 8, ranges[i].bytes, 8);
        put(page, ZERO_E820 + i * E820_BYTES + 16, ranges[i].usable ? E820_USABLE : E820_RESERVED, 4);
    }
}

bool linux_load(struct vm *vm)
{
    struct plan p;
    uint64_t initrd = 0;
    size_t cmdline = strlen(vm->config->cmdline) + 1;

    if (!check_header(vm, &p) || !check_placement(vm, &p))
        return false;
    if (vm->config->initrd_size && !loader_place_initrd(vm, p.end, p.initrd_limit, &initrd))
        return false;
    memcpy(guest_memory_at(&vm->memory, p.load, p.payload_bytes), vm->kernel + p.payload, p.payload_bytes);
    memcpy(guest_memory_at(&vm->memory, LOADER_CMDLINE, cmdline), vm->config->cmdline, cmdline);
    write_zero_page(vm, &p, initrd);
    loader_enter_64(vm, p.load + ENTRY_64);
    vm->vcpu.words[W_RSI] = LOADER_INFO;
    return true;
}
