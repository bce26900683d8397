#include "mediated.h"
#include "../nvme/mediate.h"
#include <atoll/vf.h>

#define DEVICE VM_HOLE_START /* where devices see the admin queues: no RAM of the guest's is there */
#define DEVICE_STRIDE 0x10000ull
#define LOGGED_MAX 8 /* refusals that are told one by one, in a life */

static struct one {
    struct mediate mediate;
    struct mediated_place place;
    bool there;
} functions[VM_VFS_MAX];
static volatile uint32_t *registers; /* of the function that is being spoken to */
static bool tables_there;
static uint64_t ticks_per_us = 1000;

uint32_t nvme_read(unsigned offset) { return registers[offset / 4]; }
void nvme_write(unsigned offset, uint32_t value) { registers[offset / 4] = value; }

void nvme_delay(unsigned microseconds)
{
    for (uint64_t start = __builtin_ia32_rdtsc(); __builtin_ia32_rdtsc() - start < microseconds * ticks_per_us;)
        __builtin_ia32_pause();
}

void mediated_clock(uint64_t tsc_hz) { ticks_per_us = tsc_hz / 1000000; }

static error_t table_make(uint64_t type, uint64_t slots[2])
{
    if (slots[0] == slots[1])
        return SEL4_NOT_ENOUGH_MEMORY;
    error_t error = untyped_retype(MANAGER_SLOT_TABLES, type, 0, MANAGER_SLOT_CNODE, 0, 0, slots[0], 1);
    return error ? error : io_table_map(slots[0]++, MANAGER_SLOT_IO_SPACE, DEVICE);
}

/* The VMM passes on what the guest rings. Who maps its page of doorbells is this component, as with all registers that a VM gets. */
static error_t doorbells_map(cptr_t frame, unsigned index, uint64_t slots[2])
{
    static bool table_there;
    error_t error = SEL4_NO_ERROR;

    if (!table_there) {
        if (slots[0] == slots[1])
            return SEL4_NOT_ENOUGH_MEMORY;
        error = untyped_retype(MANAGER_SLOT_TABLES, SEL4_X86_PAGE_TABLE, 0, MANAGER_SLOT_CNODE, 0, 0, slots[0], 1);
        if (!error)
            error = page_table_map(slots[0]++, MANAGER_SLOT_VMM_VSPACE, VMM_VF_DOORBELLS_VA, 0);
        table_there = !error;
    }
    return error ? error : page_map(frame, MANAGER_SLOT_VMM_VSPACE, VMM_VF_DOORBELLS_VA + index * 4096ull, SEL4_RIGHT_READ | SEL4_RIGHT_WRITE,
                                    SEL4_X86_UNCACHEABLE | ATOLL_X86_EXECUTE_NEVER);
}

/* The tables of guest memory cover the first 512 GiB; the hole's GiB and 2 MiB are ours alone. */
static error_t tables_make(uint64_t slots[2])
{
    error_t error = tables_there ? SEL4_NO_ERROR : table_make(ATOLL_IO_PD, slots);

    if (!error && !tables_there)
        error = table_make(ATOLL_IO_PT, slots);
    tables_there = tables_there || !error;
    return error;
}

error_t mediated_open(unsigned index, const struct mediated_place *place, const struct vm_config *vm, uint64_t slots[2])
{
    /* In the library's order: commands, completions, address lists, data. A guest can make the function write to any address that it sees: what we
     * wrote there must not be among them. What it can forge are completions and data, its own. */
    static const uint64_t rights[NVME_ADMIN_PAGES] = {SEL4_RIGHT_READ, SEL4_RIGHT_READ | SEL4_RIGHT_WRITE, SEL4_RIGHT_READ,
                                                      SEL4_RIGHT_READ | SEL4_RIGHT_WRITE};
    struct one *o = &functions[index];
    error_t error = tables_make(slots);

    for (unsigned i = 0; i < NVME_ADMIN_PAGES && !error; i++)
        error = io_page_map(place->frames + i, MANAGER_SLOT_IO_SPACE, DEVICE + index * DEVICE_STRIDE + i * NVME_PAGE, rights[i]);
    if (!error)
        error = doorbells_map(place->doorbells, index, slots);
    o->place = *place;
    o->mediate.memory.low = vm->memory < VM_HOLE_START ? vm->memory : VM_HOLE_START;
    o->mediate.memory.high = vm->memory - o->mediate.memory.low;
    o->there = !error;
    return error;
}

void mediated_end(unsigned index)
{
    struct one *o = &functions[index];

    if (!o->there)
        return;
    o->mediate.on = false;
    if (o->mediate.passed || o->mediate.refused)
        log_line("%s: admin commands: %lu carried out, %lu refused", o->place.name, o->mediate.passed, o->mediate.refused);
    o->mediate.passed = o->mediate.refused = 0;
}

error_t mediated_controller(unsigned index, bool on, uint64_t answer[2])
{
    struct one *o = &functions[index];
    struct nvme_memory admin = {o->place.admin, DEVICE + index * DEVICE_STRIDE};
    char why[128];

    if (!o->there)
        return SEL4_INVALID_ARGUMENT;
    registers = o->place.registers;
    bool done = on ? mediate_start(&o->mediate, &admin, why, sizeof why) : mediate_stop(&o->mediate, why, sizeof why);
    if (!done)
        log_line("%s: controller cannot be %s: %s", o->place.name, on ? "started" : "stopped", why);
    answer[0] = o->mediate.capabilities;
    answer[1] = o->mediate.version;
    return done ? SEL4_NO_ERROR : SEL4_ILLEGAL_OPERATION;
}

void mediated_command(unsigned index, const uint64_t *words, uint64_t answer[2])
{
    struct one *o = &functions[index];
    struct nvme_command command;
    struct mediate_answer a;

    registers = o->place.registers;
    memcpy(&command, words, sizeof command);
    if (!mediate_command(&o->mediate, &command, &a) && o->mediate.refused <= LOGGED_MAX)
        log_line("%s: admin command 0x%x refused: status 0x%x%s", o->place.name, command.opcode, a.status,
                 o->mediate.refused == LOGGED_MAX ? "; more of them are counted only" : "");
    answer[0] = a.status;
    answer[1] = a.result;
}
