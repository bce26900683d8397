/* See kernel_world.h. */
#pragma clang section bss = "" data = ""
#include "kernel_world.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "kernel/x86/boot_objects.h"

#define ROOT SEL4_CAP_INIT_CNODE
#define BUFFER_VA 0x600000ull
#define FRAME_VA 0x700000ull

word_t world_init_slots;

static word_t space, inner_top; /* init's slots */

struct slot *world_slot(word_t cptr) { return cnode_slot(slot_at(space)->cap, cptr); }

static void must(word_t label, const char *what)
{
    if (label != SEL4_NO_ERROR) {
        fprintf(stderr, "the world cannot be made: %s: error %lu\n", what, (unsigned long)label);
        abort();
    }
}

/* A capability of init's gets a copy, badged or not, in the actors' CNode; or moves there, if it cannot be copied. */
static void give(word_t slot, word_t to) { must(CALL(space, SEL4_CNODE_COPY, CAPS(ROOT), to, SPACE_BITS, slot, 64, SEL4_ALL_RIGHTS), "copy"); }
static void mint(word_t slot, word_t to, word_t rights, word_t badge)
{
    must(CALL(space, SEL4_CNODE_MINT, CAPS(ROOT), to, SPACE_BITS, slot, 64, rights, badge), "mint");
}
static void move(word_t slot, word_t to) { must(CALL(space, SEL4_CNODE_MOVE, CAPS(ROOT), to, SPACE_BITS, slot, 64), "move"); }

static void make(word_t to, word_t type, word_t bits)
{
    move(retype(type, bits), to);
}

static void actor_make(unsigned i)
{
    static const uint8_t priority[ACTORS] = {100, 100, 101, 99, 100};
    static const struct {
        word_t budget, period, flags;
    } time[ACTORS] = {{1000, 1000, 0}, {300, 1000, 0}, {100, 5000, SEL4_SCHED_CONTEXT_SPORADIC}, {5000, 5000, 0}, {500, 2000, 0}};
    bool guest = i == ACTORS - 1;
    word_t tcb = retype(SEL4_TCB, 0), sc = retype(SEL4_SCHED_CONTEXT, 8), buffer = retype(SEL4_X86_4K_PAGE, 0);
    word_t nested = 0, handler = new_slot();
    must(CALL(ROOT, SEL4_CNODE_MINT, CAPS(space), handler, 64, W_ENDPOINT, SPACE_BITS, SEL4_ALL_RIGHTS, 0x70 + i), "handler");
    if (guest) {
        nested = retype(ATOLL_NESTED_PML4, 0);
        must(CALL(SEL4_CAP_INIT_ASID_POOL, SEL4_X86_ASID_POOL_ASSIGN, CAPS(nested)), "assign");
    }
    must(CALL(tcb, SEL4_TCB_SET_SPACE, CAPS(handler, i == 3 ? inner_top : space, guest ? nested : SEL4_CAP_INIT_VSPACE),
              (word_t)(i == 3 ? 0 : 64 - SPACE_BITS), 0), "set space");
    must(CALL(tcb, SEL4_TCB_SET_MC_PRIORITY, CAPS(SEL4_CAP_INIT_TCB), 110), "set MCP");
    must(CALL(tcb, SEL4_TCB_SET_PRIORITY, CAPS(SEL4_CAP_INIT_TCB), priority[i]), "set priority");
    must(CALL(tcb, SEL4_TCB_SET_IPC_BUFFER, CAPS(buffer), BUFFER_VA + i * 0x1000), "set buffer");
    must(CALL(bootinfo->schedcontrol.start, SEL4_SCHED_CONTROL_CONFIGURE_FLAGS, CAPS(sc), time[i].budget, time[i].period, 4, i,
              time[i].flags), "configure");
    must(CALL(sc, SEL4_SCHED_CONTEXT_BIND, CAPS(tcb)), "bind");
    if (i == 1)
        must(CALL(tcb, SEL4_TCB_SET_TIMEOUT_ENDPOINT, CAPS(handler)), "set timeout endpoint");
    if (guest) {
        word_t vcpu = retype(ATOLL_VCPU, 0);
        must(CALL(vcpu, ATOLL_VCPU_BIND, CAPS(tcb)), "bind the vCPU");
        move(vcpu, W_VCPU);
        move(nested, W_NPML4);
    }
    move(tcb, W_TCB + i);
    move(sc, W_SC + i);
    move(buffer, W_BUFFER + i);
    must(CALL(ROOT, SEL4_CNODE_DELETE, CAPS(0), handler, 64), "delete");
    make(W_REPLY + i, SEL4_REPLY, 0);
}

static void objects_make(void)
{
    word_t endpoint = retype(SEL4_ENDPOINT, 0), notification = retype(SEL4_NOTIFICATION, 0);
    mint(endpoint, W_ENDPOINT_BADGED, SEL4_ALL_RIGHTS, 5);
    mint(notification, W_NOTIFICATION_BADGED, SEL4_RIGHT_WRITE, 1);
    move(endpoint, W_ENDPOINT);
    move(notification, W_NOTIFICATION);
    make(W_ENDPOINT_2, SEL4_ENDPOINT, 0);
    make(W_NOTIFICATION_2, SEL4_NOTIFICATION, 0);
    make(W_SPARE_SC, SEL4_SCHED_CONTEXT, 8);
    make(W_NPDPT, ATOLL_NESTED_PDPT, 0);
    make(W_NPD, ATOLL_NESTED_PD, 0);
    make(W_NPT, ATOLL_NESTED_PT, 0);
    make(W_PML4, SEL4_X86_PML4, 0);
    make(W_PDPT, SEL4_X86_PDPT, 0);
    make(W_PD, SEL4_X86_PAGE_DIRECTORY, 0);
    make(W_PT, SEL4_X86_PAGE_TABLE, 0);
    make(W_INNER, SEL4_CNODE, 2);
    for (unsigned i = 0; i < 3; i++)
        make(W_FRAME + i, SEL4_X86_4K_PAGE, 0);
    make(W_UNTYPED, SEL4_UNTYPED, 15);
    make(W_UNTYPED_PAGE, SEL4_UNTYPED, SEL4_TABLE_BITS);
    word_t ram = named("ram")->first_slot;
    for (unsigned i = 0; i < 2; i++)
        move(retype_from(ram, SEL4_X86_4K_PAGE, 0), W_GUEST_FRAME + i);
    move(retype_from(ram, SEL4_UNTYPED, 14), W_FRAMES);
    move(retype_from(ram, SEL4_X86_LARGE_PAGE, 0), W_GUEST_FRAME + 2);
    give(SEL4_CAP_INIT_VSPACE, W_VSPACE);
    give(bootinfo->schedcontrol.start, W_SCHED_CONTROL);
    give(SEL4_CAP_DOMAIN, W_DOMAIN);
    give(SEL4_CAP_ASID_CONTROL, W_ASID_CONTROL);
    give(SEL4_CAP_INIT_ASID_POOL, W_ASID_POOL);
    give(named("bell")->first_slot, W_IPI);
    must(CALL(SEL4_CAP_IRQ_CONTROL, SEL4_IRQ_CONTROL_GET, CAPS(space), 0x10, W_IRQ_HANDLER, SPACE_BITS), "an interrupt");
    must(CALL(SEL4_CAP_IOPORT_CONTROL, SEL4_X86_IOPORT_CONTROL_ISSUE, CAPS(space), 0x3f8, 0x3fb, W_PORTS, SPACE_BITS), "ports");
    move(SEL4_CAP_IRQ_CONTROL, W_IRQ_CONTROL);
    move(SEL4_CAP_IOPORT_CONTROL, W_PORT_CONTROL);
}

static void remember_parts(void);

void world_make(void)
{
    host_boot();
    space = retype(SEL4_CNODE, SPACE_BITS);
    word_t top = retype(SEL4_CNODE, 4);
    inner_top = new_slot();
    must(CALL(top, SEL4_CNODE_COPY, CAPS(ROOT), 0, 4, space, 64, SEL4_ALL_RIGHTS), "copy");
    must(CALL(ROOT, SEL4_CNODE_MINT, CAPS(ROOT), inner_top, 64, top, 64, SEL4_ALL_RIGHTS, 64 - 4 - SPACE_BITS), "mint");
    objects_make();
    for (unsigned i = 0; i < ACTORS; i++)
        actor_make(i);
    must(CALL(space, SEL4_CNODE_MINT, CAPS(ROOT), W_CNODE, SPACE_BITS, space, 64, SEL4_ALL_RIGHTS, 64 - SPACE_BITS), "mint");
    for (unsigned i = 0; i < ACTORS; i++) {
        word_t tcb = new_slot();
        must(CALL(ROOT, SEL4_CNODE_COPY, CAPS(space), tcb, 64, W_TCB + i, SPACE_BITS, SEL4_ALL_RIGHTS), "copy");
        must(CALL(tcb, SEL4_TCB_RESUME, CAPS(0)), "resume");
        must(CALL(ROOT, SEL4_CNODE_DELETE, CAPS(0), tcb, 64), "delete");
    }
    world_init_slots = new_slot();
    struct context *c = &kernel.current->context; /* init suspends itself: the actors are alone */
    c->rdi = SEL4_CAP_INIT_TCB;
    c->rsi = message_info(SEL4_TCB_SUSPEND, 0, 0, 0);
    c->cause = (word_t)-1;
    handle_syscall(SEL4_SYS_CALL);
    remember_parts();
    world_check();
}

/* ---- saving, restoring, comparing ---- */

extern char __start_kernel_bss[], __stop_kernel_bss[], __start_kernel_data[], __stop_kernel_data[];

static struct part {
    const char *name;
    char *start, *saved, *before;
    size_t bytes;
} parts[4];

/* The compiler's checks put guards between globals: copied by hand, past those checks. All parts are whole words. */
#define UNWATCHED __attribute__((no_sanitize("address", "undefined", "coverage"), noinline))

UNWATCHED static void copy(void *to, const void *from, size_t bytes)
{
    for (size_t i = 0; i < bytes / sizeof(word_t); i++)
        ((volatile word_t *)to)[i] = ((const volatile word_t *)from)[i];
}

UNWATCHED static size_t differ(const void *a, const void *b, size_t bytes)
{
    size_t i = 0;
    while (i < bytes / sizeof(word_t) && ((const word_t *)a)[i] == ((const word_t *)b)[i])
        i++;
    return i * sizeof(word_t);
}

/* The window's middle is untyped memory that nobody has a capability to; init's own objects are at its end, the context last made. */
static void remember_parts(void)
{
    word_t low = 0, high = ALIGN_DOWN(object_offset(init_thread()->sc), SEL4_PAGE_BITS);
    for (word_t i = bootinfo->untyped.start; i < bootinfo->untyped.end; i++) {
        cap_t c = slot_at(i)->cap;
        if (slot_has_children(slot_at(i)) && !untyped_frame_only(c))
            low = untyped_paddr(c) + BIT(untyped_size_bits(c)) - kernel.window_paddr;
    }
    static const char *const names[] = {"window, low", "window, high", "globals", "initialised globals"};
    char *starts[] = {kernel.window, kernel.window + high, __start_kernel_bss, __start_kernel_data};
    char *ends[] = {kernel.window + low, kernel.window + kernel.window_size, __stop_kernel_bss, __stop_kernel_data};
    for (unsigned i = 0; i < 4; i++) {
        size_t bytes = (size_t)(ends[i] - starts[i]) & ~7ul;
        parts[i] = (struct part){names[i], starts[i], malloc(bytes), malloc(bytes), bytes};
        copy(parts[i].saved, starts[i], bytes);
    }
}

void world_restore(void)
{
    for (unsigned i = 0; i < 4; i++)
        copy(parts[i].start, parts[i].saved, parts[i].bytes);
}

void world_remember(void)
{
    for (unsigned i = 0; i < 4; i++)
        copy(parts[i].before, parts[i].start, parts[i].bytes);
}

static void allow(const void *at, size_t bytes)
{
    for (unsigned i = 0; i < 4; i++)
        if ((const char *)at >= parts[i].start && (const char *)at < parts[i].start + parts[i].bytes)
            copy(parts[i].before + ((const char *)at - parts[i].start), at, bytes);
}

void world_compare(const struct tcb *caller)
{
    allow(&caller->context, sizeof(caller->context));
    allow(caller->lookup_failure, sizeof(caller->lookup_failure));
    if (tcb_ipc_buffer(caller, true))
        allow(tcb_ipc_buffer(caller, true), BIT(SEL4_IPC_BUFFER_BITS));
    allow(&kernel.refusal, sizeof(kernel.refusal));
    allow(&kernel.work_units, sizeof(kernel.work_units));
    allow(&kernel.now, sizeof(kernel.now));
    allow(&kernel.consumed, sizeof(kernel.consumed));
    allow(&machine, sizeof(machine));
    for (unsigned i = 0; i < 4; i++) {
        size_t at = differ(parts[i].before, parts[i].start, parts[i].bytes);
        if (at != parts[i].bytes) {
            fprintf(stderr, "a refused call changed the kernel's state: %s, byte %zu (address %p)\n", parts[i].name, at,
                    (void *)(parts[i].start + at));
            abort();
        }
    }
}
