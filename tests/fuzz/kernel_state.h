/* Given to clang with -include for the kernel's sources: all that they keep between calls lies in two sections of these names,
 * which the fuzzer saves, restores and compares as a whole (kernel_world.c). */
#pragma once
#ifdef __clang__
#pragma clang section bss = "kernel_bss" data = "kernel_data"
#endif
