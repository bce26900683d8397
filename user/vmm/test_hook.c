#include "test_hook.h"
#include "lib.h"
#include "sel4.h"

void test_hook(struct vm *vm, uint8_t value)
{
    if (value == 1 && (vm->config->flags & VM_FLAG_TEST_CRASH_VMM))
        panic("test hook: crash of the VMM");
    if (value == 2 && (vm->config->flags & VM_FLAG_TEST_CRASH_KERNEL))
        sel4_debug_halt();
}
