/* Mediated functions in the node manager: what the device may do with the memory of its admin queue, and what people are told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "mediated.h"
#include "nvme.h"
#include <atoll/vf.h>

static struct { uint64_t address, rights; cptr_t frame; } pages[16];
static unsigned page_count, tables, lines, vmm_tables, doorbells;
static char last[256];
static uint32_t registers[0x2000 / 4];
static uint8_t admin[NVME_ADMIN_PAGES * NVME_PAGE] __attribute__((aligned(4096)));

error_t untyped_retype(cptr_t untyped, uint64_t type, uint64_t bits, cptr_t root, uint64_t index, uint64_t depth, uint64_t to, uint64_t count)
{
    (void)bits, (void)root, (void)index, (void)depth, (void)to, (void)count;
    assert_int_equal(untyped, MANAGER_SLOT_TABLES);
    assert_true(type == ATOLL_IO_PD || type == ATOLL_IO_PT || type == SEL4_X86_PAGE_TABLE);
    return SEL4_NO_ERROR;
}

error_t io_table_map(cptr_t table, cptr_t space, uint64_t address)
{
    assert_int_equal(table, 600 + tables);
    assert_int_equal(space, MANAGER_SLOT_IO_SPACE);
    assert_int_equal(address, VM_HOLE_START);
    tables++;
    return SEL4_NO_ERROR;
}

error_t io_page_map(cptr_t frame, cptr_t space, uint64_t address, uint64_t rights)
{
    assert_int_equal(space, MANAGER_SLOT_IO_SPACE);
    pages[page_count].address = address;
    pages[page_count].rights = rights;
    pages[page_count++].frame = frame;
    return SEL4_NO_ERROR;
}

error_t page_table_map(cptr_t table, cptr_t vspace, uint64_t vaddr, uint64_t attributes)
{
    (void)attributes;
    assert_int_equal(table, 602);
    assert_int_equal(vspace, MANAGER_SLOT_VMM_VSPACE);
    assert_int_equal(vaddr, VMM_VF_DOORBELLS_VA);
    vmm_tables++;
    return SEL4_NO_ERROR;
}

error_t page_map(cptr_t frame, cptr_t vspace, uint64_t vaddr, uint64_t rights, uint64_t attributes)
{
    (void)rights, (void)attributes;
    assert_int_equal(vspace, MANAGER_SLOT_VMM_VSPACE);
    assert_int_equal(vaddr, VMM_VF_DOORBELLS_VA + 4096ull * (frame - 700)); /* each its own page, and that one only */
    doorbells++;
    return SEL4_NO_ERROR;
}

const char *sel4_error_name(error_t error) { return error ? "error" : "none"; }
/* Time runs fast here. */
uint64_t pf_test_clock(void)
{
    static uint64_t now;
    return now += 100000000;
}

void log_line(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    text_vformat(last, sizeof last, format, arguments);
    va_end(arguments);
    lines++;
}

static const struct vm_config vm = {.memory = 0x140000000ull};
static struct mediated_place place(unsigned i) { return (struct mediated_place){"ssd0.vf0", 100 + 10 * i, admin, registers, 700 + i}; }

static void device_reads_what_we_write(void **unused)
{
    uint64_t slots[2] = {600, 603}, none[2] = {600, 600};
    struct mediated_place p = place(0);
    (void)unused;
    assert_int_equal(mediated_open(0, &p, &vm, none), SEL4_NOT_ENOUGH_MEMORY);
    assert_int_equal(page_count, 0);
    assert_int_equal(mediated_open(0, &p, &vm, slots), SEL4_NO_ERROR);
    assert_int_equal(tables, 2);
    assert_int_equal(slots[0], 603);
    assert_int_equal(doorbells, 1);
    assert_int_equal(page_count, NVME_ADMIN_PAGES);
    for (unsigned i = 0; i < NVME_ADMIN_PAGES; i++) {
        assert_int_equal(pages[i].address, VM_HOLE_START + i * NVME_PAGE);
        assert_int_equal(pages[i].frame, 100 + i);
    }
    assert_int_equal(pages[0].rights, SEL4_RIGHT_READ); /* the ring: a guest cannot have the function write commands there */
    assert_int_equal(pages[2].rights, SEL4_RIGHT_READ);
    assert_int_equal(pages[1].rights & SEL4_RIGHT_WRITE, SEL4_RIGHT_WRITE);
    p = place(1);
    assert_int_equal(mediated_open(1, &p, &vm, slots), SEL4_NO_ERROR); /* the tables are there */
    assert_int_equal(tables, 2);
    assert_int_equal(vmm_tables, 1);
    assert_int_equal(doorbells, 2);
    for (unsigned i = 0; i < NVME_ADMIN_PAGES; i++)
        assert_true(pages[4 + i].address > pages[3].address && pages[4 + i].address < VM_HOLE_END);
}

static void people_are_told(void **unused)
{
    uint64_t answer[2], words[8] = {0x15, 2};
    (void)unused;
    lines = 0;
    for (unsigned i = 0; i < 20; i++) {
        mediated_command(0, words, answer);
        assert_int_equal(answer[0], 1);
    }
    assert_int_equal(lines, 8);
    assert_string_equal(last, "ssd0.vf0: admin command 0x15 refused: status 0x1; more of them are counted only");
    mediated_end(0);
    assert_string_equal(last, "ssd0.vf0: admin commands: 0 carried out, 20 refused");
    mediated_end(0); /* another life: from nothing */
    assert_int_equal(lines, 9);
    mediated_command(0, words, answer);
    assert_int_equal(lines, 10);
    memset(registers, 0xff, sizeof registers);
    assert_int_equal(mediated_controller(0, true, answer), SEL4_ILLEGAL_OPERATION);
    assert_string_equal(last, "ssd0.vf0: controller cannot be started: the controller's registers do not answer");
    assert_int_equal(mediated_controller(VM_VFS_MAX - 1, true, answer), SEL4_INVALID_ARGUMENT); /* nobody's */
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(device_reads_what_we_write), cmocka_unit_test(people_are_told)};
    return cmocka_run_group_tests_name("nvme_manager", tests, NULL, NULL);
}
