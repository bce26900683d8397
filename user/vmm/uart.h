/* 16550A serial port (National Semiconductor PC16550D data sheet). Output leaves at once, so the transmitter is always empty;
 * input comes from a source that is asked when the guest makes room. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#define UART_PORT 0x3f8
#define UART_PORTS 8
#define UART_IRQ 4
#define UART_FIFO 16

struct uart {
    uint8_t ier, lcr, mcr, scr, fcr, lsr_errors;
    uint16_t divisor;
    bool transmit_event; /* "holding register empty" not yet acknowledged */
    uint8_t fifo[UART_FIFO];
    uint8_t head, count;
    uint64_t sent;       /* bytes written by the guest */
    /* Connections. */
    void (*send)(void *context, uint8_t byte);
    void *context;
};

void uart_reset(struct uart *u); /* registers only; connections stay */
uint8_t uart_read(struct uart *u, unsigned offset);
void uart_write(struct uart *u, unsigned offset, uint8_t value);
unsigned uart_room(const struct uart *u); /* bytes that uart_receive takes now */
void uart_receive(struct uart *u, uint8_t byte);
bool uart_interrupt(const struct uart *u); /* level of the interrupt line */
