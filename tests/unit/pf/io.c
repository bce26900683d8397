/* Calls of mediated.c that these tests don't come to. */
#include "sel4.h"

error_t io_table_map(cptr_t table, cptr_t space, uint64_t address)
{
    (void)table, (void)space, (void)address;
    return SEL4_ILLEGAL_OPERATION;
}

error_t page_table_map(cptr_t table, cptr_t vspace, uint64_t vaddr, uint64_t attributes)
{
    (void)table, (void)vspace, (void)vaddr, (void)attributes;
    return SEL4_ILLEGAL_OPERATION;
}

error_t page_map(cptr_t frame, cptr_t vspace, uint64_t vaddr, uint64_t rights, uint64_t attributes)
{
    (void)frame, (void)vspace, (void)vaddr, (void)rights, (void)attributes;
    return SEL4_ILLEGAL_OPERATION;
}

error_t io_page_map(cptr_t frame, cptr_t space, uint64_t address, uint64_t rights)
{
    (void)frame, (void)space, (void)address, (void)rights;
    return SEL4_ILLEGAL_OPERATION;
}
