/* Fuzzing CapDL text: nothing breaks the parser; what it takes comes back the same from its own print; the check copes with it. */
#include <stdlib.h>
#include <string.h>
#include "check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct capdl_model *parsed(const char *text, size_t size)
{
    struct complaint why = {""};
    struct capdl_model *m = capdl_new();
    if (m && capdl_parse(m, CAPDL_STANDARD, "file", text, size, &why) == 0) {
        if (capdl_sort(m) == CAPDL_NONE && !m->full)
            return m;
    } else if (strncmp(why.text, "file:", 5) != 0) {
        abort(); /* a refusal without a place */
    }
    capdl_free(m);
    return NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct capdl_system s;
    struct capdl_model *m = parsed((const char *)data, size);
    char *text = NULL, why[160];
    size_t length = 0;
    FILE *f = m ? open_memstream(&text, &length) : NULL;
    if (!f)
        return 0;
    capdl_print(m, CAPDL_STANDARD, f);
    fclose(f);
    struct capdl_model *again = parsed(text, length);
    if (!again || !capdl_equal(m, again, why, sizeof why))
        abort();
    if (m->object_count < 500) {
        s.nodes[0] = m;
        s.nodes[1] = again;
        s.node_count = 2;
        check_free(check_run(&s));
    }
    capdl_free(m);
    capdl_free(again);
    free(text);
    return 0;
}
