/* Start, printing, command line, end. */
#include <stdarg.h>
#include "guest.h"

#define MULTIBOOT_INFO_MAGIC 0x2badb002
struct multiboot_info { uint32_t flags, mem_lower, mem_upper, boot_device, cmdline; }; /* specification section 3.3 */
#define MULTIBOOT_INFO_MEMORY 1u
#define MULTIBOOT_INFO_CMDLINE 4u

bool guest_plain;
uint64_t guest_ram_end;
static const char *guest_cmdline = "";

void guest_begin(uint32_t magic, const struct multiboot_info *info);
void trap_init(void);

void *memset(void *to, int value, size_t n)
{
    for (volatile uint8_t *p = to; n; n--)
        *p++ = (uint8_t)value;
    return to;
}

void *memcpy(void *to, const void *from, size_t n)
{
    const uint8_t *f = from;
    for (volatile uint8_t *p = to; n; n--)
        *p++ = *f++;
    return to;
}

/* 115200 8N1, FIFOs on, no interrupts. */
void serial_init(void)
{
    out8(PORT_COM1 + 1, 0);
    out8(PORT_COM1 + 3, 0x80);
    out8(PORT_COM1 + 0, 1);
    out8(PORT_COM1 + 1, 0);
    out8(PORT_COM1 + 3, 3);
    out8(PORT_COM1 + 2, 7);
    out8(PORT_COM1 + 4, 3);
}

static void put(char c)
{
    if (c == '\n')
        put('\r');
    while (!(in8(PORT_COM1 + 5) & 0x20))
        ;
    out8(PORT_COM1, (uint8_t)c);
}

static void put_number(uint64_t value, unsigned base, unsigned width, char pad)
{
    char digits[24];
    unsigned n = 0;
    do {
        digits[n++] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value);
    for (; width > n; width--)
        put(pad);
    while (n)
        put(digits[--n]);
}

static void print_list(const char *f, va_list list)
{
    for (; *f; f++) {
        if (*f != '%') {
            put(*f);
            continue;
        }
        char pad = ' ';
        unsigned width = 0;
        bool is_long = false;
        if (*++f == '0')
            pad = '0';
        while (*f >= '0' && *f <= '9')
            width = width * 10 + (unsigned)(*f++ - '0');
        while (*f == 'l') {
            is_long = true;
            f++;
        }
        if (*f == 's') {
            for (const char *s = va_arg(list, const char *); *s; s++)
                put(*s);
        } else if (*f == 'c') {
            put((char)va_arg(list, int));
        } else if (*f == 'd') {
            int64_t v = is_long ? va_arg(list, int64_t) : va_arg(list, int);
            if (v < 0)
                put('-');
            put_number(v < 0 ? 0 - (uint64_t)v : (uint64_t)v, 10, width, pad);
        } else {
            put_number(is_long ? va_arg(list, uint64_t) : va_arg(list, unsigned), *f == 'x' ? 16 : 10, width, pad);
        }
    }
}

void print(const char *format, ...)
{
    va_list list;
    va_start(list, format);
    print_list(format, list);
    va_end(list);
}

_Noreturn void guest_exit(uint32_t status)
{
    interrupts_off();
    out8(PORT_EXIT, (uint8_t)status);
    for (;;) /* nobody listens: end as a machine does that has nothing left to do */
        __asm__ volatile("cli; hlt");
}

_Noreturn void guest_fail(const char *format, ...)
{
    va_list list;
    interrupts_off();
    serial_init();
    print("FAIL: ");
    va_start(list, format);
    print_list(format, list);
    va_end(list);
    print("\n");
    guest_exit(1);
}

static uint64_t number(const char *s)
{
    uint64_t value = 0;
    unsigned base = 10;
    if (s[0] == '0' && s[1] == 'x') {
        base = 16;
        s += 2;
    }
    for (;; s++) {
        unsigned digit = *s >= '0' && *s <= '9' ? (unsigned)(*s - '0') : *s >= 'a' && *s <= 'f' ? (unsigned)(*s - 'a') + 10 : 16;
        if (digit >= base)
            return value;
        value = value * base + digit;
    }
}

bool guest_option(const char *name, uint64_t *value)
{
    for (const char *word = guest_cmdline; *word;) {
        const char *w = word, *n = name;
        while (*n && *w == *n) {
            w++;
            n++;
        }
        if (!*n && (*w == '=' || *w == ' ' || !*w)) {
            if (*w == '=' && value)
                *value = number(w + 1);
            return true;
        }
        while (*word && *word != ' ')
            word++;
        while (*word == ' ')
            word++;
    }
    return false;
}

void guest_begin(uint32_t magic, const struct multiboot_info *info)
{
    serial_init();
    trap_init();
    if (magic != MULTIBOOT_INFO_MAGIC)
        guest_fail("not started by a multiboot loader: eax is 0x%x", magic);
    if (info->flags & MULTIBOOT_INFO_CMDLINE)
        guest_cmdline = (const char *)(uintptr_t)info->cmdline;
    if (info->flags & MULTIBOOT_INFO_MEMORY)
        guest_ram_end = 0x100000 + ((uint64_t)info->mem_upper << 10);
    guest_plain = guest_option("plain", NULL);
    guest_main();
    guest_exit(0);
}
