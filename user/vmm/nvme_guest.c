/* Section numbers: NVM Express Base Specification 1.4. Nothing that the guest writes is trusted: queues have the size and place that it says as long as
 * that is RAM, and a rule that it breaks is answered by CSTS.CFS, as a controller would. */
#include "nvme_guest.h"
#include "lib.h"
#include "vm.h"

#define CAP 0x00
#define VS 0x08
#define CC 0x14
#define CC_ENABLE 1u
#define CC_SHUTDOWN (3u << 14)
#define CC_FORMS 0x00ff3ff0u  /* command set, page size, arbitration, sizes of entries: */
#define CC_FORMS_OFFERED 0x00460000u /* NVM, 4 KiB, round robin, 64 and 16 bytes */
#define CSTS 0x1c
#define CSTS_READY 1u
#define CSTS_FATAL 2u
#define CSTS_SHUTDOWN_COMPLETE (2u << 2)
#define AQA 0x24
#define ASQ 0x28
#define ACQ 0x30
#define DOORBELLS 0x1000u
#define DOORBELLS_END 0x2000u

#define EVENT_REQUEST 0x0c                   /* 5.2 */
#define EVENT_LIMIT_EXCEEDED (1u << 8 | 0x05)

static unsigned entries_submission(const struct nvme_guest *g) { return (g->aqa & 0xfff) + 1; }
static unsigned entries_completion(const struct nvme_guest *g) { return (g->aqa >> 16 & 0xfff) + 1; }

static void fail(struct nvme_guest *g) { g->csts |= CSTS_FATAL; }

/* ---- the admin queue ---- */

static bool complete(struct vf *v, uint16_t id, const struct nvme_answer *a)
{
    struct nvme_guest *g = &v->nvme;
    volatile uint32_t *to = guest_memory_at(&v->pci.vm->memory, g->acq + 16ull * g->done, 16);

    if (!to)
        return false;
    to[0] = a->result;
    to[1] = 0;
    to[2] = g->head; /* queue 0 */
    __atomic_store_n(&to[3], id | (uint32_t)(a->status << 1 | g->phase) << 16, __ATOMIC_RELEASE);
    g->done = (uint16_t)((g->done + 1u) % entries_completion(g));
    g->phase ^= g->done == 0;
    pci_msix_raise(&v->pci, 0);
    return true;
}

static bool is_full(const struct nvme_guest *g) { return (g->done + 1u) % entries_completion(g) == g->seen; }

static bool serve_one(struct vf *v)
{
    struct nvme_guest *g = &v->nvme;
    const volatile uint64_t *from = guest_memory_at(&v->pci.vm->memory, g->asq + 64ull * g->head, 64);
    struct nvme_answer a = {0};
    uint64_t words[NVME_WORDS];

    if (!from)
        return false;
    for (unsigned i = 0; i < NVME_WORDS; i++) /* once: the guest may write there meanwhile */
        words[i] = from[i];
    g->head = (uint16_t)((g->head + 1u) % entries_submission(g));
    uint16_t id = (uint16_t)(words[0] >> 16);
    if ((words[0] & 0xff) == EVENT_REQUEST) {
        if (g->events < NVME_EVENTS_MAX) {
            g->events++;
            return true;
        }
        a.status = EVENT_LIMIT_EXCEEDED;
    } else {
        v->pci.vm->vf_admin(v->index, words, &a);
    }
    return complete(v, id, &a);
}

/* As many as there is room for completions; a queue has 4096 entries at most. */
static void serve(struct vf *v)
{
    struct nvme_guest *g = &v->nvme;

    while (g->head != g->tail && !is_full(g) && g->csts == CSTS_READY)
        if (!serve_one(v))
            fail(g);
}

static void doorbell(struct vf *v, uint32_t offset, uint32_t value)
{
    struct nvme_guest *g = &v->nvme;
    unsigned stride = 4u << (g->capabilities >> 32 & 0xf), which = (offset - DOORBELLS) / stride;

    if ((offset - DOORBELLS) % stride || !(g->csts & CSTS_READY))
        return;
    if (which > 1) {
        if (g->doorbells)
            g->doorbells[(offset - DOORBELLS) / 4] = value;
    } else if (value >= (which ? entries_completion(g) : entries_submission(g))) {
        fail(g);
    } else {
        *(which ? &g->seen : &g->tail) = (uint16_t)value;
        serve(v);
    }
}

/* ---- registers ---- */

static void enable(struct vf *v)
{
    struct nvme_guest *g = &v->nvme;

    g->head = g->tail = g->done = g->seen = g->events = 0;
    g->phase = 1;
    if ((g->cc & CC_FORMS) != CC_FORMS_OFFERED || g->asq % 4096 || g->acq % 4096 || !(g->aqa & 0xfff) || !(g->aqa >> 16 & 0xfff) ||
        !v->pci.vm->vf_controller(v->index, true, &g->capabilities, &g->version))
        fail(g);
    else
        g->csts = CSTS_READY;
}

static void control(struct vf *v, uint32_t value)
{
    struct nvme_guest *g = &v->nvme;
    uint32_t was = g->cc;

    g->cc = value;
    if (value & ~was & CC_ENABLE)
        enable(v);
    else if (was & ~value & CC_ENABLE) { /* a reset of the controller: its queues are gone */
        g->csts = 0;
        if (!v->pci.vm->vf_controller(v->index, false, &g->capabilities, &g->version))
            fail(g);
    }
    if (value & ~was & CC_SHUTDOWN) /* the SSD itself goes on: what it has is as safe as before */
        g->csts |= CSTS_SHUTDOWN_COMPLETE;
}

static uint64_t register_at(const struct nvme_guest *g, uint32_t offset)
{
    switch (offset) {
    case CAP: return g->capabilities;
    case VS: return g->version;
    case CC & ~7u: return (uint64_t)g->cc << 32; /* and INTMC */
    case CSTS & ~7u: return (uint64_t)g->csts << 32;
    case AQA & ~7u: return (uint64_t)g->aqa << 32; /* and no subsystem reset */
    case ASQ: return g->asq;
    case ACQ: return g->acq;
    }
    return 0;
}

uint64_t nvme_guest_read(struct vf *v, uint32_t offset, unsigned bytes)
{
    struct nvme_guest *g = &v->nvme;

    if (offset >= DOORBELLS || offset % 4 || offset % 8 + bytes > 8)
        return 0;
    if (!g->capabilities && !v->pci.vm->vf_controller(v->index, false, &g->capabilities, &g->version))
        return ~0ull;
    return register_at(g, offset & ~7u) >> 8 * (offset % 8);
}

static void half_set(uint64_t *to, uint32_t offset, uint32_t value)
{
    *to = offset % 8 ? (uint32_t)*to | (uint64_t)value << 32 : (*to & ~0xffffffffull) | value;
}

static void admin_queue_write(struct nvme_guest *g, uint32_t offset, uint32_t value)
{
    switch (offset) {
    case AQA: g->aqa = value & 0x0fff0fff; break;
    case ASQ: case ASQ + 4: half_set(&g->asq, offset, value); break;
    case ACQ: case ACQ + 4: half_set(&g->acq, offset, value); break;
    }
}

static void word_write(struct vf *v, uint32_t offset, uint32_t value)
{
    struct nvme_guest *g = &v->nvme;

    if (offset == CC)
        control(v, value);
    else if (offset >= DOORBELLS && offset < DOORBELLS_END)
        doorbell(v, offset, value);
    else if (!(g->cc & CC_ENABLE)) /* the queue's place stays what it was when the controller was enabled */
        admin_queue_write(g, offset, value);
}

void nvme_guest_write(struct vf *v, uint32_t offset, unsigned bytes, uint64_t value)
{
    if ((bytes != 4 && bytes != 8) || offset % bytes)
        return;
    word_write(v, offset, (uint32_t)value);
    if (bytes == 8)
        word_write(v, offset + 4, (uint32_t)(value >> 32));
}

void nvme_guest_reset(struct vf *v)
{
    v->nvme = (struct nvme_guest){.doorbells = v->nvme.doorbells};
}
