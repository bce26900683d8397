/* function: vtd_device_attach, vtd_device_block, vtd_flush_pages, vtd_flush_domain, and those of amdvi.c
 * property: exactly the requester's own entry is written, inside the device table, at once; it translates only by the table given, and nothing once blocked; each change is followed by the invalidation of that entry and of its domain before the call returns
 * bound: all requesters, tables, domains, addresses; both families
 * options: --unwind 5
 */
#include "../proof.h"
#include "kernel/x86/vtd.c"
#define command amdvi_command
#define forget amdvi_forget
#include "kernel/x86/amdvi.c"

struct kernel kernel;
void panic(const char *format, ...) { (void)format; ASSUME(0); while (1); }

static char block[IOMMU_INTERRUPTS];
static struct iommu u;
static word_t requester, domain;
static word_t written_low, written_high;
static unsigned writes, executions;
static struct iommu_command executed[2];
static word_t at; /* offset in the unit's tables */

void iommu_entry_write(struct iommu *unit, volatile void *entry, word_t low, word_t high)
{
    HOLDS(unit == &u && executions == 0, "before its invalidation");
    at = (word_t)((volatile char *)entry - unit->tables);
    written_low = low;
    written_high = high;
    writes++;
}
void iommu_execute(struct iommu *unit, struct iommu_command first, struct iommu_command second)
{
    HOLDS(unit == &u, "on this unit");
    executed[0] = first;
    executed[1] = second;
    executions++;
}

struct iommu_command iommu_idle(const struct iommu *unit) { (void)unit; return (struct iommu_command){0, 0}; }

int main(void)
{
    bool vtd = nondet_bool();
    u = (struct iommu){.kind = vtd ? IOMMU_KIND_VTD : IOMMU_KIND_AMDVI, .capability = nondet_word(), .coherent = true, .block = nondet_word() & MASK(45) & ~MASK(21),
                       .registers = block, .tables = block};
    requester = nondet_word() & 0xffff;
    domain = nondet_word() & 0xffff;
    word_t table = nondet_word() & 0x000ffffffffff000ull;
    unsigned entry_bytes = vtd ? 16 : 32;

    switch (nondet_below(3)) {
    case 0: {
        bool attach = nondet_bool();
        if (attach)
            vtd ? vtd_device_attach(&u, requester, table, domain) : amdvi_device_attach(&u, requester, table, domain);
        else
            vtd ? vtd_device_block(&u, requester, domain) : amdvi_device_block(&u, requester, domain);
        HOLDS(writes == 1 && at == IOMMU_DEVICES + requester * entry_bytes, "the requester's own entry");
        HOLDS(at + 16 <= (vtd ? IOMMU_DEVICES + IOMMU_CONTEXTS_SIZE : IOMMU_DEVICES + IOMMU_DEVICES_SIZE), "inside the device table");
        /* VT-d 9.3: present bit 0, translation type 3..2, table 63..12; high: width 2..0 (2: four levels), domain 23..8.
         * AMD-Vi 2.2.2.1: V bit 0, TV bit 1, mode 11..9, table 51..12, IR 61, IW 62; second word: domain 15..0. */
        if (vtd) {
            HOLDS((written_low & 1) == attach && (!attach || ((written_low & 0x000ffffffffff000ull) == table && (written_low >> 2 & 3) == 0)), "translates by this table, or nothing");
            HOLDS(!attach || ((written_high & 7) == 2 && (written_high >> 8 & 0xffff) == domain), "four levels, under its domain");
        } else {
            HOLDS((written_low & 3) == 3, "the entry stays valid: what it does not translate is refused");
            HOLDS(attach ? (written_low & 0x000ffffffffff000ull) == table && (written_low >> 9 & 7) == 4 && (written_low >> 61 & 3) == 3 : (written_low >> 61 & 3) == 0 && (written_low >> 9 & 7) == 0,
                  "translates by this table, or nothing");
            HOLDS(!attach || (written_high & 0xffff) == domain, "under its domain");
        }
        /* VT-d 6.5.2: type 3..0 (1: context), granularity 5..4 (3: device), domain 31..16, requester 47..32; type 2: IOTLB, granularity 2: domain.
         * AMD-Vi 2.4.2: opcode 63..60 of the first word (2: device entry, requester 15..0); 3: pages, domain 47..32. */
        HOLDS(executions == 1, "invalidated before the call returns");
        if (vtd) {
            HOLDS((executed[0].low & 15) == 1 && (executed[0].low >> 4 & 3) == 3 && (executed[0].low >> 16 & 0xffff) == domain && (executed[0].low >> 32 & 0xffff) == requester, "its entry");
            HOLDS((executed[1].low & 15) == 2 && (executed[1].low >> 4 & 3) == 2 && (executed[1].low >> 16 & 0xffff) == domain, "and its domain");
        } else {
            HOLDS(executed[0].low >> 60 == 2 && (executed[0].low & 0xffff) == requester, "its entry");
            HOLDS(executed[1].low >> 60 == 3 && (executed[1].low >> 32 & 0xffff) == domain, "and its domain");
        }
        REACH(vtd && attach);
        REACH(!vtd && !attach);
        break;
    }
    case 1: {
        unsigned bits = nondet_bool() ? 12 : nondet_bool() ? 21 : 30;
        word_t address = nondet_word() & MASK(48) & ~MASK(bits);
        vtd ? vtd_flush_pages(&u, domain, address, bits) : amdvi_flush_pages(&u, domain, address, bits);
        HOLDS(writes == 0 && executions == 1, "one invalidation");
        if (vtd) {
            bool pages = (executed[0].low >> 4 & 3) == 3;
            HOLDS((executed[0].low & 15) == 2 && (executed[0].low >> 16 & 0xffff) == domain && (pages || (executed[0].low >> 4 & 3) == 2), "of pages, or of the domain");
            HOLDS(!pages || ((executed[0].high & ~MASK(12)) == address && (executed[0].high & 63) == bits - 12), "of the pages that changed");
            HOLDS(!pages || (u.capability >> 39 & 1), "by page only where the unit can");
            REACH(pages && bits == 30);
        } else {
            HOLDS(executed[0].low >> 60 == 3 && (executed[0].low >> 32 & 0xffff) == domain, "of this domain");
        }
        REACH(!vtd);
        break;
    }
    default:
        vtd ? vtd_flush_domain(&u, domain) : amdvi_flush_domain(&u, domain);
        HOLDS(writes == 0 && executions == 1, "one invalidation");
        HOLDS(vtd ? (executed[0].low & 15) == 2 && (executed[0].low >> 4 & 3) == 2 && (executed[0].low >> 16 & 0xffff) == domain
                  : executed[0].low >> 60 == 3 && (executed[0].low >> 32 & 0xffff) == domain, "of the domain");
        REACH(vtd);
        break;
    }
}
