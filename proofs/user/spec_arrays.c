/* function: array (user/init/spec_check.c)
 * property: an array that is let in lies, whole and aligned, behind the header and inside the bytes that the header claims, which are there
 * bound: any header and array of up to 8,192 items; a spec of up to 64 KiB
 * include: user/lib user/init
 * options: --unwind 2
 */
#include "../proof.h"
#include "user/init/spec_check.c"

static union {
    struct spec_header header;
    uint8_t bytes[65536];
} spec;

int main(void)
{
    struct spec_header *h = &spec.header;
    h->bytes = nondet_word();
    ASSUME(h->bytes >= sizeof *h && h->bytes <= sizeof spec); /* as spec_check has seen before */
    uint64_t offset = nondet_word();
    uint32_t count = nondet_unsigned();
    unsigned kind = nondet_below(7);
    size_t item = kind == 0 ? sizeof(struct spec_object) : kind == 1 ? sizeof(struct spec_cap) : kind == 2 ? sizeof(struct spec_mapping) : kind == 3 ? sizeof(struct spec_fill)
                  : kind == 4 ? sizeof(struct spec_thread) : kind == 5 ? sizeof(struct spec_irq) : 1;

    const uint8_t *a = array(h, offset, count, item);

    HOLDS(!a || (a == spec.bytes + offset && offset % 8 == 0 && offset >= sizeof *h), "behind the header, aligned");
    HOLDS(!a || (offset <= h->bytes && count <= SPEC_MAX_OBJECTS && (uint64_t)count * item <= h->bytes - offset), "inside the spec");
    REACH(a && count > 100);
    REACH(!a);
}
