/* Instruction decoder: encodings as an assembler makes them, and every byte string without harm. */
#include "vmm_fixture.h"
#include "decode.h"

#define BYTES(...) (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__})

static struct instruction good(unsigned bits, const uint8_t *bytes, unsigned n)
{
    struct instruction in;

    if (!decode(bytes, n, bits, &in))
        fail_msg("%02x %02x %02x is not decoded", bytes[0], bytes[1], bytes[2]);
    assert_int_equal(in.length, n);
    for (unsigned cut = 0; cut < n; cut++) { /* cut off: refused, or another, shorter instruction */
        struct instruction less;

        if (decode(bytes, cut, bits, &less))
            assert_true(less.length <= cut);
    }
    return in;
}

static void moves_64(void **state)
{
    struct instruction in;

    (void)state;
    in = good(64, BYTES(0x8b, 0x00)); /* mov eax,[rax] */
    assert_int_equal(in.operation, OP_MOV);
    assert_int_equal(in.to, OPERAND_REG);
    assert_int_equal(in.bytes, 4);
    assert_int_equal(in.base, 0);
    assert_int_equal(in.index, NO_REGISTER);
    in = good(64, BYTES(0x4c, 0x89, 0x64, 0x8d, 0xf0)); /* mov [rbp+rcx*4-16],r12 */
    assert_int_equal(in.bytes, 8);
    assert_int_equal(in.reg, 12);
    assert_int_equal(in.base, 5);
    assert_int_equal(in.index, 1);
    assert_int_equal(in.scale, 2);
    assert_true(in.displacement == -16);
    assert_int_equal(in.segment, 2);
    in = good(64, BYTES(0x67, 0x8b, 0x04, 0x25, 0x10, 0, 0xc0, 0xfe)); /* mov eax,[dword 0xfec00010] */
    assert_int_equal(in.address_bytes, 4);
    assert_int_equal(in.base, NO_REGISTER);
    assert_true((uint32_t)in.displacement == 0xfec00010);
    in = good(64, BYTES(0x8b, 0x05, 0x10, 0, 0, 0)); /* mov eax,[rip+16] */
    assert_true(in.rip_relative);
    assert_int_equal(in.displacement, 16);
    in = good(64, BYTES(0x65, 0x48, 0x8b, 0x04, 0x25, 0, 0, 0, 0)); /* mov rax,gs:[0] */
    assert_int_equal(in.segment, 5);
    in = good(64, BYTES(0x48, 0xc7, 0x00, 0xff, 0xff, 0xff, 0xff)); /* mov qword [rax],-1 */
    assert_true(in.immediate == ~0ull);
    in = good(64, BYTES(0x66, 0xc7, 0x00, 0x34, 0x12));
    assert_int_equal(in.bytes, 2);
    assert_int_equal(in.immediate, 0x1234);
    in = good(64, BYTES(0x40, 0x88, 0x30)); /* mov [rax],sil */
    assert_true(in.rex);
    in = good(64, BYTES(0x48, 0x0f, 0xbe, 0x03)); /* movsx rax,byte [rbx] */
    assert_true(in.sign_extend);
    assert_int_equal(in.from_bytes, 1);
    assert_int_equal(in.bytes, 8);
    in = good(64, BYTES(0x48, 0x63, 0x03)); /* movsxd rax,[rbx] */
    assert_int_equal(in.from_bytes, 4);
    in = good(64, BYTES(0xa1, 0x10, 0, 0xc0, 0xfe, 0, 0, 0, 0)); /* movabs eax,[..] */
    assert_true(in.displacement == 0xfec00010);
    in = good(64, BYTES(0x43, 0x8b, 0x04, 0x2c)); /* mov eax,[r12+r13] */
    assert_int_equal(in.base, 12);
    assert_int_equal(in.index, 13);
    in = good(64, BYTES(0x48, 0x66, 0x89, 0x00)); /* a REX that is not last counts for nothing */
    assert_int_equal(in.bytes, 2);
}

static void moves_16_and_32(void **state)
{
    struct instruction in;

    (void)state;
    in = good(16, BYTES(0x8b, 0x40, 0xfe)); /* mov ax,[bx+si-2] */
    assert_int_equal(in.bytes, 2);
    assert_int_equal(in.base, 3);
    assert_int_equal(in.index, 6);
    assert_true(in.displacement == -2);
    in = good(16, BYTES(0x66, 0xa1, 0x34, 0x12));
    assert_int_equal(in.bytes, 4);
    assert_int_equal(in.displacement, 0x1234);
    in = good(16, BYTES(0x8b, 0x46, 0x04)); /* bp: stack segment */
    assert_int_equal(in.segment, 2);
    in = good(32, BYTES(0x8b, 0x0d, 0x10, 0, 0xc0, 0xfe));
    assert_false(in.rip_relative);
    in = good(32, BYTES(0x26, 0x8b, 0x00));
    assert_int_equal(in.segment, 0);
    in = good(32, BYTES(0x67, 0x8b, 0x07));
    assert_int_equal(in.address_bytes, 2);
}

static void the_rest(void **state)
{
    struct instruction in;

    (void)state;
    assert_int_equal(good(64, BYTES(0x0f, 0xa2)).operation, OP_OTHER);
    good(64, BYTES(0x66, 0x0f, 0xa2));
    good(64, BYTES(0x0f, 0x01, 0xd9));
    good(64, BYTES(0x0f, 0x01, 0xd1));
    good(64, BYTES(0x0f, 0x30));
    good(64, BYTES(0xf4));
    good(64, BYTES(0xf3, 0x90));
    good(64, BYTES(0xe4, 0x60));
    in = good(64, BYTES(0x44, 0x0f, 0x22, 0xc0)); /* mov cr8,rax */
    assert_int_equal(in.operation, OP_MOV_CR);
    assert_int_equal(in.reg, 8);
    in = good(64, BYTES(0x0f, 0x20, 0x03)); /* mod 0 is still a register */
    assert_false(in.memory);
    assert_int_equal(in.rm, 3);
    assert_int_equal(good(64, BYTES(0x0f, 0x01, 0xf0)).operation, OP_LMSW);
    assert_int_equal(good(64, BYTES(0x0f, 0x06)).operation, OP_CLTS);
    in = good(64, BYTES(0xf3, 0x6f)); /* rep outsd */
    assert_int_equal(in.operation, OP_OUTS);
    assert_int_equal(in.repeat, 0xf3);
    assert_int_equal(in.bytes, 4);
    assert_int_equal(good(64, BYTES(0xf3, 0x48, 0x6d)).bytes, 4);
    in = good(64, BYTES(0x83, 0x38, 0xff)); /* cmp dword [rax],-1 */
    assert_int_equal(in.alu, 7);
    assert_true(in.immediate == ~0ull);
    in = good(64, BYTES(0xf6, 0x00, 0x01)); /* test byte [rax],1 */
    assert_int_equal(in.operation, OP_TEST);
    in = good(64, BYTES(0xf3, 0x48, 0xab));
    assert_int_equal(in.operation, OP_STOS);
    assert_int_equal(in.bytes, 8);
}

static void what_is_not_known(void **state)
{
    struct instruction in;

    (void)state;
    assert_false(decode(BYTES(0xf6, 0x10), 64, &in)); /* not */
    assert_false(decode(BYTES(0xc7, 0xf8, 0, 0, 0, 0), 64, &in)); /* xbegin */
    assert_false(decode(BYTES(0x0f, 0xae, 0x00), 64, &in)); /* fxsave */
    assert_false(decode(BYTES(0x63, 0x00), 32, &in)); /* arpl */
    assert_false(decode(BYTES(0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0xf4), 64, &in));
    assert_false(decode(NULL, 0, 64, &in));
}

static void any_bytes(void **state)
{
    uint64_t seed = 88172645463325252ull;

    (void)state;
    for (unsigned round = 0; round < 300000; round++) {
        unsigned n = round % 16;
        uint8_t *bytes = malloc(n ? n : 1);
        struct instruction in;

        for (unsigned i = 0; i < n; i++) {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            bytes[i] = (uint8_t)seed;
        }
        for (unsigned bits = 16; bits <= 64; bits *= 2)
            if (decode(bytes, n, bits, &in)) {
                assert_in_range(in.length, 1, n);
                assert_true(in.bytes <= 8 && in.alu < 8 && in.segment < 6 && in.scale < 4);
                assert_true(in.base < 16 || in.base == NO_REGISTER);
            }
        free(bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(moves_64), cmocka_unit_test(moves_16_and_32), cmocka_unit_test(the_rest),
                                       cmocka_unit_test(what_is_not_known), cmocka_unit_test(any_bytes)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
