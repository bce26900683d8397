#include "ranges.h"

/* Replace the ranges [from, to) of the set by `n` others (0 to 2). */
static bool splice(struct ranges *set, unsigned from, unsigned to, const struct range *by, unsigned n)
{
    unsigned tail = set->count - to;
    if (set->count - (to - from) + n > RANGES_MAX)
        return false;
    if (from + n <= to)
        for (unsigned i = 0; i < tail; i++)
            set->r[from + n + i] = set->r[to + i];
    else
        for (unsigned i = tail; i-- > 0;)
            set->r[from + n + i] = set->r[to + i];
    for (unsigned i = 0; i < n; i++)
        set->r[from + i] = by[i];
    set->count = from + n + tail;
    return true;
}

bool ranges_add(struct ranges *set, uint64_t start, uint64_t end)
{
    if (start >= end)
        return true;
    unsigned from = 0;
    while (from < set->count && set->r[from].end < start)
        from++;
    unsigned to = from;
    struct range merged = {start, end};
    for (; to < set->count && set->r[to].start <= end; to++) {
        if (set->r[to].start < merged.start)
            merged.start = set->r[to].start;
        if (set->r[to].end > merged.end)
            merged.end = set->r[to].end;
    }
    return splice(set, from, to, &merged, 1);
}

bool ranges_remove(struct ranges *set, uint64_t start, uint64_t end)
{
    if (start >= end)
        return true;
    unsigned from = 0;
    while (from < set->count && set->r[from].end <= start)
        from++;
    unsigned to = from, n = 0;
    struct range left[2];
    for (; to < set->count && set->r[to].start < end; to++) {
        if (set->r[to].start < start)
            left[n++] = (struct range){set->r[to].start, start};
        if (set->r[to].end > end)
            left[n++] = (struct range){end, set->r[to].end};
    }
    return splice(set, from, to, left, n);
}

/* value rounded up to a multiple of align; false on overflow */
static bool align_up(uint64_t value, uint64_t align, uint64_t *aligned)
{
    *aligned = (value + align - 1) & ~(align - 1);
    return *aligned >= value;
}

bool ranges_take(struct ranges *set, uint64_t size, uint64_t align, uint64_t *start)
{
    for (unsigned i = 0; i < set->count; i++) {
        uint64_t at;
        if (!align_up(set->r[i].start, align, &at) || at > set->r[i].end || set->r[i].end - at < size)
            continue;
        if (!ranges_remove(set, at, at + size))
            return false;
        *start = at;
        return true;
    }
    return false;
}

struct range ranges_largest(const struct ranges *set, uint64_t align)
{
    struct range best = {0, 0};
    for (unsigned i = 0; i < set->count; i++) {
        uint64_t start, end = set->r[i].end & ~(align - 1);
        if (align_up(set->r[i].start, align, &start) && end > start && end - start > best.end - best.start)
            best = (struct range){start, end};
    }
    return best;
}

bool ranges_contain(const struct ranges *set, uint64_t start, uint64_t end)
{
    for (unsigned i = 0; i < set->count; i++)
        if (set->r[i].start <= start && end <= set->r[i].end)
            return start <= end;
    return false;
}

bool ranges_overlap(const struct ranges *set, uint64_t start, uint64_t end)
{
    for (unsigned i = 0; i < set->count; i++)
        if (set->r[i].start < end && start < set->r[i].end)
            return true;
    return false;
}

uint64_t ranges_total(const struct ranges *set)
{
    uint64_t total = 0;
    for (unsigned i = 0; i < set->count; i++)
        total += set->r[i].end - set->r[i].start;
    return total;
}
