#include "command.h"
#include "lib.h"

#define BACKSPACE 0x08
#define DELETE 0x7f

/* The first word ends with a zero; returns the rest, without the blanks between them. */
static char *split(char *line)
{
    while (*line && *line != ' ')
        line++;
    while (*line == ' ')
        *line++ = '\0';
    return line;
}

static enum command parse(struct command_line *c, const char (*vms)[32], uint32_t count, uint32_t *vm)
{
    char *name = split(c->line);
    enum command command = strcmp(c->line, "power") == 0 ? COMMAND_POWER : strcmp(c->line, "replay") == 0 ? COMMAND_REPLAY : COMMAND_UNKNOWN;

    c->word = c->line;
    if (!c->line[0])
        return COMMAND_NONE;
    if (command == COMMAND_UNKNOWN)
        return command;
    split(name);
    c->word = name;
    for (*vm = 0; *vm < count; ++*vm)
        if (strcmp(name, vms[*vm]) == 0)
            return command;
    return COMMAND_UNKNOWN;
}

enum command command_input(struct command_line *c, uint8_t byte, const char (*vms)[32], uint32_t count, uint32_t *vm)
{
    size_t length = c->length;

    if (byte == BACKSPACE || byte == DELETE) {
        c->length -= length > 0 && length <= COMMAND_LINE_MAX;
        return COMMAND_NONE;
    }
    if (byte != '\r' && byte != '\n') {
        if (length < COMMAND_LINE_MAX)
            c->line[length] = byte >= ' ' && byte <= '~' ? (char)byte : '?';
        c->length += length <= COMMAND_LINE_MAX;
        return COMMAND_NONE;
    }
    c->length = 0;
    c->line[length < COMMAND_LINE_MAX ? length : COMMAND_LINE_MAX] = '\0';
    if (length > COMMAND_LINE_MAX) {
        c->word = "a line as long as that";
        return COMMAND_UNKNOWN;
    }
    return parse(c, vms, count, vm);
}
