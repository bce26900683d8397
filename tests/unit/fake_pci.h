/* A small machine's PCI configuration space in memory: registers with the bits that can be written. For boot_pci.c and boot_functions.c. */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "boot/pci.h"

#define MAX 16
struct fake { uint16_t id; uint32_t value[1024], writable[1024]; };
static struct fake fakes[MAX];
static unsigned count, writes;
static struct pci pci;
static bool noise; /* every read gives whatever */
static uint32_t seed;

static struct fake *find(uint16_t segment, uint16_t id)
{
    for (unsigned i = 0; i < count && segment == 0; i++)
        if (fakes[i].id == id)
            return &fakes[i];
    return NULL;
}

static uint32_t fake_read(void *context, uint16_t segment, uint16_t id, unsigned offset)
{
    (void)context;
    assert_true(offset % 4 == 0 && offset < PCI_CONFIG_BYTES);
    struct fake *f = find(segment, id);
    if (noise && f) {
        seed = seed * 1664525u + 1013904223u;
        return seed >> 29 ? seed ^ seed >> 13 : f->value[offset / 4];
    }
    return f ? f->value[offset / 4] : UINT32_MAX;
}

static void fake_write(void *context, uint16_t segment, uint16_t id, unsigned offset, uint32_t value)
{
    (void)context;
    assert_true(offset % 4 == 0 && offset < PCI_CONFIG_BYTES);
    struct fake *f = find(segment, id);
    assert_non_null(f);
    if (offset >= 0x10 && offset < 0x28 && !noise)
        assert_int_equal(f->value[1] & 3, 0); /* sizing while the function decodes */
    writes++;
    f->value[offset / 4] = (f->value[offset / 4] & ~f->writable[offset / 4]) | (value & f->writable[offset / 4]);
}

static const struct pci_config config = {fake_read, fake_write, NULL};

__attribute__((unused)) static struct fake *add(uint16_t id, uint32_t device, uint32_t class, uint32_t header)
{
    struct fake *f = &fakes[count++];
    memset(f, 0, sizeof *f);
    f->id = id;
    f->value[0] = device;
    f->value[1] = 7; /* decodes, and is a master */
    f->writable[1] = 0x547;
    f->value[2] = class << 8;
    f->value[3] = header << 16;
    return f;
}

static void bar(struct fake *f, unsigned offset, uint64_t base, uint64_t size, uint32_t flags)
{
    f->value[offset / 4] = (uint32_t)base | flags;
    f->writable[offset / 4] = (uint32_t)~(size - 1) & ~15u;
    if (flags & 4) {
        f->value[offset / 4 + 1] = (uint32_t)(base >> 32);
        f->writable[offset / 4 + 1] = (uint32_t)(~(size - 1) >> 32);
    }
}

static void capability(struct fake *f, unsigned at, unsigned id, unsigned next, uint32_t upper)
{
    f->value[1] |= 1u << 20;
    if (!f->value[13])
        f->value[13] = at;
    f->value[at / 4] = id | next << 8 | upper << 16;
}

/* Host bridge, a root port with ARI and ACS, an igb-like function behind it, two functions of a legacy device. */
static int machine(void **state)
{
    (void)state;
    count = writes = 0;
    noise = false;
    memset(&pci, 0, sizeof pci);
    add(0, 0x29c08086, 0x060000, 0);
    struct fake *port = add(8, 0xc1b36, 0x060400, 1);
    port->value[6] = 0x010100;
    capability(port, 0x54, 0x10, 0, 0x42);       /* root port, version 2 */
    port->value[0x78 / 4] = port->value[0x7c / 4] = 0x20;
    port->value[0x100 / 4] = 0x0d | 1 << 16;     /* ACS, the last one */
    port->value[0x104 / 4] = 0x1f;
    port->writable[0x104 / 4] = 0x7f0000;
    port->writable[0x7c / 4] = 0x20;
    port->value[0x20 / 4] = 0xc0f0c000;          /* memory from 0xc0000000 to 0xc0ffffff, prefetchable from 0x3800000000 to 0x38000fffff */
    port->value[0x24 / 4] = 0x00010001;
    port->value[0x28 / 4] = port->value[0x2c / 4] = 0x38;
    struct fake *nic = add(0x100, 0x10c98086, 0x020000, 0);
    bar(nic, 0x10, 0xc0800000, 0x20000, 0);
    bar(nic, 0x18, 0xe0a0, 0x20, 1);
    nic->writable[6] = 0xffe0; /* 16 address bits */
    bar(nic, 0x1c, 0x3800000000, 0x4000, 0xc);
    nic->writable[0x30 / 4] = 0xfffc0001;
    capability(nic, 0x40, 1, 0x50, 0);
    capability(nic, 0x50, 5, 0x70, 0x0006);      /* 8 messages */
    capability(nic, 0x70, 0x11, 0xa0, 24);       /* 25 vectors */
    capability(nic, 0xa0, 0x10, 0, 2);           /* endpoint */
    nic->value[0xa4 / 4] = 1u << 28;             /* FLR */
    nic->value[0x100 / 4] = 0x01 | 1 << 16 | 0x150u << 20;
    nic->value[0x150 / 4] = 0x0e | 1 << 16 | 0x160u << 20;
    nic->value[0x160 / 4] = 0x10 | 1 << 16;
    nic->value[0x16c / 4] = 8 | 8 << 16;
    nic->value[0x174 / 4] = 128 | 2u << 16;
    nic->value[0x178 / 4] = 0x10cau << 16;
    nic->value[0x17c / 4] = 0x553;
    nic->writable[0x168 / 4] = 0x19;
    nic->writable[0x170 / 4] = 0xffff;
    nic->writable[0x180 / 4] = 0xffffffff;
    bar(nic, 0x184, 0xc0000000, 0x4000, 4);
    bar(nic, 0x190, 0xc0020000, 0x4000, 4);
    add(0xf8, 0x29188086, 0x060100, 0x80);
    add(0xfa, 0x29228086, 0x010601, 0);
    return 0;
}
