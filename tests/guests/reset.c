/* Claim: each of a PC's ways to reset starts the VM again, with fresh RAM. The guest does what it is told on its console, a word per
 * life: cf9, keyboard, port92, or exit. On plain QEMU it is told nothing and takes the first. */
#include "guest.h"

#define LINE_DATA_READY 1

static uint64_t in_image = 1; /* in the file, so that the loader's work is seen too */

static bool word_is(const char *word, const char *wanted)
{
    while (*wanted && *word == *wanted) {
        word++;
        wanted++;
    }
    return !*wanted;
}

void guest_main(void)
{
    volatile uint64_t *in_ram = (volatile uint64_t *)(guest_ram_end - 8);
    char word[16] = {0};
    if (in_image != 1 || *in_ram)
        guest_fail("RAM survived the reset");
    in_image = 2;
    *in_ram = 2;

    print("reset: a new life\nguest# ");
    for (unsigned n = 0; !guest_plain && n < sizeof word - 1; n++) {
        while (!(in8(PORT_COM1 + 5) & LINE_DATA_READY))
            ;
        word[n] = (char)in8(PORT_COM1);
        if (word[n] == '\n' || word[n] == '\r')
            break;
    }
    print("\n");
    if (word_is(word, "exit"))
        return;
    if (guest_plain || word_is(word, "cf9"))
        out8(0xcf9, 6);
    else if (word_is(word, "keyboard"))
        out8(0x64, 0xfe);
    else if (word_is(word, "port92"))
        out8(0x92, 1);
    else
        guest_fail("told '%s'", word);
    for (uint64_t begin = rdtsc(); rdtsc() - begin < tsc_hz();)
        ;
    guest_fail("the reset did not come");
}
