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

/* What the console is told, "COMMAND VM", once VM's console has shown a text. */
#define SCRIPT_TEXT_MAX 64
struct script_order {
    size_t vm;
    const char *command, *text;
    char seen[SCRIPT_TEXT_MAX]; /* the last bytes, as many as the text has */
    bool given;
};

struct script {
    struct script_order orders[SCRIPT_MAX];
    size_t order_count;
    struct script_command commands[SCRIPT_MAX];
    size_t count;
    bool typed[SCRIPT_MAX];
    unsigned matched[64]; /* per VM: bytes of the prompt seen in a row */
};

int script_add(struct script *s, size_t vm, const char *text); /* -1: too many */
int script_add_order(struct script *s, size_t vm, const char *command, const char *text); /* -1: too many, or the text is empty or too long */
/* Output of VM `vm` came: the order to give now, or NULL. Called again with no bytes, it names the next one, if there are several. */
const struct script_order *script_orders(struct script *s, size_t vm, const uint8_t *bytes, size_t n);
/* Output of VM `vm` came. The command to type now (without line end), or NULL. After the last command nothing is typed. */
const char *script_output(struct script *s, size_t vm, const uint8_t *bytes, size_t n);
