/* `atoll probe [--root DIR] [--starter]`: the probe's page about the machine that this Linux runs on. Status 0: nothing fails; 1: something does. */
#include <getopt.h>
#include <stdio.h>
#include "probe_command.h"
#include "probe_linux.h"

struct counts { unsigned passed, warned, failed; };

static void tell(void *context, enum verdict v, const char *requirement, const char *sentence)
{
    static const char *const words[] = {"PASS", "WARN", "FAIL"};
    struct counts *c = context;
    *(v == VERDICT_PASS ? &c->passed : v == VERDICT_WARN ? &c->warned : &c->failed) += 1;
    printf("%s %s: %s\n", words[v], requirement, sentence);
}

static void put(void *context, const char *text) { fputs(text, context); }

int probe_command(int argc, char **argv)
{
    static const struct option options[] = {{"root", required_argument, NULL, 'r'}, {"starter", no_argument, NULL, 's'}, {0}};
    static struct linux_machine m; /* large */
    const char *root = "";
    bool starter = false;
    struct counts c = {0};
    for (int o; (o = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (o == '?')
            return 2;
        if (o == 'r')
            root = optarg;
        starter |= o == 's';
    }
    if (optind != argc) {
        fprintf(stderr, "atoll: probe takes no file: it looks at this machine; for a description's, write an image with --probe\n");
        return 2;
    }
    linux_machine_read(&m, root);
    if (starter) {
        starter_write(&m.facts, put, stdout);
        return 0;
    }
    examine(&m.facts, &(struct verdicts){tell, &c});
    printf("%u requirements pass, %u warnings, %u fail; %s\n", c.passed, c.warned, c.failed,
           c.failed ? "Atoll does not start here before that is changed" : "as far as Linux shows, Atoll can start here");
    return c.failed ? 1 : 0;
}
