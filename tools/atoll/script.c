/* --exec: one command per prompt, in the order given, each VM by itself. --press-power and --replay: an order to the console, once. */
#include <string.h>
#include "script.h"

int script_add(struct script *s, size_t vm, const char *text)
{
    if (s->count == SCRIPT_MAX)
        return -1;
    s->commands[s->count++] = (struct script_command){vm, text};
    return 0;
}

static const char *next_command(struct script *s, size_t vm)
{
    for (size_t i = 0; i < s->count; i++)
        if (s->commands[i].vm == vm && !s->typed[i]) {
            s->typed[i] = true;
            return s->commands[i].text;
        }
    return NULL;
}

const char *script_output(struct script *s, size_t vm, const uint8_t *bytes, size_t n)
{
    static const char prompt[] = SCRIPT_PROMPT;
    bool seen = false;
    for (size_t i = 0; i < n; i++) {
        unsigned *m = &s->matched[vm];
        /* The prompt's first letter occurs in it once, so a mismatch can only start it anew. */
        *m = bytes[i] == (uint8_t)prompt[*m] ? *m + 1 : bytes[i] == (uint8_t)prompt[0];
        if (*m == sizeof prompt - 1) {
            *m = 0;
            seen = true;
        }
    }
    return seen ? next_command(s, vm) : NULL;
}

int script_add_order(struct script *s, size_t vm, const char *command, const char *text)
{
    size_t length = strlen(text);
    if (s->order_count == SCRIPT_MAX || length == 0 || length > SCRIPT_TEXT_MAX)
        return -1;
    s->orders[s->order_count++] = (struct script_order){.vm = vm, .command = command, .text = text};
    return 0;
}

const struct script_order *script_orders(struct script *s, size_t vm, const uint8_t *bytes, size_t n)
{
    const struct script_order *first = NULL;
    for (size_t o = 0; o < s->order_count; o++) {
        struct script_order *order = &s->orders[o];
        size_t length = strlen(order->text);
        bool now = false;
        if (order->vm != vm || order->given)
            continue;
        for (size_t i = 0; i < n && !now; i++) {
            memmove(order->seen, order->seen + 1, length - 1);
            order->seen[length - 1] = (char)bytes[i];
            now = memcmp(order->seen, order->text, length) == 0;
        }
        if ((now || memcmp(order->seen, order->text, length) == 0) && first == NULL) {
            order->given = true;
            first = order;
        }
    }
    return first;
}
