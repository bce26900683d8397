#include <stddef.h>
#include "bytes.h"
#include "framebuffer.h"

#define GLYPH_WIDTH 8u
#define GLYPH_HEIGHT 16u
#define FIRST_GLYPH ' '
#define LAST_GLYPH '~'
#define MAX_COLUMNS 160u
#define MAX_ROWS 100u
#define FOREGROUND 0xc0c0c0u
#define BACKGROUND 0u

extern const uint8_t font[LAST_GLYPH - FIRST_GLYPH + 1][GLYPH_HEIGHT]; /* font.S */

static uint32_t *pixels;
static uint32_t line_pixels, scale; /* a glyph's dot is scale * scale pixels */
static unsigned columns, rows, column, row;
static char cells[MAX_ROWS][MAX_COLUMNS]; /* what is on the screen, as reading it back is slow */

static void draw(unsigned r, unsigned c)
{
    const uint8_t *glyph = font[cells[r][c] - FIRST_GLYPH];
    for (unsigned y = 0; y < GLYPH_HEIGHT * scale; y++) {
        uint32_t *at = pixels + (uint64_t)(r * GLYPH_HEIGHT * scale + y) * line_pixels + c * GLYPH_WIDTH * scale;
        for (unsigned x = 0; x < GLYPH_WIDTH * scale; x++)
            ((volatile uint32_t *)at)[x] = glyph[y / scale] & 0x80u >> x / scale ? FOREGROUND : BACKGROUND;
    }
}

void framebuffer_init(uint32_t *memory, uint64_t limit, uint32_t width, uint32_t height, uint32_t pixels_per_line)
{
    if (width < GLYPH_WIDTH || height < GLYPH_HEIGHT || pixels_per_line < width || (uint64_t)pixels_per_line * height > limit)
        return;
    scale = (width - 1) / (GLYPH_WIDTH * MAX_COLUMNS) + 1; /* so the text of a 4K screen can be read, and always fits the cells */
    pixels = memory;
    line_pixels = pixels_per_line;
    columns = width / (GLYPH_WIDTH * scale);
    rows = height / (GLYPH_HEIGHT * scale);
    rows = rows < MAX_ROWS ? rows : MAX_ROWS;
    column = row = 0;
    memset(cells, ' ', sizeof cells);
    for (uint64_t i = 0; i < (uint64_t)pixels_per_line * height; i++)
        ((volatile uint32_t *)pixels)[i] = BACKGROUND;
}

static void next_line(void)
{
    column = 0;
    if (++row < rows)
        return;
    row = rows - 1;
    for (unsigned r = 0; r < rows; r++)
        for (unsigned c = 0; c < columns; c++) {
            char below = r + 1 < rows ? cells[r + 1][c] : ' ';
            if (cells[r][c] == below)
                continue;
            cells[r][c] = below;
            draw(r, c);
        }
}

void framebuffer_put(char c)
{
    if (!pixels)
        return;
    if (c == '\n')
        return next_line();
    if (c < FIRST_GLYPH || c > LAST_GLYPH)
        return;
    if (column == columns)
        next_line();
    cells[row][column] = c;
    draw(row, column++);
}
