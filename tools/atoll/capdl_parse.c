/* CapDL text to a model. The grammar is that of seL4/capdl (CapDL/Parser.hs, CapDL/ParserUtils.hs), less what its printer never
 * writes; every refusal names the line. Bounded: no recursion, and the model's limits end every loop. */
#include "capdl_parser.h"
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX (64u << 20)

static bool parse_deferred(struct parser *p, const struct deferred *d)
{
    p->at = d->at;
    p->line = d->line;
    if (!scan_next(p))
        return false;
    if (d->body == BODY_COVER)
        return parse_cover(p, d);
    while (!scan_is(p, '}'))
        if (!(d->body == BODY_CAPS ? parse_holder(p) : parse_irq(p)))
            return false;
    return true;
}

static bool parse_section(struct parser *p)
{
    if (scan_is_name(p, "objects"))
        return scan_next(p) && parse_objects(p);
    if (scan_is_name(p, "caps"))
        return scan_next(p) && parse_later(p, BODY_CAPS, "", 0);
    if (p->part == CAPDL_STANDARD && scan_is_name(p, "irq")) {
        if (!scan_next(p))
            return false;
        return scan_is_name(p, "maps") ? scan_next(p) && parse_later(p, BODY_IRQS, "", 0)
                                       : parse_refuse(p, "'maps' is missing behind 'irq'");
    }
    /* Where a capability was derived from, and the schedule of domains, give nobody a way to anything. */
    if (p->part == CAPDL_STANDARD && (scan_is_name(p, "cdt") || scan_is_name(p, "domains")))
        return scan_next(p) && parse_later(p, BODY_NOTHING, "", 0);
    return parse_refuse(p, "a section has to start here (objects, caps, irq maps), not %s", scan_shown(p));
}

static bool parse_module(struct parser *p)
{
    if (!scan_next(p) || !scan_is_name(p, "arch"))
        return parse_refuse(p, "a specification starts with 'arch x86_64'");
    if (!scan_next(p) || !scan_is_name(p, "x86_64"))
        return parse_refuse(p, "the architecture has to be x86_64, not %s", scan_shown(p));
    if (!scan_next(p))
        return false;
    if (p->token == TOKEN_END)
        return parse_refuse(p, "a specification needs a section: objects { }");
    while (p->token != TOKEN_END)
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
        *p = (struct parser){.m = m, .part = part, .why = why, .file = file, .at = text, .end = text + size, .line = 1,
                             .token_line = 1};
        if (parse_module(p) && m->full)
            parse_refuse(p, "the model is too large");
        status = p->failed ? -1 : 0;
        free(p->deferred);
    }
    free(p);
    return status;
}
