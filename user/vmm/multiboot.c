#include "lib.h"
#include "loader.h"
#include "multiboot.h"

#define SEARCH 8192u
#define HEADER_MAGIC 0x1badb002u
#define BOOT_MAGIC 0x2badb002u
#define FLAG_VIDEO 0x4u
#define FLAG_ADDRESSES 0x10000u
#define FLAGS_REQUIRED 0xffffu /* a loader that does not know one of these must refuse */
#define FLAGS_KNOWN 0x3u       /* page-aligned modules, memory information */

struct header {
    uint32_t magic, flags, checksum;
    uint32_t header_address, load_address, load_end, bss_end, entry;
};

struct elf_header {
    uint8_t identity[16];
    uint16_t type, machine;
    uint32_t version, entry, phoff, shoff, flags;
    uint16_t ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
};
struct elf_segment {
    uint32_t type, offset, vaddr, paddr, filesz, memsz, flags, align;
};
#define ELF_MAX_SEGMENTS 64
#define ELF_LOAD 1

struct information { /* 3.3; what is not filled is zero */
    uint32_t flags, mem_lower, mem_upper, boot_device, cmdline, module_count, modules, symbols[4], map_bytes, map;
    uint32_t drives[2], config_table, loader_name;
};
#define INFO_MEMORY 0x1u
#define INFO_CMDLINE 0x4u
#define INFO_MODULES 0x8u
#define INFO_MAP 0x40u
#define INFO_LOADER 0x200u

struct module {
    uint32_t start, end, string, reserved;
};
struct map_entry {
    uint32_t size; /* of the rest */
    uint64_t start, bytes;
    uint32_t type;
} __attribute__((packed));

/* Parts of the information page. */
#define PLACE_MODULE (LOADER_INFO + 0x100u)
#define PLACE_MAP (LOADER_INFO + 0x200u)
#define PLACE_NAME (LOADER_INFO + 0x300u)

static bool find_header(struct vm *vm, struct header *h, uint64_t *offset)
{
    uint64_t size = vm->config->kernel_size;

    for (uint64_t at = 0; at + 12 <= size && at + 12 <= SEARCH; at += 4) {
        memset(h, 0, sizeof *h);
        memcpy(h, vm->kernel + at, 12);
        if (h->magic != HEADER_MAGIC || h->magic + h->flags + h->checksum != 0)
            continue;
        if (h->flags & FLAG_ADDRESSES) {
            if (at + sizeof *h > size)
                return loader_refuse(vm, "kernel file: truncated inside its multiboot header");
            memcpy(h, vm->kernel + at, sizeof *h);
        }
        *offset = at;
        return true;
    }
    return loader_refuse(vm, "kernel file: no multiboot header in its first 8192 bytes");
}

/* Check that [start, start + bytes) may hold a part of the image: above the loader's own structures and within RAM. */
static bool check_range(struct vm *vm, uint64_t start, uint64_t bytes)
{
    uint64_t end = loader_low_end(vm);

    if (start >= LOADER_HIGH_START && start <= end && bytes <= end - start)
        return true;
    return loader_refuse(vm, "kernel file: it wants memory from 0x%lx to 0x%lx; the VM has 1 MiB to %lu MiB", start, start + bytes,
                         end >> 20);
}

static bool load_addresses(struct vm *vm, const struct header *h, uint64_t offset, uint64_t *end)
{
    uint64_t size = vm->config->kernel_size, skip = h->header_address - (uint64_t)h->load_address, bytes, memory;

    if (h->header_address < h->load_address || skip > offset)
        return loader_refuse(vm, "kernel file: its multiboot addresses contradict where the header is");
    bytes = h->load_end ? (uint64_t)h->load_end - h->load_address : size - (offset - skip);
    if ((h->load_end && h->load_end < h->load_address) || bytes > size - (offset - skip))
        return loader_refuse(vm, "kernel file: truncated: it ends before its multiboot load end");
    memory = h->bss_end ? (uint64_t)h->bss_end - h->load_address : bytes;
    if ((h->bss_end && h->bss_end < h->load_address) || memory < bytes)
        return loader_refuse(vm, "kernel file: its multiboot bss ends before its data");
    if (!check_range(vm, h->load_address, memory))
        return false;
    if (bytes)
        memcpy(guest_memory_at(&vm->memory, h->load_address, bytes), vm->kernel + (offset - skip), bytes);
    *end = h->load_address + memory;
    return true;
}

static bool load_elf(struct vm *vm, uint32_t *entry, uint64_t *end)
{
    uint64_t size = vm->config->kernel_size;
    struct elf_segment segments[ELF_MAX_SEGMENTS];
    struct elf_header e;

    if (size < sizeof e)
        return loader_refuse(vm, "kernel file: truncated: %lu bytes are too few for an ELF file", size);
    memcpy(&e, vm->kernel, sizeof e);
    if (memcmp(e.identity, "\177ELF\1\1", 6) != 0)
        return loader_refuse(vm, "kernel file: neither a 32-bit ELF file nor multiboot addresses in its header");
    if (e.phentsize != sizeof segments[0] || e.phnum > ELF_MAX_SEGMENTS)
        return loader_refuse(vm, "kernel file: unusual ELF program headers");
    if (e.phoff > size || e.phnum * sizeof segments[0] > size - e.phoff)
        return loader_refuse(vm, "kernel file: truncated inside its ELF program headers");
    memcpy(segments, vm->kernel + e.phoff, e.phnum * sizeof segments[0]);
    *end = LOADER_HIGH_START;
    for (unsigned i = 0; i < e.phnum; i++) { /* check everything, then copy */
        const struct elf_segment *s = &segments[i];

        if (s->type != ELF_LOAD || !s->memsz)
            continue;
        if (s->filesz > s->memsz || s->offset > size || s->filesz > size - s->offset)
            return loader_refuse(vm, "kernel file: truncated: ELF segment %u ends behind the file", i);
        if (!check_range(vm, s->paddr, s->memsz))
            return false;
        if ((uint64_t)s->paddr + s->memsz > *end)
            *end = (uint64_t)s->paddr + s->memsz;
    }
    for (unsigned i = 0; i < e.phnum; i++) {
        const struct elf_segment *s = &segments[i];

        if (s->type == ELF_LOAD && s->filesz)
            memcpy(guest_memory_at(&vm->memory, s->paddr, s->filesz), vm->kernel + s->offset, s->filesz);
    }
    *entry = e.entry;
    return true;
}

static uint32_t write_map(struct vm *vm)
{
    struct memory_range ranges[LOADER_RANGES];
    unsigned n = loader_memory_map(vm, ranges);
    struct map_entry *map = guest_memory_at(&vm->memory, PLACE_MAP, sizeof *map * LOADER_RANGES);

    for (unsigned i = 0; i < n; i++)
        map[i] = (struct map_entry){sizeof map[i] - 4, ranges[i].start, ranges[i].bytes, ranges[i].usable ? 1 : 2};
    return n * (uint32_t)sizeof *map;
}

static void write_information(struct vm *vm, uint64_t initrd)
{
    static const char name[] = "Atoll";
    size_t cmdline = strlen(vm->config->cmdline) + 1;
    struct information info = {
        .flags = INFO_MEMORY | INFO_CMDLINE | INFO_MAP | INFO_LOADER,
        .mem_lower = LOADER_LOW_END >> 10,
        .mem_upper = (uint32_t)((loader_low_end(vm) - LOADER_HIGH_START) >> 10),
        .cmdline = LOADER_CMDLINE,
        .map = PLACE_MAP,
        .map_bytes = write_map(vm),
        .loader_name = PLACE_NAME,
    };

    if (vm->config->initrd_size) {
        struct module module = {(uint32_t)initrd, (uint32_t)(initrd + vm->config->initrd_size), 0, 0};

        info.flags |= INFO_MODULES;
        info.module_count = 1;
        info.modules = PLACE_MODULE;
        memcpy(guest_memory_at(&vm->memory, PLACE_MODULE, sizeof module), &module, sizeof module);
    }
    memcpy(guest_memory_at(&vm->memory, PLACE_NAME, sizeof name), name, sizeof name);
    memcpy(guest_memory_at(&vm->memory, LOADER_CMDLINE, cmdline), vm->config->cmdline, cmdline);
    memcpy(guest_memory_at(&vm->memory, LOADER_INFO, sizeof info), &info, sizeof info);
}

bool multiboot_load(struct vm *vm)
{
    struct header h;
    uint64_t offset = 0, end = LOADER_HIGH_START, initrd = 0;
    uint32_t entry;

    if (!find_header(vm, &h, &offset))
        return false;
    if (h.flags & FLAGS_REQUIRED & ~FLAGS_KNOWN)
        return loader_refuse(vm, "kernel file: its multiboot header asks for %s",
                             h.flags & FLAG_VIDEO ? "a video mode, and there is no video" : "features that do not exist");
    entry = h.entry;
    if (!(h.flags & FLAG_ADDRESSES ? load_addresses(vm, &h, offset, &end) : load_elf(vm, &entry, &end)))
        return false;
    if (vm->config->initrd_size && !loader_place_initrd(vm, (end + 4095) & ~4095ull, VM_HOLE_START, &initrd))
        return false;
    write_information(vm, initrd);
    loader_enter_32(vm, entry);
    vm->vcpu.words[W_RAX] = BOOT_MAGIC;
    vm->vcpu.words[W_RBX] = LOADER_INFO;
    return true;
}
