/* Fuzzing dumps: whatever a log says, a model or a complaint. */
#include <stdlib.h>
#include <string.h>
#include "dump.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct dump d;
    static struct capdl_model *promised;
    struct complaint why = {""};
    char init[128];
    if (!promised) {
        static const char text[] = "arch x86_64 objects { t.tcb = tcb t.cnode = cnode (4 bits) p = pml4 f = frame (4k) }\n"
                                   "caps { t.tcb { cspace: t.cnode vspace: p } t.cnode { 1: f (RW) } }\n";
        if (!(promised = capdl_new()) || capdl_parse(promised, CAPDL_STANDARD, "file", text, sizeof text - 1, &why) != 0 ||
            capdl_sort(promised) != CAPDL_NONE)
            abort();
    }
    memset(&d, 0, sizeof d);
    d.file = "log";
    if (dump_parse(&d, "log", (const char *)data, size, &why) == 0)
        for (uint32_t node = 0; node < 4; node++)
            if (d.nodes[node].ended)
                capdl_free(dump_model(&d, node, promised, NULL, 0, init, sizeof init, &why));
    dump_free(&d);
    return 0;
}
