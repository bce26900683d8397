/* `atoll check FILE.yaml | DIR [--svg FILE] [--dot FILE]`. Status 0: isolated, 1: not, 2: wrong input. */
#include "check.h"
#include "compiled.h"
#include "description.h"
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { GOOD, NOT_ISOLATED, WRONG_INPUT };

static int refuse(const char *sentence, const char *detail)
{
    fprintf(stderr, "atoll: %s%s\n", sentence, detail);
    return WRONG_INPUT;
}

/* Graphviz does the drawing: its input is ours. */
static int picture(const struct check *c, const char *file, bool svg)
{
    int ends[2];
    FILE *f;
    pid_t child = 0;
    if (!svg) {
        f = fopen(file, "w");
    } else {
        if (pipe(ends) != 0 || (child = fork()) < 0)
            return refuse("cannot start dot: ", strerror(errno));
        if (child == 0) {
            dup2(ends[0], 0);
            close(ends[0]);
            close(ends[1]);
            execlp("dot", "dot", "-Tsvg", "-o", file, (char *)NULL);
            _exit(127);
        }
        close(ends[0]);
        f = fdopen(ends[1], "w");
    }
    if (!f)
        return refuse("the picture cannot be written: ", strerror(errno));
    picture_print(c, f);
    int status = 0;
    if (fclose(f) != 0)
        return refuse("the picture cannot be written: ", strerror(errno));
    if (svg && (waitpid(child, &status, 0) < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0))
        return refuse("the picture was not drawn; is Graphviz (dot) installed, and can it write ", file);
    return GOOD;
}

static int check_folder(const char *dir, const char *svg, const char *dot)
{
    static struct capdl_system s; /* large */
    struct complaint why;
    if (capdl_load_system(dir, &s, &why) != 0)
        return refuse(why.text, "");
    struct check *c = check_run(&s);
    int status = WRONG_INPUT;
    if (!c)
        refuse("not enough memory", "");
    else
        status = check_report(c, stdout) ? GOOD : NOT_ISOLATED;
    if (c && svg && picture(c, svg, true) != GOOD)
        status = WRONG_INPUT;
    if (c && dot && picture(c, dot, false) != GOOD)
        status = WRONG_INPUT;
    check_free(c);
    capdl_free_system(&s);
    return status;
}

int check_command(int argc, char **argv, const char *images)
{
    static const struct option options[] = {{"svg", required_argument, NULL, 's'}, {"dot", required_argument, NULL, 'd'}, {0}};
    const char *svg = NULL, *dot = NULL;
    for (int o; (o = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (o == '?')
            return WRONG_INPUT;
        *(o == 's' ? &svg : &dot) = optarg;
    }
    if (optind + 1 != argc)
        return refuse("check needs one description, such as examples/two-vms.yaml, or a folder that `atoll compile` wrote", "");
    struct compiled c;
    if (compiled_open(&c, argv[optind], images) != 0)
        return WRONG_INPUT;
    int status = check_folder(c.dir, svg, dot);
    struct description d;
    struct complaint why;
    if (c.temporary && description_load(argv[optind], 0, &d, &why) == 0) { /* it was good a moment ago */
        check_wires(&d, stdout);
        description_free(&d);
    }
    compiled_close(&c);
    return status;
}
