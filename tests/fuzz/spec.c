/* Fuzzing binary specs: nothing breaks init's check; what it takes has a CapDL text, or is refused with a sentence, and the text
 * says the same. */
#include <stdlib.h>
#include <string.h>
#include <atoll/system.h>
#include "capdl.h"
#include "compile.h"
#include "spec_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void *request(size_t *size)
{
    static struct description_vm vms[] = {{.name = "alpha", .vcpus = 1, .first_node = 1, .memory = 256u << 20, .kernel = "k", .initrd = "i"},
                                          {.name = "beta", .vcpus = 1, .first_node = 2, .memory = 256u << 20, .kernel = "k", .initrd = "i"}};
    static const struct description d = {.cores = 4, .memory = 2ull << 30, .node_memory = 16u << 20, .vms = vms, .vm_count = 2};
    return compile_request(&d, NULL, size);
}

static void compare(const struct capdl_model *m)
{
    struct capdl_model *again = capdl_new();
    char why[160];
    for (enum capdl_part part = 0; part < CAPDL_PARTS; part++) {
        struct complaint complaint;
        char *text = NULL;
        size_t length = 0;
        FILE *f = open_memstream(&text, &length);
        if (!f || !again)
            exit(1);
        capdl_print(m, part, f);
        fclose(f);
        if (capdl_parse(again, part, "file", text, length, &complaint) != 0)
            abort();
        free(text);
    }
    if (capdl_sort(again) != CAPDL_NONE || !capdl_equal(m, again, why, sizeof why))
        abort();
    capdl_free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void *requests;
    static size_t requests_size;
    struct spec_view view;
    struct complaint complaint;
    char why[160];
    uint8_t *copy = malloc(size ? size : 1);
    uint32_t node = 0;

    if (!requests)
        requests = request(&requests_size);
    if (!copy || !requests)
        exit(1);
    memcpy(copy, data, size);
    if (size >= sizeof(struct spec_header))
        node = ((struct spec_header *)copy)->node;
    if (spec_check(copy, size, node, &view, why, sizeof why) == 0) {
        struct capdl_model *m = capdl_from_spec(copy, size, requests, requests_size, node, "node.spec", &complaint);
        if (m)
            compare(m);
        capdl_free(m);
    }
    free(copy);
    return 0;
}
