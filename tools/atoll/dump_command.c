/* `atoll dump LOG FILE.yaml|DIR [-o OUT]`: did init build what the specs say? Status 0: yes, on every node; 1: no; 2: wrong input. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <atoll/system.h>
#include "compiled.h"
#include "component_image.h"
#include "dump.h"

enum { GOOD, DIFFERENT, WRONG_INPUT };
#define MOST_DIFFERENCES 20

static int refuse(const char *sentence, const char *detail)
{
    fprintf(stderr, "atoll: %s%s\n", sentence, detail);
    return WRONG_INPUT;
}

static void count(const struct capdl_model *m)
{
    uint32_t mappings = 0;
    for (uint32_t i = 0; i < m->cap_count; i++) {
        enum capdl_type holder = m->objects[m->caps[i].holder].type;
        mappings += holder == CAPDL_PML4 || holder == CAPDL_PDPT || holder == CAPDL_PD || holder == CAPDL_PT;
    }
    printf("%" PRIu32 " objects, %" PRIu32 " capabilities, %" PRIu32 " page table entries, %" PRIu32 " interrupts", m->object_count, m->cap_count - mappings,
           mappings, m->irq_count);
}

static int node_compare(const struct dump *d, uint32_t node, const struct capdl_model *promised, const uint8_t *spec, size_t spec_size, const char *out)
{
    struct complaint why;
    char init[128];
    if (!d->nodes[node].ended) {
        fprintf(stderr, "%s: %s of node %" PRIu32 "; start the system with --dump\n", d->file,
                d->nodes[node].begun ? "the end is missing from the dump" : "there is no dump", node);
        return WRONG_INPUT;
    }
    struct capdl_model *found = dump_model(d, node, promised, spec, spec_size, init, sizeof init, &why);
    if (!found)
        return refuse(why.text, "");
    int status = GOOD;
    if (out && capdl_write_model(found, out, node, "dump", &why) != 0)
        status = refuse(why.text, "");
    printf("node %" PRIu32 ": ", node);
    count(found);
    bool same = capdl_differences(promised, found, 0, stdout) == 0;
    printf("%s\n", !same ? ": NOT as promised" : init[0] ? "" : ": as promised, and init holds nothing but itself");
    if (!same)
        capdl_differences(promised, found, MOST_DIFFERENCES, stdout);
    if (init[0])
        printf("  %s\n", init);
    capdl_free(found);
    return status != GOOD ? status : same && !init[0] ? GOOD : DIFFERENT;
}

static int node_check(const struct dump *d, const char *dir, uint32_t node, const uint8_t *request, size_t request_size, const char *out)
{
    char path[PATH_MAX + 32];
    struct complaint why;
    size_t size;
    snprintf(path, sizeof path, "%s/node.%" PRIu32 ".spec", dir, node);
    uint8_t *spec = file_read(path, &size);
    if (!spec) {
        fprintf(stderr, "%s: cannot be read: %s\n", path, strerror(errno));
        return WRONG_INPUT;
    }
    struct capdl_model *promised = capdl_from_spec(spec, size, request, request_size, node, path, &why);
    int status = promised ? node_compare(d, node, promised, spec, size, out) : refuse(why.text, "");
    capdl_free(promised);
    free(spec);
    return status;
}

static int nodes_check(const struct dump *d, const char *dir, const char *out)
{
    char path[PATH_MAX + 32];
    size_t size;
    snprintf(path, sizeof path, "%s/system", dir);
    uint8_t *request = file_read(path, &size);
    int status = GOOD;
    if (!request || size < sizeof(struct system_header)) {
        free(request);
        return refuse("no system request is in ", dir);
    }
    uint32_t nodes = ((struct system_header *)request)->node_count;
    for (uint32_t node = 0; node < nodes && node < DUMP_MAX_NODES; node++) {
        int now = node_check(d, dir, node, request, size, out);
        status = now > status ? now : status;
    }
    free(request);
    return status;
}

int dump_command(int argc, char **argv, const char *images)
{
    static const struct option options[] = {{"output", required_argument, NULL, 'o'}, {0}};
    static struct dump d; /* large */
    struct compiled c;
    struct complaint why;
    const char *out = NULL;
    for (int o; (o = getopt_long(argc, argv, "o:", options, NULL)) != -1; out = optarg)
        if (o == '?')
            return WRONG_INPUT;
    if (optind + 2 != argc)
        return refuse("dump needs the log of a system that was started with --dump, and its description or the folder that `atoll compile` wrote", "");
    if (dump_read(&d, argv[optind], &why) != 0)
        return refuse(why.text, "");
    int status = WRONG_INPUT;
    if (compiled_open(&c, argv[optind + 1], images) == 0) {
        status = nodes_check(&d, c.dir, out);
        compiled_close(&c);
    }
    dump_free(&d);
    return status;
}
