/* What freestanding components have in place of a C library. The string functions have their standard names and
 * meanings, so files that use only this header and no capability also link on the host. */
#pragma once
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

void *memcpy(void *restrict to, const void *restrict from, size_t n);
void *memmove(void *to, const void *from, size_t n);
void *memset(void *to, int byte, size_t n);
int memcmp(const void *a, const void *b, size_t n);
size_t strlen(const char *s);
int strcmp(const char *a, const char *b);

/* %s %c %d %u %x %ld %lu %lx %zu %%, with width, '-' and '0'; the result is cut to fit and always ends with NUL. Returns its
 * length. */
size_t text_format(char *to, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));
size_t text_vformat(char *to, size_t size, const char *format, va_list arguments) __attribute__((format(printf, 3, 0)));

/* Lines for people by the debug kernel's log: prefix (the component's name), the text, a newline. */
void log_line(const char *format, ...) __attribute__((format(printf, 1, 2)));
extern const char component_name[]; /* each component defines its own */

/* A component's last words; then it faults, so that whoever holds its fault endpoint learns of it. */
__attribute__((noreturn)) void panic(const char *format, ...) __attribute__((format(printf, 1, 2)));
