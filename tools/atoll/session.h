/* A running machine as seen through its serial line: consoles, logs, events, commands, and when it is over. */
#pragma once
#include <signal.h>
#include "demux.h"
#include "event.h"
#include "machine.h"
#include "run.h"
#include "script.h"
#include "stream.h"
#include "terminal.h"

struct session {
    const struct run_options *options;
    struct machine machine;
    struct stream *streams; /* 0 system, i + 1 VM i */
    size_t stream_count;
    struct demux demux;
    struct outcome outcome;
    struct script script;
    struct terminal terminal;
    sigset_t waiting; /* the signal mask as atoll was started with */
    uint64_t start_ms, last_input_ms;
    uint8_t *pending; /* bytes that the serial line has not taken yet */
    size_t pending_size;
    bool until_seen, fail_seen;
    uint32_t dumps_left; /* --dump: nodes whose dump is not all there; the machine is not stopped before */
};

/* Consoles and logs for a description (root task: one without VMs). -1 after one sentence on stderr. */
int session_init(struct session *s, const struct run_options *o, const struct description *d);
void session_free(struct session *s);

/* Drive the machine, which runs, to the end. */
enum run_status session_run(struct session *s);
