/* Writing 4-level page tables: boot's identity map, and each kernel's own tables. AMD APM vol. 2, 5.3; Intel SDM vol. 3, 4.5 */
#pragma once
#include <stdint.h>
#include "ranges.h"

#define PAGE_PRESENT 0x1ull
#define PAGE_WRITE 0x2ull
#define PAGE_WRITE_THROUGH 0x8ull
#define PAGE_CACHE_DISABLE 0x10ull
#define PAGE_ACCESSED 0x20ull
#define PAGE_DIRTY 0x40ull
#define PAGE_LARGE 0x80ull
#define PAGE_NO_EXECUTE (1ull << 63)

#define PAGE_READ_ONLY (PAGE_PRESENT | PAGE_NO_EXECUTE)
#define PAGE_READ_WRITE (PAGE_PRESENT | PAGE_WRITE | PAGE_NO_EXECUTE)
#define PAGE_TEXT PAGE_PRESENT
#define PAGE_UNCACHED (PAGE_READ_WRITE | PAGE_CACHE_DISABLE | PAGE_WRITE_THROUGH) /* PAT entry 3, uncacheable at reset */

/* A stock of zeroed pages that tables are made from. */
struct table_stock { uint64_t next, end; };

uint64_t table_new(struct table_stock *stock); /* stops the machine when the stock is used up: the plan counted wrongly */

/* Map [pa, pa + size) at va with the largest pages that fit. Everything page-aligned. Never writable and executable; never over an
 * existing entry: both stop the machine. */
void table_map(struct table_stock *stock, uint64_t pml4, uint64_t va, uint64_t pa, uint64_t size, uint64_t flags);

/* Map the 512 GiB at `at` (a multiple of that) to themselves, by a table of 1 GiB pages. */
void identity_map_piece(uint64_t *pdpt, uint64_t at);

/* Extend boot's identity map (512 GiB from the entry) to `limit`; the tables' memory comes out of `ram` and is added to `own`.
 * Returns the limit that is mapped. */
uint64_t identity_map_extend(uint64_t limit, struct ranges *ram, struct ranges *own);
