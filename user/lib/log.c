/* Words for people, through the debug kernel's log. */
#include "lib.h"
#include "sel4.h"

static void log_text(const char *s)
{
    for (; *s; s++)
        sel4_debug_put_char(*s);
}

static void log_vline(const char *format, va_list arguments)
{
    char text[240];

    text_vformat(text, sizeof text, format, arguments);
    log_text(component_name);
    log_text(": ");
    log_text(text);
    log_text("\n");
}

void log_line(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    log_vline(format, arguments);
    va_end(arguments);
}

void panic(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    log_vline(format, arguments);
    va_end(arguments);
    for (;;)
        __asm__ volatile("ud2");
}
