/* Partition table: sfdisk. File system: mtools. Ours is what makes the bytes depend on the contents alone: identifiers out of a hash of
 * all contents (RFC 9562, 5.8), times fixed, files in the modules' order. FAT32 as UEFI Specification 2.10, 13.3 asks for. */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "disk_image.h"

#define SECTOR 512ull
#define FIRST_SECTOR 2048ull          /* of the partition: 1 MiB */
#define GPT_SECTORS 34ull             /* at either end */
#define EFI_SYSTEM_PARTITION "C12A7328-F81F-11D2-BA4B-00A0C93EC93B"
#define SMALL_CLUSTERS (1ull << 30)   /* contents of up to 1 GiB: clusters of one sector */
#define MIN_CLUSTERS 66000ull         /* fewer than 65525 would be FAT16: Microsoft FAT specification, "FAT type determination" */
#define SPARE_CLUSTERS 4096ull        /* folders, rounding */
#define FILES_TIME "SOURCE_DATE_EPOCH=315532800" /* 1980-01-01, FAT's beginning */
#define PATH_SIZE 4352

struct part {
    const char *name;    /* of the module */
    const char *file;    /* in the image: several modules with the same contents are one file */
    uint64_t size;
    uint8_t hash[crypto_hash_sha256_BYTES];
};

struct work {
    const char *image, *dir;
    uint64_t partition_sectors, cluster_sectors;
    uint8_t identity[crypto_hash_sha256_BYTES];
};

static int complain(const char *what, const char *why)
{
    fprintf(stderr, "atoll: %s: %s\n", what, why);
    return -1;
}

static int file_hash(const char *path, struct part *part)
{
    uint8_t bytes[65536];
    crypto_hash_sha256_state state;
    FILE *f = fopen(path, "rb");
    if (f == NULL)
        return complain(path, strerror(errno));
    crypto_hash_sha256_init(&state);
    part->size = 0;
    for (size_t n; (n = fread(bytes, 1, sizeof bytes, f)) > 0; part->size += n)
        crypto_hash_sha256_update(&state, bytes, n);
    crypto_hash_sha256_final(&state, part->hash);
    int error = ferror(f) ? errno : 0;
    fclose(f);
    return error == 0 ? 0 : complain(path, strerror(error));
}

/* Run a program to its end; what it says is shown only when it fails. `input` NULL: none. */
static int tool_run(const struct work *w, const char *input, char *const argv[])
{
    static char *const environment[] = {(char *)"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", (char *)"LC_ALL=C",
                                        (char *)"TZ=UTC", (char *)FILES_TIME, (char *)"MTOOLSRC=/dev/null", NULL};
    char log[PATH_SIZE], line[512];
    posix_spawn_file_actions_t actions;
    pid_t pid;
    int status = 0;
    snprintf(log, sizeof log, "%s/image.log", w->dir);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, input == NULL ? "/dev/null" : input, O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, log, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
    int error = posix_spawnp(&pid, argv[0], &actions, NULL, argv, environment);
    posix_spawn_file_actions_destroy(&actions);
    if (error != 0) {
        fprintf(stderr, "atoll: %s cannot be started: %s; scripts/setup installs it\n", argv[0], strerror(error));
        return -1;
    }
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (status == 0)
        return 0;
    fprintf(stderr, "atoll: %s failed while %s was written:\n", argv[0], w->image);
    FILE *f = fopen(log, "r");
    while (f != NULL && fgets(line, sizeof line, f) != NULL)
        fprintf(stderr, "  %s", line);
    if (f != NULL)
        fclose(f);
    return -1;
}

static void uuid_format(const uint8_t *bytes, char text[37])
{
    uint8_t b[16];
    memcpy(b, bytes, sizeof b);
    b[6] = (uint8_t)((b[6] & 0x0f) | 0x80); /* version 8, variant 10: RFC 9562 */
    b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
    snprintf(text, 37, "%02X%02X%02X%02X-%02X%02X-%02X%02X-%02X%02X-%02X%02X%02X%02X%02X%02X", b[0], b[1], b[2], b[3], b[4], b[5], b[6],
             b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
}

static int partition_write(const struct work *w)
{
    char script[PATH_SIZE], disk[37], partition[37];
    uint64_t sectors = FIRST_SECTOR + w->partition_sectors + GPT_SECTORS;
    int fd = open(w->image, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0 || ftruncate(fd, (off_t)((sectors + 2047) / 2048 * 2048 * SECTOR)) != 0 || close(fd) != 0)
        return complain(w->image, strerror(errno));
    snprintf(script, sizeof script, "%s/image.table", w->dir);
    uuid_format(w->identity, disk);
    uuid_format(w->identity + 16, partition);
    FILE *f = fopen(script, "w");
    if (f == NULL)
        return complain(script, strerror(errno));
    fprintf(f, "label: gpt\nlabel-id: %s\nunit: sectors\n\nstart=%llu, size=%llu, type=" EFI_SYSTEM_PARTITION ", uuid=%s, name=\"Atoll\"\n",
            disk, FIRST_SECTOR, (unsigned long long)w->partition_sectors, partition);
    if (fclose(f) != 0)
        return complain(script, strerror(errno));
    return tool_run(w, script, (char *[]){(char *)"sfdisk", (char *)"--quiet", (char *)"--no-reread", (char *)"--no-tell-kernel",
                                          (char *)w->image, NULL});
}

static int file_system_make(const struct work *w, char *where)
{
    char sectors[24], cluster[24], serial[16];
    snprintf(sectors, sizeof sectors, "%llu", (unsigned long long)w->partition_sectors);
    snprintf(cluster, sizeof cluster, "%llu", (unsigned long long)w->cluster_sectors);
    snprintf(serial, sizeof serial, "%02x%02x%02x%02x", w->identity[0], w->identity[1], w->identity[2], w->identity[3]);
    char *const format[] = {(char *)"mformat", (char *)"-i", where, (char *)"-F", (char *)"-T", sectors, (char *)"-c", cluster,
                            (char *)"-H", (char *)"2048", (char *)"-N", serial, (char *)"-v", (char *)"ATOLL", (char *)"::", NULL};
    char *const folders[] = {(char *)"mmd", (char *)"-i", where, (char *)"::/EFI", (char *)"::/EFI/BOOT", (char *)"::/atoll", NULL};
    return tool_run(w, NULL, format) != 0 || tool_run(w, NULL, folders) != 0 ? -1 : 0;
}

static int file_copy(const struct work *w, char *where, const char *from, const char *to)
{
    return tool_run(w, NULL, (char *[]){(char *)"mcopy", (char *)"-i", where, (char *)from, (char *)to, NULL});
}

static int module_copy(const struct work *w, char *where, const char *name)
{
    char from[PATH_SIZE];
    snprintf(from, sizeof from, "%s/%s", w->dir, name);
    return file_copy(w, where, from, "::/atoll/");
}

/* The list that boot reads: "NAME SIZE FILE" per line (boot/efi_input.h). */
static int list_write(const struct work *w, const struct part *modules, size_t count)
{
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "%s/modules", w->dir);
    FILE *f = fopen(path, "w");
    for (size_t i = 0; f != NULL && i < count; i++)
        fprintf(f, "%s %llu %s\n", modules[i].name, (unsigned long long)modules[i].size, modules[i].file);
    return f != NULL && fclose(f) == 0 ? 0 : complain(path, strerror(errno));
}

static bool is_copy(const struct part *module)
{
    return module->file != module->name;
}

/* Sizes, hashes, files of the modules; the identity of it all. */
static int parts_read(struct work *w, const char *boot, struct part *parts, char *const names[], size_t count)
{
    char path[PATH_SIZE];
    crypto_hash_sha256_state state;
    uint64_t bytes = 0;
    crypto_hash_sha256_init(&state);
    for (size_t i = 0; i <= count; i++) {
        struct part *p = &parts[i];
        snprintf(path, sizeof path, "%s/%s", w->dir, i < count ? names[i] : "");
        p->name = p->file = i < count ? names[i] : "BOOTX64.EFI";
        if (file_hash(i < count ? path : boot, p) != 0)
            return -1;
        for (size_t k = 0; k < i && !is_copy(p); k++)
            if (memcmp(parts[k].hash, p->hash, sizeof p->hash) == 0 && i < count)
                p->file = parts[k].file;
        bytes += is_copy(p) ? 0 : p->size + SECTOR;
        crypto_hash_sha256_update(&state, (const uint8_t *)p->name, strlen(p->name) + 1);
        crypto_hash_sha256_update(&state, p->hash, sizeof p->hash);
    }
    crypto_hash_sha256_final(&state, w->identity);
    w->cluster_sectors = bytes <= SMALL_CLUSTERS ? 1 : 8;
    uint64_t clusters = bytes / (w->cluster_sectors * SECTOR) + count + SPARE_CLUSTERS;
    clusters = clusters < MIN_CLUSTERS ? MIN_CLUSTERS : clusters;
    w->partition_sectors = clusters * w->cluster_sectors + 2 * (clusters * 4 / SECTOR + 1) + 64;
    return 0;
}

static void hash_print(FILE *to, const struct part *part)
{
    char hex[2 * crypto_hash_sha256_BYTES + 1];
    fprintf(to, "%s  %s\n", sodium_bin2hex(hex, sizeof hex, part->hash, sizeof part->hash), part->name);
}

static int contents_write(const struct work *w, const char *boot, const struct part *parts, char *const names[], size_t count)
{
    char where[PATH_SIZE];
    snprintf(where, sizeof where, "%s@@%llu", w->image, FIRST_SECTOR * SECTOR);
    if (list_write(w, parts, count) != 0 || partition_write(w) != 0 || file_system_make(w, where) != 0 ||
        file_copy(w, where, boot, "::/EFI/BOOT/BOOTX64.EFI") != 0 || module_copy(w, where, "modules") != 0)
        return -1;
    for (size_t i = 0; i < count; i++)
        if (!is_copy(&parts[i]) && module_copy(w, where, names[i]) != 0)
            return -1;
    return 0;
}

int disk_image_write(const char *image, const char *boot, const char *dir, char *const names[], size_t count, FILE *hashes)
{
    struct work w = {.image = image, .dir = dir};
    struct part *parts = calloc(count + 1, sizeof *parts); /* the modules, then boot */
    if (parts == NULL || sodium_init() < 0) {
        free(parts);
        return complain(image, "out of memory");
    }
    bool good = parts_read(&w, boot, parts, names, count) == 0;
    if (good && contents_write(&w, boot, parts, names, count) != 0) {
        good = false;
        unlink(image);
    }
    for (size_t i = 0; i <= count && good && hashes != NULL; i++)
        hash_print(hashes, &parts[(i + count) % (count + 1)]); /* boot first */
    free(parts);
    return good ? 0 : -1;
}
