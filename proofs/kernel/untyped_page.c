/* function: untyped_invoke
 * property: Retype into 4 KiB frames: inside the untyped, behind what is there, aligned, disjoint; the free offset moves behind them; never a kernel object from frame-only memory; a refusal changes nothing
 * bound: all untypeds and offsets; up to 4 objects at once; clearing is preempted after 192 KiB at the latest
 * options: --unwind 8
 */
#define TYPE SEL4_X86_4K_PAGE
#define USER_BITS 0
#define FROM_FRAME_ONLY
#include "untyped_retype.inc"
