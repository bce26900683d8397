/* Fuzzing descriptions: whatever the bytes, a description or a complaint that begins with the file and a line. Files that a description names are not
 * there, but for the one that tests/unit/tool_mistakes.c takes for a kernel: /dev/null is no file, so none is read. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "description.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char path[64];
    struct description d;
    struct complaint why = {""};
    if (!path[0])
        snprintf(path, sizeof path, "/tmp/atoll-fuzz-%d.yaml", (int)getpid());
    FILE *f = fopen(path, "wb");
    if (!f || (size && fwrite(data, size, 1, f) != 1) || fclose(f) != 0)
        exit(1);
    if (description_load(path, 0, &d, &why) == 0) {
        description_free(&d);
    } else {
        size_t length = strlen(path);
        if (strncmp(why.text, path, length) != 0 || why.text[length] != ':' || why.text[length + 1] < '1' || why.text[length + 1] > '9')
            abort();
        for (const char *c = why.text; *c; c++) /* nothing that a terminal would obey */
            if ((unsigned char)*c < ' ' || *c == 127)
                abort();
    }
    unlink(path);
    return 0;
}
