/* The components behind a VM's virtio devices. */
#pragma once
#include "compile_part.h"

/* The disks of a node's VM, a component each, and its ports of switches: what its VMM holds of them. `notification` is the VMM's, `number` the VM's
 * in the description. */
void compile_disks(struct spec_builder *, const struct compile_input *, struct part *vmm, uint32_t notification, uint32_t number);
void compile_ports(struct spec_builder *, const struct compile_input *, struct part *vmm, uint32_t notification, uint32_t number);
