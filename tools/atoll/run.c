/* `atoll run`: read, compile, start, drive. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cost.h"
#include "disk_image.h"
#include "run.h"
#include "session.h"
#include "ssd_files.h"

/* "vm:text" of an option to the VM's index; what is behind the colon, or NULL after one sentence. */
static const char *vm_and_text(const char *option, const char *value, const struct description *d, size_t *vm)
{
    const char *colon = strchr(value, ':');
    size_t length = colon == NULL ? 0 : (size_t)(colon - value);
    if (length == 0) {
        fprintf(stderr, "atoll: --%s '%s' names no VM; write --%s VM:'%s'\n", option, value, option, strcmp(option, "exec") == 0 ? "COMMAND" : "TEXT");
        return NULL;
    }
    for (*vm = 0; *vm < d->vm_count; ++*vm)
        if (strlen(d->vms[*vm].name) == length && strncmp(d->vms[*vm].name, value, length) == 0)
            return colon + 1;
    fprintf(stderr, "atoll: --%s '%s': %s has no VM '%.*s'; write one of its names\n", option, value, d->file, (int)length, value);
    return NULL;
}

static int script_fill(struct script *script, const struct run_options *o, const struct description *d)
{
    size_t vm;
    for (size_t i = 0; i < o->exec_count; i++) {
        const char *command = vm_and_text("exec", o->exec[i], d, &vm);
        if (command == NULL)
            return -1;
        if (strlen(command) > 2048 || script_add(script, vm, command) != 0) {
            fprintf(stderr, "atoll: --exec '%s' is too long or one too many\n", o->exec[i]);
            return -1;
        }
    }
    for (size_t i = 0; i < o->order_count; i++) {
        const char *text = vm_and_text(o->orders[i].option, o->orders[i].when, d, &vm);
        if (text == NULL)
            return -1;
        if (script_add_order(script, vm, o->orders[i].command, text) != 0) {
            fprintf(stderr, "atoll: --%s '%s': the text must have 1 to %d characters\n", o->orders[i].option, o->orders[i].when, SCRIPT_TEXT_MAX);
            return -1;
        }
    }
    return 0;
}

static int module_add(struct machine *m, const struct run_options *o, const char *file, const char *name)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", o->images, file);
    return machine_module(m, path, name);
}

static int modules_of_vms(struct machine *m, const struct description *d)
{
    char name[64];
    for (uint32_t node = 0; node < d->cores; node++) {
        snprintf(name, sizeof name, "node.%u.spec", node);
        if (machine_module(m, NULL, name) != 0)
            return -1;
    }
    for (size_t i = 0; i < d->vm_count; i++) {
        const struct description_vm *vm = &d->vms[i];
        snprintf(name, sizeof name, "vm.%s.kernel", vm->name);
        if (machine_module(m, vm->kernel, name) != 0)
            return -1;
        snprintf(name, sizeof name, "vm.%s.initrd", vm->name);
        if (vm->initrd != NULL && machine_module(m, vm->initrd, name) != 0)
            return -1;
        for (unsigned k = 0; k < vm->disk_count; k++) {
            snprintf(name, sizeof name, "vm.%s.disk%u", vm->name, k);
            if (vm->disks[k].file != NULL && machine_module(m, vm->disks[k].file, name) != 0)
                return -1;
        }
    }
    return 0;
}

/* The machine's folder: what boot is to find there as modules. */
static int modules_make(struct machine *m, const struct run_options *o, const struct description *d)
{
    char user[PATH_MAX];
    snprintf(user, sizeof user, "%s/user", o->images);
    if (o->probe && o->file == NULL)
        return probe_compile(m->dir) != 0 ? -1 : machine_module(m, NULL, "system");
    if (o->root_task != NULL ? root_task_compile(o->request, m->dir) != 0 : compile_system(d, user, m->dir) != 0)
        return -1;
    if (machine_module(m, NULL, "system") != 0 || module_add(m, o, "kernel.elf", "kernel") != 0)
        return -1;
    if (o->root_task != NULL)
        return machine_module(m, o->root_task, "init");
    if (module_add(m, o, "user/init.elf", "init") != 0 || modules_of_vms(m, d) != 0)
        return -1;
    return d->probe ? 0 : cost_print(d, m->dir, stdout);
}

static int image_make(const struct machine *m, const struct run_options *o, const char *path, FILE *hashes)
{
    char boot[PATH_MAX];
    snprintf(boot, sizeof boot, "%s/boot.efi", o->images);
    return disk_image_write(path, boot, m->dir, m->modules, m->module_count, hashes);
}

/* What the machine starts from: modules, a disk image made of them (its name goes to `image`), or a disk image that is there. */
static int machine_fill(struct machine *m, const struct run_options *o, const struct description *d, struct machine_config *config,
                        char *image, size_t image_size)
{
    if (config->image != NULL)
        return 0;
    if (modules_make(m, o, d) != 0)
        return -1;
    if (!o->uefi)
        return 0;
    snprintf(image, image_size, "%s/" MACHINE_DISK, m->dir);
    config->image = image;
    return image_make(m, o, image, NULL);
}

static enum run_status run_described(const struct run_options *o, const struct description *d)
{
    char boot[PATH_MAX], image[128];
    struct session s;
    struct machine_config config = o->machine;
    snprintf(boot, sizeof boot, "%s/boot.elf", o->images);
    config.boot = boot;
    config.cores = d->cores;
    config.memory = d->memory;
    config.nic_count = (unsigned)d->nic_count;
    enum run_status status = RUN_WRONG_INPUT;
    if (session_init(&s, o, d) == 0 && script_fill(&s.script, o, d) == 0 && machine_init(&s.machine) == 0) {
        if (machine_fill(&s.machine, o, d, &config, image, sizeof image) == 0 &&
            ssd_files_make(&s.machine, d, o->ssd_files, o->ssd_file_count, &config) == 0 && machine_start(&s.machine, &config) == 0)
            status = session_run(&s);
        else
            machine_stop(&s.machine, false);
    }
    session_free(&s);
    return status;
}

enum run_status run(const struct run_options *o)
{
    struct description d = {0};
    struct complaint why;
    if (o->root_task != NULL) {
        int nodes = root_task_nodes(o->request);
        if (nodes < 0)
            return RUN_WRONG_INPUT;
        d.cores = (uint32_t)nodes;
        d.memory = o->machine.memory;
        return run_described(o, &d);
    }
    if (o->probe && o->file == NULL) {
        d.cores = o->cores ? o->cores : 2;
        d.memory = o->machine.memory;
        return run_described(o, &d);
    }
    if (description_load(o->file, o->cores, &d, &why) != 0) {
        fprintf(stderr, "%s\n", why.text);
        return RUN_WRONG_INPUT;
    }
    d.dump = o->dump;
    d.probe = d.probe || o->probe;
    enum run_status status = run_described(o, &d);
    description_free(&d);
    return status;
}

enum run_status run_image(const struct run_options *o, const char *output)
{
    struct description d = {0};
    struct complaint why;
    struct machine m;
    if (o->file != NULL && description_load(o->file, o->cores, &d, &why) != 0) {
        fprintf(stderr, "%s\n", why.text);
        return RUN_WRONG_INPUT;
    }
    d.dump = o->dump;
    d.probe = d.probe || o->probe;
    bool good = machine_init(&m) == 0;
    if (good) {
        good = modules_make(&m, o, &d) == 0 && image_make(&m, o, output, stdout) == 0;
        machine_stop(&m, false);
    }
    description_free(&d);
    return good ? RUN_GOOD : RUN_WRONG_INPUT;
}
