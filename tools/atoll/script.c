/* --exec: one command per prompt, in the order given, each VM by itself. */
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
