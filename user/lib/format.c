/* A small printf into a buffer. */
#include "lib.h"

struct output {
    char *to;
    size_t size, length;
};

static void put(struct output *o, char c)
{
    if (o->length + 1 < o->size)
        o->to[o->length++] = c;
}

static void put_padded(struct output *o, const char *s, size_t n, size_t width, int left, char pad)
{
    size_t fill = width > n ? width - n : 0;

    for (size_t i = 0; !left && i < fill; i++)
        put(o, pad);
    for (size_t i = 0; i < n; i++)
        put(o, s[i]);
    for (size_t i = 0; left && i < fill; i++)
        put(o, ' ');
}

static void put_number(struct output *o, uint64_t value, int negative, unsigned base, size_t width, int left, int zero)
{
    char digits[24];
    size_t n = 0;

    do
        digits[sizeof digits - ++n] = "0123456789abcdef"[value % base];
    while ((value /= base) != 0);
    if (negative && !zero)
        digits[sizeof digits - ++n] = '-';
    else if (negative) {
        put(o, '-');
        width -= width > 0;
    }
    put_padded(o, digits + sizeof digits - n, n, width, left, zero ? '0' : ' ');
}

size_t text_vformat(char *to, size_t size, const char *format, va_list arguments)
{
    struct output o = {to, size, 0};

    for (const char *f = format; *f; f++) {
        size_t width = 0;
        int left = 0, zero = 0, wide = 0;

        if (*f != '%') {
            put(&o, *f);
            continue;
        }
        for (f++; *f == '-' || *f == '0'; f++) {
            left |= *f == '-';
            zero |= *f == '0';
        }
        for (; *f >= '0' && *f <= '9'; f++)
            width = width * 10 + (size_t)(*f - '0');
        for (; *f == 'l' || *f == 'z'; f++)
            wide = 1;
        switch (*f) {
        case 's': {
            const char *s = va_arg(arguments, const char *);
            put_padded(&o, s, strlen(s), width, left, ' ');
            break;
        }
        case 'c':
            put(&o, (char)va_arg(arguments, int));
            break;
        case 'd': {
            int64_t v = wide ? va_arg(arguments, int64_t) : va_arg(arguments, int);
            put_number(&o, v < 0 ? 0 - (uint64_t)v : (uint64_t)v, v < 0, 10, width, left, zero && !left);
            break;
        }
        case 'u':
        case 'x': {
            uint64_t v = wide ? va_arg(arguments, uint64_t) : va_arg(arguments, unsigned);
            put_number(&o, v, 0, *f == 'x' ? 16 : 10, width, left, zero && !left);
            break;
        }
        case '%':
            put(&o, '%');
            break;
        default: /* unknown: show it, and stop before a wrong argument is taken */
            put(&o, '%');
            if (size)
                o.to[o.length] = '\0';
            return o.length;
        }
    }
    if (size)
        o.to[o.length] = '\0';
    return o.length;
}

size_t text_format(char *to, size_t size, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    size_t n = text_vformat(to, size, format, arguments);
    va_end(arguments);
    return n;
}
