/* function: check_object, check_cap, check_mapping, check_fill, check_thread, check_irq (user/init/spec_check.c)
 * property: no item of any kind makes the check read outside the arrays; one that passes names objects that are there and of the kind that it needs, slots inside the CNode and taken once, bytes inside the frame and inside the spec, addresses of user level, and no page that is writable and executable
 * bound: 4 objects, 2 of each other kind of item, any bits in them
 * include: user/lib user/init
 * options: --unwind 50
 */
#include "../proof.h"
#include "user/init/spec_check.c"

#define N 4
static struct spec_header header;
static struct spec_object objects[N];
static struct spec_cap caps[2];
static struct spec_mapping mapping;
static struct spec_fill fill;
static struct spec_thread threads[2];
static struct spec_irq irqs[2];
struct spec_header nondet_header(void);
struct spec_object nondet_object(void);
struct spec_cap nondet_cap(void);
struct spec_mapping nondet_mapping(void);
struct spec_fill nondet_fill(void);
struct spec_thread nondet_thread(void);
struct spec_irq nondet_irq(void);

static bool is(uint32_t i, uint32_t type) { return i < header.object_count && objects[i].kind == SPEC_OBJECT_KERNEL && objects[i].type == type; }

int main(void)
{
    header = nondet_header();
    ASSUME(header.object_count <= N && header.irq_count <= 2 && header.data <= header.bytes);
    for (unsigned i = 0; i < N; i++)
        objects[i] = nondet_object();
    caps[0] = nondet_cap(), caps[1] = nondet_cap();
    mapping = nondet_mapping(), fill = nondet_fill();
    threads[0] = nondet_thread(), threads[1] = nondet_thread();
    irqs[0] = nondet_irq(), irqs[1] = nondet_irq();
    /* Objects are checked first: what the others read of them holds. */
    for (unsigned i = 0; i < N; i++)
        ASSUME(i >= header.object_count || objects[i].kind != SPEC_OBJECT_KERNEL || kernel_bits(objects[i].type, objects[i].size_bits) != 0);
    struct spec_view view = {&header, objects, caps, &mapping, &fill, threads, irqs, NULL};
    struct check c = {.v = &view};
    uint32_t i = nondet_below(2);
    switch (nondet_below(6)) {
    case 0: {
        uint32_t o = nondet_below(N);
        ASSUME(o < header.object_count);
        bool ok = check_object(&c, o) == 0;
        HOLDS(!ok || (objects[o].kind >= SPEC_OBJECT_KERNEL && objects[o].kind <= SPEC_OBJECT_IRQ), "of a known kind");
        HOLDS(!ok || objects[o].kind == SPEC_OBJECT_NAMED || objects[o].kind >= SPEC_OBJECT_SHARED || (spec_object_bits(&objects[o]) >= 4 && spec_object_bits(&objects[o]) <= 30), "of a size that can be made");
        bool ends = false;
        for (unsigned k = 0; k < SPEC_NAME_MAX; k++)
            ends |= !objects[o].name[k];
        HOLDS(!ok || ends, "with a name that ends");
        REACH(ok && objects[o].kind == SPEC_OBJECT_IRQ);
        break;
    }
    case 1: {
        bool ok = check_cap(&c, i) == 0;
        const struct spec_cap *a = &caps[i];
        HOLDS(!ok || (is(a->cnode, SEL4_CNODE) && a->object < header.object_count), "into a CNode that is there, of an object that is there");
        HOLDS(!ok || (a->slot != 0 && (uint64_t)a->slot + a->span <= 1ull << objects[a->cnode].size_bits), "in slots that it has");
        HOLDS(!ok || i == 0 || caps[0].cnode != a->cnode || caps[0].span == 0 || a->slot >= (uint64_t)caps[0].slot + caps[0].span || (uint64_t)a->slot + a->span <= caps[0].slot, "each taken once");
        REACH(ok && i == 1 && a->span == 2);
        break;
    }
    case 2: {
        bool ok = check_mapping(&c, 0) == 0;
        HOLDS(!ok || (is(mapping.vspace, SEL4_X86_PML4) && mapping.object < header.object_count && mapping.vaddr < 1ull << 47 && !(mapping.vaddr & 4095)), "a user address of an address space");
        bool page = ok && (objects[mapping.object].kind == SPEC_OBJECT_SHARED || is(mapping.object, SEL4_X86_4K_PAGE));
        HOLDS(!page || !(mapping.executable && (mapping.rights & SEL4_RIGHT_WRITE)), "not writable and executable");
        REACH(page && mapping.executable);
        break;
    }
    case 3: {
        bool ok = check_fill(&c, 0) == 0;
        HOLDS(!ok || (is(fill.frame, SEL4_X86_4K_PAGE) && fill.offset <= 4096 && fill.length <= 4096 - fill.offset), "inside a private frame");
        HOLDS(!ok || (fill.data <= header.bytes - header.data && fill.length <= header.bytes - header.data - fill.data), "from inside the spec");
        REACH(ok && fill.length == 4096);
        break;
    }
    case 4: {
        bool ok = check_thread(&c, i) == 0;
        const struct spec_thread *t = &threads[i];
        HOLDS(!ok || (is(t->tcb, SEL4_TCB) && is(t->cnode, SEL4_CNODE) && is(t->vspace, t->vcpu == SPEC_NONE ? SEL4_X86_PML4 : ATOLL_NESTED_PML4)), "with what a thread needs");
        HOLDS(!ok || i == 0 || threads[0].tcb != t->tcb, "nobody else's");
        HOLDS(!ok || (t->ip < 1ull << 47 && t->sp < 1ull << 47 && t->priority < 256 && t->mcp < 256), "of user level");
        HOLDS(!ok || t->sc == SPEC_NONE || (t->budget_us <= t->period_us && t->period_us <= MAX_BUDGET_US), "with a budget inside its period");
        REACH(ok && i == 1 && t->vcpu != SPEC_NONE);
        break;
    }
    default: {
        bool ok = check_irq(&c, i) == 0;
        HOLDS(!ok || (irqs[i].object < header.object_count && objects[irqs[i].object].kind == SPEC_OBJECT_IRQ && is(irqs[i].notification, SEL4_NOTIFICATION) && irqs[i].vector <= SEL4_MAX_USER_VECTOR), "an interrupt that signals a notification");
        REACH(ok && irqs[i].requesters != SPEC_NONE);
    }
    }
    HOLDS(c.rule == NULL || c.rule[0], "a refusal names its rule");
}
