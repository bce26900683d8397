/* Printing for people: the boot report, refusals that nobody else would tell of, panics. */
#include <stdarg.h>
#include "core.h"
#include "state.h"

static void put_text(const char *s)
{
    for (; *s; s++)
        machine_put_char(*s);
}

static void put_number(uint64_t v, unsigned base)
{
    char digits[20];
    unsigned n = 0;
    do {
        digits[n++] = "0123456789abcdef"[v % base];
        v /= base;
    } while (v != 0);
    while (n != 0)
        machine_put_char(digits[--n]);
}

static void put_signed(int64_t v)
{
    if (v < 0)
        machine_put_char('-');
    put_number(v < 0 ? -(uint64_t)v : (uint64_t)v, 10);
}

static void vprint(const char *f, va_list args)
{
    for (; *f; f++) {
        if (*f != '%') {
            machine_put_char(*f);
            continue;
        }
        f++;
        bool wide = *f == 'l' || *f == 'z';
        if (wide)
            f++;
        switch (*f) {
        case 's': put_text(va_arg(args, const char *)); break;
        case 'c': machine_put_char((char)va_arg(args, int)); break;
        case 'd': put_signed(wide ? va_arg(args, long) : va_arg(args, int)); break;
        case 'u': put_number(wide ? va_arg(args, unsigned long) : va_arg(args, unsigned), 10); break;
        case 'x': put_number(wide ? va_arg(args, unsigned long) : va_arg(args, unsigned), 16); break;
        case '%': machine_put_char('%'); break;
        default: put_text("%?"); return;
        }
    }
}

void log_printf(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vprint(format, args);
    va_end(args);
}

void panic(const char *format, ...)
{
    va_list args;
    machine_last_words();
    put_text("panic: ");
    va_start(args, format);
    vprint(format, args);
    va_end(args);
    put_text("\n");
    machine_halt();
}
