/* The system description: YAML through libcyaml, then the checks that no schema can express. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <atoll/component.h>
#include <atoll/console.h>
#include <atoll/system.h>
#include "description_disk.h"
#include "description_net.h"
#include "image.h"

#define LARGE_PAGE (2ull << 20)
#define BOOT_MEMORY (32ull << 20) /* firmware, boot itself, its tables: beyond what is planned */
#define DESCRIPTION_MAX (1u << 20) /* bytes of the file */
#define MACHINE_MEMORY_MIN (128ull << 20)

enum description_console { CONSOLE_SERIAL = 1, CONSOLE_VIRTIO = 2 };

/* The file as libcyaml loads it. */
struct yaml_vm {
    char *name, *memory, *kernel, *initrd, *cmdline;
    uint32_t vcpus;
    enum description_boot boot;
    enum description_console console;
    struct yaml_disk *disks;
    uint32_t disks_count;
    enum vm_restart restart;
    bool test_hooks;
    struct yaml_net *net;
    uint32_t net_count;
};
struct yaml_machine {
    uint32_t cores;
    char *memory, *node_memory;
};
struct yaml_description {
    struct yaml_machine machine;
    bool probe;
    struct yaml_switch *switches;
    uint32_t switches_count;
    struct yaml_nic *nics;
    uint32_t nics_count;
    struct yaml_ssd *ssds;
    uint32_t ssds_count;
    struct yaml_vm *vms;
    uint32_t vms_count;
};

static const cyaml_strval_t boot_values[] = {{"linux", BOOT_LINUX}, {"multiboot", BOOT_MULTIBOOT}};

static const cyaml_strval_t console_values[] = {{"serial", CONSOLE_SERIAL}, {"virtio", CONSOLE_VIRTIO}};
static const cyaml_strval_t restart_values[] = {
    {"never", VM_RESTART_NEVER}, {"on-failure", VM_RESTART_ON_FAILURE}, {"always", VM_RESTART_ALWAYS}};

static const cyaml_schema_field_t vm_fields[] = {
    CYAML_FIELD_STRING_PTR("name", CYAML_FLAG_POINTER, struct yaml_vm, name, 1, VM_NAME_MAX - 1),
    CYAML_FIELD_STRING_PTR("memory", CYAML_FLAG_POINTER, struct yaml_vm, memory, 1, 32),
    CYAML_FIELD_ENUM("boot", CYAML_FLAG_STRICT | CYAML_FLAG_OPTIONAL, struct yaml_vm, boot, boot_values, 2),
    CYAML_FIELD_STRING_PTR("kernel", CYAML_FLAG_POINTER, struct yaml_vm, kernel, 1, 4095),
    CYAML_FIELD_STRING_PTR("initrd", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct yaml_vm, initrd, 1, 4095),
    CYAML_FIELD_STRING_PTR("cmdline", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct yaml_vm, cmdline, 0, 2047),
    CYAML_FIELD_UINT("vcpus", CYAML_FLAG_OPTIONAL, struct yaml_vm, vcpus),
    CYAML_FIELD_ENUM("console", CYAML_FLAG_STRICT | CYAML_FLAG_OPTIONAL, struct yaml_vm, console, console_values, 2),
    CYAML_FIELD_SEQUENCE("disks", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct yaml_vm, disks, &disk_schema, 0, DISKS_MAX),
    CYAML_FIELD_ENUM("restart", CYAML_FLAG_STRICT | CYAML_FLAG_OPTIONAL, struct yaml_vm, restart, restart_values, 3),
    CYAML_FIELD_BOOL("test-hooks", CYAML_FLAG_OPTIONAL, struct yaml_vm, test_hooks),
    CYAML_FIELD_SEQUENCE("net", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct yaml_vm, net, &net_schema, 0, NET_MAX),
    CYAML_FIELD_END};

static const cyaml_schema_value_t vm_schema = {CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct yaml_vm, vm_fields)};

static const cyaml_schema_field_t machine_fields[] = {
    CYAML_FIELD_UINT("cores", CYAML_FLAG_DEFAULT, struct yaml_machine, cores),
    CYAML_FIELD_STRING_PTR("memory", CYAML_FLAG_POINTER, struct yaml_machine, memory, 1, 32),
    CYAML_FIELD_STRING_PTR("node-memory", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct yaml_machine, node_memory, 1, 32),
    CYAML_FIELD_END};

static const cyaml_schema_field_t description_fields[] = {
    CYAML_FIELD_MAPPING("machine", CYAML_FLAG_DEFAULT, struct yaml_description, machine, machine_fields),
    CYAML_FIELD_BOOL("probe", CYAML_FLAG_OPTIONAL, struct yaml_description, probe),
    CYAML_FIELD_SEQUENCE("switches", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct yaml_description, switches, &switch_schema, 0,
                         SWITCHES_MAX),
    CYAML_FIELD_SEQUENCE("nics", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct yaml_description, nics, &nic_schema, 0, NICS_MAX),
    CYAML_FIELD_SEQUENCE("ssds", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct yaml_description, ssds, &ssd_schema, 0, SSDS_MAX),
    CYAML_FIELD_SEQUENCE("vms", CYAML_FLAG_POINTER, struct yaml_description, vms, &vm_schema, 1, CONSOLE_MAX_VMS),
    CYAML_FIELD_END};

static const cyaml_schema_value_t description_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct yaml_description, description_fields)};

/* What the checks need at hand. */
struct check {
    struct yaml_source source;
    struct complaint *why;
    struct description *d;
    uint64_t memory_needed; /* bytes that everything together takes */
    uint32_t nodes_taken;   /* by the control node and the VMs so far */
};

#define FAIL(c, node, ...) complain((c)->why, (c)->source.file, yaml_line(node), __VA_ARGS__)

/* "256M" to bytes: a whole number, then K, M, G or T. */
static bool size_parse(const char *text, uint64_t *bytes)
{
    char *end;
    errno = 0;
    unsigned long long n = strtoull(text, &end, 10);
    if (!isdigit((unsigned char)text[0]) || errno != 0)
        return false;
    const char *units = "KMGT", *unit = strchr(units, *end);
    if (*end == 0 || unit == NULL || end[1] != 0)
        return false;
    unsigned shift = 10 * (unsigned)(unit - units + 1);
    if (n > UINT64_MAX >> shift)
        return false;
    *bytes = (uint64_t)n << shift;
    return true;
}

static int size_check(struct check *c, yaml_node_t *node, const char *key, const char *text, uint64_t least, uint64_t *bytes)
{
    if (!size_parse(text, bytes))
        return FAIL(c, node, "'%s' is '%s'; write a size with its unit, such as 256M or 2G", key, text);
    if (*bytes % LARGE_PAGE != 0)
        return FAIL(c, node, "'%s' is '%s'; write a multiple of 2M", key, text);
    if (*bytes < least)
        return FAIL(c, node, "'%s' is '%s'; write at least %lluM", key, text, (unsigned long long)(least >> 20));
    return 0;
}

static uint64_t round_up(uint64_t size)
{
    return (size + LARGE_PAGE - 1) & ~(LARGE_PAGE - 1);
}

static int machine_check(struct check *c, const struct yaml_machine *machine, uint32_t cores, yaml_node_t *node)
{
    struct description *d = c->d;
    d->cores = cores != 0 ? cores : machine->cores;
    yaml_node_t *at = yaml_value(&c->source, node, "cores");
    if (d->cores < 2)
        return FAIL(c, at, "'cores' is %u; one core runs the control node and each VM needs its own: write at least 2", d->cores);
    if (d->cores > SYSTEM_MAX_NODES)
        return FAIL(c, at, "'cores' is %u; write at most %u", d->cores, SYSTEM_MAX_NODES);
    if (size_check(c, yaml_value(&c->source, node, "memory"), "memory", machine->memory, MACHINE_MEMORY_MIN, &d->memory) != 0)
        return -1;
    if (machine->node_memory != NULL &&
        size_check(c, yaml_value(&c->source, node, "node-memory"), "node-memory", machine->node_memory, 4ull << 20,
                   &d->node_memory) != 0)
        return -1;
    c->memory_needed = BOOT_MEMORY;
    uint64_t node_memory = d->node_memory ? d->node_memory : DESCRIPTION_NODE_MEMORY;
    if (node_memory > d->memory / d->cores)
        return FAIL(c, at, "%u nodes with %lluM each do not fit into the machine's %lluM; write fewer cores or more memory", d->cores,
                    (unsigned long long)(node_memory >> 20), (unsigned long long)(d->memory >> 20));
    c->memory_needed += d->cores * node_memory;
    return 0;
}

static int name_check(struct check *c, const char *name, size_t index, yaml_node_t *node)
{
    bool good = isalpha((unsigned char)name[0]);
    for (const char *p = name; *p != 0; p++)
        good = good && (isalnum((unsigned char)*p) || *p == '-');
    if (!good)
        return FAIL(c, node, "VM name '%s'; write a letter, then letters, digits and '-'", name);
    if (strcmp(name, "system") == 0)
        return FAIL(c, node, "VM name 'system' is the system log's; write another name");
    for (size_t i = 0; i < index; i++)
        if (strcmp(c->d->vms[i].name, name) == 0)
            return FAIL(c, node, "two VMs are named '%s' (the first in line %u); write different names", name, c->d->vms[i].line);
    return 0;
}

/* A path in the file is relative to the file's folder. */
static char *path_resolve(const char *file, const char *path)
{
    const char *slash = strrchr(file, '/');
    size_t folder = path[0] == '/' || slash == NULL ? 0 : (size_t)(slash - file) + 1;
    char *full = malloc(folder + strlen(path) + 1);
    if (full != NULL) {
        memcpy(full, file, folder);
        strcpy(full + folder, path);
    }
    return full;
}

static const char *read_failure(void)
{
    return errno == EISDIR ? "not a file" : errno == EFBIG ? "too large" : strerror(errno);
}

/* Reads an image file; its size counts twice: as loaded by the firmware and as copied by boot. */
static int file_read(struct check *c, yaml_node_t *node, const char *key, const char *path, struct image *image)
{
    if (image_read(path, c->d->memory, image) != 0)
        return FAIL(c, node, "%s '%s' cannot be read: %s; write the path of a file, relative to this one", key, path, read_failure());
    if (image->size == 0) {
        image_free(image);
        return FAIL(c, node, "%s '%s' is empty; fetch or build it again", key, path);
    }
    c->memory_needed += image->size + round_up(image->size);
    return 0;
}

static int files_check(struct check *c, const struct description_vm *vm, yaml_node_t *node)
{
    yaml_node_t *kernel_at = yaml_value(&c->source, node, "kernel"), *initrd_at = yaml_value(&c->source, node, "initrd");
    struct image image;
    char text[256];
    uint64_t needs = 0, initrd_size = 0;
    uint32_t cmdline_max = sizeof ((struct vm_config *)0)->cmdline - 1;
    if (file_read(c, kernel_at, "kernel", vm->kernel, &image) != 0)
        return -1;
    const char *wrong = vm->boot == BOOT_LINUX ? image_check_linux(&image, &needs, &cmdline_max, text, sizeof text)
                                               : image_check_multiboot(&image, &needs, text, sizeof text);
    image_free(&image);
    if (wrong != NULL)
        return FAIL(c, kernel_at, "kernel '%s' %s", vm->kernel, wrong);
    if (vm->initrd != NULL) {
        if (file_read(c, initrd_at, "initrd", vm->initrd, &image) != 0)
            return -1;
        initrd_size = image.size;
        image_free(&image);
    }
    if (strlen(vm->cmdline) > cmdline_max)
        return FAIL(c, yaml_value(&c->source, node, "cmdline"), "'cmdline' is %zu bytes long; this kernel takes at most %u",
                    strlen(vm->cmdline), cmdline_max);
    uint64_t least = round_up(needs) + round_up(initrd_size);
    if (needs > UINT64_MAX / 4 || vm->memory < least)
        return FAIL(c, yaml_value(&c->source, node, "memory"), "'memory' is %lluM, too little for this kernel%s; write at least %lluM",
                    (unsigned long long)(vm->memory >> 20), vm->initrd != NULL ? " with its initrd" : "",
                    (unsigned long long)(least >> 20));
    return 0;
}

/* A disk's bytes count twice, like those of every file: as loaded by the firmware and as copied by boot. */
static int disks_check(struct check *c, const struct yaml_vm *from, yaml_node_t *node)
{
    yaml_node_t *disks = yaml_value(&c->source, node, "disks");
    for (size_t i = 0; i < from->disks_count; i++) {
        uint64_t size;
        if (disk_check(&c->source, c->why, c->d, &from->disks[i],
                       from->disks[i].virtio == NULL ? NULL : path_resolve(c->d->file, from->disks[i].virtio),
                       yaml_entry(&c->source, disks, i), &size) != 0)
            return -1;
        if (size > c->d->memory)
            return FAIL(c, yaml_entry(&c->source, disks, i), "a disk of %lluM is larger than the machine's memory, where it is kept; raise machine.memory",
                        (unsigned long long)(size >> 20));
        c->memory_needed += size + round_up(size);
    }
    return 0;
}

static int ssds_check(struct check *c, const struct yaml_description *from, yaml_node_t *root)
{
    yaml_node_t *ssds = yaml_value(&c->source, root, "ssds");
    for (size_t i = 0; i < from->ssds_count; i++) {
        yaml_node_t *node = yaml_entry(&c->source, ssds, i);
        uint64_t size = 0;
        if (from->ssds[i].namespace_size != NULL &&
            size_check(c, yaml_value(&c->source, node, "namespace-size"), "namespace-size", from->ssds[i].namespace_size, LARGE_PAGE, &size) != 0)
            return -1;
        if (ssd_check(&c->source, c->why, c->d, &from->ssds[i], size, node) != 0)
            return -1;
    }
    return 0;
}

static int vm_check(struct check *c, const struct yaml_vm *from, size_t index, yaml_node_t *node)
{
    struct description *d = c->d;
    struct description_vm *vm = &d->vms[index];
    vm->line = yaml_line(node);
    vm->name = strdup(from->name);
    vm->boot = from->boot == 0 ? BOOT_LINUX : from->boot;
    vm->kernel = path_resolve(d->file, from->kernel);
    vm->initrd = from->initrd == NULL ? NULL : path_resolve(d->file, from->initrd);
    vm->cmdline = strdup(from->cmdline == NULL ? "" : from->cmdline);
    vm->restart = from->restart;
    vm->test_hooks = from->test_hooks;
    vm->virtio_console = from->console == CONSOLE_VIRTIO;
    d->vm_count = index + 1; /* from here on description_free() knows it */
    if (vm->name == NULL || vm->kernel == NULL || vm->cmdline == NULL || (from->initrd != NULL && vm->initrd == NULL))
        return FAIL(c, node, "out of memory");
    if (name_check(c, vm->name, index, yaml_value(&c->source, node, "name")) != 0)
        return -1;

    yaml_node_t *vcpus_at = yaml_value(&c->source, node, "vcpus");
    vm->vcpus = vcpus_at == NULL ? 1 : from->vcpus;
    if (vm->vcpus == 0)
        return FAIL(c, vcpus_at, "'vcpus' is 0; write 1");
    uint32_t nodes_free = d->cores - c->nodes_taken;
    if (vm->vcpus > nodes_free)
        return FAIL(c, vcpus_at == NULL ? node : vcpus_at,
                    "VM '%s' needs %u more core%s and %u of the machine's %u %s free (core 0 runs the control node, each vCPU takes "
                    "one): raise machine.cores or remove vCPUs", vm->name, vm->vcpus, vm->vcpus == 1 ? "" : "s", nodes_free,
                    d->cores, nodes_free == 1 ? "is" : "are");
    if (vm->vcpus > VM_MAX_VCPUS)
        return FAIL(c, vcpus_at, "'vcpus' is %u; write at most %u", vm->vcpus, VM_MAX_VCPUS);
    vm->first_node = c->nodes_taken;
    c->nodes_taken += vm->vcpus;

    yaml_node_t *memory_at = yaml_value(&c->source, node, "memory");
    if (size_check(c, memory_at, "memory", from->memory, LARGE_PAGE, &vm->memory) != 0 || files_check(c, vm, node) != 0 ||
        disks_check(c, from, node) != 0)
        return -1;
    if (vm->memory > d->memory || c->memory_needed + vm->memory > d->memory)
        return FAIL(c, memory_at,
                    "VM '%s' with %lluM does not fit: the machine has %lluM and %lluM are taken before it (nodes, images, VMs above); "
                    "write less, or raise machine.memory", vm->name, (unsigned long long)(vm->memory >> 20),
                    (unsigned long long)(d->memory >> 20), (unsigned long long)(c->memory_needed >> 20));
    c->memory_needed += vm->memory;
    for (size_t i = 0; i < from->net_count; i++)
        if (net_check(&c->source, c->why, d, &from->net[i], yaml_entry(&c->source, yaml_value(&c->source, node, "net"), i)) != 0)
            return -1;
    return 0;
}

static void cyaml_silent(cyaml_log_t level, void *context, const char *format, va_list args)
{
    (void)level;
    (void)context;
    (void)format;
    (void)args; /* yaml_check has said everything that there is to say */
}

static int source_check(struct check *c, const struct image *text, uint32_t cores)
{
    const cyaml_config_t config = {.log_fn = cyaml_silent, .mem_fn = cyaml_mem, .log_level = CYAML_LOG_ERROR};
    struct yaml_description *yaml = NULL;
    if (yaml_source_check(&c->source, &description_schema, c->why) != 0)
        return -1;
    cyaml_err_t error = cyaml_load_data(text->bytes, text->size, &config, &description_schema, (cyaml_data_t **)&yaml, NULL);
    if (error != CYAML_OK)
        return complain(c->why, c->source.file, 1, "cannot be loaded: %s", cyaml_strerror(error));
    yaml_node_t *root = yaml_root(&c->source), *vms = yaml_value(&c->source, root, "vms");
    int status = machine_check(c, &yaml->machine, cores, yaml_value(&c->source, root, "machine"));
    c->d->probe = yaml->probe;
    c->d->vms = calloc(yaml->vms_count, sizeof *c->d->vms);
    if (status == 0 && c->d->vms == NULL)
        status = FAIL(c, vms, "out of memory");
    for (size_t i = 0; status == 0 && i < yaml->switches_count; i++)
        status = switch_check(&c->source, c->why, c->d, &yaml->switches[i],
                              yaml_entry(&c->source, yaml_value(&c->source, root, "switches"), i));
    for (size_t i = 0; status == 0 && i < yaml->nics_count; i++)
        status = nic_check(&c->source, c->why, c->d, &yaml->nics[i], yaml_entry(&c->source, yaml_value(&c->source, root, "nics"), i));
    if (status == 0)
        status = ssds_check(c, yaml, root);
    for (size_t i = 0; status == 0 && i < yaml->vms_count; i++)
        status = vm_check(c, &yaml->vms[i], i, yaml_entry(&c->source, vms, i));
    cyaml_free(&config, &description_schema, yaml, 0);
    return status;
}

int description_load(const char *file, uint32_t cores, struct description *d, struct complaint *why)
{
    struct check c = {.why = why, .d = d, .nodes_taken = 1};
    struct image text;
    *d = (struct description){0};
    if (image_read(file, DESCRIPTION_MAX, &text) != 0)
        return complain(why, file, 1, "cannot be read: %s; name a description such as examples/two-vms.yaml", read_failure());
    int status = -1;
    if ((d->file = strdup(file)) == NULL) {
        complain(why, file, 1, "out of memory");
    } else if (yaml_source_open(&c.source, d->file, (const char *)text.bytes, text.size, why) == 0) {
        status = source_check(&c, &text, cores);
        yaml_source_close(&c.source);
    }
    image_free(&text);
    if (status != 0)
        description_free(d);
    return status;
}

void description_free(struct description *d)
{
    for (size_t i = 0; i < d->vm_count; i++) {
        free(d->vms[i].name);
        free(d->vms[i].kernel);
        free(d->vms[i].initrd);
        free(d->vms[i].cmdline);
        for (size_t k = 0; k < d->vms[i].disk_count; k++)
            free(d->vms[i].disks[k].file);
    }
    free(d->vms);
    free(d->file);
    *d = (struct description){0};
}
