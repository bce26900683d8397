/* A disk: a file in memory that is mapped by this component alone, served to one VMM of the same node. */
#include <atoll/component.h>
#include "disk.h"
#include "lib.h"
#include "root.h"
#include "sel4.h"

#define PAGE (1ull << 12)
#define MIB2 (1ull << 21)
#define GIB (1ull << 30)

const char component_name[] = "disk";

static struct disk disk;

static void check(error_t error, const char *step)
{
    if (error)
        panic("cannot %s: %s", step, sel4_error_name(error));
}

static cptr_t table_new(cptr_t *slot, uint64_t type)
{
    check(untyped_retype(DISK_SLOT_TABLES, type, 0, DISK_SLOT_CNODE, 0, 0, *slot, 1), "make a page table");
    return (*slot)++;
}

/* The file's memory at DISK_FILE_VA: 2 MiB frames, and 4 KiB frames for the last part. */
static void map_file(const struct disk_config *c)
{
    cptr_t slot = DISK_SLOT_FREE, untyped = DISK_SLOT_FILE;
    uint64_t rights = c->read_only ? SEL4_RIGHT_READ : SEL4_RIGHT_READ | SEL4_RIGHT_WRITE;

    check(pdpt_map(table_new(&slot, SEL4_X86_PDPT), DISK_SLOT_VSPACE, DISK_FILE_VA, 0), "map a page table");
    for (uint64_t at = 0, size; at < c->bytes; at += size) {
        error_t error = SEL4_NOT_ENOUGH_MEMORY;

        size = c->bytes - at >= MIB2 ? MIB2 : PAGE;
        if (at % GIB == 0)
            check(page_directory_map(table_new(&slot, SEL4_X86_PAGE_DIRECTORY), DISK_SLOT_VSPACE, DISK_FILE_VA + at, 0),
                  "map a page table");
        if (size == PAGE && at % MIB2 == 0)
            check(page_table_map(table_new(&slot, SEL4_X86_PAGE_TABLE), DISK_SLOT_VSPACE, DISK_FILE_VA + at, 0), "map a page table");
        while (error == SEL4_NOT_ENOUGH_MEMORY && untyped < DISK_SLOT_FILE + DISK_SPAN) {
            error = untyped_retype(untyped, size == MIB2 ? SEL4_X86_LARGE_PAGE : SEL4_X86_4K_PAGE, 0, DISK_SLOT_CNODE, 0, 0, slot, 1);
            untyped += error == SEL4_NOT_ENOUGH_MEMORY; /* that one is used up */
        }
        check(error, "make a frame of the file");
        check(page_map(slot++, DISK_SLOT_VSPACE, DISK_FILE_VA + at, rights, ATOLL_X86_EXECUTE_NEVER), "map the file");
    }
}

static void queue_at(struct queue *q, unsigned index, bool consumer)
{
    uint8_t *at = (uint8_t *)COMPONENT_QUEUES_VA + index * COMPONENT_QUEUE_STRIDE;

    if (consumer)
        queue_init_consumer(q, at, at + COMPONENT_QUEUE_TAIL, QUEUE_DATA_SIZE);
    else
        queue_init_producer(q, at, at + COMPONENT_QUEUE_TAIL, QUEUE_DATA_SIZE);
}

void component_main(const void *frame, uint64_t tsc_hz)
{
    const struct disk_config *config = frame;

    (void)tsc_hz;
    if (config->magic != DISK_CONFIG_MAGIC)
        panic("the configuration frame is not a disk's");
    map_file(config);
    disk = (struct disk){.memory = (uint8_t *)DISK_FILE_VA,
                         .server.size = {.sectors = config->bytes / BLOCK_SECTOR, .block_bytes = BLOCK_SECTOR, .read_only = config->read_only}};
    queue_at(&disk.server.requests, DISK_QUEUE_REQUESTS, true);
    queue_at(&disk.server.answers, DISK_QUEUE_ANSWERS, false);
    for (uint64_t given_up = 0, told = 0;;) {
        queue_wake(&disk.server.requests);
        given_up += !disk_serve(&disk);
        if (given_up > 2 * told) { /* once per doubling */
            told = given_up;
            log_line("the VMM wrote something that is no request; it is served again when it starts again (%lu times so far)", given_up);
        }
        if (queue_needs_doorbell(&disk.server.answers))
            sel4_signal(DISK_SLOT_CLIENT);
        if (disk.server.dead || queue_sleep(&disk.server.requests))
            sel4_wait(DISK_SLOT_NOTIFICATION);
    }
}
