/* The glyphs of ASCII 32 to 126, 8 x 16 dots, out of the Spleen font (BSD licence, Debian's fonts-spleen): a PSF 1 file with a header of 4
 * bytes, whose first glyph is the blank. */
	.section .rodata
	.global font
font:
	.incbin "font.psf", 4, 95 * 16
