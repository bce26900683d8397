/* The capability section: who holds what in which slot; interrupts. */
#include "capdl_parser.h"
#include <string.h>

static bool parse_rights(struct parser *p, struct capdl_cap *c)
{
    static const char letters[] = "RWGPX";
    static const uint32_t rights[] = {CAPDL_READ, CAPDL_WRITE, CAPDL_GRANT, CAPDL_GRANT_REPLY, CAPDL_GRANT};
    for (const char *l = p->name; *l; l++) {
        const char *letter = strchr(letters, *l);
        if (!letter)
            return parse_refuse(p, "there is no capability parameter or right '%s'", p->name);
        c->rights |= rights[letter - letters];
    }
    return scan_next(p);
}

/* (high, low) or (object, slot): what the stock printer adds and nothing here depends on. */
static bool skip_parentheses(struct parser *p)
{
    if (!scan_expect(p, '(', "here"))
        return false;
    while (!scan_is(p, ')'))
        if (p->token == TOKEN_END ? !parse_refuse(p, "a parenthesis is never closed") : !scan_next(p))
            return false;
    return scan_next(p);
}

static bool parse_cap_param(struct parser *p, struct capdl_cap *c)
{
    const struct { const char *name; enum capdl_part part; uint64_t limit; uint64_t *to; } numbers[] = {
        {"badge", CAPDL_STANDARD, UINT64_MAX, &c->badge},
        {"guard", CAPDL_STANDARD, UINT64_MAX, &c->guard},
        {"guard_size", CAPDL_STANDARD, 63, &c->guard_size},
        {"core", CAPDL_STANDARD, UINT32_MAX, &c->core},
    };
    if (p->token != TOKEN_NAME)
        return parse_refuse(p, "a capability's parameter has to stand here, not %s", scan_shown(p));
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        if (scan_is_name(p, numbers[i].name) && p->part == numbers[i].part)
            return scan_next(p) && scan_expect(p, ':', "behind a parameter's name") &&
                   scan_number(p, numbers[i].limit, numbers[i].name, numbers[i].to);
    if (p->part == CAPDL_ANNEX) {
        uint64_t span;
        if (!scan_is_name(p, "span"))
            return parse_refuse(p, "the annex knows the capability parameter 'span' only, not '%s'", p->name);
        if (!scan_next(p) || !scan_expect(p, ':', "behind a parameter's name") || !scan_number(p, CAPDL_MAX, "span", &span))
            return false;
        c->span = (uint32_t)span;
        return span > 0 ? true : parse_refuse(p, "'span' is 0; a capability takes at least one slot");
    }
    if (scan_is_name(p, "asid") || scan_is_name(p, "mapping")) /* chosen when the system runs; a hint to a loader */
        return scan_next(p) && scan_expect(p, ':', "behind a parameter's name") && skip_parentheses(p);
    if (scan_is_name(p, "cached") || scan_is_name(p, "uncached")) {
        c->uncached = scan_is_name(p, "uncached");
        return scan_next(p);
    }
    if (scan_is_name(p, "reply") || scan_is_name(p, "master_reply") || scan_is_name(p, "masked"))
        return parse_refuse(p, "'%s' is not used on a kernel with reply objects (MCS)", p->name);
    return parse_rights(p, c);
}

static bool check_cap(struct parser *p, const struct capdl_cap *c, const struct capdl_object *holder, uint32_t object)
{
    const struct capdl_object *o = &p->m->objects[object];
    bool message = o->type == CAPDL_EP || o->type == CAPDL_NOTIFICATION;
    if (c->badge && !message)
        return parse_refuse(p, "'%s' is no endpoint or notification: it takes no badge", o->name);
    if (c->rights && !message && o->type != CAPDL_FRAME)
        return parse_refuse(p, "'%s' takes no rights: endpoints, notifications and frames do", o->name);
    if ((c->guard || c->guard_size) && o->type != CAPDL_CNODE)
        return parse_refuse(p, "'%s' is no cnode: it takes no guard", o->name);
    if (c->core && strcmp(o->name, "sched_control") != 0)
        return parse_refuse(p, "only sched_control takes a core");
    if (!capdl_slot_takes(holder, c->slot, o->type == CAPDL_NOTHING ? CAPDL_NOTHING : o->type))
        return parse_refuse(p, "slot %" PRIu32 " of '%s' cannot hold '%s'", c->slot, holder->name, o->name);
    return true;
}

/* The annex's capability in a slot that the standard part filled: its span. */
static bool annex_cap(struct parser *p, const struct capdl_cap *c, uint32_t holder, uint32_t object)
{
    for (uint32_t i = 0; i < p->m->cap_count; i++)
        if (p->m->caps[i].holder == holder && p->m->caps[i].slot == c->slot) {
            if (p->m->caps[i].object != object)
                return parse_refuse(p, "slot %" PRIu32 " of '%s' holds something else in the standard part", c->slot,
                                    p->m->objects[holder].name);
            p->m->caps[i].span = c->span;
            return true;
        }
    return parse_refuse(p, "slot %" PRIu32 " of '%s' is empty in the standard part", c->slot, p->m->objects[holder].name);
}

static bool parse_slot(struct parser *p, uint64_t slots, const struct capdl_object *holder, uint32_t *slot)
{
    uint64_t number = 0;
    if (p->token == TOKEN_NAME && holder->type == CAPDL_TCB) {
        while (number < CAPDL_TCB_SLOTS && (!capdl_tcb_slot_names[number] || !scan_is_name(p, capdl_tcb_slot_names[number])))
            number++;
        if (number == CAPDL_TCB_SLOTS)
            return parse_refuse(p, "a tcb has no slot '%s'", p->name);
        *slot = (uint32_t)number;
        return scan_next(p);
    }
    if (p->token != TOKEN_NUMBER)
        return parse_refuse(p, "a slot's number is missing, before %s", scan_shown(p));
    if (slots == 0)
        return parse_refuse(p, "'%s' has no slots", holder->name);
    if (!scan_number(p, slots - 1, "a slot's number", &number))
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

    if (!parse_slot(p, slots, &p->m->objects[holder], &c.slot) || !scan_expect(p, ':', "behind a slot's number"))
        return false;
    if (scan_is(p, '<'))
        return parse_refuse(p, "copies of named capabilities are not used here; name the object");
    if (!parse_reference(p))
        return false;
    if (scan_is(p, '='))
        return parse_refuse(p, "names for capabilities are not used here; name the object");
    if (scan_is(p, '(')) {
        do {
            if (!scan_next(p) || !parse_cap_param(p, &c))
                return false;
        } while (scan_is(p, ','));
        if (!scan_expect(p, ')', "behind a capability's parameters"))
            return false;
    }
    if (scan_is(p, '-'))
        return parse_refuse(p, "'- child_of' is not used here; leave it out");
    unsigned after = p->token_line;
    p->token_line = line;
    struct walk w = {0};
    for (; (object = reference_next(p, &w)) != CAPDL_NONE; c.slot++) {
        if (c.slot >= slots)
            return parse_refuse(p, "a range of capabilities ends behind the last slot of '%s'", p->m->objects[holder].name);
        if (!check_cap(p, &c, &p->m->objects[holder], object))
            return false;
        if (p->part == CAPDL_ANNEX && p->m->objects[holder].type != CAPDL_NOTHING) {
            if (!annex_cap(p, &c, holder, object))
                return false;
            continue;
        }
        if (p->m->cap_count == CAPDL_MAX)
            return parse_refuse(p, "there are more capabilities than the %u that a model holds", CAPDL_MAX);
        struct capdl_cap *made = capdl_cap_add(p->m, holder, c.slot, object);
        c.object = object;
        *made = c;
    }
    p->token_line = after;
    return !p->failed;
}

/* holder { slots }, holder[0..3] { the same in each } */
bool parse_holder(struct parser *p)
{
    struct walk w = {0};
    if (!parse_reference(p))
        return false;
    if (scan_is(p, '='))
        return parse_refuse(p, "names for capabilities are not used here");
    if (p->range_count > 1 || p->all || (p->range_count == 1 && p->ranges[0].first != p->ranges[0].last)) {
        /* The body is read once per holder. */
        uint32_t holders[256], count = 0, holder;
        const char *at = p->at;
        unsigned line = p->line;
        if (!scan_is(p, '{'))
            return parse_refuse(p, "'{' is missing behind the holders of capabilities, before %s", scan_shown(p));
        while (count < 256 && (holder = reference_next(p, &w)) != CAPDL_NONE)
            holders[count++] = holder;
        if (count == 256)
            return parse_refuse(p, "256 holders or more at once");
        for (uint32_t i = 0; i < count && !p->failed; i++) {
            p->at = at;
            p->line = line;
            if (!scan_next(p))
                return false;
            while (!p->failed && !scan_is(p, '}'))
                if (!parse_cap(p, holders[i]) || (scan_is(p, ';') && !scan_next(p)))
                    return false;
        }
        return !p->failed && scan_next(p);
    }
    uint32_t holder = reference_single(p);
    if (holder == CAPDL_NONE || !scan_expect(p, '{', "behind the holder of capabilities"))
        return false;
    while (!scan_is(p, '}'))
        if (p->token == TOKEN_END || !parse_cap(p, holder) || (scan_is(p, ';') && !scan_next(p)))
            return false;
    return scan_next(p);
}

bool parse_irq(struct parser *p)
{
    uint64_t number;
    struct walk w = {0};
    if (!scan_number(p, 1023, "an interrupt", &number) || !scan_expect(p, ':', "behind an interrupt's number") || !parse_reference(p))
        return false;
    for (uint32_t object; (object = reference_next(p, &w)) != CAPDL_NONE; number++) {
        enum capdl_type type = p->m->objects[object].type;
        if (type != CAPDL_IRQ && type != CAPDL_IOAPIC_IRQ && type != CAPDL_MSI_IRQ)
            return parse_refuse(p, "'%s' is no interrupt", p->m->objects[object].name);
        for (uint32_t i = 0; i < p->m->irq_count; i++)
            if (p->m->irqs[i].number == number)
                return parse_refuse(p, "interrupt %" PRIu64 " is given twice", number);
        capdl_irq_add(p->m, (uint32_t)number, object);
    }
    return !p->failed && (!scan_is(p, ';') || scan_next(p));
}
