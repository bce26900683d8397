/* Text to the serial line and the framebuffer, and the one way to refuse. */
#pragma once
#include <stdint.h>

/* No prefix, no newline: the caller writes whole lines "boot: ...\n". At most 255 characters per call. */
void print(const char *format, ...) __attribute__((format(printf, 1, 2)));

void print_text(const char *); /* as it is, of any length */

/* Fail closed: "event: boot stopped: SENTENCE", then this processor halts for ever. No kernel has been started yet when it is used. */
void stop(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

/* A progress code on the POST port (0x80), whose last ones management controllers keep across a reset, and in the record. */
enum stage {
    STAGE_ENTERED = 0xa0, STAGE_PROCESSOR, STAGE_FIRMWARE, STAGE_CLOCK, STAGE_PLAN, STAGE_PROCESSORS, STAGE_KERNELS, STAGE_HANDOVER,
    STAGE_STOPPED = 0xaf,
};
void stage_reached(enum stage stage);
