#include "devices.h"
#include "lib.h"
#include "sel4.h"
#include "vm.h"

#define RANDOM_TRIES 16u
#define CPUID_RDRAND (1u << 30)
#define CPUID_RDSEED (1u << 18)

static struct backend disk_backends[VM_MAX_DISKS], net_backends[VM_MAX_NETS];

static void signal(struct backend *b) { sel4_signal(b->capability); }

static void backend_init(struct backend *b, unsigned queue, uint32_t capability)
{
    uint8_t *at = (uint8_t *)COMPONENT_QUEUES_VA + queue * COMPONENT_QUEUE_STRIDE;

    queue_init_records(&b->out, at, at + COMPONENT_QUEUE_TAIL, QUEUE_DATA_SIZE);
    at += COMPONENT_QUEUE_STRIDE;
    queue_init_consumer(&b->in, at, at + COMPONENT_QUEUE_TAIL, QUEUE_DATA_SIZE);
    queue_skip(&b->in, queue_used(&b->in)); /* a former life's; perhaps it stopped within a record */
    b->in.sleep = (uint32_t)host_tsc(); /* no number that a former life can have prepared */
    b->signal = signal;
    b->capability = capability;
}

/* -- Entropy: the CPU's generators (Intel SDM volume 1, 7.3.17; RDSEED is the source, RDRAND a generator fed by it). ----------- */

static bool has_rdseed;

static bool random_word(uint64_t *word)
{
    bool good = false;

    for (unsigned i = 0; i < RANDOM_TRIES && !good && has_rdseed; i++)
        __asm__ volatile("rdseed %0; setc %1" : "=r"(*word), "=qm"(good) : : "cc");
    for (unsigned i = 0; i < RANDOM_TRIES && !good; i++)
        __asm__ volatile("rdrand %0; setc %1" : "=r"(*word), "=qm"(good) : : "cc");
    return good;
}

static unsigned random_bytes(void *to, unsigned bytes)
{
    for (unsigned done = 0; done < bytes; done += 8) {
        uint64_t word;

        if (!random_word(&word))
            return done;
        memcpy((uint8_t *)to + done, &word, bytes - done < 8 ? bytes - done : 8);
    }
    return bytes;
}

static void entropy_add(struct vm *vm)
{
    uint32_t a = 1, b, c = 0, d;

    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    if (!(c & CPUID_RDRAND)) {
        log_line("vm %s: this CPU has no RDRAND: the guest gets no entropy device", vm->config->name);
        return;
    }
    a = 7;
    c = 0;
    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    has_rdseed = b & CPUID_RDSEED;
    virtio_entropy_add(vm, &vm->virtio_entropy, random_bytes);
}

/* -- Disks: their components know how large they are. --------------------------------------------------------------------- */

#define DISK_SECONDS 30 /* a component may have a controller to start first */

static bool disk_add(struct vm *vm, uint32_t i)
{
    struct block_size size;
    uint64_t start = host_tsc();
    bool asked = false;
    int answer;

    backend_init(&disk_backends[i], VMM_QUEUE_DISK + 2 * i, VMM_SLOT_DISK + i);
    while (!(answer = block_size_ask(&disk_backends[i], &asked, &size)) && host_tsc() - start < DISK_SECONDS * vm->tsc_hz)
        __builtin_ia32_pause();
    if (answer != 1) {
        vm_stop(vm, "disk %u: %s; the node's log says why", i, answer ? "there is none behind its component" : "its component does not answer");
        return false;
    }
    virtio_block_add(vm, i, &vm->disks[i], &disk_backends[i], &size);
    return true;
}

bool devices_add(struct vm *vm)
{
    const struct vm_config *c = vm->config;

    if (c->disk_count > VM_MAX_DISKS || c->net_count > VM_MAX_NETS)
        panic("the configuration has too many devices");
    watchdog_add(vm);
    entropy_add(vm);
    if (c->flags & VM_FLAG_VIRTIO_CONSOLE)
        virtio_console_add(vm, &vm->virtio_console);
    for (uint32_t i = 0; i < c->disk_count; i++)
        if (!disk_add(vm, i))
            return false;
    for (uint32_t i = 0; i < c->net_count; i++) {
        backend_init(&net_backends[i], VMM_QUEUE_NET + 2 * i, VMM_SLOT_NET + i);
        virtio_net_add(vm, i, &vm->nets[i], &net_backends[i], c->nets[i].address);
    }
    return true;
}

void devices_poll_disks(struct vm *vm)
{
    for (uint32_t i = 0; i < vm->config->disk_count; i++)
        virtio_block_poll(&vm->disks[i]);
}

void devices_poll_nets(struct vm *vm)
{
    for (uint32_t i = 0; i < vm->config->net_count; i++)
        virtio_net_poll(&vm->nets[i]);
}
