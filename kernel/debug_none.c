/* For builds without debugging system calls: their numbers are unknown ones. */
#include "core.h"

bool debug_syscall(int64_t number)
{
    (void)number;
    return false;
}
