#include <stdbool.h>
#include <string.h>
#include "screen.h"

#define ESC 0x1b
#define BELL 0x07
#define CANCEL 0x18
#define SUBSTITUTE 0x1a

static void hold(struct screen *s, uint8_t b)
{
    if (s->length < SCREEN_HELD_MAX)
        s->held[s->length] = b;
    s->length++;
}

static size_t release(struct screen *s, uint8_t *out)
{
    memcpy(out, s->held, s->length);
    return s->length;
}

/* Lead byte of a UTF-8 character to the number of bytes that follow; 0: none. */
static size_t bytes_after(uint8_t lead)
{
    return lead >= 0xc2 && lead <= 0xdf ? 1 : (lead & 0xf0) == 0xe0 ? 2 : lead >= 0xf0 && lead <= 0xf4 ? 3 : 0;
}

/* Neither a control character (C1: U+0080 to U+009F) nor one written longer than it is, where such could hide. */
static bool character_good(const uint8_t *c)
{
    return !(c[0] == 0xc2 && c[1] < 0xa0) && !(c[0] == 0xe0 && c[1] < 0xa0) && !(c[0] == 0xf0 && c[1] < 0x90);
}

/* ESC [ parameters final: moves, erasing, inserting, deleting, scrolling, scroll region, colours; hiding the cursor. */
static bool csi_good(const struct screen *s)
{
    if (s->length > SCREEN_HELD_MAX)
        return false;
    const uint8_t *parameters = s->held + 2, *final = s->held + s->length - 1;
    if (*parameters == '?')
        return s->length == 6 && memcmp(parameters, "?25", 3) == 0 && (*final == 'h' || *final == 'l');
    for (const uint8_t *p = parameters; p < final; p++)
        if (!(*p >= '0' && *p <= ';'))
            return false;
    return strchr("@ABCDEFGHJKLMPSXdfmr", *final) != NULL;
}

static size_t text(struct screen *s, uint8_t b, uint8_t *out)
{
    s->state = SCREEN_TEXT;
    s->length = 0;
    s->missing = bytes_after(b);
    if (b == ESC || s->missing != 0) {
        hold(s, b);
        s->state = b == ESC ? SCREEN_ESCAPE : SCREEN_CHARACTER;
        return 0;
    }
    if (b > 0x7e || (b < ' ' && (b == 0 || strchr("\a\b\t\n\r", b) == NULL)))
        return 0;
    *out = b;
    return 1;
}

static size_t escape(struct screen *s, uint8_t b, uint8_t *out)
{
    s->state = SCREEN_TEXT;
    hold(s, b);
    if (b == '[')
        s->state = SCREEN_CSI;
    else if (b == ']' || b == 'P' || b == 'X' || b == '^' || b == '_')
        s->state = SCREEN_STRING;
    else if (b <= 0x2f)
        s->state = SCREEN_DESIGNATE;
    else if (strchr("78DEM", b) != NULL) /* save and restore the cursor, line down, next line, line up */
        return release(s, out);
    return 0;
}

static size_t byte(struct screen *s, uint8_t b, uint8_t *out)
{
    bool in_string = s->state == SCREEN_STRING || s->state == SCREEN_STRING_ESCAPE;
    if (b == CANCEL || b == SUBSTITUTE) {
        s->state = SCREEN_TEXT;
        return 0;
    }
    if (s->state != SCREEN_TEXT && (b == '\n' || (b < ' ' && !in_string))) /* what it interrupts is dropped */
        return text(s, b, out);
    switch (s->state) {
    case SCREEN_TEXT:
        break;
    case SCREEN_CHARACTER:
        if ((b & 0xc0) != 0x80)
            break;
        hold(s, b);
        if (--s->missing != 0)
            return 0;
        s->state = SCREEN_TEXT;
        return character_good(s->held) ? release(s, out) : 0;
    case SCREEN_ESCAPE:
        return escape(s, b, out);
    case SCREEN_DESIGNATE: /* character sets and the like: up to the final byte */
        if (b > 0x2f)
            s->state = SCREEN_TEXT;
        return 0;
    case SCREEN_CSI:
        hold(s, b);
        if (b < 0x40)
            return 0;
        s->state = SCREEN_TEXT;
        return csi_good(s) ? release(s, out) : 0;
    case SCREEN_STRING: /* up to BEL or ESC \, but no farther than the line: what is lost to the log stays small */
        s->state = b == BELL ? SCREEN_TEXT : b == ESC ? SCREEN_STRING_ESCAPE : SCREEN_STRING;
        return 0;
    case SCREEN_STRING_ESCAPE:
        if (b == '\\') {
            s->state = SCREEN_TEXT;
            return 0;
        }
        s->length = 0;
        hold(s, ESC);
        return b == ESC ? 0 : escape(s, b, out); /* ESC ended the string and began this */
    }
    return text(s, b, out);
}

size_t screen_filter(struct screen *s, const uint8_t *bytes, size_t n, uint8_t *out)
{
    size_t used = 0;
    for (size_t i = 0; i < n; i++)
        used += byte(s, bytes[i], out + used);
    return used;
}
