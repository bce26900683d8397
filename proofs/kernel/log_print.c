/* function: every function of kernel/log.c
 * property: every format that the kernel uses is printed without reading beside the text, the format or the digits, and a number has no more digits than there is room for; an unknown one ends the line
 * bound: texts of up to 3 characters; decimal numbers below 10,000, hexadecimal ones of 64 bits
 * options: --unwind 22
 */
#include "../proof.h"
#include "kernel/core.h"
#include "kernel/state.h"
static unsigned printed, digits;
void machine_put_char(char c)
{
    printed++;
    digits += (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}
void machine_last_words(void) {}
void machine_halt(void) { ASSUME(false); for (;;); }
#include "kernel/log.c"
struct kernel kernel;

int main(void)
{
    char text[4] = {(char)nondet_word(), (char)nondet_word(), (char)nondet_word(), 0};
    switch (nondet_below(8)) {
    case 0: log_printf("%s%c%%", text, (char)nondet_word()); HOLDS(printed >= 2 && printed <= 5, "the text, a character, a per cent sign"); REACH(printed == 5); break;
    case 1: log_printf("%u", nondet_below(10000)); HOLDS(printed >= 1 && printed <= 4 && digits == printed, "its digits"); break;
    case 2: { int v = nondet_int(); ASSUME(v > -10000 && v < 10000); log_printf("%d", v); HOLDS(printed - digits == (v < 0), "its digits and its sign"); REACH(v < 0); break; }
    case 3: log_printf("%lx", (unsigned long)nondet_word()); HOLDS(digits >= 1 && digits <= 16 && digits == printed, "its digits"); REACH(digits == 16); break;
    case 4: log_printf("%x", nondet_unsigned()); HOLDS(digits >= 1 && digits <= 8, "its digits"); break;
    case 5: log_printf("%lu %zu", (unsigned long)nondet_below(10000), (size_t)nondet_below(10000)); HOLDS(printed - digits == 1, "two numbers"); break;
    case 6: log_printf("a%qb"); HOLDS(printed == 3, "what is unknown ends it"); break;
    default: panic("%s", text); HOLDS(false, "a panic returns");
    }
}
