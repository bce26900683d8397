/* Secondary controllers, their resources and namespaces. */
#include "pf.h"
#include "lib.h"
#include "registers.h"

/* 5.22, Virtualization Management, dword 10: action in 3..0, resource type in 10..8, controller in 31..16. */
#define ACTION_OFFLINE 7u
#define ACTION_ASSIGN 8u
#define ACTION_ONLINE 9u
#define RESOURCE_QUEUES 0u
#define RESOURCE_INTERRUPTS 1u

/* 5.19, Namespace Attachment, dword 10 */
#define ATTACH 0u
#define DETACH 1u

/* Identify Primary Controller Capabilities, figure 257: byte offsets */
#define PRIMARY_TYPES 4          /* bit 0: queue resources are flexible, bit 1: interrupt resources */
#define PRIMARY_QUEUES_MAX 44    /* VQFRSM: of one secondary controller */
#define PRIMARY_INTERRUPTS_MAX 76 /* VIFRSM */

/* Identify, Secondary Controller List, figures 259 and 260 */
#define SECONDARY_MAX 127u
struct secondary_list {
    uint8_t count, reserved[31];
    struct secondary {
        uint16_t controller, primary;
        uint8_t state, reserved[3]; /* bit 0: online */
        uint16_t function;          /* virtual function's number, from 1 */
        uint16_t queues, interrupts;
        uint8_t reserved2[18];
    } entries[SECONDARY_MAX];
};
_Static_assert(sizeof(struct secondary_list) == NVME_PAGE, "NVMe 1.4, figure 259");

/* Controller List, 4.9 */
#define CONTROLLERS_MAX 2047u
struct controller_list {
    uint16_t count, ids[CONTROLLERS_MAX];
};
_Static_assert(sizeof(struct controller_list) == NVME_PAGE, "NVMe 1.4, 4.9");

static bool manage(struct ssd *s, uint16_t controller, uint32_t action, uint32_t type, uint32_t number, char *why, size_t size)
{
    struct nvme_command c = {.opcode = ADMIN_VIRTUALIZATION, .dword10 = action | type << 8 | (uint32_t)controller << 16, .dword11 = number};

    return nvme_admin(&s->nvme, &c, NULL, why, size);
}

static bool attachment(struct ssd *s, uint32_t ns, uint16_t controller, uint32_t what, char *why, size_t size)
{
    struct controller_list *list = s->nvme.data;
    struct nvme_command c = {.opcode = ADMIN_NAMESPACE_ATTACHMENT, .namespace_id = ns, .data = {s->nvme.data_device}, .dword10 = what};

    memset(list, 0, sizeof *list);
    list->count = 1;
    list->ids[0] = controller;
    return nvme_admin(&s->nvme, &c, NULL, why, size);
}

/* ---- what the SSD says ---- */

static bool secondary_read(struct ssd *s, unsigned vf, struct secondary *found, char *why, size_t size)
{
    const struct secondary_list *list = (const void *)s->nvme.told;

    if (!nvme_identify(&s->nvme, CNS_SECONDARY, 0, 0, why, size))
        return false;
    for (unsigned i = 0; i < list->count && i < SECONDARY_MAX; i++)
        if (list->entries[i].function == vf + 1) {
            *found = list->entries[i];
            return true;
        }
    text_format(why, size, "the SSD lists no controller of virtual function %u", vf);
    return false;
}

/* Controllers that the namespace is attached to, in nvme.told. NULL: `why`. */
static const struct controller_list *attached(struct ssd *s, uint32_t ns, char *why, size_t size)
{
    const struct controller_list *list = (const void *)s->nvme.told;

    if (!nvme_identify(&s->nvme, CNS_ATTACHED_CONTROLLERS, 0, ns, why, size))
        return NULL;
    if (list->count > CONTROLLERS_MAX) {
        text_format(why, size, "the SSD's list of the controllers of namespace %u is too long", ns);
        return NULL;
    }
    return list;
}

static bool list_has(const struct controller_list *list, uint16_t controller)
{
    for (unsigned i = 0; i < list->count; i++)
        if (list->ids[i] == controller)
            return true;
    return false;
}

/* ---- steps; each is idempotent ---- */

/* Off every namespace but `except` (0: off all). */
static bool namespaces_detach(struct ssd *s, uint16_t controller, uint32_t except, char *why, size_t size)
{
    for (unsigned i = 0; i < s->namespace_count; i++) {
        uint32_t ns = s->namespaces[i];
        const struct controller_list *list = ns == except ? NULL : attached(s, ns, why, size);

        if (ns == except)
            continue;
        if (!list || (list_has(list, controller) && !attachment(s, ns, controller, DETACH, why, size)))
            return false;
    }
    return true;
}

/* Nobody but `controller` has the namespace afterwards, the primary included. */
static bool namespace_give(struct ssd *s, uint32_t ns, uint16_t controller, char *why, size_t size)
{
    for (unsigned round = 0; round <= SECONDARY_MAX + 1; round++) {
        const struct controller_list *list = attached(s, ns, why, size);
        unsigned other = 0;

        if (!list)
            return false;
        while (other < list->count && list->ids[other] == controller)
            other++;
        if (other == list->count)
            return list_has(list, controller) || attachment(s, ns, controller, ATTACH, why, size);
        if (!attachment(s, ns, list->ids[other], DETACH, why, size))
            return false;
    }
    text_format(why, size, "namespace %u stays attached to other controllers", ns);
    return false;
}

static bool resources_set(struct ssd *s, uint16_t controller, unsigned queues, unsigned vectors, char *why, size_t size)
{
    return manage(s, controller, ACTION_ASSIGN, RESOURCE_QUEUES, queues, why, size) &&
           manage(s, controller, ACTION_ASSIGN, RESOURCE_INTERRUPTS, vectors, why, size);
}

/* What was done, as the SSD has it: its state, its resources, and its namespace (0: none) as the only one, of nobody else. */
static bool verify(struct ssd *s, unsigned vf, bool online, unsigned queues, unsigned vectors, uint32_t ns, char *why, size_t size)
{
    struct secondary now;
    uint16_t controller = s->vfs[vf].controller;

    if (!secondary_read(s, vf, &now, why, size))
        return false;
    if (now.controller != controller || (now.state & 1) != online || now.queues != queues || now.interrupts != vectors) {
        text_format(why, size, "reads back as controller %u, %s, %u queues, %u vectors", now.controller, now.state & 1 ? "online" : "offline",
                    now.queues, now.interrupts);
        return false;
    }
    for (unsigned i = 0; i < s->namespace_count; i++) {
        const struct controller_list *list = attached(s, s->namespaces[i], why, size);
        if (!list)
            return false;
        bool mine = s->namespaces[i] == ns;
        if (list_has(list, controller) != mine || (mine && list->count != 1)) {
            text_format(why, size, "namespace %u reads back as %s", s->namespaces[i], mine ? "not its own alone" : "attached to it as well");
            return false;
        }
    }
    return true;
}

static bool quiesce(struct ssd *s, unsigned vf, char *why, size_t size)
{
    uint16_t controller = s->vfs[vf].controller;

    s->vfs[vf].programmed = false;
    return manage(s, controller, ACTION_OFFLINE, 0, 0, why, size) && namespaces_detach(s, controller, 0, why, size) &&
           resources_set(s, controller, 0, 0, why, size) && verify(s, vf, false, 0, 0, 0, why, size);
}

/* Resources may be changed while it is offline only (5.22). */
static bool program(struct ssd *s, unsigned vf, char *why, size_t size)
{
    const struct ssd_vf *as = &s->config->vfs[vf];
    uint16_t controller = s->vfs[vf].controller;

    s->vfs[vf].programmed = manage(s, controller, ACTION_OFFLINE, 0, 0, why, size) &&
                            resources_set(s, controller, as->queues, as->vectors, why, size) &&
                            manage(s, controller, ACTION_ONLINE, 0, 0, why, size) &&
                            namespaces_detach(s, controller, as->namespace_id, why, size) &&
                            namespace_give(s, as->namespace_id, controller, why, size) &&
                            verify(s, vf, true, as->queues, as->vectors, as->namespace_id, why, size);
    return s->vfs[vf].programmed;
}

/* ---- from outside ---- */

static uint32_t word_at(const struct ssd *s, unsigned offset, unsigned bytes)
{
    const uint8_t *from = s->nvme.told;
    return bytes == 1 ? from[offset] : from[offset] | (uint32_t)from[offset + 1] << 8;
}

/* The SSD can do what this driver is there for, and as much as the configuration asks for. */
static bool abilities(struct ssd *s, char *why, size_t size)
{
    const struct ssd_config *c = s->config;

    if (!nvme_identify(&s->nvme, CNS_CONTROLLER, 0, 0, why, size))
        return false;
    if ((word_at(s, CONTROLLER_ADMIN, 2) & (OACS_NAMESPACES | OACS_VIRTUALIZATION)) != (OACS_NAMESPACES | OACS_VIRTUALIZATION)) {
        text_format(why, size, "the SSD has no namespace management, or no virtualization management");
        return false;
    }
    if (!nvme_identify(&s->nvme, CNS_PRIMARY, s->nvme.controller_id, 0, why, size))
        return false;
    if ((word_at(s, PRIMARY_TYPES, 1) & 3) != 3) {
        text_format(why, size, "the SSD cannot give queues and interrupts to its virtual functions");
        return false;
    }
    unsigned queues = word_at(s, PRIMARY_QUEUES_MAX, 2), vectors = word_at(s, PRIMARY_INTERRUPTS_MAX, 2);
    for (unsigned i = 0; i < c->vf_count; i++)
        if (c->vfs[i].used && (c->vfs[i].queues > queues || c->vfs[i].vectors > vectors || c->vfs[i].queues < 2 || c->vfs[i].vectors < 1)) {
            text_format(why, size, "virtual function %u is to have %u queues and %u vectors; 2 to %u and 1 to %u are possible", i, c->vfs[i].queues,
                        c->vfs[i].vectors, queues, vectors);
            return false;
        }
    return true;
}

static bool namespaces_list(struct ssd *s, char *why, size_t size)
{
    const uint32_t *ids = (const void *)s->nvme.told;

    if (!nvme_identify(&s->nvme, CNS_ALLOCATED, 0, 0, why, size))
        return false;
    for (unsigned i = 0; i < NVME_PAGE / sizeof ids[0] && ids[i]; i++) {
        if (i == SSD_NAMESPACES_MAX) {
            text_format(why, size, "the SSD has more than %u namespaces", SSD_NAMESPACES_MAX);
            return false;
        }
        s->namespaces[s->namespace_count++] = ids[i];
    }
    return true;
}

static bool namespace_there(const struct ssd *s, uint32_t ns)
{
    for (unsigned i = 0; i < s->namespace_count; i++)
        if (s->namespaces[i] == ns)
            return true;
    return false;
}

/* Each namespace that is asked for is there, and asked for once. */
static bool namespaces_check(const struct ssd *s, char *why, size_t size)
{
    const struct ssd_config *c = s->config;

    for (unsigned i = 0; i < c->vf_count; i++) {
        if (!c->vfs[i].used)
            continue;
        if (!namespace_there(s, c->vfs[i].namespace_id)) {
            text_format(why, size, "the SSD has no namespace %u, which virtual function %u is to have", c->vfs[i].namespace_id, i);
            return false;
        }
        for (unsigned k = 0; k < i; k++)
            if (c->vfs[k].used && c->vfs[k].namespace_id == c->vfs[i].namespace_id) {
                text_format(why, size, "virtual functions %u and %u are both to have namespace %u", k, i, c->vfs[i].namespace_id);
                return false;
            }
    }
    return true;
}

bool ssd_start(struct ssd *s, const struct ssd_config *config, const struct nvme_memory *memory, char *why, size_t size)
{
    struct secondary found;

    memset(s, 0, sizeof *s);
    s->config = config;
    if (config->vf_count > VF_MAX) {
        text_format(why, size, "its configuration has %u virtual functions; %u are possible", config->vf_count, VF_MAX);
        return false;
    }
    if (!nvme_start(&s->nvme, memory, why, size) || !abilities(s, why, size) || !namespaces_list(s, why, size) ||
        !namespaces_check(s, why, size))
        return false;
    for (unsigned i = 0; i < config->vf_count; i++) {
        if (!secondary_read(s, i, &found, why, size))
            return false;
        s->vfs[i].controller = found.controller;
        if (!quiesce(s, i, why, size))
            return false;
    }
    return true;
}

void ssd_request(struct ssd *s, unsigned vf, const struct vf_request *r, struct vf_answer *a)
{
    *a = (struct vf_answer){.lease = r->lease, .status = VF_DONE};
    if (vf >= s->config->vf_count || !s->config->vfs[vf].used || (r->command != VF_QUIESCE && r->command != VF_PROGRAM)) {
        a->status = VF_UNKNOWN;
        return;
    }
    if (r->lease < s->vfs[vf].lease || (r->lease == s->vfs[vf].lease && s->vfs[vf].programmed && r->command == VF_PROGRAM)) {
        a->status = VF_STALE;
        return;
    }
    s->vfs[vf].lease = r->lease;
    if (r->command == VF_QUIESCE) {
        if (!quiesce(s, vf, a->reason, sizeof a->reason))
            a->status = VF_FAILED;
    } else if (!program(s, vf, a->reason, sizeof a->reason)) {
        char unused[VF_REASON_MAX]; /* the first reason is told */
        a->status = VF_FAILED;
        quiesce(s, vf, unused, sizeof unused);
    }
}
