/* The four functions that compilers call on their own (GCC manual, "Standards"), with string instructions. */
#include <stddef.h>
#include <stdint.h>
#include "bytes.h"

void *memcpy(void *to, const void *from, size_t n)
{
    void *d = to;
    size_t words = n / 8, rest = n % 8;
    __asm__ volatile("rep movsq; mov %3, %2; rep movsb" : "+D"(d), "+S"(from), "+c"(words) : "r"(rest) : "memory");
    return to;
}

void *memmove(void *to, const void *from, size_t n)
{
    uint8_t *d = to;
    const uint8_t *s = from;
    if (d <= s || d >= s + n)
        return memcpy(to, from, n);
    while (n--) {
        d[n] = s[n];
        __asm__ volatile("" : : : "memory"); /* keeps this a loop: a compiler would see memmove in it */
    }
    return to;
}

void *memset(void *to, int value, size_t n)
{
    void *d = to;
    size_t words = n / 8, rest = n % 8;
    uint64_t pattern = (uint8_t)value * 0x0101010101010101ull;
    __asm__ volatile("rep stosq; mov %3, %1; rep stosb" : "+D"(d), "+c"(words) : "a"(pattern), "r"(rest) : "memory");
    return to;
}

int memcmp(const void *a, const void *b, size_t n)
{
    const uint8_t *x = a, *y = b;
    for (size_t i = 0; i < n; i++)
        if (x[i] != y[i])
            return x[i] - y[i];
    return 0;
}

int strcmp(const char *a, const char *b)
{
    while (*a && *a == *b)
        a++, b++;
    return (uint8_t)*a - (uint8_t)*b;
}
