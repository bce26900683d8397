#include "uart.h"
#include "lib.h"

enum { RBR_THR, IER, IIR_FCR, LCR, MCR, LSR, MSR, SCR };

#define IER_RECEIVE 0x01u
#define IER_TRANSMIT 0x02u
#define IER_LINE 0x04u
#define IIR_NONE 0x01u
#define IIR_TRANSMIT 0x02u
#define IIR_RECEIVE 0x04u
#define IIR_LINE 0x06u
#define IIR_TIMEOUT 0x0cu
#define IIR_FIFO 0xc0u
#define FCR_ENABLE 0x01u
#define FCR_CLEAR_RECEIVE 0x02u
#define LCR_DLAB 0x80u
#define MCR_LOOP 0x10u
#define LSR_READY 0x01u
#define LSR_OVERRUN 0x02u
#define LSR_EMPTY 0x60u /* holding register and shift register */
#define MSR_LINES 0xb0u /* carrier, data set ready, clear to send: somebody is there */

void uart_reset(struct uart *u)
{
    u->ier = u->lcr = u->mcr = u->scr = u->fcr = u->lsr_errors = 0;
    u->divisor = 1; /* 115200 baud */
    u->transmit_event = false;
    u->head = u->count = 0;
}

static unsigned capacity(const struct uart *u) { return u->fcr & FCR_ENABLE ? UART_FIFO : 1; }
unsigned uart_room(const struct uart *u) { return u->mcr & MCR_LOOP || u->count >= capacity(u) ? 0 : capacity(u) - u->count; }

static void push(struct uart *u, uint8_t byte)
{
    if (u->count >= capacity(u)) {
        u->lsr_errors |= LSR_OVERRUN;
        return;
    }
    u->fifo[(u->head + u->count++) % UART_FIFO] = byte;
}

void uart_receive(struct uart *u, uint8_t byte) { push(u, byte); }

/* The interrupt's cause, highest first (PC16550D, table V). Data below the trigger level counts as timed out at once. */
static uint8_t cause(const struct uart *u)
{
    static const uint8_t trigger[4] = {1, 4, 8, 14};

    if ((u->ier & IER_LINE) && u->lsr_errors)
        return IIR_LINE;
    if ((u->ier & IER_RECEIVE) && u->count)
        return !(u->fcr & FCR_ENABLE) || u->count >= trigger[u->fcr >> 6] ? IIR_RECEIVE : IIR_TIMEOUT;
    if ((u->ier & IER_TRANSMIT) && u->transmit_event)
        return IIR_TRANSMIT;
    return IIR_NONE;
}

bool uart_interrupt(const struct uart *u) { return cause(u) != IIR_NONE; }

static uint8_t modem_status(const struct uart *u)
{
    if (!(u->mcr & MCR_LOOP))
        return MSR_LINES;
    /* Loop: RTS to CTS, DTR to DSR, OUT1 to RI, OUT2 to DCD. */
    return (uint8_t)((u->mcr & 2) << 3 | (u->mcr & 1) << 5 | (u->mcr & 4) << 4 | (u->mcr & 8) << 4);
}

uint8_t uart_read(struct uart *u, unsigned offset)
{
    uint8_t value;

    switch (offset) {
    case RBR_THR:
        if (u->lcr & LCR_DLAB)
            return (uint8_t)u->divisor;
        if (!u->count)
            return 0;
        value = u->fifo[u->head];
        u->head = (u->head + 1) % UART_FIFO;
        u->count--;
        return value;
    case IER: return u->lcr & LCR_DLAB ? (uint8_t)(u->divisor >> 8) : u->ier;
    case IIR_FCR:
        value = cause(u);
        if (value == IIR_TRANSMIT)
            u->transmit_event = false;
        return value | (u->fcr & FCR_ENABLE ? IIR_FIFO : 0);
    case LCR: return u->lcr;
    case MCR: return u->mcr;
    case LSR:
        value = LSR_EMPTY | u->lsr_errors | (u->count ? LSR_READY : 0);
        u->lsr_errors = 0;
        return value;
    case MSR: return modem_status(u);
    default: return u->scr;
    }
}

static void transmit(struct uart *u, uint8_t byte)
{
    u->transmit_event = true;
    if (u->mcr & MCR_LOOP) {
        push(u, byte);
        return;
    }
    u->sent++;
    u->send(u->context, byte);
}

void uart_write(struct uart *u, unsigned offset, uint8_t value)
{
    switch (offset) {
    case RBR_THR:
        if (u->lcr & LCR_DLAB)
            u->divisor = (u->divisor & 0xff00) | value;
        else
            transmit(u, value);
        break;
    case IER:
        if (u->lcr & LCR_DLAB) {
            u->divisor = (uint16_t)((u->divisor & 0xff) | value << 8);
            break;
        }
        if (value & IER_TRANSMIT & ~u->ier) /* the register is empty: enabling says so */
            u->transmit_event = true;
        u->ier = value & 0xf;
        break;
    case IIR_FCR:
        if ((value & FCR_CLEAR_RECEIVE) || ((value ^ u->fcr) & FCR_ENABLE))
            u->head = u->count = 0;
        u->fcr = value & FCR_ENABLE ? value & (0xc0u | FCR_ENABLE) : 0;
        break;
    case LCR: u->lcr = value; break;
    case MCR: u->mcr = value & 0x1f; break;
    case SCR: u->scr = value; break;
    default: break; /* LSR and MSR are read-only */
    }
}
