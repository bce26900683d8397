/* Between the compiler's files about PCI functions: what a function of any kind of device takes. */
#pragma once
#include "compile_part.h"
#include <atoll/vf.h>

/* ---- the system request: virtual function `number` of the physical one that request `pf` names, for a VM on `node` whose node manager rings `vector` */
void vf_request(struct request_list *, const char *name, uint32_t node, uint32_t pf, uint32_t number, unsigned vector);
void vf_request_vectors(struct request_list *, uint32_t node, const char *name, unsigned first, unsigned count);
uint32_t pf_request(struct request_list *, const struct system_header *, const char *name, uint32_t function, uint32_t at, uint32_t vfs);

/* ---- node 0: thread, registers, doorbell of a PF driver, "pf-NAME"; the pages that it shares with the node manager of a function */
struct pf_part {
    struct part part;
    char name[NIC_NAME_MAX + 4];
    uint32_t notification, requester;
};
void pf_part_new(struct pf_part *, struct spec_builder *, const char *name, const struct component_image *, unsigned doorbell_vector);
void pf_part_vf(struct pf_part *, struct spec_builder *, const char *name, uint32_t number);
void pages_map(struct part *, struct spec_builder *, const char *resource, uint32_t first, uint32_t pages, uint64_t at, uint32_t rights);

/* ---- a VM's node: what its node manager holds of any function. Messages arrive at `notification`, with `badge` for vector 0 and twice that for the
 * next one. */
#define FIRST_SLOT 16 /* of the guest's PCI bus: functions that it drives */
void manager_vf(struct part *manager, struct spec_builder *, uint32_t index, const struct vf_config *, uint32_t notification, uint64_t badge);
