/* What a person can ask the console itself: lines typed into the system stream. Pure. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define COMMAND_LINE_MAX 80

enum command {
    COMMAND_NONE,    /* no whole line yet, or an empty one */
    COMMAND_POWER,   /* press a VM's power button */
    COMMAND_REPLAY,  /* show what a VM has printed lately once more */
    COMMAND_UNKNOWN, /* `word` says what is not understood */
};

struct command_line {
    char line[COMMAND_LINE_MAX + 1];
    size_t length; /* more than COMMAND_LINE_MAX: too long, dropped up to its end */
    const char *word;
};

/* A typed byte. After a carriage return or newline: what the line asks for, and for which of the `count` VMs. */
enum command command_input(struct command_line *c, uint8_t byte, const char (*vms)[32], uint32_t count, uint32_t *vm);
