/* Event lines, see <atoll/console.h>. A line that looks like an event and is not well-formed is no event; nor is one behind a
 * "[node N] ": the console writes that in front of all that other code prints, so that nobody can forge an event. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <atoll/console.h>
#include "event.h"

/* If `text` starts with `word`, step over it. */
static bool skip(const char **text, const char *word)
{
    size_t n = strlen(word);
    if (strncmp(*text, word, n) != 0)
        return false;
    *text += n;
    return true;
}

static bool number(const char **text, unsigned long *n)
{
    char *end;
    if (**text < '0' || **text > '9')
        return false;
    *n = strtoul(*text, &end, 10);
    *text = end;
    return true;
}

static enum event_kind vm_event(const char *text, struct event *e)
{
    e->text = text;
    if (strcmp(text, "started") == 0)
        return EVENT_VM_STARTED;
    if (strcmp(text, "powered-off") == 0)
        return EVENT_VM_POWERED_OFF;
    if (strcmp(text, "reset") == 0)
        return EVENT_VM_RESET;
    if (skip(&e->text, "stopped: "))
        return EVENT_VM_STOPPED;
    if (skip(&e->text, "restarts in ")) {
        e->text = text;
        return EVENT_VM_RESTARTS;
    }
    if (skip(&e->text, "counters"))
        return EVENT_VM_COUNTERS;
    if (skip(&e->text, "exit-code ") && number(&e->text, &e->number) && *e->text == 0)
        return EVENT_VM_EXIT_CODE;
    return EVENT_NONE;
}

struct event event_parse(const char *line)
{
    struct event e = {.kind = EVENT_NONE};
    const char *p = line;
    if (!skip(&p, CONSOLE_EVENT_PREFIX))
        return e;
    if (skip(&p, "vm ")) {
        size_t n = strcspn(p, " ");
        if (n == 0 || n >= sizeof e.vm || p[n] != ' ')
            return e;
        memcpy(e.vm, p, n);
        e.vm[n] = 0;
        e.kind = vm_event(p + n + 1, &e);
    } else if (skip(&p, "boot stopped: ")) {
        e.text = p;
        e.kind = EVENT_BOOT_STOPPED;
    } else if (skip(&p, "node ") && number(&p, &e.number) && skip(&p, " died: ")) {
        e.text = p;
        e.kind = EVENT_NODE_DIED;
    }
    return e;
}

int outcome_init(struct outcome *o, const struct description *d)
{
    *o = (struct outcome){.count = d->vm_count};
    o->vms = calloc(d->vm_count == 0 ? 1 : d->vm_count, sizeof *o->vms);
    if (o->vms == NULL)
        return -1;
    for (size_t i = 0; i < d->vm_count; i++) {
        o->vms[i].name = d->vms[i].name;
        o->vms[i].node = d->vms[i].first_node;
        o->vms[i].nodes = d->vms[i].vcpus;
    }
    return 0;
}

void outcome_free(struct outcome *o)
{
    free(o->vms);
    o->vms = NULL;
}

/* The first reason is the cause; later ones are consequences. */
static void vm_fail(struct outcome_vm *vm, const char *reason)
{
    if (!vm->failed)
        snprintf(vm->reason, sizeof vm->reason, "%s", reason);
    vm->failed = true;
}

static void vm_outcome(struct outcome_vm *vm, const struct event *e)
{
    char reason[64];
    switch (e->kind) {
    case EVENT_VM_STARTED:
        vm->started = true;
        break;
    case EVENT_VM_POWERED_OFF:
        vm->ended = true;
        break;
    case EVENT_VM_RESTARTS:
        vm->failed = false;
        break;
    case EVENT_VM_STOPPED:
        vm_fail(vm, e->text);
        vm->ended = true;
        break;
    case EVENT_VM_EXIT_CODE:
        if (e->number != 0) {
            snprintf(reason, sizeof reason, "the guest ended with exit code %lu", e->number);
            vm_fail(vm, reason);
        }
        break;
    default:
        break;
    }
}

void outcome_event(struct outcome *o, const struct event *e)
{
    char reason[256];
    if (e->kind == EVENT_BOOT_STOPPED || (e->kind == EVENT_NODE_DIED && e->number == 0)) {
        if (!o->machine_failed)
            snprintf(o->reason, sizeof o->reason, "%s: %s", e->kind == EVENT_BOOT_STOPPED ? "boot stopped" : "the control node died", e->text);
        o->machine_failed = true;
        return;
    }
    for (size_t i = 0; i < o->count; i++) {
        struct outcome_vm *vm = &o->vms[i];
        if (e->kind == EVENT_NODE_DIED && e->number - vm->node < vm->nodes && !vm->ended) {
            snprintf(reason, sizeof reason, "its node %lu died: %s", e->number, e->text);
            vm_fail(vm, reason);
            vm->ended = true;
        } else if (strcmp(vm->name, e->vm) == 0) {
            vm_outcome(vm, e);
        }
    }
}

bool outcome_complete(const struct outcome *o)
{
    for (size_t i = 0; i < o->count; i++)
        if (!o->vms[i].ended)
            return o->machine_failed;
    return true;
}

int outcome_exit_code(const struct outcome *o)
{
    for (size_t i = 0; i < o->count; i++)
        if (o->vms[i].failed || !o->vms[i].ended)
            return 1;
    return o->machine_failed ? 1 : 0;
}
