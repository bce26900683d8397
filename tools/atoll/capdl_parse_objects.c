/* The objects section: declarations with their parameters. */
#include "capdl_parser.h"
#include <ctype.h>
#include <string.h>

#define FILL_MAX 512

/* {tokens} {tokens}: what lies between the braces, white space made single. */
static bool parse_fill(struct parser *p, char *text)
{
    size_t n = 0;
    bool space = false;
    if (!scan_is(p, '{'))
        return parse_refuse(p, "'{' is missing before contents");
    for (; p->at < p->end && *p->at != '}'; p->at++) {
        p->line += *p->at == '\n';
        if (isspace((unsigned char)*p->at)) {
            space = n > 0;
            continue;
        }
        if (n + 3 > FILL_MAX || !isprint((unsigned char)*p->at) || *p->at == '{')
            return parse_refuse(p, "contents are longer than %u bytes, or no text", FILL_MAX);
        if (space)
            text[n++] = ' ';
        space = false;
        text[n++] = *p->at;
    }
    if (p->at == p->end)
        return parse_refuse(p, "contents have no end; write }");
    if (n == 0)
        return parse_refuse(p, "contents are empty");
    text[n] = 0;
    p->at++;
    return scan_next(p);
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
        return parse_refuse(p, "'%s' takes no parameter '%s'", capdl_type_names[type], capdl_keys[key].name);
    for (uint32_t i = 0; i < ps->count; i++)
        if (ps->list[i].key == key && !listed)
            return parse_refuse(p, "'%s' is given twice", capdl_keys[key].name);
    if (ps->count == 64)
        return parse_refuse(p, "too many parameters");
    ps->list[ps->count].key = key;
    ps->list[ps->count].text = ps->text_count;
    ps->list[ps->count++].value = value;
    return true;
}

/* "key: [a, b]" from behind the bracket. */
static bool parse_list(struct parser *p, struct params *ps, enum capdl_key key, enum capdl_type type)
{
    if (!scan_expect(p, '[', "before a list"))
        return false;
    if (scan_is(p, ']'))
        return scan_next(p);
    for (;;) {
        uint64_t value = 0;
        if (capdl_keys[key].form == CAPDL_FORM_FILL) {
            if (ps->text_count == 16)
                return parse_refuse(p, "more than 16 pieces of contents");
            if (!parse_fill(p, ps->texts[ps->text_count]) || !hold(p, ps, key, 0, type))
                return false;
            ps->text_count++;
        } else if (!scan_number(p, UINT64_MAX, "a list's entry", &value) || !hold(p, ps, key, value, type)) {
            return false;
        }
        if (scan_is(p, ']'))
            return scan_next(p);
        if (!scan_expect(p, ',', "between a list's entries"))
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
        return parse_refuse(p, "'%s' takes no parameter '%s'", capdl_type_names[type], p->name);
    if (!scan_next(p) || !scan_expect(p, ':', "behind a parameter's name"))
        return false;
    switch (capdl_keys[key].form) {
    case CAPDL_FORM_LIST: case CAPDL_FORM_FILL:
        return parse_list(p, ps, key, type);
    case CAPDL_FORM_BOOL:
        if (!scan_is_name(p, "True") && !scan_is_name(p, "False"))
            return parse_refuse(p, "'%s' is True or False, not %s", capdl_keys[key].name, scan_shown(p));
        value = scan_is_name(p, "True");
        return scan_next(p) && hold(p, ps, key, value, type);
    case CAPDL_FORM_RANGE:
        if (!scan_expect(p, '[', "before a range") || !scan_number(p, 65535, "a port", &value))
            return false;
        if (p->token != TOKEN_DOTS)
            return parse_refuse(p, "'..' is missing in a range, before %s", scan_shown(p));
        if (!scan_next(p) || !scan_number(p, 65535, "a port", &last) || !scan_expect(p, ']', "behind a range"))
            return false;
        if (last < value)
            return parse_refuse(p, "a range ends before it starts");
        return hold(p, ps, key, value | last << 32, type);
    default:
        return scan_number(p, UINT64_MAX, capdl_keys[key].name, &value) && hold(p, ps, key, value, type);
    }
}

/* "8 bits", "4k", "2M", "3:1.0": what begins with a number. */
static bool parse_numbered(struct parser *p, struct params *ps, enum capdl_type type)
{
    uint64_t n = p->number, device, function;
    if (!scan_next(p))
        return false;
    if (scan_is_name(p, "bits")) {
        if (n > 63)
            return parse_refuse(p, "'%" PRIu64 " bits' is too much", n);
        return scan_next(p) && hold(p, ps, CAPDL_KEY_BITS, n, type);
    }
    if (scan_is_name(p, "k") || scan_is_name(p, "M")) {
        unsigned bits = scan_is_name(p, "k") ? 10 : 20;
        uint64_t size = n > 1024 ? 0 : n << bits;
        bits = size == 4096 ? 12 : size == 2u << 20 ? 21 : size == 1u << 30 ? 30 : 0;
        if (!bits)
            return parse_refuse(p, "a frame has 4k, 2M or 1024M");
        return scan_next(p) && hold(p, ps, CAPDL_KEY_PAGE_BITS, bits, type);
    }
    if (!scan_is(p, ':'))
        return parse_refuse(p, "a number alone is no parameter; write '%" PRIu64 " bits', '%" PRIu64 "k' or the like", n, n);
    if (n > 255)
        return parse_refuse(p, "a PCI bus is at most 255");
    if (!scan_next(p) || !scan_number(p, 31, "a PCI device", &device) || !scan_expect(p, '.', "in a PCI address") ||
        !scan_number(p, 7, "a PCI function", &function))
        return false;
    return hold(p, ps, CAPDL_KEY_PCI, n << 16 | device << 8 | function, type);
}

static bool parse_params(struct parser *p, struct params *ps, enum capdl_type type)
{
    ps->count = ps->text_count = 0;
    if (!scan_is(p, '('))
        return true;
    if (!scan_next(p))
        return false;
    while (!scan_is(p, ')')) {
        if (p->token == TOKEN_NUMBER ? !parse_numbered(p, ps, type)
            : p->token == TOKEN_NAME ? !parse_keyed(p, ps, type)
                               : !parse_refuse(p, "a parameter has to stand here, not %s", scan_shown(p)))
            return false;
        if (!scan_is(p, ')') && !scan_expect(p, ',', "between parameters"))
            return false;
    }
    return scan_next(p);
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
        return parse_refuse(p, "a cnode needs its size, as in 'cnode (8 bits)'");
    if (type == CAPDL_FRAME && !has(ps, CAPDL_KEY_PAGE_BITS))
        return parse_refuse(p, "a frame needs its size, as in 'frame (4k)'");
    if (type == CAPDL_IO_PORTS && !has(ps, CAPDL_KEY_PORTS))
        return parse_refuse(p, "io_ports need their range, as in 'io_ports (ports: [1016..1023])'");
    if (type == CAPDL_IPI && !(has(ps, CAPDL_KEY_NODE) && has(ps, CAPDL_KEY_VECTOR)))
        return parse_refuse(p, "an ipi needs its target, as in 'ipi (node: 0, vector: 80)'");
    for (uint32_t i = 0; i < ps->count; i++)
        if (type == CAPDL_CNODE && (ps->list[i].value < 1 || ps->list[i].value > 25))
            return parse_refuse(p, "a cnode has 1 to 25 bits");
    return true;
}

static bool declare(struct parser *p, const char *name, uint32_t index, enum capdl_type type, const struct params *ps)
{
    uint32_t object = capdl_find(p->m, name, index);
    if (object == CAPDL_NONE) {
        object = capdl_add(p->m, name, index);
        if (object == CAPDL_NONE)
            return parse_refuse(p, "there are more objects than the %u that a model holds", CAPDL_MAX);
    } else if (p->part == CAPDL_STANDARD || p->m->objects[object].own != CAPDL_NOTHING) {
        return parse_refuse(p, "'%s' is declared twice", name);
    }
    *(p->part == CAPDL_STANDARD ? &p->m->objects[object].type : &p->m->objects[object].own) = type;
    for (uint32_t i = 0; i < ps->count; i++)
        capdl_param_add(p->m, object, ps->list[i].key, ps->list[i].value,
                        capdl_keys[ps->list[i].key].form == CAPDL_FORM_FILL ? ps->texts[ps->list[i].text] : NULL);
    return p->m->full ? parse_refuse(p, "the model is too large") : true;
}

/* A type of this part; the other part's types have their own refusal. */
static bool parse_type(struct parser *p, enum capdl_type *type)
{
    if (p->token != TOKEN_NAME)
        return parse_refuse(p, "an object's type has to stand here, not %s", scan_shown(p));
    for (*type = CAPDL_NOTHING + 1; *type < CAPDL_TYPES; ++*type)
        if (capdl_type_names[*type] && strcmp(capdl_type_names[*type], p->name) == 0 && capdl_type_part(*type) == p->part)
            return scan_next(p);
    for (*type = CAPDL_NOTHING + 1; *type < CAPDL_TYPES; ++*type)
        if (capdl_type_names[*type] && strcmp(capdl_type_names[*type], p->name) == 0)
            return parse_refuse(p, "'%s' is a type of the %s", p->name, p->part == CAPDL_STANDARD ? "annex" : "standard part");
    return parse_refuse(p, "there is no object type '%s' on x86_64", p->name);
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
        return parse_refuse(p, "an array is declared by its size, as in %s[4]", name);
    if (array)
        count = p->ranges[0].first;
    if (!capdl_name_valid(name))
        return parse_refuse(p, "'%s' is a word of the language", name);
    if (scan_is(p, '/'))
        return parse_refuse(p, "qualified names are not used here; name the untyped's cover instead");
    if (!scan_expect(p, '=', "behind an object's name") || !parse_type(p, &type) || !parse_params(p, &ps, type) ||
        !check_params(p, &ps, type))
        return false;
    bool cover = scan_is(p, '{');
    if (cover && type != CAPDL_UT)
        return parse_refuse(p, "only an untyped covers objects");
    if (cover && array && capdl_find(p->m, name, count) != CAPDL_NONE)
        return parse_later(p, BODY_COVER, name, count); /* an element of an array, named again for its cover */
    if (cover && array)
        return parse_refuse(p, "declare the array first, then its element '%s[%" PRIu32 "]' with a cover", name, count);
    if (cover && !parse_later(p, BODY_COVER, name, CAPDL_SCALAR))
        return false;
    if (array && count == 0)
        return parse_refuse(p, "array '%s' has no element", name);
    if (capdl_find(p->m, name, array ? CAPDL_SCALAR : 0) != CAPDL_NONE && p->part == CAPDL_STANDARD)
        return parse_refuse(p, "'%s' is declared twice, as an array and as one object", name);
    for (uint32_t i = 0; i < (array ? count : 1); i++)
        if (!declare(p, name, array ? i : CAPDL_SCALAR, type, &ps))
            return false;
    return true;
}

bool parse_objects(struct parser *p)
{
    if (!scan_expect(p, '{', "behind 'objects'"))
        return false;
    while (!scan_is(p, '}'))
        if (p->token == TOKEN_END ? !parse_refuse(p, "the objects section has no end; write }") : !parse_object(p))
            return false;
    return scan_next(p);
}

bool parse_cover(struct parser *p, const struct deferred *d)
{
    uint32_t untyped = capdl_find(p->m, d->untyped, d->index);
    while (!scan_is(p, '}')) {
        struct walk w = {0};
        if (!parse_reference(p))
            return false;
        for (uint32_t child; (child = reference_next(p, &w)) != CAPDL_NONE && !p->failed;) {
            struct capdl_object *o = &p->m->objects[child];
            if (o->parent != CAPDL_NONE)
                return parse_refuse(p, "'%s' lies in two untypeds", o->name);
            if (o->type == CAPDL_CONTROL)
                return parse_refuse(p, "'%s' is no object", o->name);
            for (uint32_t up = untyped; up != CAPDL_NONE; up = p->m->objects[up].parent)
                if (up == child)
                    return parse_refuse(p, "'%s' would lie in itself", o->name);
            o->parent = untyped;
        }
        if (p->failed || (scan_is(p, ',') && !scan_next(p)))
            return false;
    }
    return true;
}
