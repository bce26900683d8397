/* Multiboot 1 kernels (Multiboot Specification 0.6.96): ELF32 images, or any image with an address header. */
#pragma once
#include "vm.h"

/* As linux_load. */
bool multiboot_load(struct vm *vm);
