/* What a command may be given: a description, which is compiled to a temporary folder, or a folder that `atoll compile` wrote. */
#pragma once
#include <limits.h>
#include <stdbool.h>

struct compiled {
    char dir[PATH_MAX];
    bool temporary;
};

/* 0, or -1 after one sentence on stderr. `images`: the build folder's user/. */
int compiled_open(struct compiled *, const char *file_or_folder, const char *images);
void compiled_close(struct compiled *);
