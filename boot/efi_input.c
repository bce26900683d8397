#include <stdbool.h>
#include "efi_input.h"
#include "view.h"

/* EFI_MEMORY_DESCRIPTOR, 7.2.3 */
#define DESCRIPTOR_TYPE 0
#define DESCRIPTOR_START 8
#define DESCRIPTOR_PAGES 24
#define DESCRIPTOR_ATTRIBUTES 32
#define DESCRIPTOR_BYTES 40
#define LOADER_CODE 1 /* types 1 to 4 (loader, boot services) and 7 (conventional) are free after ExitBootServices: table 7.10 */
#define BOOT_SERVICES_DATA 4
#define CONVENTIONAL 7
#define ATTRIBUTE_RUNTIME (1ull << 63)

#define PAGE 4096ull

static bool is_ram(const uint8_t *descriptor)
{
    uint32_t type = read32(descriptor + DESCRIPTOR_TYPE);
    return ((type >= LOADER_CODE && type <= BOOT_SERVICES_DATA) || type == CONVENTIONAL) &&
           !(read64(descriptor + DESCRIPTOR_ATTRIBUTES) & ATTRIBUTE_RUNTIME);
}

/* Usable memory first; whatever the map also calls something else wins. */
const char *efi_read_memory_map(const uint8_t *map, uint64_t size, uint64_t descriptor_size, struct ranges *ram)
{
    ram->count = 0;
    if (descriptor_size < DESCRIPTOR_BYTES || size % descriptor_size)
        return "the firmware's memory map has entries of impossible size";
    for (int usable = 1; usable >= 0; usable--)
        for (uint64_t at = 0; at < size; at += descriptor_size) {
            uint64_t start = read64(map + at + DESCRIPTOR_START), pages = read64(map + at + DESCRIPTOR_PAGES);
            if (start % PAGE || start > UINT64_MAX - PAGE || pages > (UINT64_MAX - start) / PAGE)
                return "the firmware's memory map has an impossible entry";
            if (is_ram(map + at) != (usable != 0))
                continue;
            if (!(usable ? ranges_add : ranges_remove)(ram, start, start + pages * PAGE))
                return "the memory map has too many pieces";
        }
    return ram->count ? NULL : "the firmware's memory map names no usable memory";
}

/* A word of fewer than `max` printable characters up to `end`, its terminator taken. */
static bool read_word(const uint8_t *list, size_t size, size_t *at, char end, char *word, size_t max)
{
    for (size_t n = 0; *at < size && n < max; n++) {
        char c = (char)list[(*at)++];
        if (c == end) {
            word[n] = '\0';
            return n > 0;
        }
        if (c <= ' ' || c > '~')
            return false;
        word[n] = c;
    }
    return false;
}

static bool read_number(const char *word, uint64_t *value)
{
    *value = 0;
    for (; *word; word++) {
        if (*word < '0' || *word > '9' || *value > (1ull << 56))
            return false;
        *value = *value * 10 + (uint64_t)(*word - '0');
    }
    return true;
}

const char *efi_next_module(const uint8_t *list, size_t size, size_t *at, struct efi_module *module)
{
    char number[20];
    module->name[0] = '\0';
    if (*at == size)
        return NULL;
    if (!read_word(list, size, at, ' ', module->name, sizeof module->name) ||
        !read_word(list, size, at, ' ', number, sizeof number) || !read_number(number, &module->size) ||
        !read_word(list, size, at, '\n', module->file, sizeof module->file))
        return "the list of modules, \\atoll\\modules, is damaged; write the image again";
    return NULL;
}
