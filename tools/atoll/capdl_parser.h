/* Between the parser's files: tokens, references to objects, and what is read later. See capdl_parse.c. */
#pragma once
#include <inttypes.h>
#include "capdl.h"

#define RANGES_MAX 4096

enum token { TOKEN_END, TOKEN_NAME, TOKEN_NUMBER, TOKEN_DOTS, TOKEN_PUNCTUATION };

struct range { uint32_t first, last; };

/* Bodies in braces that name objects which may be declared later: kept, stepped over, read at the end. */
enum body { BODY_COVER, BODY_CAPS, BODY_IRQS, BODY_NOTHING };

struct deferred {
    enum body body;
    char untyped[CAPDL_NAME_MAX]; /* COVER */
    uint32_t index;
    const char *at;
    unsigned line;
};

struct parser {
    struct capdl_model *m;
    enum capdl_part part;
    struct complaint *why;
    const char *file, *at, *end;
    unsigned line, token_line;
    enum token token;
    char name[CAPDL_NAME_MAX]; /* TOKEN_NAME */
    uint64_t number;           /* TOKEN_NUMBER */
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

/* Each returns false once something was refused; then nothing is read any more. */
bool parse_refuse(struct parser *p, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool scan_next(struct parser *p); /* step to the next token */
bool scan_ahead(const struct parser *p, const char *what);
const char *scan_shown(const struct parser *p); /* the token, for a sentence */
bool scan_is(const struct parser *p, char punctuation);
bool scan_is_name(const struct parser *p, const char *name);
bool scan_expect(struct parser *p, char punctuation, const char *where);
bool scan_number(struct parser *p, uint64_t limit, const char *what, uint64_t *number);

/* name, name[3], name[1..2, 5], name[]: kept in the parser. */
bool parse_reference(struct parser *p);
/* The objects of the last reference, one after the other; CAPDL_NONE ends them. */
struct walk { uint32_t range, element; bool started; };
uint32_t reference_next(struct parser *p, struct walk *w);
uint32_t reference_single(struct parser *p); /* the one object that it has to name */

/* Keep a body in braces for later. */
bool parse_later(struct parser *p, enum body body, const char *untyped, uint32_t index);

/* capdl_parse_objects.c: from behind 'objects'; a cover. */
bool parse_objects(struct parser *p);
bool parse_cover(struct parser *p, const struct deferred *d);
/* capdl_parse_caps.c: one holder with its slots; one interrupt. */
bool parse_holder(struct parser *p);
bool parse_irq(struct parser *p);
