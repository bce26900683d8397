/* `atoll`'s compiler: a description to the files that boot takes as modules. The only place where capability slots and
 * virtual addresses are chosen. */
#include "compile.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <atoll/component.h>
#include <atoll/console.h>

static const char *const image_names[COMPONENTS] = {"node_manager", "vmm", "console", "disk", "switch", "igb", "nvme_pf", "nvme_disk"};

static int write_file(const char *dir, const char *name, const void *bytes, size_t size)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "wb");
    if (f && fwrite(bytes, 1, size, f) == size && fclose(f) == 0)
        return 0;
    fprintf(stderr, "%s: cannot be written: %s\n", path, strerror(errno));
    return -1;
}

static int load_image(struct component_image *image, const char *images, const char *name, uint64_t low, uint64_t high)
{
    char path[4096];
    const char *why;
    size_t size;
    snprintf(path, sizeof path, "%s/%s.elf", images, name);
    uint8_t *file = file_read(path, &size);
    if (!file) {
        fprintf(stderr, "%s: cannot be read: %s; build it with `make`\n", path, strerror(errno));
        return -1;
    }
    if (component_image_parse(image, file, size, low, high, &why) != 0) {
        fprintf(stderr, "%s: %s; build it again with `make`\n", path, why);
        return -1;
    }
    return 0;
}

static int load_images(struct compile_input *in, const char *images)
{
    for (unsigned i = 0; i < COMPONENTS; i++)
        if (load_image(&in->images[i], images, image_names[i], COMPONENT_IMAGE_VA, COMPONENT_STACK_TOP - (COMPONENT_STACK_PAGES + 1) * 4096) != 0)
            return -1;
    return load_image(&in->init, images, "init", 4096, 1ull << 47) != 0 ||
           load_image(&in->kernel, images, "../kernel", KERNEL_IMAGE_VA, KERNEL_MAP_VA) != 0 ? -1 : 0;
}

/* Sizes of the VMs' files, which travel in their configuration. */
static int load_vms(struct compile_input *in)
{
    const struct description *d = in->description;
    for (size_t i = 0; i < d->vm_count; i++) {
        const char *paths[2 + DISKS_MAX] = {d->vms[i].kernel, d->vms[i].initrd};
        uint64_t *sizes[2 + DISKS_MAX] = {&in->vms[i].kernel_size, &in->vms[i].initrd_size};
        for (size_t k = 0; k < d->vms[i].disk_count; k++) {
            paths[2 + k] = d->vms[i].disks[k].file;
            sizes[2 + k] = &in->vms[i].disk_sizes[k];
        }
        for (unsigned f = 0; f < 2 + DISKS_MAX; f++) {
            struct stat st;
            if (!paths[f])
                continue;
            if (stat(paths[f], &st) != 0) {
                fprintf(stderr, "%s: cannot be read: %s\n", paths[f], strerror(errno));
                return -1;
            }
            *sizes[f] = (uint64_t)st.st_size;
        }
    }
    return 0;
}

static int write_request(const struct description *d, const struct node_memory *memory, const char *dir)
{
    size_t size;
    void *request = compile_request(d, memory, &size);
    if (!request) {
        fprintf(stderr, "%s: too many VMs and nodes for one system request\n", d->file);
        return -1;
    }
    int status = write_file(dir, "system", request, size);
    free(request);
    return status;
}

static int write_spec(const struct compile_input *in, uint32_t node, struct node_memory *memory, const char *dir)
{
    struct spec_builder *s = spec_new(node);
    size_t size;
    char name[32];

    if (s) {
        s->header.flags = in->description->dump ? SPEC_FLAG_DUMP : 0;
        compile_node(s, in, node);
    }
    void *spec = s ? spec_finish(s, &size) : NULL;
    if (spec)
        *memory = compile_memory(in, s, size);
    spec_free(s);
    if (!spec) {
        fprintf(stderr, "%s: node %u needs more than %u objects\n", in->description->file, node, SPEC_MAX_OBJECTS);
        return -1;
    }
    int status = -1;
    if (memory->bytes == 0) {
        fprintf(stderr, "%s: node %u needs more than 1 GiB of private memory; give its VM less memory or fewer devices\n", in->description->file, node);
    } else {
        snprintf(name, sizeof name, "node.%u.spec", node);
        status = write_file(dir, name, spec, size);
    }
    free(spec);
    return status;
}

int compile_system(const struct description *d, const char *images, const char *dir)
{
    struct compile_input in = {.description = d};
    int status = -1;

    uint32_t vcpus = 0;
    for (size_t i = 0; i < d->vm_count; i++)
        vcpus += d->vms[i].vcpus;
    if (d->vm_count > CONSOLE_MAX_VMS || vcpus + 1 > d->cores) {
        fprintf(stderr, "%s: %zu VMs do not fit: each vCPU takes a core of its own beside the control core, and consoles end at %u\n",
                d->file, d->vm_count, CONSOLE_MAX_VMS);
        return -1;
    }
    if (d->cores > CONSOLE_MAX_NODES) {
        fprintf(stderr, "%s: %u cores: the console serves at most %u; write fewer\n", d->file, d->cores, CONSOLE_MAX_NODES);
        return -1;
    }
    struct node_memory memory[CONSOLE_MAX_NODES];
    in.vms = calloc(d->vm_count + 1, sizeof *in.vms);
    if (!in.vms) {
        fprintf(stderr, "%s: not enough memory\n", d->file);
        return -1;
    }
    if (load_images(&in, images) == 0 && load_vms(&in) == 0) {
        status = 0;
        for (uint32_t node = 0; node < d->cores && status == 0; node++)
            status = write_spec(&in, node, &memory[node], dir);
        if (status == 0)
            status = write_request(d, memory, dir);
    }
    for (unsigned i = 0; i < COMPONENTS; i++)
        free(in.images[i].file);
    free(in.kernel.file);
    free(in.init.file);
    free(in.vms);
    return status;
}
