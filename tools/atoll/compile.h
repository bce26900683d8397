/* Between the files of the compiler: a description becomes the system request and one spec per node. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "component_image.h"
#include "description.h"
#include "spec_builder.h"
#include <atoll/system.h>

#define QUEUE_PAGES 17 /* of a queue's producer region: header and QUEUE_DATA_SIZE */

enum component { COMPONENT_MANAGER, COMPONENT_VMM, COMPONENT_CONSOLE, COMPONENT_DISK, COMPONENT_SWITCH, COMPONENT_IGB, COMPONENT_NVME_PF,
                 COMPONENT_NVME_DISK, COMPONENTS };

/* What the specs are made from. */
struct compile_input {
    const struct description *description;
    struct component_image images[COMPONENTS], kernel, init;
    struct vm_files {
        uint64_t kernel_size, initrd_size, disk_sizes[DISKS_MAX];
    } *vms; /* description->vm_count of them */
};

/* compile_memory.c: private memory that a node needs, whole pages, and the window that init, objects and components have of it. {0}: more than a node
 * can have. */
struct node_memory { uint64_t bytes, window; };
struct node_memory compile_memory(const struct compile_input *, const struct spec_builder *, size_t spec_bytes);

/* The VM that has a vCPU on this node, or NULL. Its number in the description goes to `index`. */
const struct description_vm *compile_node_vm(const struct description *, uint32_t node, uint32_t *index);

/* compile_request.c: the system request as one malloc'ed block (NULL: no memory, or too many requests). `memory`: of each node, where the
 * description does not say it. */
struct request_list;
struct system_request *request_add(struct request_list *, uint32_t kind, uint32_t node, uint64_t size, const char *name, ...)
    __attribute__((format(printf, 5, 6)));
/* One queue between a node and the control node: both get both regions, each may write its own. */
void request_queue(struct request_list *, uint32_t node, const char *name, bool node_produces);
/* compile_devices.c: switches and their ports. */
void compile_switch_requests(struct request_list *, const struct description *);
void compile_switches(struct spec_builder *, const struct compile_input *);
void *compile_request(const struct description *, const struct node_memory *memory, size_t *bytes);
/* compile_vf.c: NICs, their PF drivers, and the functions of VMs. */
struct part;
void compile_vf_requests(struct request_list *, const struct system_header *, const struct description *);
void compile_pf_drivers(struct spec_builder *, const struct compile_input *);
/* `notification` is the VMM's; its messages arrive there. */
void compile_vfs(struct spec_builder *, const struct compile_input *, uint32_t node, struct part *manager, struct part *vmm,
                     uint32_t notification);
/* How many functions a VM has: those that its guest drives, and all. */
uint32_t compile_guest_vfs(const struct description_vm *);
uint32_t compile_all_vfs(const struct description_vm *);
/* compile_ssd.c: SSDs, and disks on their functions. */
void compile_ssd_requests(struct request_list *, const struct system_header *, const struct description *);
void compile_ssd_drivers(struct spec_builder *, const struct compile_input *);
struct vf_config;
/* The component of disk `disk`, whose function is the VM's `index`th. */
void compile_ssd_mediated(struct spec_builder *, const struct compile_input *, const struct description_disk *, uint32_t index, struct part *manager,
                          uint32_t notification, struct vf_config *);
void compile_ssd_disk(struct spec_builder *, const struct compile_input *, const struct description_vm *, uint32_t disk, uint32_t index,
                      struct part *manager, struct part *vmm, uint32_t notification, struct vf_config *);
/* The same for a node of another of its vCPUs: registers alone. */
void compile_vf_registers(struct spec_builder *, const struct description *, uint32_t node, struct part *manager);
/* compile_node.c: everything that init builds on one node. */
void compile_node(struct spec_builder *, const struct compile_input *, uint32_t node);
