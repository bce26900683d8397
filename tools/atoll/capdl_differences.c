/* How two models of one node differ, object by object, capability by capability. Both are sorted; names decide what is compared. */
#include "capdl.h"
#include <inttypes.h>
#include <string.h>

struct report {
    const struct capdl_model *a, *b;
    uint32_t count, max;
    FILE *to;
};

#define TELL(r, ...)                        \
    do {                                    \
        if ((r)->count++ < (r)->max) {      \
            fputs("  ", (r)->to);           \
            fprintf((r)->to, __VA_ARGS__);  \
            fputc('\n', (r)->to);           \
        }                                   \
    } while (0)

static const char *type_name(const struct capdl_object *o)
{
    enum capdl_type type = o->own ? o->own : o->type;
    return capdl_type_names[type] ? capdl_type_names[type] : "control capability";
}

static bool params_same(const struct report *r, const struct capdl_object *x, const struct capdl_object *y, enum capdl_key *key)
{
    for (unsigned part = 0; part < CAPDL_PARTS; part++) {
        uint32_t n = x->params[part].count, m = y->params[part].count;
        for (uint32_t i = 0; i < n || i < m; i++) {
            const struct capdl_param *p = i < n ? &r->a->params[x->params[part].first + i] : NULL;
            const struct capdl_param *q = i < m ? &r->b->params[y->params[part].first + i] : NULL;
            *key = p && (!q || p->key <= q->key) ? p->key : q->key;
            if (!p || !q || p->key != q->key || p->value != q->value ||
                (capdl_keys[p->key].form == CAPDL_FORM_FILL && strcmp(r->a->texts + p->text, r->b->texts + q->text) != 0))
                return false;
        }
    }
    return true;
}

static bool cap_same(const struct report *r, const struct capdl_cap *x, const struct capdl_cap *y)
{
    const struct capdl_object *o = &r->a->objects[x->object], *p = &r->b->objects[y->object];
    return o->index == p->index && strcmp(o->name, p->name) == 0 && x->rights == y->rights && x->badge == y->badge && x->guard == y->guard &&
           x->guard_size == y->guard_size && x->core == y->core && x->span == y->span && x->uncached == y->uncached;
}

static const char *describe(const struct capdl_model *m, const struct capdl_cap *c, char *text, size_t size)
{
    char label[CAPDL_NAME_MAX + 16];
    snprintf(text, size, "%s (rights %s%s%s%s, badge 0x%" PRIx64 ", guard %" PRIu64 ", at most %" PRIu32 " slots)", capdl_label(m, c->object, label),
             c->rights & CAPDL_READ ? "R" : "", c->rights & CAPDL_WRITE ? "W" : "", c->rights & CAPDL_GRANT ? "G" : "",
             c->rights & CAPDL_GRANT_REPLY ? "P" : "", c->badge, c->guard_size, c->span);
    return text;
}

/* Both lists of capabilities ascend by slot. */
static void caps_compare(struct report *r, uint32_t x, uint32_t y, const char *label)
{
    uint32_t n = 0, m = 0;
    const struct capdl_cap *p = r->a->caps + (x == CAPDL_NONE ? 0 : capdl_caps_of(r->a, x, &n));
    const struct capdl_cap *q = r->b->caps + (y == CAPDL_NONE ? 0 : capdl_caps_of(r->b, y, &m));
    char promised[256], found[256];
    while (n || m) {
        if (n && (!m || p->slot < q->slot)) {
            TELL(r, "slot %" PRIu32 " of %s: promised %s, found nothing", p->slot, label, describe(r->a, p, promised, sizeof promised));
            p++, n--;
        } else if (m && (!n || q->slot < p->slot)) {
            TELL(r, "slot %" PRIu32 " of %s: promised nothing, found %s", q->slot, label, describe(r->b, q, found, sizeof found));
            q++, m--;
        } else {
            if (!cap_same(r, p, q))
                TELL(r, "slot %" PRIu32 " of %s: promised %s, found %s", p->slot, label, describe(r->a, p, promised, sizeof promised),
                     describe(r->b, q, found, sizeof found));
            p++, q++, n--, m--;
        }
    }
}

static void objects_compare(struct report *r, uint32_t x, uint32_t y)
{
    char label[CAPDL_NAME_MAX + 16];
    enum capdl_key key;
    if (x == CAPDL_NONE || y == CAPDL_NONE) {
        const struct capdl_model *m = x == CAPDL_NONE ? r->b : r->a;
        uint32_t i = x == CAPDL_NONE ? y : x;
        TELL(r, "%s: the %s was %s", capdl_label(m, i, label), type_name(&m->objects[i]), x == CAPDL_NONE ? "found, but not promised" : "promised, but not found");
    } else {
        const struct capdl_object *o = &r->a->objects[x], *p = &r->b->objects[y];
        capdl_label(r->a, x, label);
        if (o->type != p->type || o->own != p->own || o->parent != p->parent)
            TELL(r, "%s: promised as %s, found as %s", label, type_name(o), type_name(p));
        else if (!params_same(r, o, p, &key))
            TELL(r, "%s: the %s is not what was promised: parameter '%s'", label, type_name(o), capdl_keys[key].name);
    }
    caps_compare(r, x, y, label);
}

static int order(const struct capdl_object *x, const struct capdl_object *y)
{
    int names = strcmp(x->name, y->name);
    return names != 0 ? names : (x->index + 1 > y->index + 1) - (x->index + 1 < y->index + 1); /* as capdl_sort() */
}

uint32_t capdl_differences(const struct capdl_model *promised, const struct capdl_model *found, uint32_t max, FILE *to)
{
    struct report r = {.a = promised, .b = found, .max = max, .to = to};
    uint32_t x = 0, y = 0;
    while (x < promised->object_count || y < found->object_count) {
        int o = x == promised->object_count ? 1 : y == found->object_count ? -1 : order(&promised->objects[x], &found->objects[y]);
        objects_compare(&r, o <= 0 ? x : CAPDL_NONE, o >= 0 ? y : CAPDL_NONE);
        x += o <= 0;
        y += o >= 0;
    }
    char text[160];
    if (r.count == 0 && !capdl_equal(promised, found, text, sizeof text)) /* interrupts' numbers */
        TELL(&r, "%s", text);
    if (max && r.count > max)
        fprintf(to, "  and %" PRIu32 " more\n", r.count - max);
    return r.count;
}
