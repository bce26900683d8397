/* CapDL's tokens: identifiers, numbers and punctuation as seL4/capdl has them (CapDL/ParserUtils.hs), with nested comments. */
#include "capdl_parser.h"
#include <ctype.h>
#include <stdarg.h>
#include <string.h>

bool parse_refuse(struct parser *p, const char *format, ...)
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
    p->token = TOKEN_END;
    p->at = p->end;
    return false;
}

bool scan_ahead(const struct parser *p, const char *what)
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
            return parse_refuse(p, "a comment has no end; write */");
        if (scan_ahead(p, "/*")) {
            depth++;
            p->at += 2;
        } else if (scan_ahead(p, "*/")) {
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
        } else if (scan_ahead(p, "--")) {
            while (p->at < p->end && *p->at != '\n')
                p->at++;
        } else if (scan_ahead(p, "/*")) {
            if (!skip_comment(p))
                return false;
        } else {
            break;
        }
    }
    return true;
}

static bool scan_digits(struct parser *p)
{
    unsigned base = 10, digits = 0;
    p->number = 0;
    if (scan_ahead(p, "0x") || scan_ahead(p, "0X") || scan_ahead(p, "0o") || scan_ahead(p, "0O")) {
        base = p->at[1] == 'x' || p->at[1] == 'X' ? 16 : 8;
        p->at += 2;
    }
    for (; p->at < p->end && isxdigit((unsigned char)*p->at); p->at++, digits++) {
        unsigned digit = (unsigned)(isdigit((unsigned char)*p->at) ? *p->at - '0' : (*p->at | 32) - 'a' + 10);
        if (digit >= base)
            break;
        if (p->number > (UINT64_MAX - digit) / base)
            return parse_refuse(p, "a number is above 2^64 - 1");
        p->number = p->number * base + digit;
    }
    return digits ? true : parse_refuse(p, "a number has no digits");
}

bool scan_next(struct parser *p)
{
    if (p->failed || !skip_space(p))
        return false;
    p->token_line = p->line;
    if (p->at == p->end) {
        p->token = TOKEN_END;
    } else if (isalpha((unsigned char)*p->at)) {
        size_t n = 0;
        p->token = TOKEN_NAME;
        for (; p->at < p->end && (isalnum((unsigned char)*p->at) || strchr("-_@.", *p->at)) && *p->at; p->at++)
            if (n < CAPDL_NAME_MAX)
                p->name[n++] = *p->at;
        if (n == CAPDL_NAME_MAX)
            return parse_refuse(p, "a name is longer than %u letters", CAPDL_NAME_MAX - 1);
        p->name[n] = 0;
    } else if (isdigit((unsigned char)*p->at)) {
        p->token = TOKEN_NUMBER;
        return scan_digits(p);
    } else if (scan_ahead(p, "..")) {
        p->token = TOKEN_DOTS;
        p->at += 2;
    } else if (strchr("{}()[]<>=:;,./-", *p->at) && *p->at) {
        p->token = TOKEN_PUNCTUATION;
        p->punctuation = *p->at++;
    } else {
        return parse_refuse(p, isprint((unsigned char)*p->at) ? "'%c' has no meaning here" : "byte 0x%02x has no meaning here",
                      (unsigned char)*p->at);
    }
    return true;
}

const char *scan_shown(const struct parser *p)
{
    static char text[CAPDL_NAME_MAX + 8];
    switch (p->token) {
    case TOKEN_END: return "the end of the file";
    case TOKEN_NAME: snprintf(text, sizeof text, "'%s'", p->name); return text;
    case TOKEN_NUMBER: snprintf(text, sizeof text, "%" PRIu64, p->number); return text;
    case TOKEN_DOTS: return "'..'";
    default: snprintf(text, sizeof text, "'%c'", p->punctuation); return text;
    }
}

bool scan_is(const struct parser *p, char punctuation) { return p->token == TOKEN_PUNCTUATION && p->punctuation == punctuation; }
bool scan_is_name(const struct parser *p, const char *name) { return p->token == TOKEN_NAME && strcmp(p->name, name) == 0; }

bool scan_expect(struct parser *p, char punctuation, const char *where)
{
    return scan_is(p, punctuation) ? scan_next(p) : parse_refuse(p, "'%c' is missing %s, before %s", punctuation, where, scan_shown(p));
}

bool scan_number(struct parser *p, uint64_t limit, const char *what, uint64_t *number)
{
    if (p->token != TOKEN_NUMBER)
        return parse_refuse(p, "%s has to be a number, not %s", what, scan_shown(p));
    if (p->number > limit)
        return parse_refuse(p, "%s is %" PRIu64 "; at most %" PRIu64 " is possible", what, p->number, limit);
    *number = p->number;
    return scan_next(p);
}
