/* Fuzzing kernel files: loading one ends in a start state or in a sentence, whatever its bytes say. The first byte chooses the protocol. */
#include "linux.h"
#include "multiboot.h"
#include "vmm_fixture.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define RAM 0x1000000u
#define MODULE_BYTES 5000u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t module[MODULE_BYTES];
    static struct fixture *f;
    void *state;
    bool linux_file, good;
    uint8_t *file;

    if (!f) {
        fixture_new(&state);
        f = state;
        f->config.memory = f->vm.memory.bytes = RAM;
        f->vm.initrd = module;
        f->config.initrd_size = MODULE_BYTES;
        strcpy(f->config.cmdline, "console=ttyS0");
    }
    if (!size)
        return 0;
    linux_file = data[0] & 1;
    file = malloc(size - 1 ? size - 1 : 1); /* of its own, so that reading past its end is seen */
    if (!file)
        return 0;
    memcpy(file, data + 1, size - 1);
    f->vm.kernel = file;
    f->config.kernel_size = size - 1;
    f->vm.reason[0] = '\0';
    good = linux_file ? linux_load(&f->vm) : multiboot_load(&f->vm);
    if (good ? f->vm.vcpu.words[W_RIP] >= RAM : f->vm.reason[0] == '\0')
        abort();
    free(file);
    return 0;
}
