/* Commands typed into guests: each waits for the guest shell's prompt. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SCRIPT_PROMPT "guest# " /* scripts/make-initramfs sets it */
#define SCRIPT_MAX 64

struct script_command {
    size_t vm;
    const char *text;
};

struct script {
    struct script_command commands[SCRIPT_MAX];
    size_t count;
    bool typed[SCRIPT_MAX];
    unsigned matched[64]; /* per VM: bytes of the prompt seen in a row */
};

int script_add(struct script *s, size_t vm, const char *text); /* -1: too many */
/* Output of VM `vm` came. The command to type now (without line end), or NULL. After the last command nothing is typed. */
const char *script_output(struct script *s, size_t vm, const uint8_t *bytes, size_t n);
