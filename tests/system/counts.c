/* QEMU plugin (its documented interface, version 4): how many instructions each processor has executed, as 64-bit words in the file that the option out=FILE
 * names, up to date at any time. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

typedef uint64_t plugin_id;
struct qemu_plugin_tb;
enum cb_flags { CB_NO_REGS };
extern void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id id, void (*cb)(plugin_id id, struct qemu_plugin_tb *tb));
extern size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
extern void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *tb, void (*cb)(unsigned vcpu, void *data), enum cb_flags flags, void *data);

__attribute__((visibility("default"))) int qemu_plugin_version = 4;

#define MAX 64
static uint64_t *executed;

static void run(unsigned vcpu, void *data)
{
    if (vcpu < MAX)
        executed[vcpu] += (uintptr_t)data;
}

static void translated(plugin_id id, struct qemu_plugin_tb *tb)
{
    (void)id;
    qemu_plugin_register_vcpu_tb_exec_cb(tb, run, CB_NO_REGS, (void *)qemu_plugin_tb_n_insns(tb));
}

int qemu_plugin_install(plugin_id id, const void *info, int argc, char **argv);
__attribute__((visibility("default"))) int qemu_plugin_install(plugin_id id, const void *info, int argc, char **argv)
{
    int file = -1;

    (void)info;
    for (int i = 0; i < argc; i++)
        if (strncmp(argv[i], "out=", 4) == 0)
            file = open(argv[i] + 4, O_RDWR | O_CREAT | O_TRUNC, 0666);
    if (file < 0 || ftruncate(file, MAX * sizeof *executed) != 0)
        return -1;
    executed = mmap(NULL, MAX * sizeof *executed, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (executed == MAP_FAILED)
        return -1;
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    return 0;
}
