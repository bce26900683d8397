/* The 16550 that the console owns, through its I/O port capability. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void uart_init(void);
void uart_write(const uint8_t *bytes, size_t n); /* returns when the last byte is in the FIFO; takes input meanwhile */
bool uart_read(uint8_t *byte);
bool uart_lost(void); /* input was lost since the last call, and all that had not been read is gone with it */
