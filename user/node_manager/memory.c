/* Binding memory to the VM: frames as large as the memory allows, each mapped once in the nested tables and, by copies of
 * its capability, in the VMM and, if the VM has device functions, in the I/O space that they share, at the guest's addresses. The frames' sizes are found by asking: boot aligned the memory, the kernel cut it into
 * naturally aligned powers of two, in ascending order. */
#include "manager.h"

#define GIB (1ull << 30)
#define MIB2 (1ull << 21)
#define PAGE (1ull << 12)
#define DEPTH 64
#define READ_WRITE (SEL4_RIGHT_READ | SEL4_RIGHT_WRITE)
#define NO_TABLE UINT64_MAX

struct binding {
    uint64_t next_slot, end_slot;
    char *why;
    size_t why_size;
};

/* One address space that is filled from low to high addresses. */
struct space {
    enum { SPACE_OWN, SPACE_NESTED, SPACE_IO } kind;
    cptr_t root;
    uint64_t pdpt, pd, pt; /* base addresses that the last tables made cover */
};

static int fail(struct binding *b, const char *step, error_t error)
{
    text_format(b->why, b->why_size, "node manager: cannot %s: %s", step, sel4_error_name(error));
    return -1;
}

static int slot_new(struct binding *b, cptr_t *slot)
{
    if (b->next_slot == b->end_slot)
        return fail(b, "find a free slot", SEL4_NOT_ENOUGH_MEMORY);
    *slot = b->next_slot++;
    return 0;
}

static error_t retype(cptr_t untyped, uint64_t type, cptr_t to)
{
    return untyped_retype(untyped, type, 0, MANAGER_SLOT_CNODE, 0, 0, to, 1);
}

enum level { LEVEL_PT, LEVEL_PD, LEVEL_PDPT };

static int table_map(struct binding *b, struct space *s, enum level level, uint64_t at)
{
    static const uint64_t types[][3] = {[SPACE_OWN] = {SEL4_X86_PAGE_TABLE, SEL4_X86_PAGE_DIRECTORY, SEL4_X86_PDPT},
                                        [SPACE_NESTED] = {ATOLL_NESTED_PT, ATOLL_NESTED_PD, ATOLL_NESTED_PDPT},
                                        [SPACE_IO] = {ATOLL_IO_PT, ATOLL_IO_PD, ATOLL_IO_PDPT}};
    static const char *const steps[] = {"add a page table", "add a nested page table", "add a table of devices' addresses"};
    cptr_t slot;

    if (slot_new(b, &slot) != 0)
        return -1;
    error_t error = retype(MANAGER_SLOT_TABLES, types[s->kind][level], slot);
    if (!error)
        error = s->kind == SPACE_NESTED ? nested_table_map(slot, s->root, at, 0)
                : s->kind == SPACE_IO   ? io_table_map(slot, s->root, at)
                : level == LEVEL_PDPT   ? pdpt_map(slot, s->root, at, 0)
                : level == LEVEL_PD     ? page_directory_map(slot, s->root, at, 0)
                                        : page_table_map(slot, s->root, at, 0);
    return error ? fail(b, steps[s->kind], error) : 0;
}

static int frame_map(struct binding *b, struct space *s, cptr_t frame, uint64_t at, uint64_t size, uint64_t rights)
{
    uint64_t pdpt = at & ~(512 * GIB - 1), pd = at & ~(GIB - 1), pt = at & ~(MIB2 - 1);

    static const char *const steps[] = {"map memory into the VMM", "map guest memory", "map guest memory for devices"};

    if (s->pdpt != pdpt && table_map(b, s, LEVEL_PDPT, pdpt) != 0)
        return -1;
    s->pdpt = pdpt;
    if (size < GIB && s->pd != pd) {
        if (table_map(b, s, LEVEL_PD, pd) != 0)
            return -1;
        s->pd = pd;
    }
    if (size < MIB2 && s->pt != pt) {
        if (table_map(b, s, LEVEL_PT, pt) != 0)
            return -1;
        s->pt = pt;
    }
    error_t error = s->kind == SPACE_NESTED ? nested_page_map(frame, s->root, at, rights, 0)
                    : s->kind == SPACE_IO   ? io_page_map(frame, s->root, at, rights)
                                            : page_map(frame, s->root, at, rights, ATOLL_X86_EXECUTE_NEVER);
    return error ? fail(b, steps[s->kind], error) : 0;
}

/* The next frame of a list of untypeds. */
struct source {
    cptr_t untyped, end;
    bool huge_taken; /* huge frames came from the current untyped: being a power of two, it has room for huge frames or for none */
};

/* 0: made; 1: the untypeds are used up; -1: refused. */
static int frame_make(struct binding *b, struct source *from, uint64_t type, cptr_t slot)
{
    while (from->untyped < from->end) {
        error_t error = retype(from->untyped, type, slot);
        if (!error)
            return 0;
        if (error == SEL4_NOT_ENOUGH_MEMORY)
            from->untyped++, from->huge_taken = false; /* this one is full */
        else if (error == SEL4_INVALID_CAPABILITY)
            from->untyped = from->end; /* an empty slot: there are no more */
        else
            return fail(b, "make a frame", error);
    }
    return 1;
}

/* A 1 GiB frame, if the next untyped is large enough: 0 made, 1 not, -1 refused. */
static int huge_frame_make(struct binding *b, struct source *from, cptr_t slot)
{
    while (from->untyped < from->end) {
        error_t error = retype(from->untyped, SEL4_X86_HUGE_PAGE, slot);
        if (!error) {
            from->huge_taken = true;
            return 0;
        }
        if (error != SEL4_NOT_ENOUGH_MEMORY)
            return error == SEL4_INVALID_CAPABILITY ? 1 : fail(b, "make a frame", error);
        if (!from->huge_taken)
            return 1;
        from->untyped++;
        from->huge_taken = false;
    }
    return 1;
}

/* A copy of a frame's capability, mapped. */
static int copy_map(struct binding *b, struct space *s, cptr_t frame, uint64_t at, uint64_t size)
{
    cptr_t copy;

    if (slot_new(b, &copy) != 0)
        return -1;
    error_t error = cnode_copy(MANAGER_SLOT_CNODE, copy, DEPTH, MANAGER_SLOT_CNODE, frame, DEPTH, SEL4_ALL_RIGHTS);
    return error ? fail(b, "copy a frame", error) : frame_map(b, s, copy, at, size, READ_WRITE);
}

static int ram_bind(struct binding *b, struct source from, uint64_t memory, bool devices)
{
    struct space guest = {SPACE_NESTED, MANAGER_SLOT_NESTED, NO_TABLE, NO_TABLE, NO_TABLE};
    struct space vmm = {SPACE_OWN, MANAGER_SLOT_VMM_VSPACE, NO_TABLE, NO_TABLE, NO_TABLE};
    struct space io = {SPACE_IO, MANAGER_SLOT_IO_SPACE, NO_TABLE, NO_TABLE, NO_TABLE};
    uint64_t at = 0, left = memory;

    while (left) {
        cptr_t frame;
        uint64_t size = MIB2;

        if (at == VM_HOLE_START)
            at = VM_HOLE_END;
        if (slot_new(b, &frame) != 0)
            return -1;
        if (left >= GIB && at % GIB == 0) {
            int status = huge_frame_make(b, &from, frame);
            if (status < 0)
                return -1;
            size = status == 0 ? GIB : MIB2;
        }
        if (size == MIB2) {
            int status = frame_make(b, &from, SEL4_X86_LARGE_PAGE, frame);
            if (status > 0)
                return fail(b, "find all of the guest's memory", SEL4_NOT_ENOUGH_MEMORY);
            if (status < 0)
                return -1;
        }
        if (frame_map(b, &guest, frame, at, size, READ_WRITE) != 0 || copy_map(b, &vmm, frame, VMM_RAM_VA + at, size) != 0 ||
            (devices && copy_map(b, &io, frame, at, size) != 0))
            return -1;
        at += size;
        left -= size;
    }
    return 0;
}

/* A file's pages: large ones first, which boot aligned, small ones for the last part. */
static int image_bind(struct binding *b, struct space *vmm, struct source from, uint64_t size, uint64_t at)
{
    uint64_t frame_size;

    for (uint64_t done = 0; done < size; done += frame_size) {
        cptr_t frame;
        frame_size = size - done >= MIB2 ? MIB2 : PAGE;
        if (slot_new(b, &frame) != 0)
            return -1;
        int status = frame_make(b, &from, frame_size == MIB2 ? SEL4_X86_LARGE_PAGE : SEL4_X86_4K_PAGE, frame);
        if (status > 0)
            return fail(b, "find all of an image file", SEL4_NOT_ENOUGH_MEMORY);
        if (status < 0 || frame_map(b, vmm, frame, at + done, frame_size, SEL4_RIGHT_READ) != 0)
            return -1;
    }
    return 0;
}

int memory_bind(const struct manager_config *c, const struct vm_config *vm, uint64_t *free_slot, char *why, size_t why_size)
{
    struct binding b = {MANAGER_SLOT_FREE, 1ull << c->cnode_bits, why, why_size};
    struct space images = {SPACE_OWN, MANAGER_SLOT_VMM_VSPACE, NO_TABLE, NO_TABLE, NO_TABLE};
    struct source ram = {MANAGER_SLOT_RAM, MANAGER_SLOT_RAM + c->ram_caps, false};
    struct source kernel = {MANAGER_SLOT_KERNEL, MANAGER_SLOT_KERNEL + c->kernel_caps, false};
    struct source initrd = {MANAGER_SLOT_INITRD, MANAGER_SLOT_INITRD + c->initrd_caps, false};

    if (ram_bind(&b, ram, vm->memory, vm->vf_count) != 0 || image_bind(&b, &images, kernel, vm->kernel_size, VMM_KERNEL_VA) != 0 ||
        image_bind(&b, &images, initrd, vm->initrd_size, VMM_INITRD_VA) != 0)
        return -1;
    *free_slot = b.next_slot;
    return 0;
}
