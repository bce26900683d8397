/* The model: growing arrays, a hash of names, one order. */
#include "capdl.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct capdl_model *capdl_new(void) { return calloc(1, sizeof(struct capdl_model)); }

void capdl_free(struct capdl_model *m)
{
    if (!m)
        return;
    free(m->objects);
    free(m->caps);
    free(m->params);
    free(m->irqs);
    free(m->texts);
    free(m->buckets);
    free(m);
}

/* Room for `more` items behind `count`; false: the model is full. */
static bool grow(struct capdl_model *m, void **array, uint32_t count, uint32_t *room, uint32_t more, size_t item, uint32_t limit)
{
    if (m->full || count > limit - more) {
        m->full = true;
        return false;
    }
    if (*room - count >= more)
        return true;
    uint32_t wanted = 2 * *room + more + 64;
    void *larger = realloc(*array, wanted * item);
    if (!larger) {
        m->full = true;
        return false;
    }
    *array = larger;
    *room = wanted;
    return true;
}

/* FNV-1a over the name, then the index. */
static uint32_t hash(const char *name, uint32_t index)
{
    uint32_t h = 2166136261u;
    for (; *name; name++)
        h = (h ^ (uint8_t)*name) * 16777619u;
    return (h ^ index) * 16777619u;
}

static uint32_t *bucket(const struct capdl_model *m, const char *name, uint32_t index)
{
    uint32_t at = hash(name, index) & (m->bucket_count - 1);
    while (m->buckets[at] != CAPDL_NONE) {
        const struct capdl_object *o = &m->objects[m->buckets[at]];
        if (o->index == index && strcmp(o->name, name) == 0)
            break;
        at = (at + 1) & (m->bucket_count - 1);
    }
    return &m->buckets[at];
}

static bool rehash(struct capdl_model *m, uint32_t count)
{
    uint32_t *buckets = malloc(count * sizeof *buckets);
    if (!buckets) {
        m->full = true;
        return false;
    }
    free(m->buckets);
    m->buckets = buckets;
    m->bucket_count = count;
    memset(buckets, 0xff, count * sizeof *buckets);
    for (uint32_t i = 0; i < m->object_count; i++)
        *bucket(m, m->objects[i].name, m->objects[i].index) = i;
    return true;
}

uint32_t capdl_find(const struct capdl_model *m, const char *name, uint32_t index)
{
    return m->bucket_count ? *bucket(m, name, index) : CAPDL_NONE;
}

uint32_t capdl_add(struct capdl_model *m, const char *name, uint32_t index)
{
    if (!grow(m, (void **)&m->objects, m->object_count, &m->object_room, 1, sizeof *m->objects, CAPDL_MAX))
        return CAPDL_NONE;
    if (2 * m->object_count >= m->bucket_count && !rehash(m, m->bucket_count ? 2 * m->bucket_count : 256))
        return CAPDL_NONE;
    struct capdl_object *o = &m->objects[m->object_count];
    *o = (struct capdl_object){.index = index, .parent = CAPDL_NONE};
    snprintf(o->name, sizeof o->name, "%s", name);
    *bucket(m, o->name, index) = m->object_count;
    return m->object_count++;
}

/* An object's parameters of one part lie together: they are added one after the other. */
void capdl_param_add(struct capdl_model *m, uint32_t object, enum capdl_key key, uint64_t value, const char *text)
{
    uint32_t at = 0;
    if (object == CAPDL_NONE ||
        !grow(m, (void **)&m->params, m->param_count, &m->param_room, 1, sizeof *m->params, 16 * CAPDL_MAX))
        return;
    if (text) {
        uint32_t size = (uint32_t)strlen(text) + 1;
        if (!grow(m, (void **)&m->texts, m->text_size, &m->text_room, size, 1, 64 * CAPDL_MAX))
            return;
        memcpy(m->texts + m->text_size, text, size);
        at = m->text_size;
        m->text_size += size;
    }
    struct capdl_object *o = &m->objects[object];
    enum capdl_part part = capdl_keys[key].part;
    if (o->params[part].count == 0)
        o->params[part].first = m->param_count;
    else if (o->params[part].first + o->params[part].count != m->param_count) { /* others came in between: move to the end */
        uint32_t first = m->param_count, count = o->params[part].count;
        if (!grow(m, (void **)&m->params, m->param_count, &m->param_room, count + 1, sizeof *m->params, 16 * CAPDL_MAX))
            return;
        memcpy(&m->params[first], &m->params[o->params[part].first], count * sizeof *m->params);
        m->param_count += count;
        o->params[part].first = first;
    }
    m->params[m->param_count++] = (struct capdl_param){.key = key, .value = value, .text = at};
    o->params[part].count++;
}

const struct capdl_param *capdl_param(const struct capdl_model *m, uint32_t object, enum capdl_key key)
{
    const struct capdl_object *o = &m->objects[object];
    enum capdl_part part = capdl_keys[key].part;
    for (uint32_t i = 0; i < o->params[part].count; i++)
        if (m->params[o->params[part].first + i].key == key)
            return &m->params[o->params[part].first + i];
    return NULL;
}

struct capdl_cap *capdl_cap_add(struct capdl_model *m, uint32_t holder, uint32_t slot, uint32_t object)
{
    static struct capdl_cap nowhere;
    if (holder == CAPDL_NONE || object == CAPDL_NONE ||
        !grow(m, (void **)&m->caps, m->cap_count, &m->cap_room, 1, sizeof *m->caps, CAPDL_MAX))
        return &nowhere;
    struct capdl_cap *c = &m->caps[m->cap_count++];
    *c = (struct capdl_cap){.holder = holder, .slot = slot, .object = object, .span = 1};
    return c;
}

void capdl_irq_add(struct capdl_model *m, uint32_t number, uint32_t object)
{
    if (grow(m, (void **)&m->irqs, m->irq_count, &m->irq_room, 1, sizeof *m->irqs, CAPDL_MAX))
        m->irqs[m->irq_count++] = (struct capdl_irq){number, object};
}

struct place { const struct capdl_object *object; uint32_t was; };

static int by_name(const void *a, const void *b)
{
    const struct capdl_object *x = ((const struct place *)a)->object, *y = ((const struct place *)b)->object;
    int order = strcmp(x->name, y->name);
    return order != 0 ? order : (x->index + 1 > y->index + 1) - (x->index + 1 < y->index + 1); /* the scalar comes first */
}

static int by_slot(const void *a, const void *b)
{
    const struct capdl_cap *x = a, *y = b;
    return x->holder != y->holder ? (x->holder > y->holder) - (x->holder < y->holder) : (x->slot > y->slot) - (x->slot < y->slot);
}

static int by_number(const void *a, const void *b)
{
    const struct capdl_irq *x = a, *y = b;
    return x->number != y->number ? (x->number > y->number) - (x->number < y->number) : (x->object > y->object) - (x->object < y->object);
}

/* Insertion sort: few, and lists have to keep their order. */
static void sort_params(struct capdl_param *p, uint32_t count)
{
    for (uint32_t i = 1; i < count; i++)
        for (uint32_t k = i; k > 0 && p[k - 1].key > p[k].key; k--) {
            struct capdl_param t = p[k];
            p[k] = p[k - 1];
            p[k - 1] = t;
        }
}

static bool sort_objects(struct capdl_model *m)
{
    uint32_t n = m->object_count;
    struct place *places = calloc(n + 1, sizeof *places);
    struct capdl_object *sorted = calloc(n + 1, sizeof *sorted);
    uint32_t *now = calloc(n + 1, sizeof *now);
    bool good = places && sorted && now;

    if (good) {
        for (uint32_t i = 0; i < n; i++)
            places[i] = (struct place){&m->objects[i], i};
        qsort(places, n, sizeof *places, by_name);
        for (uint32_t i = 0; i < n; i++) {
            sorted[i] = *places[i].object;
            now[places[i].was] = i;
        }
        for (uint32_t i = 0; i < n; i++) {
            if (sorted[i].parent != CAPDL_NONE)
                sorted[i].parent = now[sorted[i].parent];
            for (unsigned part = 0; part < CAPDL_PARTS; part++)
                if (sorted[i].params[part].count)
                    sort_params(&m->params[sorted[i].params[part].first], sorted[i].params[part].count);
        }
        for (uint32_t i = 0; i < m->cap_count; i++) {
            m->caps[i].holder = now[m->caps[i].holder];
            m->caps[i].object = now[m->caps[i].object];
        }
        for (uint32_t i = 0; i < m->irq_count; i++)
            m->irqs[i].object = now[m->irqs[i].object];
        free(m->objects);
        m->objects = sorted;
        m->object_room = n + 1;
        sorted = NULL;
    }
    free(places);
    free(sorted);
    free(now);
    return good;
}

uint32_t capdl_sort(struct capdl_model *m)
{
    if (m->full || m->object_count == 0)
        return CAPDL_NONE;
    if (!sort_objects(m) || !rehash(m, m->bucket_count)) {
        m->full = true;
        return CAPDL_NONE;
    }
    if (m->cap_count)
        qsort(m->caps, m->cap_count, sizeof *m->caps, by_slot);
    if (m->irq_count)
        qsort(m->irqs, m->irq_count, sizeof *m->irqs, by_number);
    for (uint32_t i = 1; i < m->cap_count; i++)
        if (m->caps[i].holder == m->caps[i - 1].holder && m->caps[i].slot == m->caps[i - 1].slot)
            return i;
    return CAPDL_NONE;
}

const char *capdl_label(const struct capdl_model *m, uint32_t object, char *buffer)
{
    const struct capdl_object *o = &m->objects[object];
    if (o->index == CAPDL_SCALAR)
        snprintf(buffer, CAPDL_NAME_MAX + 16, "%s", o->name);
    else
        snprintf(buffer, CAPDL_NAME_MAX + 16, "%s[%" PRIu32 "]", o->name, o->index);
    return buffer;
}

uint32_t capdl_caps_of(const struct capdl_model *m, uint32_t holder, uint32_t *count)
{
    uint32_t low = 0, high = m->cap_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (m->caps[middle].holder < holder)
            low = middle + 1;
        else
            high = middle;
    }
    for (high = low; high < m->cap_count && m->caps[high].holder == holder; high++)
        ;
    *count = high - low;
    return low;
}

static bool params_equal(const struct capdl_model *a, const struct capdl_object *x, const struct capdl_model *b,
                         const struct capdl_object *y)
{
    for (unsigned part = 0; part < CAPDL_PARTS; part++) {
        if (x->params[part].count != y->params[part].count)
            return false;
        for (uint32_t i = 0; i < x->params[part].count; i++) {
            const struct capdl_param *p = &a->params[x->params[part].first + i], *q = &b->params[y->params[part].first + i];
            if (p->key != q->key || p->value != q->value ||
                (capdl_keys[p->key].form == CAPDL_FORM_FILL && strcmp(a->texts + p->text, b->texts + q->text) != 0))
                return false;
        }
    }
    return true;
}

static bool caps_equal(const struct capdl_cap *x, const struct capdl_cap *y)
{
    return x->holder == y->holder && x->slot == y->slot && x->object == y->object && x->rights == y->rights && x->badge == y->badge &&
           x->guard == y->guard && x->guard_size == y->guard_size && x->core == y->core && x->span == y->span &&
           x->uncached == y->uncached;
}

bool capdl_equal(const struct capdl_model *a, const struct capdl_model *b, char *why, size_t why_size)
{
    char label[CAPDL_NAME_MAX + 16];
    for (uint32_t i = 0; i < a->object_count || i < b->object_count; i++) {
        const struct capdl_object *x = &a->objects[i], *y = &b->objects[i];
        if (i >= a->object_count || i >= b->object_count || x->index != y->index || strcmp(x->name, y->name) != 0) {
            snprintf(why, why_size, "object %s is in one of them only",
                     i < a->object_count ? capdl_label(a, i, label) : capdl_label(b, i, label));
            return false;
        }
        if (x->type != y->type || x->own != y->own || x->parent != y->parent || !params_equal(a, x, b, y)) {
            snprintf(why, why_size, "object %s differs", capdl_label(a, i, label));
            return false;
        }
    }
    for (uint32_t i = 0; i < a->cap_count || i < b->cap_count; i++)
        if (i >= a->cap_count || i >= b->cap_count || !caps_equal(&a->caps[i], &b->caps[i])) {
            const struct capdl_model *m = i < a->cap_count ? a : b;
            snprintf(why, why_size, "slot %" PRIu32 " of %s differs", m->caps[i].slot, capdl_label(m, m->caps[i].holder, label));
            return false;
        }
    for (uint32_t i = 0; i < a->irq_count || i < b->irq_count; i++)
        if (i >= a->irq_count || i >= b->irq_count || a->irqs[i].number != b->irqs[i].number || a->irqs[i].object != b->irqs[i].object) {
            snprintf(why, why_size, "interrupt %" PRIu32 " differs", (i < a->irq_count ? a : b)->irqs[i].number);
            return false;
        }
    return true;
}
