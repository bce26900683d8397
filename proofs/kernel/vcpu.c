/* function: every function of kernel/x86/vcpu.c
 * property: nothing undefined, in whatever state, for every exit, answer and invocation; no word reaches the guest's state that was not checked or of a group that may not travel in; a guest whose control state was written runs only after it was checked as a whole
 * bound: 2 threads; all exits, groups and messages
 * with: proofs/kernel/world.c
 * options: --unwind 25 --unwindset vcpu_reply_groups.0:61,invoke_write.0:61
 * seconds: 300
 */
#include "world.h"
void *const world_queue = &ep;
const unsigned world_threads = 2;
#include "kernel/x86/fpu.h"
#include "kernel/x86/paging.h"
#include "kernel/x86/predictor.h"
#include "kernel/x86/timer.h"
#include "kernel/x86/trap.h"
struct vspace_state vspace;
struct cpu_features cpu;
static word_t may_write; /* groups that were checked since the last write */
static bool checked, loaded;
unsigned vcpu_group_words(unsigned g) { static const uint8_t words[VCPU_GROUPS] = VCPU_GROUP_WORDS; HOLDS(g < VCPU_GROUPS, "a group"); return words[g]; }
int vcpu_check_group(unsigned g, const word_t *w)
{
    (void)w[vcpu_group_words(g) - 1];
    if (nondet_bool())
        return (int)nondet_below(16);
    may_write |= BIT(g);
    return -1;
}
int vcpu_check_event(word_t e, bool l) { (void)e, (void)l; return nondet_bool() ? 0 : -1; }
int vcpu_check_entry(const word_t *c, const word_t *s, word_t f, word_t e) { (void)c, (void)s, (void)f, (void)e; if (nondet_bool()) return (int)(nondet_below(512) << 8 | nondet_below(16)); checked = true; return -1; }
void guest_read_group(const struct vcpu *v, unsigned g, word_t *w) { HOLDS(v == &vc, "the vCPU"); for (unsigned i = 0; i < 16; i++) if (i < vcpu_group_words(g)) w[i] = nondet_word(); }
void guest_write_group(struct vcpu *v, unsigned g, const word_t *w)
{
    HOLDS(v == &vc && (may_write >> g & 1), "checked before it is written");
    (void)w[vcpu_group_words(g) - 1];
}
bool guest_try_event(struct vcpu *v, word_t e) { (void)v, (void)e; return nondet_bool(); }
void guest_init(struct vcpu *v) { (void)v; }
void guest_forget(const struct vcpu *v) { (void)v; }
void guest_load(struct vcpu *v, paddr_t root) { HOLDS(v == &vc && root != 0 && !v->hindered, "only what was checked"); loaded = true; }
struct guest_loaded guest_loaded;
struct predictor predictor;
paddr_t vspace_nested_paddr(const struct tcb *t) { HOLDS(t == kernel.current, "the thread that runs"); return nondet_word(); }
void predictor_switch_guest(const struct vcpu *v) { HOLDS(v == &vc, "the vCPU"); }
void predictor_forget_guest(const struct vcpu *v) { (void)v; }
void fpu_vcpu_init(struct vcpu *v) { (void)v; }
void fpu_forget(const void *p) { (void)p; }
void timer_arm(struct vcpu *v, ticks_t d) { (void)d; HOLDS(v == &vc, "the vCPU"); }
void take_interrupt(void) { ASSUME(false); for (;;); }
void thread_suspend(struct tcb *t) { t->state = THREAD_INACTIVE; }
status_t slot_delete(struct slot *s) { s->cap = cap_null(); return nondet_bool() ? STATUS_OK : STATUS_PREEMPTED; }
static bool told;
void handle_vcpu_fault(void) { told = true; }
#include "kernel/x86/vcpu.c"

int main(void)
{
    world_any();
    struct tcb *t = &ta, *other = &tb;
    vc.exit = (struct vcpu_exit_info){nondet_below(EXIT_CLASSES), nondet_below(16), nondet_word(), nondet_word()};
    vc.hindered = (uint8_t)nondet_below(4);
    predictor.guest = nondet_bool() ? &vc : NULL;
    guest_loaded.nested = nondet_word(), guest_loaded.refresh = nondet_bool();
    vc.timer_slot.cap = any_cap();
    unsigned class = (unsigned)vc.exit.class;
    vc.transfer_in[class] = (uint16_t)(nondet_below(VCPU_ALL_GROUPS + 1)), vc.transfer_out[class] = (uint16_t)(nondet_below(VCPU_ALL_GROUPS + 1));
    uint16_t in = vc.transfer_in[class];
    switch (nondet_below(6)) {
    case 0:
        ASSUME(t->vcpu);
        kernel.current = t;
        bool unchecked = vc.hindered & VCPU_UNCHECKED;
        struct vcpu *runs = vcpu_prepare();
        HOLDS(runs ? runs == &vc && !vc.hindered && !told : told && !(vc.hindered & VCPU_REFUSED), "it may run, or its handler is told, a refusal once");
        HOLDS(!runs || !unchecked || checked, "checked as a whole");
        HOLDS(!runs || loaded || (predictor.guest == &vc && !guest_loaded.refresh && guest_loaded.nested == t->vspace.cap.w0), "the hardware holds what it wants");
        REACH(runs && unchecked);
        REACH(runs && !loaded);
        REACH(!runs);
        break;
    case 1: {
        static word_t words[VCPU_ALL_WORDS];
        word_t groups = nondet_below(VCPU_ALL_GROUPS + 1);
        HOLDS(vcpu_message_groups(&vc, groups, words) <= VCPU_EXIT_WORDS + VCPU_ALL_WORDS, "a message");
        vcpu_exited(&vc);
        HOLDS(told, "its handler is told");
        break;
    }
    case 2: {
        word_t groups = nondet_word() & MASK(VCPU_REPLY_ADVANCE_SHIFT);
        vcpu_reply_groups(&vc, other, groups);
        HOLDS(!(may_write & ~(word_t)in), "no group that may not travel in");
        REACH(vc.hindered == VCPU_UNCHECKED);
        REACH(vc.hindered & VCPU_REFUSED);
        break;
    }
    case 3: {
        struct invocation inv = any_invocation(CAP_VCPU);
        status_t s = vcpu_invoke(&inv);
        REACH(s == STATUS_OK && inv.label == ATOLL_VCPU_BIND);
        REACH(s == STATUS_OK && inv.label == ATOLL_VCPU_WRITE && (vc.hindered & VCPU_UNCHECKED));
        REACH(s == STATUS_OK && inv.label == ATOLL_VCPU_SET_TIMER);
        break;
    }
    case 4: vcpu_init(&vc); HOLDS(vc.transfer_in[nondet_below(EXIT_CLASSES)] == VCPU_ALL_GROUPS, "all may travel in"); break;
    default: vcpu_deleted(&vc); HOLDS(!vc.tcb && cap_tag(vc.timer_slot.cap) == CAP_NULL, "nobody's, and it signals nobody");
    }
}
