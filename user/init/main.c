/* Init, top to bottom. */
#include "init.h"
#include "root.h"

const char component_name[] = "init";

void init_stop(const char *format, ...)
{
    char text[200];
    va_list arguments;

    va_start(arguments, format);
    text_vformat(text, sizeof text, format, arguments);
    va_end(arguments);
    log_line("stop: %s; nothing was started on this node", text);
    /* The console lives on node 0: without it, nobody reads a log. The kernel's last words go to the serial line. */
    if (platform() && platform()->node == 0)
        sel4_debug_halt();
    panic("end");
}

void check(error_t error, const char *step, const char *name)
{
    if (error)
        init_stop("%s %s: %s", step, name, sel4_error_name(error));
}

static void page_table(uint64_t at)
{
    cptr_t table = slot_new();

    check(memory_make(SEL4_X86_PAGE_TABLE, 0, SEL4_TABLE_BITS, table), "make", "init's page table");
    check(page_table_map(table, SEL4_CAP_INIT_VSPACE, at, 0), "map", "init's page table");
}

/* The page tables behind INIT_FILL_VA; INIT_SPEC_VA follows. */
static void own_tables(void)
{
    cptr_t directory = slot_new();

    check(memory_make(SEL4_X86_PAGE_DIRECTORY, 0, SEL4_TABLE_BITS, directory), "make", "init's page directory");
    check(page_directory_map(directory, SEL4_CAP_INIT_VSPACE, INIT_FILL_VA, 0), "map", "init's page directory");
    page_table(INIT_FILL_VA);
}

/* The spec's file, mapped read-only. */
static void spec_open(uint32_t node, struct spec_view *view)
{
    char name[ATOLL_NAME_MAX], why[160];
    uint32_t pages;

    text_format(name, sizeof name, "node.%u.spec", node);
    const struct atoll_named_slots *file = named(name);
    if (!file)
        init_stop("the resource map names no %s", name);
    if (file->size > INIT_SPEC_END - INIT_SPEC_VA)
        init_stop("%s is larger than a spec can be", name);
    cptr_t first = named_frames(file, SEL4_PAGE_BITS, &pages);
    for (uint32_t i = 0; i < pages; i++) {
        uint64_t at = INIT_SPEC_VA + ((uint64_t)i << SEL4_PAGE_BITS);

        if (at % (1ull << SEL4_LARGE_PAGE_BITS) == 0)
            page_table(at);
        check(page_map(first + i, SEL4_CAP_INIT_VSPACE, at, SEL4_RIGHT_READ, ATOLL_X86_EXECUTE_NEVER), "map", name);
    }
    if (spec_check((const void *)INIT_SPEC_VA, file->size, node, view, why, sizeof why) != 0)
        init_stop("%s: %s", name, why);
}

void root_main(const struct sel4_bootinfo *info)
{
    struct spec_view spec;

    sel4_debug_name_thread(SEL4_CAP_INIT_TCB, component_name);
    memory_init(info);
    names_init(info);
    own_tables();
    spec_open(platform()->node, &spec);

    objects_make(&spec);
    interrupts_make(&spec);
    frames_fill(&spec);
    mappings_make(&spec);
    caps_give(&spec);
    threads_configure(&spec, info->schedcontrol.start, platform()->tsc_hz, platform()->wall_clock);
    log_line("%u objects, %u capabilities, %u threads", spec.header->object_count, spec.header->cap_count,
             spec.header->thread_count);
    bool dump = spec.header->flags & SPEC_FLAG_DUMP;
    seal_open(&spec);
    threads_start(&spec); /* their priorities are below init's: they run once init has ended */
    seal_close(info);
    if (dump)
        sel4_debug_snapshot();

    /* Nobody else holds this TCB or this CNode, which holds this thread and its memory and nothing else. */
    tcb_suspend(SEL4_CAP_INIT_TCB);
    panic("still running");
}
