/* The multiboot entry's last step. */
#include "multiboot.h"
#include "print.h"
#include "record.h"
#include "run.h"
#include "serial.h"

void boot_main(uint32_t info); /* called by entry32.S */

void boot_main(uint32_t info)
{
    static struct boot_input input;
    static char reason[192];
    struct memory_view memory = {(const uint8_t *)0, 0, IDENTITY_BY_ENTRY};
    for (const char *c = "boot"; *c; c++) /* entry32.S's, which are on the serial line already */
        record_put(*c);
    serial_init();
    print(": Atoll\n");
    stage_reached(STAGE_ENTERED);
    const char *wrong = multiboot_read(&memory, info, &input, reason, sizeof reason);
    if (wrong)
        stop("%s", wrong);
    boot_run(&input);
}
