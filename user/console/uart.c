/* 16550A (National Semiconductor PC16550D, section 8). Output is polled, sixteen bytes at a time; input is by interrupt, and
 * taken into a small buffer whenever output looks at the line status anyway, so that the receive FIFO cannot overrun. */
#include "uart.h"
#include "sel4.h"
#include <atoll/component.h>

#define PORT 0x3f8
enum { DATA = 0, INTERRUPT_ENABLE = 1, FIFO_CONTROL = 2, LINE_CONTROL = 3, MODEM_CONTROL = 4, LINE_STATUS = 5 };
#define INTERRUPT_RECEIVE 0x01
#define FIFO_ENABLE 0x01   /* trigger level 1 byte */
#define LINE_8N1 0x03
#define MODEM_DTR_RTS_OUT2 0x0b /* OUT2 gates the interrupt line on a PC */
#define FIFO_CLEAR_RECEIVE 0x02
#define STATUS_DATA_READY 0x01
#define STATUS_OVERRUN 0x02
#define STATUS_THR_EMPTY 0x20
#define FIFO_BYTES 16
#define INPUT_BYTES 1024u /* a power of two */

static uint8_t input[INPUT_BYTES];
static uint32_t input_head, input_tail;
static bool lost;

static uint8_t in(uint16_t reg)
{
    uint8_t value = 0xff;
    return ioport_in8(CONSOLE_SLOT_UART, PORT + reg, &value) == SEL4_NO_ERROR ? value : 0xff;
}

static void out(uint16_t reg, uint8_t value) { (void)ioport_out8(CONSOLE_SLOT_UART, PORT + reg, value); }

void uart_init(void) /* boot set the rate */
{
    out(LINE_CONTROL, LINE_8N1);
    out(FIFO_CONTROL, FIFO_ENABLE);
    out(MODEM_CONTROL, MODEM_DTR_RTS_OUT2);
    (void)in(LINE_STATUS); /* what was lost before is not ours */
    out(INTERRUPT_ENABLE, INTERRUPT_RECEIVE);
}

/* The line status, after one received byte was taken, if there was one and room for it. */
static uint8_t status(void)
{
    uint8_t s = in(LINE_STATUS);

    if (s == 0xff) /* no UART there: nothing received, and nothing to wait for */
        return STATUS_THR_EMPTY;
    if (s & STATUS_OVERRUN) { /* nobody knows where the gap is */
        out(FIFO_CONTROL, FIFO_ENABLE | FIFO_CLEAR_RECEIVE);
        input_tail = input_head;
        lost = true;
    } else if ((s & STATUS_DATA_READY) && input_head - input_tail < INPUT_BYTES) {
        input[input_head++ % INPUT_BYTES] = in(DATA);
    }
    return s;
}

bool uart_lost(void)
{
    bool was = lost;

    lost = false;
    return was;
}

void uart_write(const uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (i % FIFO_BYTES == 0)
            while (!(status() & STATUS_THR_EMPTY))
                ;
        out(DATA, bytes[i]);
    }
}

bool uart_read(uint8_t *byte)
{
    if (input_head == input_tail)
        status();
    if (input_head == input_tail)
        return false;
    *byte = input[input_tail++ % INPUT_BYTES];
    return true;
}
