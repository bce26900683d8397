/* Wrong CapDL is refused at the right line with a sentence, and nothing in a text, however broken, breaks the parser. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "capdl.h"

/* Lines of the standard part before a case's own: its first line is line 2 (OBJECTS) or 4 (CAPS), in the annex 1. */
#define OBJECTS "arch x86_64 objects { c = cnode (4 bits) e = ep f = frame (4k) t = tcb n = notification u = ut (20 bits) a[4] = frame (4k)\n"
#define GOOD OBJECTS "}\n"
#define CAPS GOOD "caps {\n"
#define ANNEX "arch x86_64 objects { r = memory (size: 0x1000) v = vm }\n"

static const struct { const char *standard, *annex; unsigned line; const char *sentence; } cases[] = {
    /* the file */
    {"", NULL, 1, "starts with 'arch"},
    {"objects { }", NULL, 1, "starts with 'arch"},
    {"arch", NULL, 1, "has to be x86_64"},
    {"\narch arm11 objects { }", NULL, 2, "has to be x86_64, not 'arm11'"},
    {"arch x86_64", NULL, 1, "needs a section"},
    {"arch x86_64 objects", NULL, 1, "'{' is missing"},
    {"arch x86_64\nobjects {\n a = ep\n", NULL, 4, "has no end"},
    {"arch x86_64 objects { }\n}", NULL, 2, "a section has to start here"},
    {"arch x86_64 objects { }\nthings { }", NULL, 2, "a section has to start here"},
    {"arch x86_64 objects { }\nirq { }", NULL, 2, "'maps' is missing"},
    {"arch x86_64 objects { }\ncaps", NULL, 2, "'{' is missing"},
    {"arch x86_64 objects { }\ncaps {\n\n", NULL, 2, "never closed"},
    {"arch x86_64 objects { }\ncdt { ( }", NULL, 0, NULL}, /* a derivation tree is stepped over */
    {"arch x86_64 /* never\nclosed", NULL, 1, "comment has no end"},
    {"arch x86_64 /* a /* b */\nobjects { }", NULL, 1, "comment has no end"},
    {"arch x86_64 objects { }\n \x01", NULL, 2, "byte 0x01"},
    {"arch x86_64 objects { }\n \xff", NULL, 2, "byte 0xff"},
    {"arch x86_64 objects { a = ep # }", NULL, 1, "'#' has no meaning"},
    {"arch x86_64 objects {\n\n " /* 64 letters */
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa = ep }", NULL, 3, "longer than 63"},
    /* objects */
    {OBJECTS "1 = ep }", NULL, 2, "a name has to stand here, not 1"},
    {OBJECTS "= ep }", NULL, 2, "a name has to stand here, not '='"},
    {OBJECTS "x ep }", NULL, 2, "'=' is missing"},
    {OBJECTS "x = }", NULL, 2, "object's type has to stand here"},
    {OBJECTS "x = 5 }", NULL, 2, "object's type has to stand here"},
    {OBJECTS "x = pud }", NULL, 2, "no object type 'pud' on x86_64"},
    {OBJECTS "x = EP }", NULL, 2, "no object type 'EP'"},
    {OBJECTS "x = nested_pml4 }", NULL, 2, "a type of the annex"},
    {OBJECTS "e = ep }", NULL, 2, "declared twice"},
    {OBJECTS "a = ep }", NULL, 2, "declared twice, as an array"},
    {OBJECTS "e[3] = ep }", NULL, 2, "declared twice, as an array"},
    {OBJECTS "a[4] = frame (4k) }", NULL, 2, "declared twice"},
    {OBJECTS "x[0] = ep }", NULL, 2, "has no element"},
    {OBJECTS "x[] = ep }", NULL, 2, "declared by its size"},
    {OBJECTS "x[1..2] = ep }", NULL, 2, "declared by its size"},
    {OBJECTS "x[1, 2] = ep }", NULL, 2, "declared by its size"},
    {OBJECTS "x[99999999] = ep }", NULL, 2, "at most 65536"},
    {OBJECTS "x[65536] = ep }", NULL, 2, "more objects than the 65536"},
    {OBJECTS "x[ = ep }", NULL, 2, "element has to be a number"},
    {OBJECTS "x[1 = ep }", NULL, 2, "',' is missing between elements"},
    {OBJECTS "u/x = ep }", NULL, 2, "qualified names"},
    {OBJECTS "irq_control = ep }", NULL, 2, "a word of the language"},
    {OBJECTS "caps = ep }", NULL, 2, "a word of the language"},
    {OBJECTS "x = cnode }", NULL, 2, "cnode needs its size"},
    {OBJECTS "x = cnode () }", NULL, 2, "cnode needs its size"},
    {OBJECTS "x = cnode (0 bits) }", NULL, 2, "1 to 25 bits"},
    {OBJECTS "x = cnode (26 bits) }", NULL, 2, "1 to 25 bits"},
    {OBJECTS "x = ut (64 bits) }", NULL, 2, "'64 bits' is too much"},
    {OBJECTS "x = ut (18446744073709551616 bits) }", NULL, 2, "above 2^64"},
    {OBJECTS "x = ut (0x bits) }", NULL, 2, "no digits"},
    {OBJECTS "x = ut (12) }", NULL, 2, "a number alone"},
    {OBJECTS "x = ut (12 bits, 12 bits) }", NULL, 2, "given twice"},
    {OBJECTS "x = ut (12 bits 13 bits) }", NULL, 2, "',' is missing between parameters"},
    {OBJECTS "x = ut (4k) }", NULL, 2, "takes no parameter 'page size'"},
    {OBJECTS "x = ep (4 bits) }", NULL, 2, "'ep' takes no parameter 'bits'"},
    {OBJECTS "x = frame }", NULL, 2, "frame needs its size"},
    {OBJECTS "x = frame (8k) }", NULL, 2, "4k, 2M or 1024M"},
    {OBJECTS "x = frame (18014398509481984k) }", NULL, 2, "4k, 2M or 1024M"},
    {OBJECTS "x = frame (4k, paddr: z) }", NULL, 2, "paddr has to be a number"},
    {OBJECTS "x = frame (4k, paddr 1) }", NULL, 2, "':' is missing"},
    {OBJECTS "x = frame (4k, colour: 1) }", NULL, 2, "takes no parameter 'colour'"},
    {OBJECTS "x = frame (4k, fill: 5) }", NULL, 2, "'[' is missing"},
    {OBJECTS "x = frame (4k, fill: [5]) }", NULL, 2, "'{' is missing before contents"},
    {OBJECTS "x = frame (4k, fill: [{ }]) }", NULL, 2, "contents are empty"},
    {OBJECTS "x = frame (4k, fill: [{0 1\n", NULL, 2, "contents have no end"},
    {OBJECTS "x = frame (4k, fill: [{a} {b}]) }", NULL, 2, "',' is missing between a list's entries"},
    {OBJECTS "x = tcb (resume: 1) }", NULL, 2, "True or False, not 1"},
    {OBJECTS "x = tcb (resume: true) }", NULL, 2, "True or False"},
    {OBJECTS "x = tcb (prio: high) }", NULL, 2, "prio has to be a number"},
    {OBJECTS "x = tcb (prio: 1, prio: 2) }", NULL, 2, "given twice"},
    {OBJECTS "x = tcb (init: [1, x]) }", NULL, 2, "list's entry has to be a number"},
    {OBJECTS "x = tcb (init: [1", NULL, 2, "',' is missing between a list's entries"},
    {OBJECTS "x = tcb (", NULL, 2, "a parameter has to stand here"},
    {OBJECTS "x = tcb (prio: 1", NULL, 2, "',' is missing between parameters"},
    {OBJECTS "x = tcb (period: 1) }", NULL, 2, "takes no parameter 'period'"},
    {OBJECTS "x = io_ports }", NULL, 2, "io_ports need their range"},
    {OBJECTS "x = io_ports (ports: [5..4]) }", NULL, 2, "ends before it starts"},
    {OBJECTS "x = io_ports (ports: [5]) }", NULL, 2, "'..' is missing"},
    {OBJECTS "x = io_ports (ports: [0..65536]) }", NULL, 2, "at most 65535"},
    {OBJECTS "x = io_device (256:0.0) }", NULL, 2, "PCI bus"},
    {OBJECTS "x = io_device (0:32.0) }", NULL, 2, "PCI device"},
    {OBJECTS "x = io_device (0:1.8) }", NULL, 2, "PCI function"},
    {OBJECTS "x = io_device (0:1) }", NULL, 2, "'.' is missing"},
    /* covers */
    {OBJECTS "x = ep { e } }", NULL, 2, "only an untyped covers"},
    {OBJECTS "x = ut { nothing } }", NULL, 2, "no object 'nothing'"},
    {OBJECTS "x = ut { e }\n y = ut { e } }", NULL, 3, "lies in two untypeds"},
    {OBJECTS "x = ut { x } }", NULL, 2, "would lie in itself"},
    {OBJECTS "x = ut { y }\n y = ut { x } }", NULL, 3, "would lie in itself"},
    {OBJECTS "x = ut { e\n", NULL, 2, "never closed"},
    {OBJECTS "x = ut { e = ep } }", NULL, 2, "a name has to stand here, not '='"},
    {OBJECTS "x = ut { irq_control } }", NULL, 2, "is no object"},
    {OBJECTS "x[2] = ut (4 bits) { e } }", NULL, 2, "declare the array first"},
    /* capabilities */
    {CAPS "nobody { } }", NULL, 4, "no object 'nobody'"},
    {CAPS "c { 1 e } }", NULL, 4, "':' is missing behind a slot"},
    {CAPS "c { e } }", NULL, 4, "a slot's number is missing"},
    {CAPS "c { 1: } }", NULL, 4, "a name has to stand here"},
    {CAPS "c { 1: nothing } }", NULL, 4, "no object 'nothing'"},
    {CAPS "c { 16: e } }", NULL, 4, "a slot's number is 16; at most 15"},
    {CAPS "c { 1: a } }", NULL, 4, "'a' is an array; write a[0]"},
    {CAPS "c { 1: a[4] } }", NULL, 4, "no object 'a[4]'"},
    {CAPS "c { 1: e[0] } }", NULL, 4, "no object 'e[0]'"},
    {CAPS "c { 14: a[0..3] } }", NULL, 4, "ends behind the last slot"},
    {CAPS "c { 1: a[0..9] } }", NULL, 4, "no object 'a[4]'"},
    {CAPS "c { 1: <e> } }", NULL, 4, "copies of named"},
    {CAPS "c { 1: x = e } }", NULL, 4, "no"},
    {CAPS "x = (c, 1) }", NULL, 4, "names for capabilities"},
    {CAPS "c { 1: e - child_of (c, 2) } }", NULL, 4, "child_of"},
    {CAPS "c { 1: e () } }", NULL, 4, "capability's parameter has to stand"},
    {CAPS "c { 1: e (RQ) } }", NULL, 4, "right 'RQ'"},
    {CAPS "c { 1: e (R W) } }", NULL, 4, "')' is missing"},
    {CAPS "c { 1: e (badge: x) } }", NULL, 4, "badge has to be a number"},
    {CAPS "c { 1: t (badge: 1) } }", NULL, 4, "takes no badge"},
    {CAPS "c { 1: t (R) } }", NULL, 4, "takes no rights"},
    {CAPS "c { 1: e (guard: 1) } }", NULL, 4, "takes no guard"},
    {CAPS "c { 1: c (guard_size: 64) } }", NULL, 4, "at most 63"},
    {CAPS "c { 1: e (core: 1) } }", NULL, 4, "only sched_control takes a core"},
    {CAPS "c { 1: e (reply) } }", NULL, 4, "reply objects"},
    {CAPS "c { 1: e (asid: 5) } }", NULL, 4, "'(' is missing"},
    {CAPS "c { 1: e (span: 4) } }", NULL, 4, "right 'span'"},
    {CAPS "t { 0: e } }", NULL, 4, "slot 0 of 't' cannot hold 'e'"},
    {CAPS "t { vspace: f } }", NULL, 4, "cannot hold"},
    {CAPS "t { 2: e } }", NULL, 4, "cannot hold"},
    {CAPS "t { 10: e } }", NULL, 4, "at most 9"},
    {CAPS "t { stack: f } }", NULL, 4, "no slot 'stack'"},
    {CAPS "c { cspace: c } }", NULL, 4, "a slot's number is missing"},
    {CAPS "e { 0: e } }", NULL, 4, "'e' has no slots"},
    {CAPS "f { 0: e } }", NULL, 4, "'f' has no slots"},
    {CAPS "a[0..1] { 0: e } }", NULL, 4, "has no slots"},
    {CAPS "c { 1: e\n 2: f (RW)\n 1: f }\n}", NULL, 0, "filled twice"}, /* found by capdl_sort() */
    /* interrupts */
    {GOOD "irq maps { 1: e }", NULL, 3, "'e' is no interrupt"},
    {GOOD "irq maps { e }", NULL, 3, "an interrupt has to be a number"},
    {GOOD "irq maps { 1024: e }", NULL, 3, "at most 1023"},
    {OBJECTS "i = irq }\nirq maps { 1: i\n 1: i }", NULL, 4, "interrupt 1 is given twice"},
    {OBJECTS "i = irq }\ncaps { i { 0: e } }", NULL, 3, "cannot hold"},
    {OBJECTS "i = irq }\ncaps { i { 1: n } }", NULL, 3, "at most 0"},
    /* page tables */
    {OBJECTS "p = pt }\ncaps { p { 0: e } }", NULL, 3, "cannot hold"},
    {OBJECTS "p = pt }\ncaps { p { 512: f } }", NULL, 3, "at most 511"},
    {OBJECTS "p = pml4 q = pd }\ncaps { p { 0: q } }", NULL, 3, "cannot hold"},
    /* the annex */
    {GOOD, "objects { }", 1, "starts with 'arch"},
    {GOOD, "arch x86_64 objects { x = frame (4k) }", 1, "a type of the standard part"},
    {GOOD, "arch x86_64 objects { x = thing }", 1, "no object type"},
    {GOOD, "arch x86_64 objects { }\nirq maps { }", 2, "a section has to start here"},
    {GOOD, "arch x86_64 objects { x = vm x = vm }", 1, "declared twice"},
    {GOOD, "arch x86_64 objects { x = ipi }", 1, "an ipi needs its target"},
    {GOOD, "arch x86_64 objects { x = memory (vector: 1) }", 1, "takes no parameter 'vector'"},
    {GOOD, "arch x86_64 objects { x = shared (write: 1) }", 1, "True or False"},
    {GOOD, ANNEX "caps { c { 1: e (span: 2) } }", 2, "is empty in the standard part"},
    {GOOD "caps { c { 1: e } }", ANNEX "caps { c { 1: f (span: 2) } }", 2, "something else in the standard part"},
    {GOOD "caps { c { 1: u } }", ANNEX "caps { c { 1: u (span: 0) } }", 2, "'span' is 0"},
    {GOOD "caps { c { 1: u } }", ANNEX "caps { c { 1: u (badge: 1) } }", 2, "'span' only"},
    {GOOD, ANNEX "caps { v { 0: e } }", 2, "cannot hold"},
    {GOOD, ANNEX "caps { r { 0: e } }", 2, "has no slots"},
};

static void wrong_text_is_refused_at_its_line(void **state)
{
    (void)state;
    unsigned refused = 0;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct complaint why = {""};
        struct capdl_model *m = capdl_new();
        assert_non_null(m);
        int status = capdl_parse(m, CAPDL_STANDARD, "file", cases[i].standard, strlen(cases[i].standard), &why);
        if (cases[i].annex && status != 0)
            fail_msg("case %zu: its standard part is refused: %s", i, why.text);
        if (cases[i].annex)
            status = capdl_parse(m, CAPDL_ANNEX, "file", cases[i].annex, strlen(cases[i].annex), &why);
        char place[32];
        snprintf(place, sizeof place, "file:%u: ", cases[i].line);
        if (cases[i].line == 0) {
            assert_int_equal(status, 0);
            assert_true((capdl_sort(m) == CAPDL_NONE) == (cases[i].sentence == NULL));
        } else if (status == 0 || strncmp(why.text, place, strlen(place)) != 0 || !strstr(why.text, cases[i].sentence)) {
            fail_msg("case %zu: '%s' is not '%s%s'", i, status ? why.text : "accepted", place, cases[i].sentence);
        }
        refused += status != 0;
        capdl_free(m);
    }
    assert_true(refused >= 100);
}

static const char sample[] =
    "arch x86_64\n-- a comment\nobjects {\n  a[4] = frame (4k, fill: [{0 4096 CDL_FrameFill_FileData \"x\" 5}])\n  c = cnode (4 bits)\n"
    "  d = io_device (domainID: 1, 0:1.2)\n  e = ep\n  i = irq\n  n = notification\n  p = io_ports (ports: [1..2])\n"
    "  t = tcb (addr: 0x1000, prio: 3, resume: True, init: [1, 2])\n  u = ut (20 bits) {e, a[1..2]}\n  /* x /* y */ z */\n}\n"
    "caps {\n  c {\n    1: a[0..3] (RWX)\n    5: e (badge: 7, RG)\n    6: c (guard: 1, guard_size: 60)\n  }\n  i {0: n (badge: 1, W)}\n"
    "  t {\n    cspace: c (guard_size: 60)\n  }\n}\nirq maps {\n  7: i\n}\n";

static void try(const char *text, size_t size)
{
    struct complaint why = {""};
    struct capdl_model *m = capdl_new();
    char *copy = malloc(size ? size : 1); /* exact size: the sanitizer sees a byte too far */
    assert_non_null(m);
    assert_non_null(copy);
    memcpy(copy, text, size);
    if (capdl_parse(m, CAPDL_STANDARD, "file", copy, size, &why) != 0)
        assert_int_equal(strncmp(why.text, "file:", 5), 0);
    else
        capdl_sort(m);
    free(copy);
    capdl_free(m);
}

static void no_text_breaks_the_parser(void **state)
{
    (void)state;
    static const char bytes[] = "{}()[]<>=:;,./-09azRX\n\"*\0\xff";
    size_t size = strlen(sample);
    char text[sizeof sample + 1];
    for (size_t n = 0; n <= size; n++)
        try(sample, n);
    for (size_t at = 0; at < size; at++) {
        memcpy(text, sample, at);
        memcpy(text + at, sample + at + 1, size - at - 1);
        try(text, size - 1);
        for (size_t b = 0; b < sizeof bytes - 1; b++) {
            memcpy(text, sample, size);
            text[at] = bytes[b];
            try(text, size);
            memcpy(text + at + 1, sample + at, size - at);
            try(text, size + 1);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_text_is_refused_at_its_line),
        cmocka_unit_test(no_text_breaks_the_parser),
    };
    return cmocka_run_group_tests_name("capdl_refused", tests, NULL, NULL);
}
