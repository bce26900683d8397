/* Multiboot Specification 0.6.96, section 3.3 "Boot information format". */
#include <stdbool.h>
#include "bytes.h"
#include "multiboot.h"
#include "text.h"

#define INFO_SIZE 52
#define INFO_FLAGS 0
#define INFO_FLAG_MODULES (1u << 3)
#define INFO_FLAG_MEMORY_MAP (1u << 6)
#define INFO_MODULE_COUNT 20
#define INFO_MODULES 24
#define INFO_MAP_LENGTH 44
#define INFO_MAP 48

#define MODULE_SIZE 16 /* start, end, string, reserved */
#define STRING_MAX 4096 /* bytes of a module's string that are looked at */

#define MAP_ENTRY_MIN 20 /* what the entry's own size field must cover */
#define MAP_TYPE_RAM 1
#define PAGE 4096ull

/* The last word of the module's string is its name: QEMU passes "path name", GRUB passes what the menu says. */
static bool read_name(const struct memory_view *memory, uint32_t string, char name[RESOURCE_NAME_MAX])
{
    uint32_t start = 0, length = 0, i = 0;
    bool in_word = false;
    for (;; i++) {
        const uint8_t *c = view_at(memory, (uint64_t)string + i, 1);
        if (!c || i == STRING_MAX)
            return false;
        if (*c == '\0')
            break;
        bool blank = *c == ' ' || *c == '\t';
        if (!blank && !in_word)
            start = i, length = 0;
        if (!blank)
            length++;
        in_word = !blank;
    }
    if (length == 0 || length >= RESOURCE_NAME_MAX)
        return false;
    memcpy(name, view_at(memory, (uint64_t)string + start, length), length);
    name[length] = '\0';
    return true;
}

static const char *read_modules(const struct memory_view *memory, const uint8_t *info, struct boot_input *in, char *reason,
                                size_t reason_size)
{
    uint32_t count = read32(info + INFO_MODULE_COUNT);
    if (count > INPUT_MAX_MODULES) {
        text_format(reason, reason_size, "the loader passes %u modules; at most %u are possible", count, INPUT_MAX_MODULES);
        return reason;
    }
    const uint8_t *list = view_at(memory, read32(info + INFO_MODULES), (uint64_t)count * MODULE_SIZE);
    if (!list)
        return "the loader's module list lies outside memory";
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *entry = list + i * MODULE_SIZE;
        struct module *m = &in->modules[i];
        uint32_t start = read32(entry), end = read32(entry + 4);
        if (end < start || !view_at(memory, start, end - start)) {
            text_format(reason, reason_size, "module %u of the loader has the impossible range 0x%x to 0x%x", i, start, end);
            return reason;
        }
        m->paddr = start;
        m->size = end - start;
        if (!read_name(memory, read32(entry + 8), m->name)) {
            text_format(reason, reason_size, "module %u of the loader has no name; pass it as \"FILE NAME\", with a NAME of at most %u letters",
                        i, RESOURCE_NAME_MAX - 1);
            return reason;
        }
        if (input_module(in, m->name)) {
            text_format(reason, reason_size, "two modules are called \"%s\"", m->name);
            return reason;
        }
        in->module_count = i + 1;
    }
    return NULL;
}

/* Usable memory is rounded to whole pages inwards; whatever the map also calls unusable wins, rounded outwards. */
static const char *read_memory_map(const struct memory_view *memory, const uint8_t *info, struct boot_input *in)
{
    uint32_t length = read32(info + INFO_MAP_LENGTH);
    const uint8_t *map = view_at(memory, read32(info + INFO_MAP), length);
    if (!map)
        return "the loader's memory map lies outside memory";
    for (int usable = 1; usable >= 0; usable--) {
        for (uint32_t at = 0; at < length;) {
            if (length - at < MAP_ENTRY_MIN + 4)
                return "the loader's memory map ends in the middle of an entry";
            const uint8_t *entry = map + at + 4;
            uint32_t size = read32(map + at);
            if (size < MAP_ENTRY_MIN || size > length - at - 4)
                return "the loader's memory map has an entry of impossible size";
            at += size + 4;
            uint64_t start = read64(entry), bytes = read64(entry + 8), end = start + bytes;
            if (end < start)
                end = UINT64_MAX & ~(PAGE - 1);
            bool fits = true;
            if (usable && read32(entry + 16) == MAP_TYPE_RAM && start <= UINT64_MAX - PAGE)
                fits = ranges_add(&in->ram, (start + PAGE - 1) & ~(PAGE - 1), end & ~(PAGE - 1));
            else if (!usable && read32(entry + 16) != MAP_TYPE_RAM && bytes)
                fits = ranges_remove(&in->ram, start & ~(PAGE - 1), end > UINT64_MAX - PAGE ? end : (end + PAGE - 1) & ~(PAGE - 1));
            if (!fits)
                return "the memory map has too many pieces";
        }
    }
    return in->ram.count ? NULL : "the loader's memory map names no usable memory";
}

const char *multiboot_read(const struct memory_view *memory, uint32_t info_paddr, struct boot_input *in, char *reason,
                           size_t reason_size)
{
    in->ram.count = 0;
    in->module_count = 0;
    in->rsdp = 0;
    const uint8_t *info = view_at(memory, info_paddr, INFO_SIZE);
    if (!info)
        return "the loader's information lies outside memory";
    uint32_t flags = read32(info + INFO_FLAGS);
    if (!(flags & INFO_FLAG_MEMORY_MAP))
        return "the loader passes no memory map";
    const char *wrong = read_memory_map(memory, info, in);
    if (!wrong && (flags & INFO_FLAG_MODULES))
        wrong = read_modules(memory, info, in, reason, reason_size);
    return wrong;
}
