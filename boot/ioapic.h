/* Interrupt controllers outside the processors, made silent before any kernel runs. */
#pragma once
#include <stdint.h>

uint32_t ioapic_silence(uint64_t paddr); /* masks every pin; returns their number */
void pic_silence(void);
