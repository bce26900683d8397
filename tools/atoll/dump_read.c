/* Reading a dump's lines. Bounded: a line that does not fit its form is refused with its number. */
#include "dump.h"
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "component_image.h"

#define MAX_LINES (1u << 20) /* of one node */

struct reader {
    struct dump *d;
    const char *file;
    unsigned line;
    struct complaint *why;
};

static int refuse(const struct reader *r, const char *format, ...) __attribute__((format(printf, 2, 3)));
static int refuse(const struct reader *r, const char *format, ...)
{
    char what[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    snprintf(r->why->text, sizeof r->why->text, "%s:%u: %s", r->file, r->line, what);
    return -1;
}

static const struct { const char *word; unsigned numbers; bool named; } forms[DUMP_KINDS] = {
    [DUMP_MAP] = {"map", 5, true}, [DUMP_TCB] = {"tcb", 13, true}, [DUMP_SC] = {"sc", 3, false},   [DUMP_CAP] = {"cap", 4, false},
    [DUMP_PTE] = {"pte", 5, false}, [DUMP_PAGE] = {"page", 2, false}, [DUMP_IRQ] = {"irq", 4, false},
};

/* A number and the blank before it. */
static bool number_read(const char **at, uint64_t *value)
{
    unsigned digits = 0;
    if (**at != ' ')
        return false;
    *value = 0;
    for (++*at;; ++*at, digits++) {
        static const char hex[] = "0123456789abcdef";
        const char *digit = **at ? strchr(hex, **at) : NULL;
        if (!digit)
            return digits >= 1 && digits <= 16;
        *value = *value << 4 | (uint64_t)(digit - hex);
    }
}

static bool numbers_read(const char **at, uint64_t *values, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (!number_read(at, &values[i]))
            return false;
    return true;
}

static int line_add(const struct reader *r, struct dump_node *n, const struct dump_line *line)
{
    if (n->count == MAX_LINES)
        return refuse(r, "this dump is too long");
    if (n->count == n->room) {
        uint32_t room = 2 * n->room + 256;
        struct dump_line *more = realloc(n->lines, room * sizeof *more);
        if (!more)
            return refuse(r, "not enough memory");
        n->lines = more;
        n->room = room;
    }
    n->lines[n->count++] = *line;
    return 0;
}

static int begin(const struct reader *r, const char *text, uint32_t prefix, struct dump_node *n)
{
    uint64_t w[6];
    const char *at = text;
    if (!numbers_read(&at, w, 6) || *at || w[0] != prefix)
        return refuse(r, "a dump begins here, but of another node than the line says, or with a damaged line");
    if (n->begun)
        return refuse(r, "the dump of node %" PRIu32 " begins twice", prefix);
    n->begun = true;
    n->apic_id = w[1];
    n->window = w[2];
    n->window_size = w[3];
    n->private_paddr = w[4];
    n->private_size = w[5];
    return n->window_size <= UINT64_MAX - n->window ? 0 : refuse(r, "an impossible address");
}

static int body(const struct reader *r, const char *text, struct dump_node *n)
{
    struct dump_line line = {0};
    for (unsigned k = 0; k < DUMP_KINDS; k++) {
        size_t length = strlen(forms[k].word);
        if (strncmp(text, forms[k].word, length) != 0 || text[length] != ' ')
            continue;
        const char *at = text + length;
        line.kind = (enum dump_kind)k;
        if (!numbers_read(&at, line.w, forms[k].numbers) || (forms[k].named ? *at != ' ' || !at[1] || strlen(at + 1) >= sizeof line.name : *at))
            return refuse(r, "this line of a dump is damaged; was the log cut, or did another one write into it?");
        if (forms[k].named)
            snprintf(line.name, sizeof line.name, "%s", at + 1);
        return line_add(r, n, &line);
    }
    return refuse(r, "this line of a dump says '%.40s', which is none that this program knows", text);
}

/* A line without its end, from behind "dump: " on. */
static int dump_text(const struct reader *r, const char *text, uint32_t node)
{
    struct dump_node *n = &r->d->nodes[node];
    if (n->ended)
        return 0; /* init dumps once; whoever says more is no init */
    if (strncmp(text, "begin", 5) == 0)
        return begin(r, text + 5, node, n);
    if (!n->begun)
        return refuse(r, "a line of a dump that has not begun");
    if (strncmp(text, "end ", 4) != 0)
        return body(r, text, n);
    uint64_t lines;
    const char *at = text + 3;
    if (!number_read(&at, &lines) || *at || lines != n->count + 1ull)
        return refuse(r, "%" PRIu32 " lines of this dump are here, not what its end promises; the log lost some", n->count + 1);
    n->ended = true;
    return 0;
}

/* "[   1.234] " from `atoll run`, "[node 3] " from the console component; node 0's kernel writes its own past the console. */
static const char *prefix_skip(const char *line, uint32_t *node)
{
    char *end;
    *node = 0;
    if (line[0] == '[' && strncmp(line, "[node ", 6) != 0) {
        const char *close = strchr(line, ']');
        if (!close || close[1] != ' ')
            return line;
        line = close + 2;
    }
    if (strncmp(line, "[node ", 6) != 0)
        return line;
    unsigned long n = strtoul(line + 6, &end, 10);
    if (strncmp(end, "] ", 2) != 0 || n >= DUMP_MAX_NODES)
        return line;
    *node = (uint32_t)n;
    return end + 2;
}

int dump_parse(struct dump *d, const char *file, const char *text, size_t size, struct complaint *why)
{
    struct reader r = {.d = d, .file = file, .why = why};
    char line[256];
    for (size_t at = 0; at < size;) {
        const char *end = memchr(text + at, '\n', size - at);
        size_t length = end ? (size_t)(end - text) - at : size - at, used = length;
        r.line++;
        while (used && (text[at + used - 1] == '\r' || text[at + used - 1] == '\n'))
            used--;
        if (used < sizeof line) { /* no line of a dump is longer */
            uint32_t node;
            memcpy(line, text + at, used);
            line[used] = 0;
            const char *start = prefix_skip(line, &node);
            if (strlen(line) == used && strncmp(start, "dump: ", 6) == 0 && dump_text(&r, start + 6, node) != 0)
                return -1;
        }
        at += length + 1;
    }
    return 0;
}

int dump_read(struct dump *d, const char *file, struct complaint *why)
{
    size_t size;
    *d = (struct dump){.file = file};
    uint8_t *text = file_read(file, &size);
    if (!text) {
        snprintf(why->text, sizeof why->text, "%s: cannot be read: %s", file, strerror(errno));
        return -1;
    }
    int status = dump_parse(d, file, (const char *)text, size, why);
    free(text);
    if (status != 0)
        dump_free(d);
    return status;
}

void dump_free(struct dump *d)
{
    for (uint32_t i = 0; i < DUMP_MAX_NODES; i++)
        free(d->nodes[i].lines);
}
