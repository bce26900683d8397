/* The interactive terminal. Keys after the prefix Ctrl-A: 0 system, 1..9 a VM, n and p next and previous, b the power button of the VM
 * that is shown, r its last lines once more, as the machine itself remembers them, ? help, q leave. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "terminal.h"

static struct termios saved;
static bool raw;

static void mode_restore(void)
{
    if (raw)
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &saved);
    raw = false;
}

int terminal_open(struct terminal *t, struct stream *streams, size_t count, terminal_send_fn *send, void *context)
{
    *t = (struct terminal){.streams = streams, .count = count, .at_line_start = true, .send = send, .context = context};
    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO) || tcgetattr(STDIN_FILENO, &saved) != 0)
        return -1;
    struct termios mode = saved;
    cfmakeraw(&mode);
    mode.c_oflag |= OPOST | ONLCR; /* the system stream ends its lines with a bare line feed */
    raw = true;
    atexit(mode_restore);
    if (tcsetattr(STDIN_FILENO, TCSAFLUSH, &mode) != 0)
        return -1;
    t->active = true;
    return 0;
}

void terminal_close(struct terminal *t)
{
    if (t->active)
        fputs(t->at_line_start ? SCREEN_RESTORE : SCREEN_RESTORE "\n", stdout);
    fflush(stdout);
    mode_restore();
    t->active = false;
}

void terminal_notice(struct terminal *t, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs(t->at_line_start ? "\x1b[0;7m" : "\n\x1b[0;7m", stdout);
    vprintf(format, args);
    fputs("\x1b[0m\n", stdout);
    fflush(stdout);
    va_end(args);
    t->at_line_start = true;
}

void terminal_output(struct terminal *t, size_t stream, const uint8_t *bytes, size_t n)
{
    if (!t->active || stream != t->shown || n == 0)
        return;
    fwrite(bytes, 1, n, stdout);
    fflush(stdout);
    t->at_line_start = bytes[n - 1] == '\n';
}

static void help(struct terminal *t)
{
    terminal_notice(t, "Ctrl-A then: 0 system, 1-%zu VM, n next, p previous, b power button, r replay, Ctrl-A sends one, ? this line, "
                    "q leave; here: %s",
                    t->count - 1 < 9 ? t->count - 1 : 9, t->streams[t->shown].name);
}

void terminal_show(struct terminal *t, size_t stream)
{
    t->shown = stream;
    fputs(SCREEN_RESTORE, stdout);
    terminal_notice(t, "%s console (Ctrl-A ? for help, Ctrl-A q to leave)", t->streams[stream].name);
    stream_replay(&t->streams[stream], stdout);
    fflush(stdout);
    t->at_line_start = t->streams[stream].length == 0;
}

/* Tell the console something about the VM that is shown. */
static void order(struct terminal *t, const char *command)
{
    char line[96];
    int n = snprintf(line, sizeof line, "%s %s\r", command, t->streams[t->shown].name);
    if (t->shown == 0)
        help(t);
    else
        t->send(t->context, 0, (const uint8_t *)line, (size_t)n);
}

static void key_after_prefix(struct terminal *t, uint8_t key)
{
    const uint8_t prefix = TERMINAL_PREFIX;
    size_t to = t->count;
    if (key == 'q')
        t->leave = true;
    else if (key == TERMINAL_PREFIX)
        t->send(t->context, t->shown, &prefix, 1);
    else if (key == 'b')
        order(t, "power");
    else if (key == 'r')
        order(t, "replay");
    else if (key >= '0' && key <= '9')
        to = (size_t)(key - '0');
    else if (key == 'n')
        to = (t->shown + 1) % t->count;
    else if (key == 'p')
        to = (t->shown + t->count - 1) % t->count;
    else
        help(t);
    if (to < t->count) {
        t->chosen = true;
        terminal_show(t, to);
    } else if (key >= '0' && key <= '9') {
        help(t);
    }
}

void terminal_input(struct terminal *t, const uint8_t *bytes, size_t n)
{
    size_t start = 0;
    for (size_t i = 0; i < n; i++) {
        if (t->prefix) {
            t->prefix = false;
            key_after_prefix(t, bytes[i]);
            start = i + 1;
        } else if (bytes[i] == TERMINAL_PREFIX) {
            if (i > start)
                t->send(t->context, t->shown, bytes + start, i - start);
            t->prefix = true;
            start = i + 1;
        }
    }
    if (n > start)
        t->send(t->context, t->shown, bytes + start, n - start);
}
