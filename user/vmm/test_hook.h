/* What the guest of a VM with `test-hooks: true` may make its VMM do by writing to port VM_TEST_PORT. */
#pragma once
#include "vm.h"

void test_hook(struct vm *vm, uint8_t value);
