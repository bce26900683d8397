/* What a guest may do to a person's terminal: text in UTF-8, colours, cursor moves, erasing. All else is dropped: questions, which
 * the terminal would answer as if the person had typed into whichever console is shown by then; titles, clipboard, printer, key
 * and mouse modes, resets, 8-bit controls. Control functions by ECMA-48 and the xterm list. */
#pragma once
#include <stddef.h>
#include <stdint.h>

#define SCREEN_HELD_MAX 32           /* bytes of the longest sequence that may pass */
#define SCREEN_ROOM(n) ((n) + SCREEN_HELD_MAX)

struct screen { /* all zero: fresh */
    enum { SCREEN_TEXT, SCREEN_CHARACTER, SCREEN_ESCAPE, SCREEN_DESIGNATE, SCREEN_CSI, SCREEN_STRING, SCREEN_STRING_ESCAPE } state;
    uint8_t held[SCREEN_HELD_MAX];   /* the character or sequence so far */
    size_t length;                   /* may exceed the array: then it is dropped */
    size_t missing;                  /* bytes that a character still lacks */
};

/* Write what may pass of `n` bytes to `out`, which has room for SCREEN_ROOM(n). Returns how many bytes. */
size_t screen_filter(struct screen *s, const uint8_t *bytes, size_t n, uint8_t *out);

/* Takes back what a guest may have set: cursor shown, whole screen scrolls, plain text; the cursor stays where it is. */
#define SCREEN_RESTORE "\x1b[?25h\x1b" "7\x1b[r\x1b" "8\x1b[m"
