/* atoll: the host tool. */
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "check.h"
#include "dump.h"
#include "probe_command.h"
#include "run.h"

static const char usage_text[] =
    "atoll run FILE.yaml [options]            boot the described system on an emulated server\n"
    "atoll run --root-task IMAGE [options]    boot one node that gives IMAGE the whole machine\n"
    "atoll image FILE.yaml -o IMAGE [options] write a disk image that UEFI firmware starts, and print what it will measure\n"
    "atoll image --probe -o IMAGE [FILE.yaml] write one that examines the machine it is started on, and says what to change\n"
    "atoll probe [--root DIR] [--starter]     the same on a running Linux: what it shows of this machine\n"
    "atoll compile FILE.yaml DIR              write the system request, the nodes' specs and their CapDL to DIR\n"
    "atoll check FILE.yaml|DIR [--svg FILE]   who can reach whom: for each pair of VMs 'isolated', or the shortest path; a picture\n"
    "atoll dump LOG FILE.yaml|DIR [-o DIR]      did init build what was described? From the log of a system started with --dump\n"
    "\n"
    "  --headless           no terminal: run until every VM has ended\n"
    "  --log-dir DIR        keep DIR/system.log and DIR/VM.log, every line time-stamped\n"
    "  --timeout SECONDS    give up then\n"
    "  --exec VM:COMMAND    type COMMAND at the prompt of VM's shell; may be repeated, in order for each VM; nothing is typed\n"
    "                       after the last one, so end with 'poweroff -f' if the VM is to end\n"
    "  --press-power VM:TEXT  press VM's power button once its console has shown TEXT; may be repeated\n"
    "  --replay VM:TEXT     have the console show VM's last lines again, with their times, once it has shown TEXT\n"
    "  --cores N            instead of machine.cores\n"
    "  --machine KIND       IOMMU of the server: vtd (default), amdvi, none\n"
    "  --ssd SSD:N=FILE     namespace N of that SSD of the description is FILE, and stays; without, it is a temporary file\n"
    "  --uefi               start by UEFI firmware, from a disk image of the description\n"
    "  --image IMAGE        start by UEFI firmware, from this disk image\n"
    "  --dump               each init has its kernel say what the threads hold, before they run; for atoll dump\n"
    "  --probe              start nothing: examine the machine, say whether the system could run, what to change, and how to describe it\n"
    "  --count              deterministic: time is the number of executed instructions\n"
    "  --ram-file FILE      keep the server's RAM in FILE\n"
    "  --until TEXT         root task: a line with TEXT ends the run with status 0\n"
    "  --fail-on TEXT       root task: a line with TEXT ends the run with status 1\n"
    "  --request FILE       root task: on each node of this system request, with what that gives the node\n"
    "  --memory MIB         root task: RAM in MiB (512)\n"
    "  --images DIR         where boot.elf, kernel.elf and user/ are (default: where this program is)\n"
    "  --qemu PROGRAM       the emulator (qemu-system-x86_64)\n"
    "  --serve DIR          (absolute) the NICs' networks have DIR at http://10.0.2.100/\n"
    "  --qemu-arg ARGUMENT  one more argument for it; may be repeated\n"
    "\n"
    "Status: 0 every VM powered itself off; 1 a VM crashed or was stopped; 2 wrong input, nothing was started; 3 time-out.\n";

static int usage_error(const char *what, const char *value)
{
    fprintf(stderr, "atoll: %s%s%s%s; 'atoll help' lists what there is\n", what, value == NULL ? "" : " '", value == NULL ? "" : value,
            value == NULL ? "" : "'");
    return RUN_WRONG_INPUT;
}

static bool number_parse(const char *text, unsigned long max, unsigned long *n)
{
    char *end;
    *n = strtoul(text, &end, 10);
    return text[0] >= '0' && text[0] <= '9' && *end == 0 && *n > 0 && *n <= max;
}

static bool kind_parse(const char *text, enum machine_kind *kind)
{
    static const char *const names[] = {"vtd", "amdvi", "none"};
    for (int i = 0; i < 3; i++)
        if (strcmp(text, names[i]) == 0) {
            *kind = (enum machine_kind)i;
            return true;
        }
    return false;
}

/* The images are beside this program, wherever it was started from. */
static const char *images_default(void)
{
    static char path[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
    path[n < 0 ? 0 : n] = 0;
    char *slash = strrchr(path, '/');
    if (slash != NULL)
        *slash = 0;
    return path;
}

static void order_add(struct run_options *o, const char *command, const char *option, const char *when)
{
    o->orders[o->order_count].command = command;
    o->orders[o->order_count].option = option;
    o->orders[o->order_count++].when = when;
}

static int option_apply(struct run_options *o, const char *name, const char *value)
{
    unsigned long n;
    if (strcmp(name, "headless") == 0)
        o->headless = true;
    else if (strcmp(name, "count") == 0)
        o->machine.count = true;
    else if (strcmp(name, "dump") == 0)
        o->dump = true;
    else if (strcmp(name, "probe") == 0)
        o->probe = true;
    else if (strcmp(name, "uefi") == 0)
        o->uefi = true;
    else if (strcmp(name, "image") == 0)
        o->machine.image = value;
    else if (strcmp(name, "log-dir") == 0)
        o->log_dir = value;
    else if (strcmp(name, "ram-file") == 0)
        o->machine.ram_file = value;
    else if (strcmp(name, "until") == 0)
        o->until = value;
    else if (strcmp(name, "fail-on") == 0)
        o->fail_on = value;
    else if (strcmp(name, "images") == 0)
        o->images = value;
    else if (strcmp(name, "qemu") == 0)
        o->machine.qemu = value;
    else if (strcmp(name, "root-task") == 0)
        o->root_task = value;
    else if (strcmp(name, "request") == 0)
        o->request = value;
    else if (strcmp(name, "timeout") == 0 && number_parse(value, 1000000, &n))
        o->timeout = (unsigned)n;
    else if (strcmp(name, "cores") == 0 && number_parse(value, 4096, &n))
        o->cores = (uint32_t)n;
    else if (strcmp(name, "memory") == 0 && number_parse(value, 1u << 26, &n))
        o->machine.memory = (uint64_t)n << 20;
    else if (strcmp(name, "machine") == 0 && kind_parse(value, &o->machine.kind))
        ;
    else if (strcmp(name, "exec") == 0 && o->exec_count < SCRIPT_MAX)
        o->exec[o->exec_count++] = value;
    else if (strcmp(name, "press-power") == 0 && o->order_count < SCRIPT_MAX)
        order_add(o, "power", "press-power", value);
    else if (strcmp(name, "replay") == 0 && o->order_count < SCRIPT_MAX)
        order_add(o, "replay", "replay", value);
    else if (strcmp(name, "ssd") == 0 && o->ssd_file_count < MACHINE_SSD_FILES)
        o->ssd_files[o->ssd_file_count++] = value;
    else if (strcmp(name, "serve") == 0 && value[0] == '/' && strpbrk(value, ", ") == NULL) /* QEMU splits at these */
        o->machine.serve = value;
    else if (strcmp(name, "qemu-arg") == 0 && o->machine.extra_count < MACHINE_MAX_EXTRA)
        o->machine.extra[o->machine.extra_count++] = value;
    else {
        fprintf(stderr, "atoll: --%s cannot be '%s'; 'atoll help' lists what there is\n", name, value);
        return -1;
    }
    return 0;
}

static int command_run(int argc, char **argv)
{
    static const struct option options[] = {
        {"headless", no_argument, NULL, 0},       {"count", no_argument, NULL, 0},
        {"log-dir", required_argument, NULL, 0},  {"timeout", required_argument, NULL, 0},
        {"exec", required_argument, NULL, 0},     {"cores", required_argument, NULL, 0},
        {"machine", required_argument, NULL, 0},  {"ram-file", required_argument, NULL, 0},
        {"root-task", required_argument, NULL, 0}, {"until", required_argument, NULL, 0},
        {"fail-on", required_argument, NULL, 0},  {"memory", required_argument, NULL, 0},
        {"images", required_argument, NULL, 0},   {"qemu", required_argument, NULL, 0},
        {"qemu-arg", required_argument, NULL, 0}, {"serve", required_argument, NULL, 0}, {"uefi", no_argument, NULL, 0},
        {"image", required_argument, NULL, 0},    {"request", required_argument, NULL, 0},
        {"dump", no_argument, NULL, 0},           {"probe", no_argument, NULL, 0},
        {"press-power", required_argument, NULL, 0}, {"replay", required_argument, NULL, 0},
        {"ssd", required_argument, NULL, 0},
        {NULL, 0, NULL, 0}};
    struct run_options o = {.images = images_default(), .machine = {.qemu = "qemu-system-x86_64", .memory = 512ull << 20}};
    int index = 0, c;
    while ((c = getopt_long(argc, argv, "", options, &index)) != -1)
        if (c != 0 || option_apply(&o, options[index].name, optarg) != 0)
            return c != 0 ? usage_error("the options are wrong", NULL) : RUN_WRONG_INPUT;
    if (o.root_task != NULL) {
        o.headless = true;
        return optind == argc ? (int)run(&o) : usage_error("a root task goes without a description: remove", argv[optind]);
    }
    if (o.probe && optind == argc)
        return (int)run(&o);
    if (optind + 1 != argc)
        return usage_error("run needs one description, such as examples/two-vms.yaml", NULL);
    if (o.until != NULL || o.fail_on != NULL || o.request != NULL)
        return usage_error("--until, --fail-on and --request go with --root-task", NULL);
    o.file = argv[optind];
    return (int)run(&o);
}

static int command_image(int argc, char **argv)
{
    static const struct option options[] = {{"output", required_argument, NULL, 'o'}, {"cores", required_argument, NULL, 0},
                                            {"images", required_argument, NULL, 0}, {"dump", no_argument, NULL, 0},
                                            {"probe", no_argument, NULL, 0}, {NULL, 0, NULL, 0}};
    struct run_options o = {.images = images_default()};
    const char *output = NULL;
    int index = 0, c;
    while ((c = getopt_long(argc, argv, "o:", options, &index)) != -1)
        if (c == 'o')
            output = optarg;
        else if (c != 0 || option_apply(&o, options[index].name, optarg) != 0)
            return c != 0 ? usage_error("the options are wrong", NULL) : RUN_WRONG_INPUT;
    if (o.probe && optind == argc && output != NULL)
        return (int)run_image(&o, output);
    if (optind + 1 != argc || output == NULL)
        return usage_error("image needs one description, such as examples/two-vms.yaml, and -o with a file name", NULL);
    o.file = argv[optind];
    return (int)run_image(&o, output);
}

static int command_compile(int argc, char **argv)
{
    struct description d;
    struct complaint why;
    char user[PATH_MAX + 8];
    if (argc != 3)
        return usage_error("compile needs a description and a folder", NULL);
    if (description_load(argv[1], 0, &d, &why) != 0) {
        fprintf(stderr, "%s\n", why.text);
        return RUN_WRONG_INPUT;
    }
    snprintf(user, sizeof user, "%s/user", images_default());
    int status = compile_system(&d, user, argv[2]);
    description_free(&d);
    if (status == 0 && (status = capdl_write_system(argv[2], &why)) != 0)
        fprintf(stderr, "%s\n", why.text);
    return status == 0 ? RUN_GOOD : RUN_WRONG_INPUT;
}

int main(int argc, char **argv)
{
    if (argc >= 2 && strcmp(argv[1], "run") == 0)
        return command_run(argc - 1, argv + 1);
    if (argc >= 2 && strcmp(argv[1], "image") == 0)
        return command_image(argc - 1, argv + 1);
    if (argc >= 2 && strcmp(argv[1], "compile") == 0)
        return command_compile(argc - 1, argv + 1);
    if (argc >= 2 && strcmp(argv[1], "check") == 0) {
        char user[PATH_MAX + 8];
        snprintf(user, sizeof user, "%s/user", images_default());
        return check_command(argc - 1, argv + 1, user);
    }
    if (argc >= 2 && strcmp(argv[1], "probe") == 0)
        return probe_command(argc - 1, argv + 1);
    if (argc >= 2 && strcmp(argv[1], "dump") == 0) {
        char user[PATH_MAX + 8];
        snprintf(user, sizeof user, "%s/user", images_default());
        return dump_command(argc - 1, argv + 1, user);
    }
    if (argc == 2 && (strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0)) {
        fputs(usage_text, stdout);
        return RUN_GOOD;
    }
    return usage_error("no such command", argc < 2 ? NULL : argv[1]);
}
