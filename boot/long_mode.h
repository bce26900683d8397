/* Control registers and selectors as boot wants them; the same from every entry. Plain constants, for assembly too. */
#pragma once

#define CR0_BASE 0x80010033             /* PG WP NE ET MP PE; CD and NW off (they are on after INIT). AMD APM vol. 2, 3.1.1 */
#define CR4_BASE 0x620                  /* PAE OSFXSR OSXMMEXCPT. AMD APM vol. 2, 3.1.3 */
#define MSR_EFER 0xc0000080
#define EFER_BASE 0x901                 /* NXE LME SCE. AMD APM vol. 2, 3.1.7 */

#define SELECTOR_CODE64 0x08           /* in boot_gdt, start.S */
#define SELECTOR_DATA 0x10
#define SELECTOR_CODE32 0x18
