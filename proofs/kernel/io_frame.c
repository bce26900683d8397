/* function: io_frame_map, io_frame_unmap
 * property: a frame is mapped only where nothing was, with no more rights than its capability, at a page size that the unit walks, and the capability says where; unmapping takes out its own entry only and flushes exactly that before it returns; a refusal changes nothing
 * bound: all I/O spaces of both families, frames, addresses, rights
 * options: --unwind 5
 * replace: walk:walk_contract
 */
#include "io_space.inc"
#include "kernel/x86/iospace.c"

int main(void)
{
    arbitrary_io_space();
    struct slot slot = {.cap = {nondet_word(), nondet_word()}}, of_space = {.next = 0};
    cap_t cap = slot.cap;
    ASSUME(cap_tag(cap) == CAP_FRAME && frame_size(cap) <= FRAME_1G && frame_rights(cap) >= FRAME_KERNEL_ONLY &&
           (frame_paddr(cap) & MASK(frame_size_bits(cap))) == 0 && frame_paddr(cap) < BIT(52));
    ASSUME(frame_mapped(cap) != FRAME_IN_IO || frame_vaddr(cap) < BIT(48));
    struct invocation inv = {.slot = &slot, .cap = cap, .label = ATOLL_IO_PAGE_MAP, .length = nondet_below(121),
                             .extra = {nondet_bool() ? &of_space : NULL}, .caller = &caller};
    word_t before = entry;
    enum level level = (enum level)frame_size(cap);

    if (nondet_bool()) {
        status_t s = io_frame_map(&inv);
        HOLDS(s == STATUS_OK || (entry == before && flushes == 0 && slot.cap.w0 == cap.w0 && slot.cap.w1 == cap.w1), "a refusal changes nothing");
        if (s == STATUS_OK) {
            HOLDS(!present(before) && reached == level, "at its own level, where nothing was");
            HOLDS(frame_mapped(cap) == FRAME_UNMAPPED, "one mapping for each capability");
            HOLDS(frame_only(cap), "no private memory: kernel objects are out of every device's reach");
            HOLDS(present(entry) && leaf(entry, level) && address_of(entry) == frame_paddr(cap), "the entry names the frame");
            HOLDS(!readable(entry) || ((args[1] & SEL4_RIGHT_READ) && frame_rights(cap) >= FRAME_READ), "read only with the right to");
            HOLDS(!writable(entry) || ((args[1] & SEL4_RIGHT_WRITE) && frame_rights(cap) == FRAME_READ_WRITE), "written only with the right to");
            HOLDS(walked_address == args[0] && (args[0] & MASK(frame_size_bits(cap))) == 0, "for the address asked for");
            HOLDS(!vtd() || level == LEVEL_PT || (unit.capability >> (level == LEVEL_PD ? 34 : 35) & 1), "a size that the unit walks (VT-d 11.4.2)");
            HOLDS(frame_mapped(slot.cap) == FRAME_IN_IO && frame_vaddr(slot.cap) == args[0] && frame_asid(slot.cap) == root.asid &&
                      frame_paddr(slot.cap) == frame_paddr(cap), "the capability says where it is");
            HOLDS(flushes == (space.unit != NULL) && published, "the unit is told, if one uses the space");
        }
        REACH(s == STATUS_OK && vtd() && level == LEVEL_PDPT);
        REACH(s == STATUS_OK && !vtd() && writable(entry) && !readable(entry));
        REACH(s == SEL4_DELETE_FIRST);
        REACH(s == SEL4_ALIGNMENT_ERROR);
    } else {
        ASSUME(frame_mapped(cap) == FRAME_IN_IO);
        io_frame_unmap(cap);
        bool own = walked && reached == level && present(before) && leaf(before, level) && address_of(before) == frame_paddr(cap);
        HOLDS(!walked || walked_address == frame_vaddr(cap), "the entry is that of the capability's address");
        HOLDS(!own || (entry == 0 && published && flushes == (space.unit != NULL)), "its own mapping goes, and from the unit's caches");
        HOLDS(own || (entry == before && flushes == 0), "what is not its own stays");
        HOLDS(walked || root.kind != ROOT_IO, "no mapping is forgotten");
        REACH(own && flushes);
        REACH(walked && !own);
    }
}
