/* A model's standard part or annex as text: one form only, so that text that was read comes out as it went in. */
#include "capdl.h"
#include <inttypes.h>
#include <string.h>

static void print_pages(FILE *f, uint64_t bits)
{
    if (bits >= 20)
        fprintf(f, "%lluM", 1ull << (bits - 20));
    else
        fprintf(f, "%lluk", 1ull << (bits - 10));
}

static void print_value(const struct capdl_model *m, const struct capdl_param *p, FILE *f)
{
    const struct capdl_key_words *key = &capdl_keys[p->key];
    switch (key->form) {
    case CAPDL_FORM_NUMBER: fprintf(f, "%s: %" PRIu64, key->name, p->value); break;
    case CAPDL_FORM_HEX: fprintf(f, "%s: 0x%" PRIx64, key->name, p->value); break;
    case CAPDL_FORM_BOOL: fprintf(f, "%s: %s", key->name, p->value ? "True" : "False"); break;
    case CAPDL_FORM_BITS: fprintf(f, "%" PRIu64 " bits", p->value); break;
    case CAPDL_FORM_PAGE: print_pages(f, p->value); break;
    case CAPDL_FORM_PCI:
        fprintf(f, "%u:%u.%u", (unsigned)(p->value >> 16), (unsigned)(p->value >> 8 & 255), (unsigned)(p->value & 255));
        break;
    case CAPDL_FORM_RANGE: fprintf(f, "%s: [%u..%u]", key->name, (unsigned)p->value, (unsigned)(p->value >> 32)); break;
    case CAPDL_FORM_LIST: fprintf(f, "0x%" PRIx64, p->value); break;
    case CAPDL_FORM_FILL: fprintf(f, "{%s}", m->texts + p->text); break;
    }
}

static void print_params(const struct capdl_model *m, const struct capdl_object *o, enum capdl_part part, FILE *f)
{
    const struct capdl_param *p = &m->params[o->params[part].first];
    uint32_t count = o->params[part].count;

    for (uint32_t i = 0; i < count; i++) {
        enum capdl_form form = capdl_keys[p[i].key].form;
        bool listed = form == CAPDL_FORM_LIST || form == CAPDL_FORM_FILL;
        bool first = i == 0 || p[i - 1].key != p[i].key, last = i + 1 == count || p[i + 1].key != p[i].key;
        fputs(i == 0 ? " (" : ", ", f);
        if (listed && first)
            fprintf(f, "%s: [", capdl_keys[p[i].key].name);
        print_value(m, &p[i], f);
        if (listed && last)
            fputc(']', f);
    }
    if (count)
        fputc(')', f);
}

static void print_cover(const struct capdl_model *m, uint32_t untyped, FILE *f)
{
    const char *separator = " {";
    char label[CAPDL_NAME_MAX + 16];

    for (uint32_t i = 0; i < m->object_count; i++)
        if (m->objects[i].parent == untyped) {
            fprintf(f, "%s%s", separator, capdl_label(m, i, label));
            separator = ", ";
        }
    if (separator[0] == ',')
        fputc('}', f);
}

static void print_objects(const struct capdl_model *m, enum capdl_part part, FILE *f)
{
    for (uint32_t i = 0, next; i < m->object_count; i = next) {
        const struct capdl_object *o = &m->objects[i];
        enum capdl_type type = part == CAPDL_STANDARD ? o->type : o->own;
        for (next = i + 1; o->index != CAPDL_SCALAR && next < m->object_count && strcmp(m->objects[next].name, o->name) == 0; next++)
            ;
        if (type == CAPDL_NOTHING || type == CAPDL_CONTROL)
            continue;
        fprintf(f, "  %s", o->name);
        if (o->index != CAPDL_SCALAR)
            fprintf(f, "[%" PRIu32 "]", next - i);
        fprintf(f, " = %s", capdl_type_names[type]);
        print_params(m, o, part, f);
        if (part == CAPDL_STANDARD && type == CAPDL_UT && o->index == CAPDL_SCALAR)
            print_cover(m, i, f);
        fputc('\n', f);
        if (part == CAPDL_STANDARD && type == CAPDL_UT && o->index != CAPDL_SCALAR) /* elements with a cover are declared again */
            for (uint32_t k = i; k < next; k++) {
                bool covers = false;
                for (uint32_t c = 0; c < m->object_count && !covers; c++)
                    covers = m->objects[c].parent == k;
                if (!covers)
                    continue;
                fprintf(f, "  %s[%" PRIu32 "] = ut", o->name, m->objects[k].index);
                print_params(m, o, part, f);
                print_cover(m, k, f);
                fputc('\n', f);
            }
    }
}

static void print_rights(uint32_t rights, bool frame, FILE *f)
{
    static const struct { uint32_t right; char letter; } letters[] = {
        {CAPDL_READ, 'R'}, {CAPDL_WRITE, 'W'}, {CAPDL_GRANT, 'G'}, {CAPDL_GRANT_REPLY, 'P'}};
    for (unsigned i = 0; i < 4; i++)
        if (rights & letters[i].right)
            fputc(frame && letters[i].letter == 'G' ? 'X' : letters[i].letter, f);
}

static void print_cap_params(const struct capdl_model *m, const struct capdl_cap *c, enum capdl_part part, FILE *f)
{
    const struct capdl_object *o = &m->objects[c->object];
    const char *separator = " (";
#define PARAM(condition, ...) do { if (condition) { fputs(separator, f); fprintf(f, __VA_ARGS__); separator = ", "; } } while (0)
    if (part == CAPDL_ANNEX) {
        PARAM(c->span != 1, "span: %" PRIu32, c->span);
    } else {
        PARAM(strcmp(o->name, "sched_control") == 0, "core: %" PRIu64, c->core);
        PARAM(c->guard, "guard: %" PRIu64, c->guard);
        PARAM(c->guard_size, "guard_size: %" PRIu64, c->guard_size);
        PARAM(c->badge, "badge: %" PRIu64, c->badge);
        PARAM(c->rights, "%s", "");
        if (c->rights)
            print_rights(c->rights, o->type == CAPDL_FRAME, f);
        PARAM(c->uncached, "uncached");
    }
#undef PARAM
    if (separator[0] == ',')
        fputc(')', f);
}

/* Does `b` continue a run of slots that hold consecutive elements of one array, with the same parameters? */
static bool continues(const struct capdl_model *m, const struct capdl_cap *a, const struct capdl_cap *b)
{
    const struct capdl_object *x = &m->objects[a->object], *y = &m->objects[b->object];
    return b->slot == a->slot + 1 && x->index != CAPDL_SCALAR && y->index == x->index + 1 && strcmp(x->name, y->name) == 0 &&
           a->rights == b->rights && a->badge == b->badge && a->guard == b->guard && a->guard_size == b->guard_size &&
           a->span == b->span && a->uncached == b->uncached;
}

static bool in_part(const struct capdl_model *m, const struct capdl_cap *c, enum capdl_part part)
{
    bool party = m->objects[c->holder].type == CAPDL_NOTHING;
    return part == CAPDL_ANNEX ? party || c->span != 1 : !party;
}

static void print_slots(const struct capdl_model *m, uint32_t from, uint32_t to, enum capdl_part part, FILE *f)
{
    const struct capdl_object *holder = &m->objects[m->caps[from].holder];

    for (uint32_t i = from, last; i < to; i = last + 1) {
        const struct capdl_cap *c = &m->caps[i];
        const struct capdl_object *o = &m->objects[c->object];
        last = i;
        if (!in_part(m, c, part))
            continue;
        while (last + 1 < to && in_part(m, &m->caps[last + 1], part) && continues(m, &m->caps[last], &m->caps[last + 1]))
            last++;
        if (holder->type == CAPDL_TCB)
            fprintf(f, "    %s: %s", capdl_tcb_slot_names[c->slot], o->name);
        else
            fprintf(f, "    %" PRIu32 ": %s", c->slot, o->name);
        if (last > i)
            fprintf(f, "[%" PRIu32 "..%" PRIu32 "]", o->index, m->objects[m->caps[last].object].index);
        else if (o->index != CAPDL_SCALAR)
            fprintf(f, "[%" PRIu32 "]", o->index);
        print_cap_params(m, c, part, f);
        fputc('\n', f);
    }
}

static void print_caps(const struct capdl_model *m, enum capdl_part part, FILE *f)
{
    char label[CAPDL_NAME_MAX + 16];

    for (uint32_t i = 0, next; i < m->cap_count; i = next) {
        bool any = false;
        for (next = i; next < m->cap_count && m->caps[next].holder == m->caps[i].holder; next++)
            any = any || in_part(m, &m->caps[next], part);
        if (!any)
            continue;
        fprintf(f, "  %s {\n", capdl_label(m, m->caps[i].holder, label));
        print_slots(m, i, next, part, f);
        fputs("  }\n", f);
    }
}

void capdl_print(const struct capdl_model *m, enum capdl_part part, FILE *f)
{
    char label[CAPDL_NAME_MAX + 16];

    fputs("arch x86_64\n\nobjects {\n", f);
    print_objects(m, part, f);
    fputs("}\n\ncaps {\n", f);
    print_caps(m, part, f);
    fputs("}\n", f);
    if (part == CAPDL_ANNEX)
        return;
    fputs("\nirq maps {\n", f);
    for (uint32_t i = 0; i < m->irq_count; i++)
        fprintf(f, "  %" PRIu32 ": %s\n", m->irqs[i].number, capdl_label(m, m->irqs[i].object, label));
    fputs("}\n", f);
}
