/* A root task that puts the kernel's interface to the test, group by group (tests/README.md lists them), on the machine itself. Each group
 * prints "ok"/"not ok" lines. What is refused is tried next to what is granted; effects are looked at, not only labels. */
#include "kernel.h"

const char component_name[] = "kernel";

_Noreturn void root_main(const struct sel4_bootinfo *bootinfo)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } groups[] = {
        {"registers", group_registers}, {"faults", group_faults}, {"tcb", group_tcb}, {"fpu", group_fpu}, {"ipc", group_ipc},
        {"donation", group_donation}, {"notifications", group_notifications}, {"untyped", group_untyped}, {"cnode", group_cnode},
        {"spaces", group_spaces}, {"ports", group_ports}, {"domains", group_domains}, {"scheduling", group_scheduling},
        {"contexts", group_contexts}, {"timeouts", group_timeouts}, {"interrupts", group_interrupts}, {"preemption", group_preemption},
    };
    harness_start(bootinfo);
    own_priority(100);
    for (unsigned i = 0; i < sizeof groups / sizeof groups[0]; i++) {
        log_line("group %s", groups[i].name);
        groups[i].run();
        threads_end();
    }
    harness_end();
}
