/* Event lines (<atoll/console.h>) into the queue that the console reads. */
#include "manager.h"
#include <atoll/console.h>
#include <atoll/queue.h>

static struct queue queue;
static bool last;

void events_init(void)
{
    char *at = (char *)COMPONENT_QUEUES_VA + MANAGER_QUEUE_EVENTS * COMPONENT_QUEUE_STRIDE;
    queue_init_producer(&queue, at, at + COMPONENT_QUEUE_TAIL, QUEUE_DATA_SIZE);
}

void events_last(void) { last = true; }

/* Half a line would run into the next one: all or nothing. */
static void write_line(char *line, size_t length)
{
    line[length++] = '\n';
    if (event_fits(queue_space(&queue), length, last))
        queue_write(&queue, line, length);
    else
        queue.producer->lost += length;
    if (queue_needs_doorbell(&queue))
        sel4_signal(MANAGER_SLOT_DOORBELL);
}

void event(const char *format, ...)
{
    char line[EVENT_LINE_MAX];
    va_list arguments;
    size_t n = text_format(line, sizeof line, "%s", CONSOLE_EVENT_PREFIX);

    va_start(arguments, format);
    n += text_vformat(line + n, sizeof line - 1 - n, format, arguments);
    va_end(arguments);
    write_line(line, n);
}

void event_counters(const char *vm, const uint64_t exits[EXIT_CLASSES], const uint64_t vmm[VMM_COUNTERS])
{
    static const char *const exit_names[EXIT_CLASSES] = EXIT_CLASS_NAMES;
    static const char *const vmm_names[VMM_COUNTERS] = VMM_COUNTER_NAMES;
    char line[EVENT_LINE_MAX];
    size_t n = text_format(line, sizeof line, "%svm %s counters", CONSOLE_EVENT_PREFIX, vm);

    for (unsigned i = EXIT_NONE + 1; i < EXIT_CLASSES; i++)
        n += text_format(line + n, sizeof line - 1 - n, " %s=%lu", exit_names[i], exits[i]);
    for (unsigned i = 0; i < VMM_COUNTERS; i++)
        n += text_format(line + n, sizeof line - 1 - n, " %s=%lu", vmm_names[i], vmm[i]);
    write_line(line, n);
}
