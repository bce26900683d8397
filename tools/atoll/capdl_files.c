/* The files of a compiled system: DIR/system, DIR/node.N.spec, and the same as text in DIR/node.N.cdl and DIR/node.N.annex.cdl. */
#include "capdl.h"
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <atoll/system.h>
#include "component_image.h"

#define PATH_SIZE 4096

static int refuse(struct complaint *why, const char *format, ...) __attribute__((format(printf, 2, 3)));
static int refuse(struct complaint *why, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(why->text, sizeof why->text, format, arguments);
    va_end(arguments);
    return -1;
}

static void node_path(char *path, const char *dir, uint32_t node, const char *what)
{
    snprintf(path, PATH_SIZE, "%s/node.%" PRIu32 ".%s", dir, node, what);
}

static const char *const part_suffix[CAPDL_PARTS] = {"cdl", "annex.cdl"};

/* The system request; NULL with the complaint set. */
static uint8_t *request_read(const char *dir, size_t *size, struct complaint *why)
{
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "%s/system", dir);
    uint8_t *request = file_read(path, size);
    if (!request) {
        refuse(why, "%s: cannot be read: %s; `atoll compile` writes it", path, strerror(errno));
    } else if (*size < sizeof(struct system_header) || ((struct system_header *)request)->magic != SYSTEM_MAGIC) {
        refuse(why, "%s: this is no system request", path);
        free(request);
        request = NULL;
    }
    return request;
}

static struct capdl_model *spec_read(const char *dir, uint32_t node, const uint8_t *request, size_t request_size, struct complaint *why)
{
    char path[PATH_SIZE];
    size_t size;
    node_path(path, dir, node, "spec");
    uint8_t *spec = file_read(path, &size);
    if (!spec) {
        refuse(why, "%s: cannot be read: %s", path, strerror(errno));
        return NULL;
    }
    struct capdl_model *m = capdl_from_spec(spec, size, request, request_size, node, path, why);
    free(spec);
    return m;
}

static int text_write(const struct capdl_model *m, enum capdl_part part, const char *dir, uint32_t node, const char *by, struct complaint *why)
{
    char path[PATH_SIZE];
    node_path(path, dir, node, part_suffix[part]);
    FILE *f = fopen(path, "w");
    if (!f)
        return refuse(why, "%s: cannot be written: %s", path, strerror(errno));
    fprintf(f, "-- Node %" PRIu32 ", %s. Written by `atoll %s`; docs/capdl.md explains it.\n", node,
            part == CAPDL_STANDARD ? "standard part" : "annex", by);
    capdl_print(m, part, f);
    return fclose(f) == 0 ? 0 : refuse(why, "%s: cannot be written: %s", path, strerror(errno));
}

int capdl_write_model(const struct capdl_model *m, const char *dir, uint32_t node, const char *by, struct complaint *why)
{
    int status = 0;
    for (enum capdl_part part = 0; part < CAPDL_PARTS && status == 0; part++)
        status = text_write(m, part, dir, node, by, why);
    return status;
}

int capdl_write_system(const char *dir, struct complaint *why)
{
    size_t size;
    int status = 0;
    uint8_t *request = request_read(dir, &size, why);
    if (!request)
        return -1;
    for (uint32_t node = 0; node < ((struct system_header *)request)->node_count && status == 0; node++) {
        struct capdl_model *m = spec_read(dir, node, request, size, why);
        status = m ? capdl_write_model(m, dir, node, "compile", why) : -1;
        capdl_free(m);
    }
    free(request);
    return status;
}

static int text_read(struct capdl_model *m, enum capdl_part part, const char *dir, uint32_t node, struct complaint *why)
{
    char path[PATH_SIZE];
    size_t size;
    node_path(path, dir, node, part_suffix[part]);
    uint8_t *text = file_read(path, &size);
    if (!text)
        return refuse(why, "%s: cannot be read: %s; `atoll compile` writes it", path, strerror(errno));
    int status = capdl_parse(m, part, path, (const char *)text, size, why);
    free(text);
    return status;
}

static struct capdl_model *model_read(const char *dir, uint32_t node, struct complaint *why)
{
    struct capdl_model *m = capdl_new();
    int status = m ? 0 : refuse(why, "%s: not enough memory", dir);
    for (enum capdl_part part = 0; part < CAPDL_PARTS && status == 0; part++)
        status = text_read(m, part, dir, node, why);
    uint32_t twice = status == 0 ? capdl_sort(m) : CAPDL_NONE;
    if (twice != CAPDL_NONE)
        status = refuse(why, "%s/node.%" PRIu32 ".cdl: slot %" PRIu32 " of '%s' is filled twice", dir, node, m->caps[twice].slot,
                        m->objects[m->caps[twice].holder].name);
    if (status == 0 && m->full)
        status = refuse(why, "%s/node.%" PRIu32 ".cdl: not enough memory", dir, node);
    if (status == 0)
        return m;
    capdl_free(m);
    return NULL;
}

static bool exists(const char *dir, uint32_t node, const char *what)
{
    char path[PATH_SIZE];
    node_path(path, dir, node, what);
    return access(path, F_OK) == 0;
}

/* The text has to say what the binary form says. */
static int compare(const struct capdl_model *text, const char *dir, uint32_t node, const uint8_t *request, size_t size,
                   struct complaint *why)
{
    char what[160];
    struct capdl_model *binary = spec_read(dir, node, request, size, why);
    if (!binary)
        return -1;
    int status = capdl_equal(text, binary, what, sizeof what)
                     ? 0
                     : refuse(why, "%s/node.%" PRIu32 ".cdl: it is not what node.%" PRIu32 ".spec says (%s): compile again", dir,
                              node, node, what);
    capdl_free(binary);
    return status;
}

int capdl_load_system(const char *dir, struct capdl_system *s, struct complaint *why)
{
    size_t size = 0;
    int status = 0;
    uint8_t *request = NULL;

    *s = (struct capdl_system){0};
    if (exists(dir, 0, "spec") && !(request = request_read(dir, &size, why)))
        return -1;
    while (status == 0 && s->node_count < CAPDL_MAX_NODES && exists(dir, s->node_count, "cdl")) {
        struct capdl_model *m = s->nodes[s->node_count] = model_read(dir, s->node_count, why);
        status = m ? 0 : -1;
        if (m && request)
            status = compare(m, dir, s->node_count, request, size, why);
        s->node_count += m != NULL;
    }
    if (status == 0 && s->node_count == 0)
        status = refuse(why, "%s: holds no node.0.cdl; `atoll compile FILE.yaml %s` writes it", dir, dir);
    if (status == 0 && request && s->node_count != ((struct system_header *)request)->node_count)
        status = refuse(why, "%s: has %" PRIu32 " nodes as text and %" PRIu32 " in its system request: compile again", dir, s->node_count,
                        ((struct system_header *)request)->node_count);
    free(request);
    if (status != 0)
        capdl_free_system(s);
    return status;
}

void capdl_free_system(struct capdl_system *s)
{
    for (uint32_t i = 0; i < CAPDL_MAX_NODES; i++)
        capdl_free(s->nodes[i]);
    *s = (struct capdl_system){0};
}
