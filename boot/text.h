/* Bounded text formatting, for the serial line and for the sentences of refusals. Compiles for the host. */
#pragma once
#include <stdarg.h>
#include <stddef.h>

/* Conversions: %s %c %u %x %lu %lx %%. Always NUL-terminates (size > 0) and cuts what does not fit. Returns the length written. */
size_t text_format(char *to, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));
size_t text_format_list(char *to, size_t size, const char *format, va_list arguments)
    __attribute__((format(printf, 3, 0)));
