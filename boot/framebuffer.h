/* Text on the firmware's framebuffer, for machines without a serial line. Compiles for the host. */
#pragma once
#include <stdint.h>

/* `limit`: how many pixels the memory holds; a description that does not fit is not used. Any channel order: text is grey. */
void framebuffer_init(uint32_t *pixels, uint64_t limit, uint32_t width, uint32_t height, uint32_t pixels_per_line);
void framebuffer_put(char c); /* nothing happens without a framebuffer */
