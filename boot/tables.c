#include "bytes.h"
#include "print.h"
#include "tables.h"

#define PAGE 4096ull
#define ADDRESS 0x000ffffffffff000ull
#define FIRST_IDENTITY (512ull << 30)
#define IDENTITY_MAX (1ull << 47)

extern uint64_t boot_pml4[512];

uint64_t table_new(struct table_stock *stock)
{
    if (stock->next >= stock->end)
        stop("internal error: the plan left too little memory for page tables");
    uint64_t table = stock->next;
    stock->next += PAGE;
    return table;
}

/* The entry for va in a table of `level` (0: 4 KiB pages), tables above it made as needed. */
static uint64_t *entry_at(struct table_stock *stock, uint64_t pml4, uint64_t va, unsigned level)
{
    uint64_t *table = (uint64_t *)pml4;
    for (unsigned l = 3; l > level; l--) {
        uint64_t *entry = &table[va >> (12 + 9 * l) & 511];
        if (!*entry)
            *entry = table_new(stock) | PAGE_PRESENT | PAGE_WRITE | PAGE_ACCESSED;
        if (*entry & PAGE_LARGE)
            stop("internal error: a page is mapped twice at 0x%lx", va);
        table = (uint64_t *)(*entry & ADDRESS);
    }
    return &table[va >> (12 + 9 * level) & 511];
}

void table_map(struct table_stock *stock, uint64_t pml4, uint64_t va, uint64_t pa, uint64_t size, uint64_t flags)
{
    if ((flags & PAGE_WRITE) && !(flags & PAGE_NO_EXECUTE))
        stop("internal error: a page at 0x%lx would be writable and executable", va);
    while (size) {
        unsigned level = 2;
        while (level && (((va | pa) & ((PAGE << 9 * level) - 1)) || size < PAGE << 9 * level))
            level--;
        uint64_t *entry = entry_at(stock, pml4, va, level);
        if (*entry)
            stop("internal error: a page is mapped twice at 0x%lx", va);
        /* Accessed and dirty are set in advance, so that the processor never writes to a kernel's tables. */
        *entry = pa | flags | PAGE_ACCESSED | (flags & PAGE_WRITE ? PAGE_DIRTY : 0) | (level ? PAGE_LARGE : 0);
        va += PAGE << 9 * level;
        pa += PAGE << 9 * level;
        size -= PAGE << 9 * level;
    }
}

void identity_map_piece(uint64_t *pdpt, uint64_t at)
{
    for (unsigned i = 0; i < 512; i++)
        pdpt[i] = (at + ((uint64_t)i << 30)) | PAGE_PRESENT | PAGE_WRITE | PAGE_LARGE;
    boot_pml4[at / FIRST_IDENTITY] = (uint64_t)pdpt | PAGE_PRESENT | PAGE_WRITE;
}

uint64_t identity_map_extend(uint64_t limit, struct ranges *ram, struct ranges *own)
{
    uint64_t tables;
    if (limit > IDENTITY_MAX)
        limit = IDENTITY_MAX;
    for (uint64_t at = FIRST_IDENTITY; at < limit; at += FIRST_IDENTITY) {
        if (!ranges_take(ram, PAGE, PAGE, &tables) || tables >= FIRST_IDENTITY || !ranges_add(own, tables, tables + PAGE))
            stop("no memory for boot's own page tables; give the machine more memory");
        identity_map_piece((uint64_t *)tables, at);
    }
    return limit > FIRST_IDENTITY ? limit : FIRST_IDENTITY;
}
