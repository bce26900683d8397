#include "cost.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <atoll/system.h>
#include "image.h"

static uint64_t whole_pages(uint64_t bytes) { return (bytes + 4095) & ~4095ull; }

/* A file's size from where it came from: the folder, or the description. */
static int module_size(const struct description_vm *vm, const char *dir, const char *name, uint64_t *bytes)
{
    char path[4096];
    struct stat st;
    const char *own = strncmp(name, "vm.", 3) == 0 ? name + 3 + strlen(vm->name) + 1 : NULL;

    snprintf(path, sizeof path, "%s/%s", dir, name);
    if (own != NULL && strcmp(own, "kernel") == 0)
        snprintf(path, sizeof path, "%s", vm->kernel);
    else if (own != NULL && strcmp(own, "initrd") == 0 && vm->initrd != NULL)
        snprintf(path, sizeof path, "%s", vm->initrd);
    else if (own != NULL && strncmp(own, "disk", 4) == 0 && strtoul(own + 4, NULL, 10) < vm->disk_count)
        snprintf(path, sizeof path, "%s", vm->disks[strtoul(own + 4, NULL, 10)].file);
    if (stat(path, &st) != 0)
        return -1;
    *bytes = whole_pages((uint64_t)st.st_size);
    return 0;
}

/* Memory that several nodes hold is one. */
static bool counted_before(const struct system_header *h, const struct system_request *r, const struct description_vm *vm)
{
    for (const struct system_request *e = h->requests; e < r; e++)
        if (e->node - vm->first_node < vm->vcpus && strcmp(e->name, r->name) == 0 && e->kind == r->kind)
            return true;
    return false;
}

static int add(const struct system_header *h, const struct system_request *r, const struct description_vm *vm, const char *dir,
               struct cost *cost)
{
    uint64_t bytes;

    switch (r->kind) {
    case RESOURCE_PRIVATE: cost->private += r->size; break;
    case RESOURCE_MODULE:
        if (module_size(vm, dir, r->name, &bytes) != 0)
            return -1;
        *(strncmp(r->name, "node.", 5) == 0 ? &cost->specs : &cost->files) += bytes;
        break;
    case RESOURCE_SHARED: case RESOURCE_LOG: case RESOURCE_LOG_TAIL: case RESOURCE_CHANNEL:
        if (!counted_before(h, r, vm))
            cost->shared += r->size;
        break;
    default: break; /* its RAM, and what is no memory */
    }
    return 0;
}

int cost_of(const struct description *d, const struct description_vm *vm, const char *dir, struct cost *cost)
{
    char path[4096];
    struct image image;
    int status = 0;

    *cost = (struct cost){0};
    snprintf(path, sizeof path, "%s/system", dir);
    if (image_read(path, d->memory, &image) != 0)
        return -1;
    const struct system_header *h = (const struct system_header *)image.bytes;
    for (uint32_t i = 0; status == 0 && i < h->request_count; i++)
        if (h->requests[i].node - vm->first_node < vm->vcpus)
            status = add(h, &h->requests[i], vm, dir, cost);
    image_free(&image);
    return status;
}

int cost_print(const struct description *d, const char *dir, FILE *to)
{
    for (size_t i = 0; i < d->vm_count; i++) {
        struct cost c;
        if (cost_of(d, &d->vms[i], dir, &c) != 0) {
            fprintf(stderr, "%s: VM '%s': its cost cannot be told: %s\n", d->file, d->vms[i].name, strerror(errno));
            return -1;
        }
        fprintf(to, "%s: %llu KiB of RAM; beyond it %llu KiB: %llu private memory of %u node%s, %llu files, %llu specs, %llu queues and logs\n",
                d->vms[i].name, (unsigned long long)d->vms[i].memory >> 10,
                (unsigned long long)(c.private + c.files + c.specs + c.shared) >> 10, (unsigned long long)c.private >> 10, d->vms[i].vcpus,
                d->vms[i].vcpus == 1 ? "" : "s", (unsigned long long)c.files >> 10, (unsigned long long)c.specs >> 10,
                (unsigned long long)c.shared >> 10);
    }
    return fflush(to);
}
