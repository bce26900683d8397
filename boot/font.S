/* The glyphs of ASCII 32 to 126, 8 x 16 dots, out of the Spleen font (BSD licence, Debian's fonts-spleen): a PSF 1 file: a header of 4
 * bytes, then 16 bytes for each glyph. */
	.section .rodata
	.global font
font:
	.incbin "font.psf", 4 + 32 * 16, 95 * 16
