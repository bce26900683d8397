/* The loop between the serial line and people, logs and scripts. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "session.h"

#define QUIET_MS 300        /* after the last VM's end: counters and last words still come */
#define QUIET_LIMIT_MS 3000
#define SERIAL_CHUNK 16384  /* bytes read from the line at once */
#define PENDING_MAX (1u << 20) /* more typed than this and not taken: dropped */

static volatile sig_atomic_t interrupted; /* the signal that asked us to stop */

static void on_signal(int number)
{
    interrupted = number;
}

static uint64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void serial_flush(struct session *s)
{
    while (s->pending_size > 0) {
        ssize_t n = send(s->machine.serial, s->pending, s->pending_size, MSG_NOSIGNAL);
        if (n <= 0)
            return;
        s->pending_size -= (size_t)n;
        memmove(s->pending, s->pending + n, s->pending_size);
    }
}

static void stream_type(void *context, size_t stream, const uint8_t *bytes, size_t n)
{
    struct session *s = context;
    if (n > 4096 || s->pending_size + 2 * n + 2 > PENDING_MAX)
        return;
    s->pending_size += mux_frame(stream_letter(stream), bytes, n, s->pending + s->pending_size);
    serial_flush(s);
}

static void say(struct session *s, const char *what, const char *detail)
{
    if (s->terminal.active) {
        terminal_notice(&s->terminal, "%s%s", what, detail);
    } else {
        printf("%s%s\n", what, detail);
        fflush(stdout);
    }
}

static void event_report(struct session *s, const struct event *e)
{
    char what[96];
    switch (e->kind) {
    case EVENT_VM_STARTED:
        snprintf(what, sizeof what, "%s: started", e->vm);
        say(s, what, "");
        /* The description's first VM is shown when it starts, unless the person has chosen already. */
        if (s->terminal.active && !s->terminal.chosen && s->terminal.shown == 0 && strcmp(s->streams[1].name, e->vm) == 0)
            terminal_show(&s->terminal, 1);
        break;
    case EVENT_VM_POWERED_OFF:
        snprintf(what, sizeof what, "%s: powered off", e->vm);
        say(s, what, "");
        break;
    case EVENT_VM_RESET:
        snprintf(what, sizeof what, "%s: reset by its guest", e->vm);
        say(s, what, "");
        break;
    case EVENT_VM_RESTARTS:
        snprintf(what, sizeof what, "%s: ", e->vm);
        say(s, what, e->text);
        break;
    case EVENT_VM_STOPPED:
        snprintf(what, sizeof what, "%s: stopped: ", e->vm);
        say(s, what, e->text);
        break;
    case EVENT_VM_EXIT_CODE:
        snprintf(what, sizeof what, "%s: exit code %lu", e->vm, e->number);
        say(s, what, "");
        break;
    case EVENT_NODE_DIED:
        snprintf(what, sizeof what, "node %lu died: ", e->number);
        say(s, what, e->text);
        break;
    case EVENT_BOOT_STOPPED:
        say(s, "boot stopped: ", e->text);
        break;
    case EVENT_VM_COUNTERS: /* in the log */
    case EVENT_NONE:
        break;
    }
}

static void system_line(void *context, struct stream *stream, const char *line)
{
    struct session *s = context;
    (void)stream;
    if (s->options->until != NULL && strstr(line, s->options->until) != NULL)
        s->until_seen = true;
    if (s->options->fail_on != NULL && strstr(line, s->options->fail_on) != NULL)
        s->fail_seen = true;
    if (s->dumps_left != 0 && strstr(line, "dump: end ") != NULL)
        s->dumps_left--;
    struct event e = event_parse(line);
    if (e.kind != EVENT_NONE) {
        outcome_event(&s->outcome, &e);
        if (s->options->root_task == NULL) /* there, the stream itself is shown */
            event_report(s, &e);
    }
}

static void serial_bytes(void *context, char letter, const uint8_t *bytes, size_t n)
{
    struct session *s = context;
    size_t index = (size_t)stream_index(letter);
    if (index >= s->stream_count)
        return; /* no such VM: only a broken console would say so */
    uint8_t shown[SCREEN_ROOM(SERIAL_CHUNK)];
    size_t shown_size = screen_filter(&s->streams[index].screen, bytes, n, shown);
    terminal_output(&s->terminal, index, shown, shown_size);
    if (s->options->root_task != NULL) {
        fwrite(bytes, 1, n, stdout);
        fflush(stdout);
    }
    stream_feed(&s->streams[index], shown, shown_size, now_ms() - s->start_ms);
    const char *command = index == 0 ? NULL : script_output(&s->script, index - 1, bytes, n);
    if (command != NULL) {
        stream_type(s, index, (const uint8_t *)command, strlen(command));
        stream_type(s, index, (const uint8_t *)"\r", 1);
    }
    const struct script_order *order = index == 0 ? NULL : script_orders(&s->script, index - 1, bytes, n);
    for (; order != NULL; order = script_orders(&s->script, index - 1, bytes, 0)) {
        char line[96];
        int length = snprintf(line, sizeof line, "%s %s\r", order->command, s->streams[index].name);
        stream_type(s, 0, (const uint8_t *)line, (size_t)length);
    }
}

static FILE *log_open(const char *dir, const char *name)
{
    char path[4352];
    snprintf(path, sizeof path, "%s/%s.log", dir, name);
    FILE *f = fopen(path, "we");
    if (f == NULL)
        fprintf(stderr, "atoll: %s cannot be written: %s\n", path, strerror(errno));
    return f;
}

/* From here on a signal is taken inside ppoll() only, so that whatever was made is also removed. */
static void signals_take(sigset_t *waiting)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE};
    struct sigaction action = {.sa_handler = on_signal};
    sigset_t blocked;
    sigemptyset(&blocked);
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        sigaddset(&blocked, signals[i]);
        sigaction(signals[i], &action, NULL);
    }
    sigprocmask(SIG_BLOCK, &blocked, waiting);
}

int session_init(struct session *s, const struct run_options *o, const struct description *d)
{
    *s = (struct session){.options = o, .stream_count = d->vm_count + 1, .dumps_left = o->dump ? d->cores : 0};
    signals_take(&s->waiting);
    s->machine.serial = -1;
    s->streams = calloc(s->stream_count, sizeof *s->streams);
    s->pending = malloc(PENDING_MAX);
    if (s->streams == NULL || s->pending == NULL || outcome_init(&s->outcome, d) != 0) {
        fprintf(stderr, "atoll: out of memory\n");
        return -1;
    }
    if (o->log_dir != NULL && mkdir(o->log_dir, 0777) != 0 && errno != EEXIST) {
        fprintf(stderr, "atoll: folder %s cannot be made: %s\n", o->log_dir, strerror(errno));
        return -1;
    }
    for (size_t i = 0; i < s->stream_count; i++) {
        const char *name = i == 0 ? "system" : d->vms[i - 1].name;
        FILE *log = o->log_dir == NULL ? NULL : log_open(o->log_dir, name);
        if (o->log_dir != NULL && log == NULL)
            return -1;
        stream_init(&s->streams[i], name, log, i == 0 ? system_line : NULL, s);
    }
    demux_init(&s->demux, serial_bytes, s);
    return 0;
}

void session_free(struct session *s)
{
    for (size_t i = 0; s->streams != NULL && i < s->stream_count; i++)
        if (s->streams[i].log != NULL)
            fclose(s->streams[i].log);
    free(s->streams);
    free(s->pending);
    outcome_free(&s->outcome);
}

/* false: the machine is gone. */
static bool serial_read(struct session *s)
{
    uint8_t bytes[SERIAL_CHUNK];
    ssize_t n = read(s->machine.serial, bytes, sizeof bytes);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR;
    s->last_input_ms = now_ms();
    demux_feed(&s->demux, bytes, (size_t)n);
    return n > 0;
}

static void keyboard_read(struct session *s)
{
    uint8_t bytes[1024];
    ssize_t n = read(STDIN_FILENO, bytes, sizeof bytes);
    if (n > 0)
        terminal_input(&s->terminal, bytes, (size_t)n);
    else if (n == 0)
        s->terminal.leave = true;
}

enum end { END_NOT_YET, END_COMPLETE, END_LEFT, END_TIMEOUT, END_SIGNAL, END_MACHINE_GONE };

static enum end session_loop(struct session *s, const sigset_t *waiting)
{
    uint64_t deadline = s->options->timeout == 0 ? UINT64_MAX : s->start_ms + s->options->timeout * 1000ull, complete = 0;
    for (;;) {
        uint64_t now = now_ms();
        if (interrupted != 0)
            return END_SIGNAL;
        if (s->terminal.leave)
            return END_LEFT;
        bool root_over = s->until_seen || s->fail_seen || s->outcome.machine_failed;
        if (complete == 0 && (s->options->file == NULL ? root_over : outcome_complete(&s->outcome)) &&
            (s->dumps_left == 0 || s->outcome.machine_failed))
            complete = now;
        if (complete != 0 && (now - s->last_input_ms >= QUIET_MS || now - complete >= QUIET_LIMIT_MS))
            return END_COMPLETE;
        if (complete == 0 && now >= deadline)
            return END_TIMEOUT;

        uint64_t wait = complete != 0 ? 50 : deadline - now < 1000 ? deadline - now : 1000;
        struct timespec time = {.tv_sec = (time_t)(wait / 1000), .tv_nsec = (long)(wait % 1000) * 1000000};
        struct pollfd fds[2] = {
            {.fd = s->machine.serial, .events = (short)(POLLIN | (s->pending_size > 0 ? POLLOUT : 0))},
            {.fd = s->terminal.active ? STDIN_FILENO : -1, .events = POLLIN},
        };
        if (ppoll(fds, 2, &time, waiting) <= 0)
            continue;
        if (fds[0].revents & POLLOUT)
            serial_flush(s);
        if (fds[1].revents != 0)
            keyboard_read(s);
        if ((fds[0].revents & (POLLIN | POLLHUP | POLLERR)) && !serial_read(s))
            return complete != 0 ? END_COMPLETE : END_MACHINE_GONE;
    }
}

/* One line per VM that did not end in order. */
static void verdict_print(const struct session *s)
{
    if (s->outcome.machine_failed)
        fprintf(stderr, "atoll: %s\n", s->outcome.reason);
    for (size_t i = 0; i < s->outcome.count; i++) {
        const struct outcome_vm *vm = &s->outcome.vms[i];
        if (vm->failed)
            fprintf(stderr, "atoll: VM %s: %s\n", vm->name, vm->reason);
        else if (!vm->ended)
            fprintf(stderr, "atoll: VM %s: %s\n", vm->name, vm->started ? "still running" : "not started");
    }
}

static enum run_status status_of(const struct session *s, enum end end)
{
    switch (end) {
    case END_LEFT:
        return RUN_GOOD;
    case END_TIMEOUT:
        fprintf(stderr, "atoll: time-out after %u seconds\n", s->options->timeout);
        verdict_print(s);
        return RUN_TIMEOUT;
    case END_COMPLETE:
        if (s->options->root_task != NULL)
            return s->until_seen && !s->fail_seen ? RUN_GOOD : RUN_FAILED;
        verdict_print(s);
        return outcome_exit_code(&s->outcome) == 0 ? RUN_GOOD : RUN_FAILED;
    default:
        fprintf(stderr, "atoll: the emulated server ended by itself\n");
        verdict_print(s);
        return RUN_FAILED;
    }
}

enum run_status session_run(struct session *s)
{
    s->start_ms = s->last_input_ms = now_ms();
    if (!s->options->headless &&
        terminal_open(&s->terminal, s->streams, s->stream_count, stream_type, s) == 0)
        terminal_show(&s->terminal, 0);
    else if (!s->options->headless)
        printf("no terminal here: going on as with --headless\n");

    enum end end = session_loop(s, &s->waiting);
    terminal_close(&s->terminal);
    for (size_t i = 0; i < s->stream_count; i++)
        stream_end(&s->streams[i]);
    enum run_status status = end == END_SIGNAL ? RUN_FAILED : status_of(s, end);
    machine_stop(&s->machine, end == END_MACHINE_GONE);
    if (end == END_SIGNAL) {
        signal(interrupted, SIG_DFL); /* end as whoever sent it expects */
        raise(interrupted);
        sigprocmask(SIG_SETMASK, &s->waiting, NULL);
    }
    return status;
}
