/* Linux/x86 boot protocol, 64-bit entry (Documentation/x86/boot.rst of Linux). */
#pragma once
#include "vm.h"

/* Load vm's kernel and initrd files, and set its registers. False: vm->reason says what is wrong with which file. */
bool linux_load(struct vm *vm);
