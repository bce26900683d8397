/* Threads: configured first, all of them; started last. */
#include "init.h"

/* seL4_UserContext order (sel4/abi.h): rip rsp rflags rax rbx rcx rdx rsi rdi ... */
enum { REGISTER_RIP = 0, REGISTER_RSP = 1, REGISTER_RFLAGS = 2, REGISTER_RDX = 6, REGISTER_RSI = 7, REGISTER_RDI = 8, REGISTERS = 9 };
#define RFLAGS_USER 0x202 /* IF and the bit that is always 1 */

static void thread_configure(const struct spec_thread *t, const char *name, cptr_t schedcontrol, uint64_t tsc_hz, uint64_t wall)
{
    cptr_t tcb = object_slot(t->tcb), fault = 0;

    if (t->fault_ep != SPEC_NONE) {
        fault = slot_new();
        check(cnode_mint(SEL4_CAP_INIT_CNODE, fault, INIT_DEPTH, SEL4_CAP_INIT_CNODE, object_slot(t->fault_ep), INIT_DEPTH,
                         SEL4_RIGHT_WRITE | SEL4_RIGHT_GRANT_REPLY, t->fault_badge), "mint the fault endpoint of", name);
    }
    check(tcb_set_space(tcb, fault, object_slot(t->cnode), t->cnode_guard, object_slot(t->vspace), 0), "set the spaces of", name);
    if (t->ipc_frame != SPEC_NONE)
        check(tcb_set_ipc_buffer(tcb, t->ipc_vaddr, object_slot(t->ipc_frame)), "set the IPC buffer of", name);
    check(tcb_set_mc_priority(tcb, SEL4_CAP_INIT_TCB, t->mcp), "set the maximum priority of", name);
    check(tcb_set_priority(tcb, SEL4_CAP_INIT_TCB, t->priority), "set the priority of", name);
    check(tcb_set_flags(tcb, 0, t->flags), "set the flags of", name);
    if (t->sc != SPEC_NONE) {
        check(sched_control_configure(schedcontrol, object_slot(t->sc), t->budget_us, t->period_us, 0, 0, 0),
              "configure the scheduling context of", name);
        check(sched_context_bind(object_slot(t->sc), tcb), "bind the scheduling context of", name);
    }
    if (t->notification != SPEC_NONE)
        check(tcb_bind_notification(tcb, object_slot(t->notification)), "bind the notification of", name);
    if (t->vcpu != SPEC_NONE) {
        check(vcpu_bind(object_slot(t->vcpu), tcb), "bind the vCPU of", name);
    } else {
        uint64_t registers[REGISTERS] = {[REGISTER_RIP] = t->ip, [REGISTER_RSP] = t->sp, [REGISTER_RFLAGS] = RFLAGS_USER,
                                         [REGISTER_RDX] = wall, [REGISTER_RSI] = tsc_hz, [REGISTER_RDI] = t->argument};
        check(tcb_write_registers(tcb, 0, REGISTERS, registers), "write the registers of", name);
    }
    sel4_debug_name_thread(tcb, name);
}

void threads_configure(const struct spec_view *v, cptr_t schedcontrol, uint64_t tsc_hz, uint64_t wall)
{
    for (uint32_t i = 0; i < v->header->thread_count; i++)
        thread_configure(&v->threads[i], v->objects[v->threads[i].tcb].name, schedcontrol, tsc_hz, wall);
}

void threads_start(const struct spec_view *v)
{
    for (uint32_t i = 0; i < v->header->thread_count; i++)
        if (v->threads[i].resume)
            check(tcb_resume(object_slot(v->threads[i].tcb)), "start", v->objects[v->threads[i].tcb].name);
    for (uint32_t i = 0; i < v->header->thread_count; i++)
        seal_keep(object_slot(v->threads[i].tcb));
}
