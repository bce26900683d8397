/* What text is on a screen: screen FONT.psf SCREENDUMP.ppm. Every cell of 8 x 16 dots must be a glyph of the font (ASCII 32 to 126), two dots
 * being the same if both are dark or both are not; else "?" stands there. Blanks at the ends of lines are left out. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GLYPHS (4 + 32 * 16) /* boot/font.S */
#define FIRST ' '
#define LAST '~'

static uint8_t font[65536], *pixels;
static unsigned width, height;

static char read_cell(unsigned row, unsigned column)
{
    uint8_t cell[16];
    for (unsigned y = 0; y < 16; y++) {
        cell[y] = 0;
        for (unsigned x = 0; x < 8; x++) {
            const uint8_t *p = pixels + 3 * ((size_t)(row * 16 + y) * width + column * 8 + x);
            cell[y] = (uint8_t)(cell[y] << 1 | (p[0] + p[1] + p[2] > 0));
        }
    }
    for (unsigned c = FIRST; c <= LAST; c++)
        if (memcmp(cell, font + GLYPHS + (c - FIRST) * 16, 16) == 0)
            return (char)c;
    return '?';
}

int main(int argc, char **argv)
{
    FILE *f = argc == 3 ? fopen(argv[1], "rb") : NULL, *dump = argc == 3 ? fopen(argv[2], "rb") : NULL;
    if (f == NULL || dump == NULL || fread(font, 1, sizeof font, f) < GLYPHS + 95 * 16 ||
        fscanf(dump, "P6 %5u %5u 255", &width, &height) != 2 || fgetc(dump) != '\n' ||
        (pixels = malloc((size_t)width * height * 3 + 1)) == NULL || fread(pixels, 3, (size_t)width * height, dump) != (size_t)width * height) {
        fprintf(stderr, "screen FONT.psf SCREENDUMP.ppm\n");
        return 2;
    }
    for (unsigned row = 0; row < height / 16; row++) {
        unsigned blanks = 0;
        for (unsigned column = 0; column < width / 8; column++) {
            char c = read_cell(row, column);
            blanks++;
            if (c == ' ')
                continue;
            printf("%*s%c", (int)blanks - 1, "", c);
            blanks = 0;
        }
        putchar('\n');
    }
    free(pixels);
    return 0;
}
