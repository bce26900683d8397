/* References: a name, or elements of an array; and bodies that are read once everything is declared. */
#include "capdl_parser.h"
#include <stdlib.h>
#include <string.h>

static bool parse_range(struct parser *p)
{
    uint64_t first = 0, last = UINT32_MAX - 1;
    if (p->range_count == RANGES_MAX)
        return parse_refuse(p, "more than %u ranges in one reference", RANGES_MAX);
    if (p->token == TOKEN_NUMBER) {
        if (!scan_number(p, CAPDL_MAX, "an array's element", &first))
            return false;
        last = first;
    } else if (p->token != TOKEN_DOTS) {
        return parse_refuse(p, "an array's element has to be a number, not %s", scan_shown(p));
    }
    if (p->token == TOKEN_DOTS) {
        last = UINT32_MAX - 1;
        if (!scan_next(p) || (p->token == TOKEN_NUMBER && !scan_number(p, CAPDL_MAX, "an array's element", &last)))
            return false;
    }
    p->ranges[p->range_count++] = (struct range){(uint32_t)first, (uint32_t)last};
    return true;
}

bool parse_reference(struct parser *p)
{
    if (p->token != TOKEN_NAME)
        return parse_refuse(p, "a name has to stand here, not %s", scan_shown(p));
    memcpy(p->reference, p->name, sizeof p->reference);
    p->range_count = 0;
    p->all = false;
    if (!scan_next(p) || !scan_is(p, '['))
        return !p->failed;
    if (!scan_next(p))
        return false;
    if (scan_is(p, ']')) {
        p->all = true;
        return scan_next(p);
    }
    for (;;) {
        if (!parse_range(p))
            return false;
        if (scan_is(p, ']'))
            return scan_next(p);
        if (!scan_expect(p, ',', "between elements"))
            return false;
    }
}

uint32_t reference_next(struct parser *p, struct walk *w)
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
            parse_refuse(p, "'%s' is an array; write %s[0], or %s[] for all of it", p->reference, p->reference, p->reference);
        else if (object == CAPDL_NONE)
            parse_refuse(p, "there is no object '%s'", p->reference);
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
        parse_refuse(p, "there is no object '%s[%" PRIu32 "]'", p->reference, w->element);
    return object;
}

uint32_t reference_single(struct parser *p)
{
    struct walk w = {0};
    uint32_t object = reference_next(p, &w);
    if (!p->failed && reference_next(p, &w) != CAPDL_NONE)
        parse_refuse(p, "'%s' has to be one object here", p->reference);
    return p->failed ? CAPDL_NONE : object;
}

bool parse_later(struct parser *p, enum body body, const char *untyped, uint32_t index)
{
    unsigned depth = 1, line = p->token_line;
    if (!scan_is(p, '{'))
        return parse_refuse(p, "'{' is missing, before %s", scan_shown(p));
    if (p->deferred_count == p->deferred_room) {
        uint32_t room = 2 * p->deferred_room + 16;
        struct deferred *more = realloc(p->deferred, room * sizeof *more);
        if (!more)
            return parse_refuse(p, "not enough memory");
        p->deferred = more;
        p->deferred_room = room;
    }
    struct deferred *d = &p->deferred[p->deferred_count];
    *d = (struct deferred){.body = body, .index = index, .at = p->at, .line = p->line};
    snprintf(d->untyped, sizeof d->untyped, "%s", untyped);
    p->deferred_count += body != BODY_NOTHING;
    while (depth) {
        if (!scan_next(p))
            return false;
        if (p->token == TOKEN_END) {
            p->token_line = line;
            return parse_refuse(p, "this brace is never closed");
        }
        depth += scan_is(p, '{');
        depth -= scan_is(p, '}');
    }
    return scan_next(p);
}
