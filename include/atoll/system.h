/* The system request: what the `atoll` tool asks `boot` to lay out, offline-compiled from the
 * description. It names, counts and sizes; it contains no physical address. Boot binds each request to
 * what the machine has ("named resources") or refuses with a sentence.
 *
 * Passed to boot as the module whose command line is "system". Other modules: "kernel" (ELF64 of the
 * kernel), "init" (ELF64 of init or of a foreign root task), and one per RESOURCE_MODULE request, whose command line is the
 * request's name.
 */
#pragma once
#include <stdint.h>
#include <atoll/resource_map.h>

#define SYSTEM_MAGIC 0x315359534c4f5441ull /* "ATOLSYS1" */
#define SYSTEM_MAX_NODES 256
#define SYSTEM_MAX_REQUESTS 4096
#define SYSTEM_MODULE_NAME "system"

struct system_request {
    uint32_t kind;  /* enum resource_kind */
    uint32_t node;  /* whose map it goes into */
    uint64_t size;  /* bytes: PRIVATE (total private memory of the node, kernel image included), MEMORY,
                       SHARED, LOG; else 0 */
    uint64_t align; /* power of two; MEMORY of guests asks for 2 MiB or 1 GiB */
    uint64_t arg0, arg1; /* as in the resource map, but IPI and LOG name the target *node* in arg0;
                            boot puts that node's x2APIC id there. PRIVATE: arg0 = bytes of init, kernel objects and components,
                            a multiple of 256 KiB, 0: what kernel image and tables leave of it */
    /* A CHANNEL (size CHANNEL_BYTES, arg0 = 1: this end sends) is two requests of equal name, one for each of its nodes.
     * MOVABLE: arg0, arg1 = indices of requests: a CHANNEL of the same node, and the MEMORY, REQUESTERS or IPI that may pass through
     * it, whichever node has that at first. Both ends are told. */
    char name[RESOURCE_NAME_MAX]; /* SHARED and LOG: equal names on different nodes are the same memory, for two nodes, or as many
                                     as arg1 of each SHARED request says. MEMORY too, where arg0 of each request says for how many */
};

/* Kinds of request only: PCI functions by name. The node gets, for the name NAME, entries called NAME.config (its page of configuration
 * space), NAME.bar0 to NAME.bar5 (its memory, whole pages only), NAME.requester (its requester ID). Whoever holds the page of a
 * physical function can move its registers; a virtual function has none of its own there.
 *
 * SYSTEM_FUNCTION: arg0 = vendor | device << 16; arg1 = segment << 16 | bus << 8 | device << 3 | function, or SYSTEM_ANYWHERE: the
 * first such device that no other request takes; size = how many virtual functions boot switches on, 0: none.
 * SYSTEM_VF: arg0 = index of its physical function's request; arg1 = which of the virtual functions, from 0. */
#define SYSTEM_FUNCTION 0x100u
#define SYSTEM_VF 0x101u
/* The registers of another node's function for this node as well, as RESOURCE_DEVICE: arg0 = index of the function's request; arg1 = which BAR; size = bytes from
 * its beginning; the name is what the function's node calls them ("nic0.vf2.bar0"). */
#define SYSTEM_REGISTERS 0x102u
#define SYSTEM_ANYWHERE UINT64_MAX

#define SYSTEM_FLAG_PROBE 2u /* boot starts nothing: it examines the machine and says whether this system could run */
#define SYSTEM_FLAG_REST 1u /* node 0 gets all remaining RAM as private memory, and every hole of the
                               physical address space as RESOURCE_DEVICE (foreign root task) */

struct system_header {
    uint64_t magic;
    uint32_t bytes;
    uint32_t flags;
    uint32_t node_count; /* node i runs on the i-th enabled core of the MADT, node 0 on the boot core */
    uint32_t request_count;
    struct system_request requests[];
};
