#include "compiled.h"
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "capdl.h"

static int refuse(const char *sentence, const char *detail)
{
    fprintf(stderr, "atoll: %s%s\n", sentence, detail);
    return -1;
}

static int compile_to(const char *file, const char *images, const char *dir)
{
    struct description d;
    struct complaint why;
    if (description_load(file, 0, &d, &why) != 0)
        return refuse(why.text, "");
    int status = compile_system(&d, images, dir);
    description_free(&d);
    if (status == 0 && (status = capdl_write_system(dir, &why)) != 0)
        refuse(why.text, "");
    return status;
}

int compiled_open(struct compiled *c, const char *from, const char *images)
{
    struct stat st;
    c->temporary = false;
    if (stat(from, &st) != 0) {
        fprintf(stderr, "%s: cannot be read: %s\n", from, strerror(errno));
        return -1;
    }
    if (S_ISDIR(st.st_mode)) {
        snprintf(c->dir, sizeof c->dir, "%s", from);
        return 0;
    }
    const char *base = getenv("TMPDIR");
    snprintf(c->dir, sizeof c->dir, "%s/atoll.XXXXXX", base ? base : "/tmp");
    if (!mkdtemp(c->dir))
        return refuse("no temporary folder: ", strerror(errno));
    c->temporary = true;
    if (compile_to(from, images, c->dir) == 0)
        return 0;
    compiled_close(c);
    return -1;
}

void compiled_close(struct compiled *c)
{
    DIR *d = c->temporary ? opendir(c->dir) : NULL;
    for (struct dirent *e; d && (e = readdir(d));) {
        char path[PATH_MAX + 256];
        snprintf(path, sizeof path, "%s/%s", c->dir, e->d_name);
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            unlink(path);
    }
    if (d)
        closedir(d);
    if (c->temporary)
        rmdir(c->dir);
}
