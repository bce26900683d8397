/* Claim: the watchdog of the 6300ESB, found and started by PCI mechanism 1, lets a guest live that reloads it, and ends one that loops with
 * interrupts off. (Linux's driver, i6300esb, is another test.) */
#include "guest.h"

#define DEVICES 32u
#define ID 0x25ab8086u
#define CONFIG_BAR 0x10u
#define CONFIG_COMMAND 0x04u
#define CONFIG_WATCHDOG 0x60u
#define CONFIG_LOCK 0x68u
#define ENABLE 2u
#define RELOAD 0x100u
#define MS 500u /* of each stage, nearly */

static unsigned device;

static uint32_t config_read(unsigned offset)
{
    out32(0xcf8, 0x80000000u | device << 11 | offset);
    return in32(0xcfc);
}

static void config_write(unsigned offset, uint32_t value)
{
    out32(0xcf8, 0x80000000u | device << 11 | offset);
    out32(0xcfc, value);
}

static volatile uint8_t *bar;

static void reload_register(uint32_t offset, uint32_t value)
{
    *(volatile uint16_t *)(bar + 0xc) = 0x80;
    *(volatile uint16_t *)(bar + 0xc) = 0x86;
    *(volatile uint32_t *)(bar + offset) = value;
}

void guest_main(void)
{
    for (device = 0; device < DEVICES && config_read(0) != ID; device++)
        ;
    if (device == DEVICES)
        guest_fail("there is no watchdog");
    bar = (volatile uint8_t *)(uintptr_t)(config_read(CONFIG_BAR) & ~15u);
    config_write(CONFIG_COMMAND, 2);
    config_write(CONFIG_WATCHDOG, 3); /* 1 ms, no interrupt */
    reload_register(0, MS);
    reload_register(4, MS);
    reload_register(0xc, RELOAD);
    config_write(CONFIG_LOCK, ENABLE);
    for (unsigned i = 0; i < 8; i++) {
        for (uint64_t begin = rdtsc(); rdtsc() - begin < tsc_hz() / 4;)
            ;
        reload_register(0xc, RELOAD);
    }
    print("watchdog: alive after twice its time\n");
    interrupts_off();
    for (uint64_t begin = rdtsc(); rdtsc() - begin < 10 * tsc_hz();)
        ;
    guest_fail("the watchdog did not end this");
}
