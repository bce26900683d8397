/* The system request: what boot lays out for each node. Names, counts and sizes; no addresses. */
#include "compile.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <atoll/component.h>
#include <atoll/queue.h>
#include <atoll/system.h>
#include <sel4/abi.h>

#define GIB (1ull << 30)
#define MIB2 (1ull << 21)
#define UART_FIRST 0x3f8
#define UART_LAST 0x3ff
#define CPU_VECTOR(v) (SEL4_IRQ_CPU_VECTOR_BASE + SEL4_IRQ_USER_MIN + (v))
_Static_assert(QUEUE_PAGES * QUEUE_PAGE == QUEUE_DATA_SIZE + QUEUE_PAGE, "a queue's producer region");

struct request_list {
    struct system_header *header;
    bool full;
};

struct system_request *request_add(struct request_list *l, uint32_t kind, uint32_t node, uint64_t size, const char *name, ...)
{
    struct system_header *h = l->header;
    if (h->request_count == SYSTEM_MAX_REQUESTS) {
        l->full = true;
        h->request_count--;
    }
    struct system_request *r = &h->requests[h->request_count++];
    va_list arguments;

    *r = (struct system_request){.kind = kind, .node = node, .size = size, .align = QUEUE_PAGE};
    va_start(arguments, name);
    vsnprintf(r->name, sizeof r->name, name, arguments);
    va_end(arguments);
    return r;
}

void request_queue(struct request_list *l, uint32_t node, const char *name, bool node_produces)
{
    request_add(l, RESOURCE_SHARED, node, QUEUE_PAGES * QUEUE_PAGE, "%s", name)->arg0 = node_produces;
    request_add(l, RESOURCE_SHARED, 0, QUEUE_PAGES * QUEUE_PAGE, "%s", name)->arg0 = !node_produces;
    request_add(l, RESOURCE_SHARED, node, QUEUE_PAGE, "%s.tail", name)->arg0 = !node_produces;
    request_add(l, RESOURCE_SHARED, 0, QUEUE_PAGE, "%s.tail", name)->arg0 = node_produces;
}

static void add_ipi(struct request_list *l, uint32_t from, uint32_t to, uint32_t vector, const char *name)
{
    struct system_request *r = request_add(l, RESOURCE_IPI, from, 0, "%s", name);
    r->arg0 = to;
    r->arg1 = CPU_VECTOR(vector);
}

static void add_doorbell(struct request_list *l, uint32_t from, uint32_t to, const char *name)
{
    add_ipi(l, from, to, VECTOR_DOORBELL, name);
}

static void add_node(struct request_list *l, const struct description *d, const struct node_memory *memory, uint32_t node)
{
    struct system_request *private = request_add(l, RESOURCE_PRIVATE, node, d->node_memory ? d->node_memory : memory[node].bytes,
                                                 "node.%u.private", node);
    private->arg0 = d->node_memory ? 0 : memory[node].window;
    request_add(l, RESOURCE_MODULE, node, 0, "node.%u.spec", node);

    struct system_request *log = request_add(l, RESOURCE_LOG, node, QUEUE_PAGES * QUEUE_PAGE, "node.%u.klog", node);
    log->arg0 = 0;
    log->arg1 = CPU_VECTOR(VECTOR_DOORBELL);
    request_add(l, RESOURCE_LOG_TAIL, node, QUEUE_PAGE, "node.%u.klog.tail", node);
    request_add(l, RESOURCE_SHARED, 0, QUEUE_PAGES * QUEUE_PAGE, "node.%u.klog", node);
    request_add(l, RESOURCE_SHARED, 0, QUEUE_PAGE, "node.%u.klog.tail", node)->arg0 = 1;

    struct system_request *vectors = request_add(l, RESOURCE_VECTORS, node, 0, "vectors");
    vectors->arg0 = CPU_VECTOR(VECTOR_DOORBELL);
    vectors->arg1 = CPU_VECTOR(node == 0 ? VECTOR_UART : VECTOR_DOORBELL);
    if (node == 0) {
        request_add(l, RESOURCE_UART, 0, 0, "panic")->arg0 = UART_FIRST; /* where this node's kernel says its last words */
        struct system_request *ports = request_add(l, RESOURCE_IOPORT, 0, 0, "uart");
        ports->arg0 = UART_FIRST;
        ports->arg1 = UART_LAST;
        return;
    }
    char name[RESOURCE_NAME_MAX];
    snprintf(name, sizeof name, "node.%u.events", node);
    request_queue(l, node, name, true);
    add_doorbell(l, node, 0, "doorbell.console");
    vectors = request_add(l, RESOURCE_VECTORS, node, 0, "vectors.vm");
    vectors->arg0 = CPU_VECTOR(VECTOR_KICK);
    vectors->arg1 = CPU_VECTOR(VECTOR_LIFE);
}

/* What the VMMs of one VM kick each other with, and its node managers; and how the console tells these of a node's end. The pages of down,
 * up and deaths have one writer each. */
static void add_vm_channels(struct request_list *l, const struct description_vm *vm, uint32_t node)
{
    struct system_request *page = request_add(l, RESOURCE_SHARED, node, VM_SHARED_BYTES(vm->vcpus), "vm.%s.page", vm->name);
    uint32_t own = node - vm->first_node;
    char name[RESOURCE_NAME_MAX];

    page->arg0 = 1;
    page->arg1 = vm->vcpus;
    request_add(l, RESOURCE_SHARED, node, QUEUE_PAGE, "vm.%s.deaths", vm->name)->arg1 = vm->vcpus + 1;
    if (node == vm->first_node) {
        struct system_request *deaths = request_add(l, RESOURCE_SHARED, 0, QUEUE_PAGE, "vm.%s.deaths", vm->name);
        deaths->arg0 = 1;
        deaths->arg1 = vm->vcpus + 1;
    }
    snprintf(name, sizeof name, "vm.%s.death.%u", vm->name, own);
    add_ipi(l, 0, node, VECTOR_LIFE, name);
    for (uint32_t i = 0; i < vm->vcpus; i++) {
        if (i == own)
            continue;
        snprintf(name, sizeof name, "vm.%s.kick.%u", vm->name, i);
        add_ipi(l, node, vm->first_node + i, VECTOR_KICK, name);
        if (i && own) /* managers: each with vCPU 0's */
            continue;
        snprintf(name, sizeof name, "vm.%s.life.%u", vm->name, i);
        add_ipi(l, node, vm->first_node + i, VECTOR_LIFE, name);
        request_add(l, RESOURCE_SHARED, node, QUEUE_PAGE, "vm.%s.down.%u", vm->name, i + own)->arg0 = own == 0;
        request_add(l, RESOURCE_SHARED, node, QUEUE_PAGE, "vm.%s.up.%u", vm->name, i + own)->arg0 = own != 0;
    }
}

static void add_vm(struct request_list *l, const struct description_vm *vm, uint32_t node)
{
    struct system_request *ram = request_add(l, RESOURCE_MEMORY, node, vm->memory, "vm.%s.ram", vm->name);
    char name[RESOURCE_NAME_MAX];

    ram->align = vm->memory >= GIB ? GIB : MIB2;
    if (vm->vcpus > 1) {
        ram->arg0 = vm->vcpus;
        add_vm_channels(l, vm, node);
    }
    if (node != vm->first_node)
        return;
    request_add(l, RESOURCE_MODULE, node, 0, "vm.%s.kernel", vm->name);
    if (vm->initrd)
        request_add(l, RESOURCE_MODULE, node, 0, "vm.%s.initrd", vm->name);
    for (unsigned i = 0; i < vm->disk_count; i++)
        if (vm->disks[i].ssd == SSD_NONE)
            request_add(l, RESOURCE_MODULE, node, 0, "vm.%s.disk%u", vm->name, i);
    snprintf(name, sizeof name, "vm.%s.out", vm->name);
    request_queue(l, node, name, true);
    snprintf(name, sizeof name, "vm.%s.in", vm->name);
    request_queue(l, node, name, false);
    snprintf(name, sizeof name, "doorbell.vm.%s", vm->name);
    add_doorbell(l, 0, node, name);
}

void *compile_request(const struct description *d, const struct node_memory *memory, size_t *bytes)
{
    struct request_list l = {.header = calloc(1, sizeof(struct system_header) +
                                                     SYSTEM_MAX_REQUESTS * sizeof(struct system_request))};
    if (!l.header)
        return NULL;
    l.header->magic = SYSTEM_MAGIC;
    l.header->node_count = d->cores;
    l.header->flags = d->probe ? SYSTEM_FLAG_PROBE : 0;
    for (uint32_t node = 0; node < d->cores; node++)
        add_node(&l, d, memory, node);
    for (uint32_t i = 0; i < d->vm_count; i++)
        for (uint32_t vcpu = 0; vcpu < d->vms[i].vcpus; vcpu++)
            add_vm(&l, &d->vms[i], d->vms[i].first_node + vcpu);
    compile_switch_requests(&l, d);
    compile_vf_requests(&l, l.header, d);
    compile_ssd_requests(&l, l.header, d);
    *bytes = sizeof(struct system_header) + l.header->request_count * sizeof(struct system_request);
    l.header->bytes = (uint32_t)*bytes;
    if (l.full) {
        free(l.header);
        return NULL;
    }
    return l.header;
}
