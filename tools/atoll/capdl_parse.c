/* CapDL text to a model. The grammar is that of seL4/capdl (CapDL/Parser.hs, CapDL/ParserUtils.hs), less what its printer never
 * writes; every refusal names the line. Bounded: no recursion, and the model's limits end every loop. */
#include "capdl.h"
#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX (64u << 20)
#define FILL_MAX 512
#define RANGES_MAX 4096

enum token { END, NAME, NUMBER, DOTS, PUNCTUATION };

struct range { uint32_t first, last; };

struct parser {
    struct capdl_model *m;
    enum capdl_part part;
    struct complaint *why;
    const char *file, *at, *end;
    unsigned line, token_line;
    enum token token;
    char name[CAPDL_NAME_MAX]; /* NAME */
    uint64_t number;           /* NUMBER */
    char punctuation;
    bool failed;
    /* the last reference: a name and element ranges; no range: a scalar */
    char reference[CAPDL_NAME_MAX];
    struct range ranges[RANGES_MAX];
    uint32_t range_count;
    bool all; /* name[] */
    struct deferred *deferred;
    uint32_t deferred_count, deferred_room;
};

static bool refuse(struct parser *p, const char *format, ...) __attribute__((format(printf, 2, 3)));
static bool refuse(struct parser *p, const char *format, ...)
{
    if (!p->failed) {
        char what[512];
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(what, sizeof what, format, arguments);
        va_end(arguments);
        snprintf(p->why->text, sizeof p->why->text, "%s:%u: %s", p->file, p->token_line, what);
        p->failed = true;
    }
    p->token = END;
    p->at = p->end;
    return false;
}

/* ---- tokens ---- */

static bool ahead(const struct parser *p, const char *what)
{
    size_t length = strlen(what);
    return (size_t)(p->end - p->at) >= length && memcmp(p->at, what, length) == 0;
}

static bool skip_comment(struct parser *p)
{
    unsigned depth = 0;
    p->token_line = p->line;
    do {
        if (p->at == p->end)
            return refuse(p, "a comment has no end; write */");
        if (ahead(p, "/*")) {
            depth++;
            p->at += 2;
        } else if (ahead(p, "*/")) {
            depth--;
            p->at += 2;
        } else {
            p->line += *p->at++ == '\n';
        }
    } while (depth);
    return true;
}

static bool skip_space(struct parser *p)
{
    while (p->at < p->end) {
        if (isspace((unsigned char)*p->at)) {
            p->line += *p->at++ == '\n';
        } else if (ahead(p, "--")) {
            while (p->at < p->end && *p->at != '\n')
                p->at++;
        } else if (ahead(p, "/*")) {
            if (!skip_comment(p))
                return false;
        } else {
            break;
        }
    }
    return true;
}

static bool scan_number(struct parser *p)
{
    unsigned base = 10, digits = 0;
    p->number = 0;
    if (ahead(p, "0x") || ahead(p, "0X") || ahead(p, "0o") || ahead(p, "0O")) {
        base = p->at[1] == 'x' || p->at[1] == 'X' ? 16 : 8;
        p->at += 2;
    }
    for (; p->at < p->end && isxdigit((unsigned char)*p->at); p->at++, digits++) {
        unsigned digit = (unsigned)(isdigit((unsigned char)*p->at) ? *p->at - '0' : (*p->at | 32) - 'a' + 10);
        if (digit >= base)
            break;
        if (p->number > (UINT64_MAX - digit) / base)
            return refuse(p, "a number is above 2^64 - 1");
        p->number = p->number * base + digit;
    }
    return digits ? true : refuse(p, "a number has no digits");
}

/* Step to the next token. */
static bool next(struct parser *p)
{
    if (p->failed || !skip_space(p))
        return false;
    p->token_line = p->line;
    if (p->at == p->end) {
        p->token = END;
    } else if (isalpha((unsigned char)*p->at)) {
        size_t n = 0;
        p->token = NAME;
        for (; p->at < p->end && (isalnum((unsigned char)*p->at) || strchr("-_@.", *p->at)) && *p->at; p->at++)
            if (n < CAPDL_NAME_MAX)
                p->name[n++] = *p->at;
        if (n == CAPDL_NAME_MAX)
            return refuse(p, "a name is longer than %u letters", CAPDL_NAME_MAX - 1);
        p->name[n] = 0;
    } else if (isdigit((unsigned char)*p->at)) {
        p->token = NUMBER;
        return scan_number(p);
    } else if (ahead(p, "..")) {
        p->token = DOTS;
        p->at += 2;
    } else if (strchr("{}()[]<>=:;,./-", *p->at) && *p->at) {
        p->token = PUNCTUATION;
        p->punctuation = *p->at++;
    } else {
        return refuse(p, isprint((unsigned char)*p->at) ? "'%c' has no meaning here" : "byte 0x%02x has no meaning here",
                      (unsigned char)*p->at);
    }
    return true;
}

static const char *shown(const struct parser *p)
{
    static char text[CAPDL_NAME_MAX + 8];
    switch (p->token) {
    case END: return "the end of the file";
    case NAME: snprintf(text, sizeof text, "'%s'", p->name); return text;
    case NUMBER: snprintf(text, sizeof text, "%" PRIu64, p->number); return text;
    case DOTS: return "'..'";
    default: snprintf(text, sizeof text, "'%c'", p->punctuation); return text;
    }
}

static bool is(const struct parser *p, char punctuation) { return p->token == PUNCTUATION && p->punctuation == punctuation; }
static bool is_name(const struct parser *p, const char *name) { return p->token == NAME && strcmp(p->name, name) == 0; }

static bool expect(struct parser *p, char punctuation, const char *where)
{
    return is(p, punctuation) ? next(p) : refuse(p, "'%c' is missing %s, before %s", punctuation, where, shown(p));
}

static bool take_number(struct parser *p, uint64_t limit, const char *what, uint64_t *number)
{
    if (p->token != NUMBER)
        return refuse(p, "%s has to be a number, not %s", what, shown(p));
    if (p->number > limit)
        return refuse(p, "%s is %" PRIu64 "; at most %" PRIu64 " is possible", what, p->number, limit);
    *number = p->number;
    return next(p);
}

/* ---- references ---- */

static bool parse_range(struct parser *p)
{
    uint64_t first = 0, last = UINT32_MAX - 1;
    if (p->range_count == RANGES_MAX)
        return refuse(p, "more than %u ranges in one reference", RANGES_MAX);
    if (p->token == NUMBER) {
        if (!take_number(p, CAPDL_MAX, "an array's element", &first))
            return false;
        last = first;
    } else if (p->token != DOTS) {
        return refuse(p, "an array's element has to be a number, not %s", shown(p));
    }
    if (p->token == DOTS) {
        last = UINT32_MAX - 1;
        if (!next(p) || (p->token == NUMBER && !take_number(p, CAPDL_MAX, "an array's element", &last)))
            return false;
    }
    p->ranges[p->range_count++] = (struct range){(uint32_t)first, (uint32_t)last};
    return true;
}

/* name, name[3], name[1..2, 5], name[] */
static bool parse_reference(struct parser *p)
{
    if (p->token != NAME)
        return refuse(p, "a name has to stand here, not %s", shown(p));
    memcpy(p->reference, p->name, sizeof p->reference);
    p->range_count = 0;
    p->all = false;
    if (!next(p) || !is(p, '['))
        return !p->failed;
    if (!next(p))
        return false;
    if (is(p, ']')) {
        p->all = true;
        return next(p);
    }
    for (;;) {
        if (!parse_range(p))
            return false;
        if (is(p, ']'))
            return next(p);
        if (!expect(p, ',', "between elements"))
            return false;
    }
}

/* The objects of the last reference, one after the other: `at` counts ranges, `element` elements. CAPDL_NONE ends them. */
struct walk { uint32_t range, element; bool started; };

static uint32_t walk_next(struct parser *p, struct walk *w)
{
    if (p->range_count == 0 && !p->all) {
        if (w->started)
            return CAPDL_NONE;
        w->started = true;
        uint32_t object = capdl_find(p->m, p->reference, CAPDL_SCALAR);
        if (object == CAPDL_NONE && capdl_is_control(p->reference)) {
            object = capdl_add(p->m, p->reference, CAPDL_SCALAR);
            if (object != CAPDL_NONE)
                p->m->objects[object].type = CAPDL_CONTROL;
        }
        if (object == CAPDL_NONE && capdl_find(p->m, p->reference, 0) != CAPDL_NONE)
            refuse(p, "'%s' is an array; write %s[0], or %s[] for all of it", p->reference, p->reference, p->reference);
        else if (object == CAPDL_NONE)
            refuse(p, "there is no object '%s'", p->reference);
        return object;
    }
    struct range r = p->all ? (struct range){0, UINT32_MAX - 1} : p->ranges[w->range];
    if (!w->started) {
        w->started = true;
        w->element = r.first;
    } else if (w->element == r.last || (r.last == UINT32_MAX - 1 && capdl_find(p->m, p->reference, w->element + 1) == CAPDL_NONE)) {
        if (p->all || ++w->range == p->range_count)
            return CAPDL_NONE;
        r = p->ranges[w->range];
        w->element = r.first;
    } else { /* a range that falls counts down, as the stock printer writes it */
        w->element += r.last < w->element ? -1u : 1u;
    }
    uint32_t object = capdl_find(p->m, p->reference, w->element);
    if (object == CAPDL_NONE)
        refuse(p, "there is no object '%s[%" PRIu32 "]'", p->reference, w->element);
    return object;
}

/* The one object that the last reference has to name. */
static uint32_t single(struct parser *p)
{
    struct walk w = {0};
    uint32_t object = walk_next(p, &w);
    if (!p->failed && walk_next(p, &w) != CAPDL_NONE)
        refuse(p, "'%s' has to be one object here", p->reference);
    return p->failed ? CAPDL_NONE : object;
}

/* ---- objects ---- */

/* {tokens} {tokens}: what lies between the braces, white space made single. */
static bool parse_fill(struct parser *p, char *text)
{
    size_t n = 0;
    bool space = false;
    if (!is(p, '{'))
        return refuse(p, "'{' is missing before contents");
    for (; p->at < p->end && *p->at != '}'; p->at++) {
        p->line += *p->at == '\n';
        if (isspace((unsigned char)*p->at)) {
            space = n > 0;
            continue;
        }
        if (n + 3 > FILL_MAX || !isprint((unsigned char)*p->at) || *p->at == '{')
            return refuse(p, "contents are longer than %u bytes, or no text", FILL_MAX);
        if (space)
            text[n++] = ' ';
        space = false;
        text[n++] = *p->at;
    }
    if (p->at == p->end)
        return refuse(p, "contents have no end; write }");
    if (n == 0)
        return refuse(p, "contents are empty");
    text[n] = 0;
    p->at++;
    return next(p);
}

/* Parameters as read, before it is known how many objects get them. */
struct params {
    struct { enum capdl_key key; uint64_t value; uint32_t text; } list[64];
    uint32_t count;
    char texts[16][FILL_MAX];
    uint32_t text_count;
};

static bool hold(struct parser *p, struct params *ps, enum capdl_key key, uint64_t value, enum capdl_type type)
{
    bool listed = capdl_keys[key].form == CAPDL_FORM_LIST || capdl_keys[key].form == CAPDL_FORM_FILL;
    if (!(capdl_keys[key].types >> type & 1))
        return refuse(p, "'%s' takes no parameter '%s'", capdl_type_names[type], capdl_keys[key].name);
    for (uint32_t i = 0; i < ps->count; i++)
        if (ps->list[i].key == key && !listed)
            return refuse(p, "'%s' is given twice", capdl_keys[key].name);
    if (ps->count == 64)
        return refuse(p, "too many parameters");
    ps->list[ps->count].key = key;
    ps->list[ps->count].text = ps->text_count;
    ps->list[ps->count++].value = value;
    return true;
}

/* "key: [a, b]" from behind the bracket. */
static bool parse_list(struct parser *p, struct params *ps, enum capdl_key key, enum capdl_type type)
{
    if (!expect(p, '[', "before a list"))
        return false;
    if (is(p, ']'))
        return next(p);
    for (;;) {
        uint64_t value = 0;
        if (capdl_keys[key].form == CAPDL_FORM_FILL) {
            if (ps->text_count == 16)
                return refuse(p, "more than 16 pieces of contents");
            if (!parse_fill(p, ps->texts[ps->text_count]) || !hold(p, ps, key, 0, type))
                return false;
            ps->text_count++;
        } else if (!take_number(p, UINT64_MAX, "a list's entry", &value) || !hold(p, ps, key, value, type)) {
            return false;
        }
        if (is(p, ']'))
            return next(p);
        if (!expect(p, ',', "between a list's entries"))
            return false;
    }
}

static bool parse_keyed(struct parser *p, struct params *ps, enum capdl_type type)
{
    enum capdl_key key = 0;
    uint64_t value = 0, last = 0;
    while (key < CAPDL_KEYS && (strcmp(capdl_keys[key].name, p->name) != 0 || capdl_keys[key].part != p->part ||
                                !(capdl_keys[key].types >> type & 1)))
        key++;
    if (key == CAPDL_KEYS)
        return refuse(p, "'%s' takes no parameter '%s'", capdl_type_names[type], p->name);
    if (!next(p) || !expect(p, ':', "behind a parameter's name"))
        return false;
    switch (capdl_keys[key].form) {
    case CAPDL_FORM_LIST: case CAPDL_FORM_FILL:
        return parse_list(p, ps, key, type);
    case CAPDL_FORM_BOOL:
        if (!is_name(p, "True") && !is_name(p, "False"))
            return refuse(p, "'%s' is True or False, not %s", capdl_keys[key].name, shown(p));
        value = is_name(p, "True");
        return next(p) && hold(p, ps, key, value, type);
    case CAPDL_FORM_RANGE:
        if (!expect(p, '[', "before a range") || !take_number(p, 65535, "a port", &value))
            return false;
        if (p->token != DOTS)
            return refuse(p, "'..' is missing in a range, before %s", shown(p));
        if (!next(p) || !take_number(p, 65535, "a port", &last) || !expect(p, ']', "behind a range"))
            return false;
        if (last < value)
            return refuse(p, "a range ends before it starts");
        return hold(p, ps, key, value | last << 32, type);
    default:
        return take_number(p, UINT64_MAX, capdl_keys[key].name, &value) && hold(p, ps, key, value, type);
    }
}

/* "8 bits", "4k", "2M", "3:1.0": what begins with a number. */
static bool parse_numbered(struct parser *p, struct params *ps, enum capdl_type type)
{
    uint64_t n = p->number, device, function;
    if (!next(p))
        return false;
    if (is_name(p, "bits")) {
        if (n > 63)
            return refuse(p, "'%" PRIu64 " bits' is too much", n);
        return next(p) && hold(p, ps, CAPDL_KEY_BITS, n, type);
    }
    if (is_name(p, "k") || is_name(p, "M")) {
        unsigned bits = is_name(p, "k") ? 10 : 20;
        uint64_t size = n > 1024 ? 0 : n << bits;
        bits = size == 4096 ? 12 : size == 2u << 20 ? 21 : size == 1u << 30 ? 30 : 0;
        if (!bits)
            return refuse(p, "a frame has 4k, 2M or 1024M");
        return next(p) && hold(p, ps, CAPDL_KEY_PAGE_BITS, bits, type);
    }
    if (!is(p, ':'))
        return refuse(p, "a number alone is no parameter; write '%" PRIu64 " bits', '%" PRIu64 "k' or the like", n, n);
    if (n > 255)
        return refuse(p, "a PCI bus is at most 255");
    if (!next(p) || !take_number(p, 31, "a PCI device", &device) || !expect(p, '.', "in a PCI address") ||
        !take_number(p, 7, "a PCI function", &function))
        return false;
    return hold(p, ps, CAPDL_KEY_PCI, n << 16 | device << 8 | function, type);
}

static bool parse_params(struct parser *p, struct params *ps, enum capdl_type type)
{
    ps->count = ps->text_count = 0;
    if (!is(p, '('))
        return true;
    if (!next(p))
        return false;
    while (!is(p, ')')) {
        if (p->token == NUMBER ? !parse_numbered(p, ps, type)
            : p->token == NAME ? !parse_keyed(p, ps, type)
                               : !refuse(p, "a parameter has to stand here, not %s", shown(p)))
            return false;
        if (!is(p, ')') && !expect(p, ',', "between parameters"))
            return false;
    }
    return next(p);
}

static bool has(const struct params *ps, enum capdl_key key)
{
    for (uint32_t i = 0; i < ps->count; i++)
        if (ps->list[i].key == key)
            return true;
    return false;
}

static bool check_params(struct parser *p, const struct params *ps, enum capdl_type type)
{
    if (type == CAPDL_CNODE && !has(ps, CAPDL_KEY_BITS))
        return refuse(p, "a cnode needs its size, as in 'cnode (8 bits)'");
    if (type == CAPDL_FRAME && !has(ps, CAPDL_KEY_PAGE_BITS))
        return refuse(p, "a frame needs its size, as in 'frame (4k)'");
    if (type == CAPDL_IO_PORTS && !has(ps, CAPDL_KEY_PORTS))
        return refuse(p, "io_ports need their range, as in 'io_ports (ports: [1016..1023])'");
    if (type == CAPDL_IPI && !(has(ps, CAPDL_KEY_NODE) && has(ps, CAPDL_KEY_VECTOR)))
        return refuse(p, "an ipi needs its target, as in 'ipi (node: 0, vector: 80)'");
    for (uint32_t i = 0; i < ps->count; i++)
        if (type == CAPDL_CNODE && (ps->list[i].value < 1 || ps->list[i].value > 25))
            return refuse(p, "a cnode has 1 to 25 bits");
    return true;
}

/* Bodies in braces that name objects which may be declared later: kept, stepped over, read at the end. */
enum body { BODY_COVER, BODY_CAPS, BODY_IRQS, BODY_NOTHING };

struct deferred {
    enum body body;
    char untyped[CAPDL_NAME_MAX]; /* COVER */
    uint32_t index;
    const char *at;
    unsigned line;
};

static bool defer(struct parser *p, enum body body, const char *untyped, uint32_t index)
{
    unsigned depth = 1, line = p->token_line;
    if (!is(p, '{'))
        return refuse(p, "'{' is missing, before %s", shown(p));
    if (p->deferred_count == p->deferred_room) {
        uint32_t room = 2 * p->deferred_room + 16;
        struct deferred *more = realloc(p->deferred, room * sizeof *more);
        if (!more)
            return refuse(p, "not enough memory");
        p->deferred = more;
        p->deferred_room = room;
    }
    struct deferred *d = &p->deferred[p->deferred_count];
    *d = (struct deferred){.body = body, .index = index, .at = p->at, .line = p->line};
    snprintf(d->untyped, sizeof d->untyped, "%s", untyped);
    p->deferred_count += body != BODY_NOTHING;
    while (depth) {
        if (!next(p))
            return false;
        if (p->token == END) {
            p->token_line = line;
            return refuse(p, "this brace is never closed");
        }
        depth += is(p, '{');
        depth -= is(p, '}');
    }
    return next(p);
}

static bool declare(struct parser *p, const char *name, uint32_t index, enum capdl_type type, const struct params *ps)
{
    uint32_t object = capdl_find(p->m, name, index);
    if (object == CAPDL_NONE) {
        object = capdl_add(p->m, name, index);
        if (object == CAPDL_NONE)
            return refuse(p, "there are more objects than the %u that a model holds", CAPDL_MAX);
    } else if (p->part == CAPDL_STANDARD || p->m->objects[object].own != CAPDL_NOTHING) {
        return refuse(p, "'%s' is declared twice", name);
    }
    *(p->part == CAPDL_STANDARD ? &p->m->objects[object].type : &p->m->objects[object].own) = type;
    for (uint32_t i = 0; i < ps->count; i++)
        capdl_param_add(p->m, object, ps->list[i].key, ps->list[i].value,
                        capdl_keys[ps->list[i].key].form == CAPDL_FORM_FILL ? ps->texts[ps->list[i].text] : NULL);
    return p->m->full ? refuse(p, "the model is too large") : true;
}

/* A type of this part; the other part's types have their own refusal. */
static bool parse_type(struct parser *p, enum capdl_type *type)
{
    if (p->token != NAME)
        return refuse(p, "an object's type has to stand here, not %s", shown(p));
    for (*type = CAPDL_NOTHING + 1; *type < CAPDL_TYPES; ++*type)
        if (capdl_type_names[*type] && strcmp(capdl_type_names[*type], p->name) == 0 && capdl_type_part(*type) == p->part)
            return next(p);
    for (*type = CAPDL_NOTHING + 1; *type < CAPDL_TYPES; ++*type)
        if (capdl_type_names[*type] && strcmp(capdl_type_names[*type], p->name) == 0)
            return refuse(p, "'%s' is a type of the %s", p->name, p->part == CAPDL_STANDARD ? "annex" : "standard part");
    return refuse(p, "there is no object type '%s' on x86_64", p->name);
}

/* name = type (params), name[count] = type (params), with a cover behind an untyped. */
static bool parse_object(struct parser *p)
{
    static struct params ps;
    char name[CAPDL_NAME_MAX];
    enum capdl_type type = CAPDL_NOTHING;
    uint32_t count = 0;
    bool array;

    if (!parse_reference(p))
        return false;
    memcpy(name, p->reference, sizeof name);
    array = p->range_count || p->all;
    if (p->all || p->range_count > 1 || (array && p->ranges[0].first != p->ranges[0].last))
        return refuse(p, "an array is declared by its size, as in %s[4]", name);
    if (array)
        count = p->ranges[0].first;
    if (!capdl_name_valid(name))
        return refuse(p, "'%s' is a word of the language", name);
    if (is(p, '/'))
        return refuse(p, "qualified names are not used here; name the untyped's cover instead");
    if (!expect(p, '=', "behind an object's name") || !parse_type(p, &type) || !parse_params(p, &ps, type) || !check_params(p, &ps, type))
        return false;
    bool cover = is(p, '{');
    if (cover && type != CAPDL_UT)
        return refuse(p, "only an untyped covers objects");
    if (cover && array && capdl_find(p->m, name, count) != CAPDL_NONE)
        return defer(p, BODY_COVER, name, count); /* an element of an array, named again for its cover */
    if (cover && array)
        return refuse(p, "declare the array first, then its element '%s[%" PRIu32 "]' with a cover", name, count);
    if (cover && !defer(p, BODY_COVER, name, CAPDL_SCALAR))
        return false;
    if (array && count == 0)
        return refuse(p, "array '%s' has no element", name);
    if (capdl_find(p->m, name, array ? CAPDL_SCALAR : 0) != CAPDL_NONE && p->part == CAPDL_STANDARD)
        return refuse(p, "'%s' is declared twice, as an array and as one object", name);
    for (uint32_t i = 0; i < (array ? count : 1); i++)
        if (!declare(p, name, array ? i : CAPDL_SCALAR, type, &ps))
            return false;
    return true;
}

static bool parse_objects(struct parser *p)
{
    if (!expect(p, '{', "behind 'objects'"))
        return false;
    while (!is(p, '}'))
        if (p->token == END ? !refuse(p, "the objects section has no end; write }") : !parse_object(p))
            return false;
    return next(p);
}

static bool parse_cover(struct parser *p, const struct deferred *d)
{
    uint32_t untyped = capdl_find(p->m, d->untyped, d->index);
    while (!is(p, '}')) {
        struct walk w = {0};
        if (!parse_reference(p))
            return false;
        for (uint32_t child; (child = walk_next(p, &w)) != CAPDL_NONE && !p->failed;) {
            struct capdl_object *o = &p->m->objects[child];
            if (o->parent != CAPDL_NONE)
                return refuse(p, "'%s' lies in two untypeds", o->name);
            if (o->type == CAPDL_CONTROL)
                return refuse(p, "'%s' is no object", o->name);
            for (uint32_t up = untyped; up != CAPDL_NONE; up = p->m->objects[up].parent)
                if (up == child)
                    return refuse(p, "'%s' would lie in itself", o->name);
            o->parent = untyped;
        }
        if (p->failed || (is(p, ',') && !next(p)))
            return false;
    }
    return true;
}

/* ---- capabilities ---- */

static bool parse_rights(struct parser *p, struct capdl_cap *c)
{
    static const char letters[] = "RWGPX";
    static const uint32_t rights[] = {CAPDL_READ, CAPDL_WRITE, CAPDL_GRANT, CAPDL_GRANT_REPLY, CAPDL_GRANT};
    for (const char *l = p->name; *l; l++) {
        const char *letter = strchr(letters, *l);
        if (!letter)
            return refuse(p, "there is no capability parameter or right '%s'", p->name);
        c->rights |= rights[letter - letters];
    }
    return next(p);
}

/* (high, low) or (object, slot): what the stock printer adds and nothing here depends on. */
static bool skip_parentheses(struct parser *p)
{
    if (!expect(p, '(', "here"))
        return false;
    while (!is(p, ')'))
        if (p->token == END ? !refuse(p, "a parenthesis is never closed") : !next(p))
            return false;
    return next(p);
}

static bool parse_cap_param(struct parser *p, struct capdl_cap *c)
{
    const struct { const char *name; enum capdl_part part; uint64_t limit; uint64_t *to; } numbers[] = {
        {"badge", CAPDL_STANDARD, UINT64_MAX, &c->badge},
        {"guard", CAPDL_STANDARD, UINT64_MAX, &c->guard},
        {"guard_size", CAPDL_STANDARD, 63, &c->guard_size},
        {"core", CAPDL_STANDARD, UINT32_MAX, &c->core},
    };
    if (p->token != NAME)
        return refuse(p, "a capability's parameter has to stand here, not %s", shown(p));
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        if (is_name(p, numbers[i].name) && p->part == numbers[i].part)
            return next(p) && expect(p, ':', "behind a parameter's name") &&
                   take_number(p, numbers[i].limit, numbers[i].name, numbers[i].to);
    if (p->part == CAPDL_ANNEX) {
        uint64_t span;
        if (!is_name(p, "span"))
            return refuse(p, "the annex knows the capability parameter 'span' only, not '%s'", p->name);
        if (!next(p) || !expect(p, ':', "behind a parameter's name") || !take_number(p, CAPDL_MAX, "span", &span))
            return false;
        c->span = (uint32_t)span;
        return span > 0 ? true : refuse(p, "'span' is 0; a capability takes at least one slot");
    }
    if (is_name(p, "asid") || is_name(p, "mapping")) /* chosen when the system runs; a hint to a loader */
        return next(p) && expect(p, ':', "behind a parameter's name") && skip_parentheses(p);
    if (is_name(p, "cached") || is_name(p, "uncached")) {
        c->uncached = is_name(p, "uncached");
        return next(p);
    }
    if (is_name(p, "reply") || is_name(p, "master_reply") || is_name(p, "masked"))
        return refuse(p, "'%s' is not used on a kernel with reply objects (MCS)", p->name);
    return parse_rights(p, c);
}

static bool check_cap(struct parser *p, const struct capdl_cap *c, const struct capdl_object *holder, uint32_t object)
{
    const struct capdl_object *o = &p->m->objects[object];
    bool message = o->type == CAPDL_EP || o->type == CAPDL_NOTIFICATION;
    if (c->badge && !message)
        return refuse(p, "'%s' is no endpoint or notification: it takes no badge", o->name);
    if (c->rights && !message && o->type != CAPDL_FRAME)
        return refuse(p, "'%s' takes no rights: endpoints, notifications and frames do", o->name);
    if ((c->guard || c->guard_size) && o->type != CAPDL_CNODE)
        return refuse(p, "'%s' is no cnode: it takes no guard", o->name);
    if (c->core && strcmp(o->name, "sched_control") != 0)
        return refuse(p, "only sched_control takes a core");
    if (!capdl_slot_takes(holder, c->slot, o->type == CAPDL_NOTHING ? CAPDL_NOTHING : o->type))
        return refuse(p, "slot %" PRIu32 " of '%s' cannot hold '%s'", c->slot, holder->name, o->name);
    return true;
}

/* The annex's capability in a slot that the standard part filled: its span. */
static bool annex_cap(struct parser *p, const struct capdl_cap *c, uint32_t holder, uint32_t object)
{
    for (uint32_t i = 0; i < p->m->cap_count; i++)
        if (p->m->caps[i].holder == holder && p->m->caps[i].slot == c->slot) {
            if (p->m->caps[i].object != object)
                return refuse(p, "slot %" PRIu32 " of '%s' holds something else in the standard part", c->slot, p->m->objects[holder].name);
            p->m->caps[i].span = c->span;
            return true;
        }
    return refuse(p, "slot %" PRIu32 " of '%s' is empty in the standard part", c->slot, p->m->objects[holder].name);
}

static bool parse_slot(struct parser *p, uint64_t slots, const struct capdl_object *holder, uint32_t *slot)
{
    uint64_t number = 0;
    if (p->token == NAME && holder->type == CAPDL_TCB) {
        while (number < CAPDL_TCB_SLOTS && (!capdl_tcb_slot_names[number] || !is_name(p, capdl_tcb_slot_names[number])))
            number++;
        if (number == CAPDL_TCB_SLOTS)
            return refuse(p, "a tcb has no slot '%s'", p->name);
        *slot = (uint32_t)number;
        return next(p);
    }
    if (p->token != NUMBER)
        return refuse(p, "a slot's number is missing, before %s", shown(p));
    if (slots == 0)
        return refuse(p, "'%s' has no slots", holder->name);
    if (!take_number(p, slots - 1, "a slot's number", &number))
        return false;
    *slot = (uint32_t)number;
    return true;
}

/* slot: object (parameters); with a range of objects the slots count on. */
static bool parse_cap(struct parser *p, uint32_t holder)
{
    uint64_t slots = capdl_slot_count(p->m, holder);
    struct capdl_cap c = {.holder = holder, .span = 1};
    uint32_t object;
    unsigned line = p->token_line;

    if (!parse_slot(p, slots, &p->m->objects[holder], &c.slot) || !expect(p, ':', "behind a slot's number"))
        return false;
    if (is(p, '<'))
        return refuse(p, "copies of named capabilities are not used here; name the object");
    if (!parse_reference(p))
        return false;
    if (is(p, '='))
        return refuse(p, "names for capabilities are not used here; name the object");
    if (is(p, '(')) {
        do {
            if (!next(p) || !parse_cap_param(p, &c))
                return false;
        } while (is(p, ','));
        if (!expect(p, ')', "behind a capability's parameters"))
            return false;
    }
    if (is(p, '-'))
        return refuse(p, "'- child_of' is not used here; leave it out");
    unsigned after = p->token_line;
    p->token_line = line;
    struct walk w = {0};
    for (; (object = walk_next(p, &w)) != CAPDL_NONE; c.slot++) {
        if (c.slot >= slots)
            return refuse(p, "a range of capabilities ends behind the last slot of '%s'", p->m->objects[holder].name);
        if (!check_cap(p, &c, &p->m->objects[holder], object))
            return false;
        if (p->part == CAPDL_ANNEX && p->m->objects[holder].type != CAPDL_NOTHING) {
            if (!annex_cap(p, &c, holder, object))
                return false;
            continue;
        }
        if (p->m->cap_count == CAPDL_MAX)
            return refuse(p, "there are more capabilities than the %u that a model holds", CAPDL_MAX);
        struct capdl_cap *made = capdl_cap_add(p->m, holder, c.slot, object);
        c.object = object;
        *made = c;
    }
    p->token_line = after;
    return !p->failed;
}

/* holder { slots }, holder[0..3] { the same in each } */
static bool parse_holder(struct parser *p)
{
    struct walk w = {0};
    if (!parse_reference(p))
        return false;
    if (is(p, '='))
        return refuse(p, "names for capabilities are not used here");
    if (p->range_count > 1 || p->all || (p->range_count == 1 && p->ranges[0].first != p->ranges[0].last)) {
        /* The body is read once per holder. */
        uint32_t holders[256], count = 0, holder;
        const char *at = p->at;
        unsigned line = p->line;
        if (!is(p, '{'))
            return refuse(p, "'{' is missing behind the holders of capabilities, before %s", shown(p));
        while (count < 256 && (holder = walk_next(p, &w)) != CAPDL_NONE)
            holders[count++] = holder;
        if (count == 256)
            return refuse(p, "256 holders or more at once");
        for (uint32_t i = 0; i < count && !p->failed; i++) {
            p->at = at;
            p->line = line;
            if (!next(p))
                return false;
            while (!p->failed && !is(p, '}'))
                if (!parse_cap(p, holders[i]) || (is(p, ';') && !next(p)))
                    return false;
        }
        return !p->failed && next(p);
    }
    uint32_t holder = single(p);
    if (holder == CAPDL_NONE || !expect(p, '{', "behind the holder of capabilities"))
        return false;
    while (!is(p, '}'))
        if (p->token == END || !parse_cap(p, holder) || (is(p, ';') && !next(p)))
            return false;
    return next(p);
}

static bool parse_irq(struct parser *p)
{
    uint64_t number;
    struct walk w = {0};
    if (!take_number(p, 1023, "an interrupt", &number) || !expect(p, ':', "behind an interrupt's number") || !parse_reference(p))
        return false;
    for (uint32_t object; (object = walk_next(p, &w)) != CAPDL_NONE; number++) {
        enum capdl_type type = p->m->objects[object].type;
        if (type != CAPDL_IRQ && type != CAPDL_IOAPIC_IRQ && type != CAPDL_MSI_IRQ)
            return refuse(p, "'%s' is no interrupt", p->m->objects[object].name);
        for (uint32_t i = 0; i < p->m->irq_count; i++)
            if (p->m->irqs[i].number == number)
                return refuse(p, "interrupt %" PRIu64 " is given twice", number);
        capdl_irq_add(p->m, (uint32_t)number, object);
    }
    return !p->failed && (!is(p, ';') || next(p));
}

static bool parse_deferred(struct parser *p, const struct deferred *d)
{
    p->at = d->at;
    p->line = d->line;
    if (!next(p))
        return false;
    if (d->body == BODY_COVER)
        return parse_cover(p, d);
    while (!is(p, '}'))
        if (!(d->body == BODY_CAPS ? parse_holder(p) : parse_irq(p)))
            return false;
    return true;
}

/* ---- the whole ---- */

static bool parse_section(struct parser *p)
{
    if (is_name(p, "objects"))
        return next(p) && parse_objects(p);
    if (is_name(p, "caps"))
        return next(p) && defer(p, BODY_CAPS, "", 0);
    if (p->part == CAPDL_STANDARD && is_name(p, "irq")) {
        if (!next(p))
            return false;
        return is_name(p, "maps") ? next(p) && defer(p, BODY_IRQS, "", 0) : refuse(p, "'maps' is missing behind 'irq'");
    }
    /* Where a capability was derived from, and the schedule of domains, give nobody a way to anything. */
    if (p->part == CAPDL_STANDARD && (is_name(p, "cdt") || is_name(p, "domains")))
        return next(p) && defer(p, BODY_NOTHING, "", 0);
    return refuse(p, "a section has to start here (objects, caps, irq maps), not %s", shown(p));
}

static bool parse_module(struct parser *p)
{
    if (!next(p) || !is_name(p, "arch"))
        return refuse(p, "a specification starts with 'arch x86_64'");
    if (!next(p) || !is_name(p, "x86_64"))
        return refuse(p, "the architecture has to be x86_64, not %s", shown(p));
    if (!next(p))
        return false;
    if (p->token == END)
        return refuse(p, "a specification needs a section: objects { }");
    while (p->token != END)
        if (!parse_section(p))
            return false;
    for (uint32_t i = 0; i < p->deferred_count; i++)
        if (!parse_deferred(p, &p->deferred[i]))
            return false;
    return true;
}

int capdl_parse(struct capdl_model *m, enum capdl_part part, const char *file, const char *text, size_t size, struct complaint *why)
{
    struct parser *p = calloc(1, sizeof *p);
    int status = -1;

    if (!p || size > TEXT_MAX) {
        snprintf(why->text, sizeof why->text, "%s:1: %s", file, p ? "the file is larger than 64 MiB" : "not enough memory");
    } else {
        *p = (struct parser){.m = m, .part = part, .why = why, .file = file, .at = text, .end = text + size, .line = 1, .token_line = 1};
        if (parse_module(p) && m->full)
            refuse(p, "the model is too large");
        status = p->failed ? -1 : 0;
        free(p->deferred);
    }
    free(p);
    return status;
}
