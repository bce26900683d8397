/* QEMU: its command line, its life, its end. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "machine.h"

#define CHILD_SERIAL 3 /* the descriptor number in QEMU */
#define MAX_ARGUMENTS 512
#define FIRMWARE "/usr/share/OVMF" /* Debian's ovmf */
#define FIRMWARE_VARIABLES "firmware-variables" /* in the machine's folder */

struct arguments {
    char *v[MAX_ARGUMENTS + 1];
    size_t n;
};

__attribute__((format(printf, 2, 3))) static void argument(struct arguments *a, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    if (a->n == MAX_ARGUMENTS || vasprintf(&a->v[a->n], format, list) < 0)
        abort(); /* the list has a fixed bound above what is ever pushed */
    va_end(list);
    a->v[++a->n] = NULL;
}

static void arguments_free(struct arguments *a)
{
    for (size_t i = 0; i < a->n; i++)
        free(a->v[i]);
}

int machine_init(struct machine *m)
{
    *m = (struct machine){.serial = -1};
    const char *tmp = getenv("TMPDIR");
    /* QEMU splits -initrd at commas and spaces. */
    if (tmp == NULL || strlen(tmp) > 32 || strpbrk(tmp, ", ") != NULL)
        tmp = "/tmp";
    snprintf(m->dir, sizeof m->dir, "%s/atoll.XXXXXX", tmp);
    if (mkdtemp(m->dir) == NULL) {
        fprintf(stderr, "atoll: no temporary folder in %s: %s\n", tmp, strerror(errno));
        return -1;
    }
    return 0;
}

int machine_module(struct machine *m, const char *path, const char *name)
{
    char here[128], full[PATH_MAX];
    snprintf(here, sizeof here, "%s/%s", m->dir, name);
    if (path != NULL && (realpath(path, full) == NULL || symlink(full, here) != 0)) {
        fprintf(stderr, "atoll: %s cannot be used as module '%s': %s\n", path, name, strerror(errno));
        return -1;
    }
    if (m->module_count == MACHINE_MAX_MODULES || (m->modules[m->module_count] = strdup(name)) == NULL) {
        fprintf(stderr, "atoll: %s is one module too many\n", name);
        return -1;
    }
    m->module_count++;
    return 0;
}

/* QEMU's multiboot loader: the list of modules is one argument, "FILE NAME,FILE NAME..". */
static void multiboot_arguments(const struct machine *m, const struct machine_config *c, struct arguments *a)
{
    char *list = NULL;
    size_t size;
    FILE *f = open_memstream(&list, &size);
    if (f == NULL)
        abort();
    for (size_t i = 0; i < m->module_count; i++)
        fprintf(f, "%s%s/%s %s", i == 0 ? "" : ",", m->dir, m->modules[i], m->modules[i]);
    fclose(f);
    argument(a, "-kernel");
    argument(a, "%s", c->boot);
    argument(a, "-initrd");
    argument(a, "%s", list);
    free(list);
}

/* OVMF, with variables of its own in DIR, and a disk that is never written to. */
static void uefi_arguments(const struct machine *m, struct arguments *a)
{
    argument(a, "-drive");
    argument(a, "if=pflash,unit=0,format=raw,readonly=on,file=" FIRMWARE "/OVMF_CODE_4M.fd");
    argument(a, "-drive");
    argument(a, "if=pflash,unit=1,format=raw,file=%s/" FIRMWARE_VARIABLES, m->dir);
    argument(a, "-drive");
    argument(a, "if=none,id=boot,format=raw,snapshot=on,file=%s/" MACHINE_DISK, m->dir);
    argument(a, "-device");
    argument(a, "ide-hd,drive=boot,bus=ide.0,bootindex=0");
}

/* What uefi_arguments() names. */
static int uefi_prepare(const struct machine *m, const char *image)
{
    char to[128], full[PATH_MAX], bytes[65536];
    snprintf(to, sizeof to, "%s/" MACHINE_DISK, m->dir);
    if (realpath(image, full) == NULL || (strcmp(full, to) != 0 && symlink(full, to) != 0)) {
        fprintf(stderr, "atoll: the image %s cannot be used: %s\n", image, strerror(errno));
        return -1;
    }
    snprintf(to, sizeof to, "%s/" FIRMWARE_VARIABLES, m->dir);
    FILE *in = fopen(FIRMWARE "/OVMF_VARS_4M.fd", "rbe"), *out = fopen(to, "wbe");
    bool good = in != NULL && out != NULL;
    for (size_t n; good && (n = fread(bytes, 1, sizeof bytes, in)) > 0;)
        good = fwrite(bytes, 1, n, out) == n;
    if (in != NULL)
        fclose(in);
    if (out != NULL && fclose(out) != 0)
        good = false;
    if (!good)
        fprintf(stderr, "atoll: the UEFI firmware in " FIRMWARE " cannot be used: %s; scripts/setup installs it\n", strerror(errno));
    return good ? 0 : -1;
}

/* A NIC with virtual functions: behind a root port of its own, or, as QEMU's AMD IOMMU looks up bus 0 alone, on bus 0 at slots 5, 6.. (at 4 VF 0
 * would have the IOAPIC's requester ID). Its network is QEMU's own, with the host's side at 10.0.2.2; beyond that leads nothing
 * but, if so asked, a web server at 10.0.2.100, one process per connection. */
static void nic_arguments(const struct machine_config *c, unsigned i, struct arguments *a)
{
    argument(a, "-netdev");
    if (c->serve != NULL)
        argument(a, "user,id=net%u,restrict=on,guestfwd=tcp:10.0.2.100:80-cmd:busybox httpd -i -h %s", i, c->serve);
    else
        argument(a, "user,id=net%u,restrict=on", i);
    if (c->kind != MACHINE_AMDVI) {
        argument(a, "-device");
        argument(a, "pcie-root-port,id=port%u,bus=pcie.0,addr=%x.0,chassis=%u,slot=%u", i, 8 + i, 1 + i, 1 + i);
    }
    argument(a, "-device");
    if (c->kind != MACHINE_AMDVI)
        argument(a, "igb,netdev=net%u,bus=port%u,mac=52:54:00:00:00:%02x", i, i, 1 + i);
    else
        argument(a, "igb,netdev=net%u,bus=pcie.0,addr=%x.0,mac=52:54:00:00:00:%02x", i, 5 + i, 1 + i);
}

/* An SSD likewise, behind the NICs. Each can have 7 virtual functions with a queue and a message of their own. */
static void ssd_arguments(const struct machine *m, const struct machine_config *c, unsigned i, struct arguments *a)
{
    unsigned port = c->nic_count + i, slot = (c->nic_count > 4 ? 5 + c->nic_count : 9) + i;
    char bus[32];
    if (c->kind != MACHINE_AMDVI) {
        argument(a, "-device");
        argument(a, "pcie-root-port,id=port%u,bus=pcie.0,addr=%x.0,chassis=%u,slot=%u", port, 8 + port, 1 + port, 1 + port);
        snprintf(bus, sizeof bus, "port%u", port);
    } else {
        snprintf(bus, sizeof bus, "pcie.0,addr=%x.0", slot);
    }
    argument(a, "-device");
    argument(a, "nvme-subsys,id=subsys%u", i);
    argument(a, "-device");
    argument(a, "nvme,serial=atoll%u,id=ssd%u,bus=%s,subsys=subsys%u,max_ioqpairs=24,msix_qsize=24,sriov_max_vfs=%u,sriov_vq_flexible=%u,"
                "sriov_vi_flexible=%u", i, i, bus, i, SSD_VFS_MAX, 2 * SSD_VFS_MAX, SSD_VFS_MAX);
    for (unsigned n = 0; n < c->ssds[i].count; n++) {
        uint32_t id = c->ssds[i].namespaces[n];
        argument(a, "-drive");
        argument(a, "if=none,id=ssd%u.%u,format=raw,file=%s/" MACHINE_NAMESPACE, i, id, m->dir, i, id);
        argument(a, "-device");
        argument(a, "nvme-ns,drive=ssd%u.%u,bus=ssd%u,nsid=%u,shared=on,detached=on", i, id, i, id);
    }
}

/* The reference machines, see docs; phys-bits=39 keeps the firmware's PCI windows where VFs work. */
static void machine_arguments(const struct machine *m, const struct machine_config *c, struct arguments *a)
{
    argument(a, "%s", c->qemu);
    argument(a, "-nodefaults");
    argument(a, "-no-user-config");
    argument(a, "-display");
    argument(a, "none");
    argument(a, "-no-reboot");
    argument(a, "-accel");
    argument(a, c->count ? "tcg,thread=single" : "tcg,thread=multi");
    if (c->count) {
        argument(a, "-icount");
        argument(a, "shift=0,sleep=off");
        argument(a, "-rtc");
        argument(a, "base=2026-01-01T00:00:00,clock=vm");
    }
    argument(a, "-machine");
    argument(a, c->ram_file != NULL ? "q35,memory-backend=ram" : "q35");
    if (c->ram_file != NULL) {
        argument(a, "-object");
        argument(a, "memory-backend-file,id=ram,share=on,size=%lluM,mem-path=%s", (unsigned long long)(c->memory >> 20), c->ram_file);
    }
    argument(a, "-cpu");
    argument(a, "max,vendor=AuthenticAMD,phys-bits=39");
    argument(a, "-smp");
    argument(a, "%u", c->cores);
    argument(a, "-m");
    argument(a, "%lluM", (unsigned long long)(c->memory >> 20));
    if (c->kind != MACHINE_NO_IOMMU) {
        argument(a, "-device");
        argument(a, c->kind == MACHINE_VTD ? "intel-iommu,intremap=on,eim=on" : "amd-iommu,intremap=on,xtsup=on,pt=off");
    }
    if (c->kind == MACHINE_AMDVI && c->nic_count + c->ssd_count) {
        argument(a, "-global");
        argument(a, "q35-pcihost.pci-hole64-size=0"); /* VF BARs above 4 GiB lose their upper half in QEMU's model */
    }
    for (unsigned i = 0; i < c->nic_count; i++)
        nic_arguments(c, i, a);
    for (unsigned i = 0; i < c->ssd_count; i++)
        ssd_arguments(m, c, i, a);
    argument(a, "-chardev");
    argument(a, "socket,id=serial,fd=%d", CHILD_SERIAL);
    argument(a, "-serial");
    argument(a, "chardev:serial");
    argument(a, "-device");
    argument(a, "isa-debug-exit,iobase=0xf4,iosize=4");
    if (c->image != NULL)
        uefi_arguments(m, a);
    else
        multiboot_arguments(m, c, a);
    for (size_t i = 0; i < c->extra_count; i++)
        argument(a, "%s", c->extra[i]);
}

/* In the child: only async-signal-safe calls and exec. */
static void child(const struct machine *m, const struct arguments *a, int serial, int failure, pid_t parent)
{
    char path[128];
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* nobody is left behind, however `atoll` ends */
    if (getppid() != parent)
        _exit(127);
    setpgid(0, 0); /* the terminal's signals are for atoll */
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    snprintf(path, sizeof path, "%s/stderr", m->dir);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    int errors = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    dup2(null, STDIN_FILENO);
    dup2(null, STDOUT_FILENO);
    dup2(errors, STDERR_FILENO);
    int moved = fcntl(failure, F_DUPFD_CLOEXEC, CHILD_SERIAL + 1);
    if (serial == CHILD_SERIAL)
        fcntl(serial, F_SETFD, 0);
    else
        dup2(serial, CHILD_SERIAL);
    execvp(a->v[0], a->v);
    int error = errno;
    ssize_t ignored = write(moved, &error, sizeof error);
    (void)ignored;
    _exit(127);
}

int machine_start(struct machine *m, const struct machine_config *config)
{
    struct arguments a = {.n = 0};
    int pair[2], failure[2], error = 0;
    if (config->image != NULL && uefi_prepare(m, config->image) != 0)
        return -1;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0 || pipe2(failure, O_CLOEXEC) != 0) {
        fprintf(stderr, "atoll: no socket for the serial line: %s\n", strerror(errno));
        return -1;
    }
    machine_arguments(m, config, &a);
    pid_t parent = getpid();
    m->pid = fork();
    if (m->pid == 0)
        child(m, &a, pair[1], failure[1], parent);
    close(pair[1]);
    close(failure[1]);
    arguments_free(&a);
    m->serial = pair[0];
    if (m->pid < 0)
        error = errno;
    else if (read(failure[0], &error, sizeof error) != sizeof error)
        error = 0; /* closed by exec: it runs */
    close(failure[0]);
    if (error != 0) {
        fprintf(stderr, "atoll: %s cannot be started: %s; scripts/setup installs it\n", config->qemu, strerror(error));
        return -1;
    }
    fcntl(m->serial, F_SETFL, fcntl(m->serial, F_GETFL) | O_NONBLOCK);
    return 0;
}

static void explain_end(const struct machine *m, int status)
{
    char path[128], line[512];
    if (WIFSIGNALED(status))
        fprintf(stderr, "atoll: QEMU ended by signal %d\n", WTERMSIG(status));
    else
        fprintf(stderr, "atoll: QEMU ended with status %d\n", WEXITSTATUS(status));
    snprintf(path, sizeof path, "%s/stderr", m->dir);
    FILE *f = fopen(path, "r");
    if (f == NULL)
        return;
    while (fgets(line, sizeof line, f) != NULL)
        fprintf(stderr, "  %s", line);
    fclose(f);
}

static void folder_remove(const char *dir)
{
    char path[512];
    DIR *d = opendir(dir);
    for (struct dirent *e; d != NULL && (e = readdir(d)) != NULL;) {
        snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            unlink(path);
    }
    if (d != NULL)
        closedir(d);
    rmdir(dir);
}

void machine_stop(struct machine *m, bool explain)
{
    int status;
    if (m->pid > 0) {
        if (!explain)
            kill(m->pid, SIGKILL);
        if (waitpid(m->pid, &status, 0) == m->pid && explain)
            explain_end(m, status);
        m->pid = 0;
    }
    if (m->serial >= 0)
        close(m->serial);
    m->serial = -1;
    folder_remove(m->dir);
    while (m->module_count > 0)
        free(m->modules[--m->module_count]);
}
