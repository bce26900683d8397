#include <stdbool.h>
#include <stdint.h>
#include "text.h"

struct sink {
    char *to;
    size_t size, length;
};

static void put(struct sink *s, char c)
{
    if (s->length + 1 < s->size)
        s->to[s->length++] = c;
}

static void put_number(struct sink *s, uint64_t value, unsigned base)
{
    char digits[20];
    unsigned n = 0;
    do {
        digits[n++] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value);
    while (n)
        put(s, digits[--n]);
}

size_t text_format_list(char *to, size_t size, const char *format, va_list arguments)
{
    struct sink s = {to, size, 0};
    for (const char *f = format; *f; f++) {
        if (*f != '%') {
            put(&s, *f);
            continue;
        }
        f++;
        bool is_long = *f == 'l';
        if (is_long)
            f++;
        switch (*f) {
        case 's':
            for (const char *t = va_arg(arguments, const char *); *t; t++)
                put(&s, *t);
            break;
        case 'c':
            put(&s, (char)va_arg(arguments, int));
            break;
        case 'u':
        case 'x':
            put_number(&s, is_long ? va_arg(arguments, unsigned long) : va_arg(arguments, unsigned),
                       *f == 'x' ? 16 : 10);
            break;
        case '\0':
            f--;
            break;
        default:
            put(&s, *f);
        }
    }
    if (size)
        to[s.length] = '\0';
    return s.length;
}

size_t text_format(char *to, size_t size, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    size_t length = text_format_list(to, size, format, arguments);
    va_end(arguments);
    return length;
}
