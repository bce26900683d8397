#include "ssd_files.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECTOR 512

static int refuse(const char *path, const char *what, const char *remedy)
{
    fprintf(stderr, "atoll: --ssd: '%s' %s; %s\n", path, what, remedy);
    return -1;
}

/* An entry of --ssd: is it for this namespace? Its file, or NULL. */
static const char *stated_file(const char *text, const char *ssd, uint32_t namespace_id)
{
    size_t length = strlen(ssd);
    char *end;
    if (strncmp(text, ssd, length) != 0 || text[length] != ':')
        return NULL;
    unsigned long n = strtoul(text + length + 1, &end, 10);
    return end != text + length + 1 && *end == '=' && end[1] != 0 && n == namespace_id ? end + 1 : NULL;
}

static int file_new(const char *path, uint64_t size)
{
    int f = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    bool good = f >= 0 && ftruncate(f, (off_t)size) == 0;
    if (!good)
        fprintf(stderr, "atoll: %s cannot be made: %s\n", path, strerror(errno));
    if (f >= 0)
        close(f);
    return good ? 0 : -1;
}

/* A file that the user names is used as it is, whatever the description says about sizes. */
static int file_named(const char *path, const char *link, const struct description_ssd *ssd, uint32_t namespace_id)
{
    struct stat st;
    char full[PATH_MAX];
    if (stat(path, &st) != 0 && errno == ENOENT) {
        if (file_new(path, ssd->namespace_size) != 0)
            return -1;
        printf("%s: namespace %u is the new file %s of %llu MiB\n", ssd->name, namespace_id, path, (unsigned long long)ssd->namespace_size >> 20);
    } else if (stat(path, &st) != 0) {
        return refuse(path, strerror(errno), "name a file that can be read and written");
    } else if (!S_ISREG(st.st_mode) || access(path, R_OK | W_OK) != 0) {
        return refuse(path, "is no file that can be read and written", "name another");
    } else if (st.st_size == 0 || st.st_size % SECTOR) {
        return refuse(path, "is no whole number of sectors of 512 bytes", "`truncate -s %512` rounds it up");
    }
    if (realpath(path, full) == NULL || symlink(full, link) != 0)
        return refuse(path, strerror(errno), "name another");
    return 0;
}

static int namespace_make(const struct machine *m, const struct description *d, const struct description_disk *disk, const char *const *stated,
                          size_t count, bool *used)
{
    const struct description_ssd *ssd = &d->ssds[disk->ssd];
    char link[128];
    snprintf(link, sizeof link, "%s/" MACHINE_NAMESPACE, m->dir, disk->ssd, disk->namespace_id);
    for (size_t i = 0; i < count; i++) {
        const char *path = stated_file(stated[i], ssd->name, disk->namespace_id);
        if (path == NULL)
            continue;
        used[i] = true;
        return file_named(path, link, ssd, disk->namespace_id);
    }
    printf("%s: namespace %u is a temporary file, which goes when the machine stops; --ssd %s:%u=FILE keeps it\n", ssd->name, disk->namespace_id,
           ssd->name, disk->namespace_id);
    return file_new(link, ssd->namespace_size);
}

int ssd_files_make(const struct machine *m, const struct description *d, const char *const *stated, size_t count, struct machine_config *config)
{
    bool used[MACHINE_SSD_FILES] = {false};
    config->ssd_count = (unsigned)d->ssd_count;
    for (size_t v = 0; v < d->vm_count; v++)
        for (size_t i = 0; i < d->vms[v].disk_count; i++) {
            const struct description_disk *disk = &d->vms[v].disks[i];
            if (disk->ssd == SSD_NONE)
                continue;
            if (namespace_make(m, d, disk, stated, count, used) != 0)
                return -1;
            struct machine_ssd *ssd = &config->ssds[disk->ssd];
            ssd->namespaces[ssd->count++] = disk->namespace_id;
        }
    for (size_t i = 0; i < count; i++)
        if (!used[i])
            return refuse(stated[i], "is no namespace that a disk is on, or another one says the same",
                          "write --ssd SSD:NAMESPACE=FILE with the description's names and numbers");
    return fflush(stdout);
}
