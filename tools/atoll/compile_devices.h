/* The components behind a VM's virtio devices. */
#pragma once
#include "compile_part.h"

/* The disks of a node's VM: a component each, and what its VMM holds of them. `notification` is the VMM's. */
void compile_disks(struct spec_builder *, const struct compile_input *, struct part *vmm, uint32_t notification,
                   uint32_t number); /* of the VM in the description */
