/* function: leaf_attributes
 * property: a leaf gives no more than the rights: user-accessible only to read, writable only to write, no entry at all for neither; no stray bits
 * bound: all inputs
 */
#include "../proof.h"
#include "kernel/x86/paging.h"
#include "kernel/x86/vspace.c"

struct kernel kernel;

int main(void)
{
    enum level level = (enum level)nondet_below(3);
    enum frame_rights rights = (enum frame_rights)(1 + nondet_below(3));
    word_t pte = leaf_attributes(level, rights, nondet_word());
    HOLDS(rights != FRAME_KERNEL_ONLY || pte == 0, "no rights, no entry");
    HOLDS(!(pte >> 1 & 1) || rights == FRAME_READ_WRITE, "writable only with the right to write");
    HOLDS(pte == 0 || ((pte & 1) && (pte >> 2 & 1)), "present for the user");
    HOLDS(pte == 0 || level == LEVEL_PT || (pte >> 7 & 1), "large at the large levels");
    HOLDS((pte & ~(0x80000000000010ffull)) == 0, "nothing in the address, global or software bits");
    REACH(pte == 0);
    REACH((pte >> 1 & 1) && (pte >> 63));
    REACH(level == LEVEL_PT && (pte >> 7 & 1));
}
