# Atoll: one Makefile. `make run` shows two VMs, `make test` runs the test suite; `make help` lists the rest.
#
# Each component has a section: its sources (listed, not globbed), its flags, its link. Variants are files, not options;
# the constants that anybody may want to change are in include/atoll/.

B ?= build
CC ?= gcc
HOSTCC ?= $(CC)
ifeq ($(origin CC),default)
CC := gcc
endif

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SECONDARY:

WARN := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wundef -Wvla
REPRO := -ffile-prefix-map=$(CURDIR)=. -fno-ident
COMMON := -std=c11 -O2 -g $(WARN) $(REPRO) -MMD -MP -Iinclude
# Freestanding code: no host headers beyond the compiler's own, no FPU registers, nothing the compiler could call.
BARE := $(COMMON) -ffreestanding -fno-pic -fno-pie -fno-stack-protector -fno-asynchronous-unwind-tables -fcf-protection=none \
	-mno-red-zone -mgeneral-regs-only -fno-strict-aliasing -fno-builtin-printf
LINK := $(CC) -nostdlib -static -no-pie -Wl,--build-id=none -Wl,-z,max-page-size=4096 -Wl,-z,noexecstack -Wl,--no-warn-rwx-segments

# ---- boot -------------------------------------------------------------------------------------------------------------

# ---- kernel -----------------------------------------------------------------------------------------------------------

# ---- user level: library, init, node manager, VMM, console ---------------------------------------------------------------

# ---- host tool ----------------------------------------------------------------------------------------------------------

# ---- guests: Debian's kernel, initramfs, test guests ------------------------------------------------------------------------

# ---- tests --------------------------------------------------------------------------------------------------------------

# ---- everything -----------------------------------------------------------------------------------------------------------

.PHONY: all clean help
all:

clean:
	rm -rf $(B)

-include $(shell find $(B) -name '*.d' 2>/dev/null)
