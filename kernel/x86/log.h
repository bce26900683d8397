/* Where the kernel's words go. */
#pragma once
#include "../types.h"

void log_to_uart(uint16_t port);                          /* a 16550 of the kernel's own; also takes a panic's last words */
void log_direct(bool on);                                  /* meanwhile: straight to that 16550 if there is one, as nobody reads the queue yet */
void log_to_queue(word_t data_bytes, uint32_t doorbell_apic_id, word_t doorbell_vector); /* at KERNEL_LOG_VA; vector 0: none */
