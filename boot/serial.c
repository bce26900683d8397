/* 16550 at 0x3f8. Register offsets and bits: National Semiconductor PC16550D, section 8. */
#include "machine.h"
#include "serial.h"

#define PORT 0x3f8
#define DATA 0
#define INTERRUPT_ENABLE 1
#define FIFO_CONTROL 2
#define LINE_CONTROL 3
#define MODEM_CONTROL 4
#define LINE_STATUS 5
#define LINE_STATUS_EMPTY 0x20
#define WAIT_LIMIT 100000 /* a port that never becomes empty must not stop the machine */

void serial_init(void)
{
    port_out8(PORT + INTERRUPT_ENABLE, 0);
    port_out8(PORT + LINE_CONTROL, 0x80); /* divisor latch */
    port_out8(PORT + DATA, 1);            /* 115200 baud */
    port_out8(PORT + INTERRUPT_ENABLE, 0);
    port_out8(PORT + LINE_CONTROL, 0x03); /* 8 data bits, no parity, 1 stop bit */
    port_out8(PORT + FIFO_CONTROL, 0x01); /* on; what it holds stays in it: the stage letters may not be out yet */
    port_out8(PORT + MODEM_CONTROL, 0x03);
}

void serial_put(char c)
{
    if (c == '\n')
        serial_put('\r');
    for (unsigned i = 0; i < WAIT_LIMIT && !(port_in8(PORT + LINE_STATUS) & LINE_STATUS_EMPTY); i++)
        cpu_pause();
    port_out8(PORT + DATA, (uint8_t)c);
}
