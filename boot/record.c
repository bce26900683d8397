#include <atoll/queue.h>
#include "bytes.h"
#include "print.h"
#include "record.h"
#include "text.h"

#define MAGIC 0x315244524c4f5441ull /* "ATOLRDR1" */
#define EARLY_MAX 1024u
#define REPORT_MAX 4096u      /* of boot's own log, and of the log of a kernel that died */
#define REPORT_RUNNING 512u   /* of the log of a kernel that did not */
#define TEXT_BYTES (RECORD_BYTES - 64 - sizeof(struct kernel_log[SYSTEM_MAX_NODES]))

struct kernel_log { uint64_t paddr, data_bytes; };

struct record {
    uint64_t magic, stage, written, log_count; /* written: characters since the run began; the last TEXT_BYTES are there */
    uint64_t reserved[3], magic_inverted;
    struct kernel_log logs[SYSTEM_MAX_NODES];
    char text[TEXT_BYTES];
};
_Static_assert(sizeof(struct record) == RECORD_BYTES, "whole pages");

static struct record *record;
static bool reporting; /* the report of the last run is not part of this run's log */
static char early[EARLY_MAX];
static unsigned early_used;
static uint8_t early_stage;

void record_put(char c)
{
    if (reporting)
        return;
    if (record)
        record->text[record->written++ % TEXT_BYTES] = c;
    else if (early_used < EARLY_MAX)
        early[early_used++] = c;
}

void record_stage(uint8_t stage)
{
    early_stage = stage;
    if (record)
        record->stage = stage;
}

void record_kernel_logs(const struct plan *plan)
{
    if (!record)
        return;
    record->log_count = 0;
    for (unsigned i = 0; i < plan->system->request_count && record->log_count < SYSTEM_MAX_NODES; i++)
        if (plan->system->requests[i].kind == RESOURCE_LOG)
            record->logs[record->log_count++] =
                (struct kernel_log){plan->memory[i].start, plan->memory[i].end - plan->memory[i].start - QUEUE_PAGE};
}

/* --- the report --- */

/* The last characters of a ring, as lines "boot: last run: WHO TEXT". It may be anything: what is not printable is left out. */
static void report_ring(const char *who, const char *ring, uint64_t size, uint64_t written, uint64_t most)
{
    uint64_t there = written < size ? written : size, at = written - (there < most ? there : most);
    bool in_line = false;
    if (at)
        while (at < written && ring[at++ % size] != '\n') {} /* not in the middle of a line */
    for (; at < written; at++) {
        char c = ring[at % size];
        if (c == '\n' && in_line) {
            print("\n");
            in_line = false;
        } else if (c >= ' ' && c <= '~') {
            if (!in_line)
                print("boot: last run: %s", who);
            print("%c", c);
            in_line = true;
        }
    }
    if (in_line)
        print("\n");
}

static void report_kernel(unsigned node, const struct kernel_log *log, const struct ranges *ram)
{
    char who[16];
    uint64_t size = log->data_bytes, end = log->paddr + QUEUE_PAGE + size;
    if (size == 0 || size & (size - 1) || log->paddr % QUEUE_PAGE || end <= log->paddr || !ranges_contain(ram, log->paddr, end))
        return;
    const struct queue_producer *queue = (const struct queue_producer *)log->paddr;
    if (queue->magic != QUEUE_MAGIC)
        return;
    text_format(who, sizeof who, "kernel %u: ", node);
    report_ring(who, (const char *)(log->paddr + QUEUE_PAGE), size, queue->head,
                queue->status == QUEUE_DEAD ? REPORT_MAX : REPORT_RUNNING);
}

static void report(const struct record *last, const struct ranges *ram)
{
    static const char *const stages[] = {"entry", "processor", "firmware", "clock", "plan", "processors", "kernels", "hand-over"};
    uint64_t stage = last->stage - STAGE_ENTERED;
    print("boot: last run: it reached stage 0x%lx, %s\n", last->stage,
          stage < sizeof stages / sizeof stages[0] ? stages[stage] : last->stage == STAGE_STOPPED ? "stopped by boot" : "unknown");
    report_ring("", last->text, TEXT_BYTES, last->written, REPORT_MAX);
    for (unsigned i = 0; i < last->log_count && i < SYSTEM_MAX_NODES; i++)
        report_kernel(i, &last->logs[i], ram);
}

void record_open(const struct ranges *ram, struct ranges *own)
{
    uint64_t at = 0;
    for (unsigned i = 0; i < ram->count && !at; i++) {
        uint64_t start = ram->r[i].start > RECORD_PLACE ? ram->r[i].start : RECORD_PLACE;
        if (start < ram->r[i].end && ram->r[i].end - start >= RECORD_BYTES)
            at = start;
    }
    if (!at || ranges_overlap(own, at, at + RECORD_BYTES) || !ranges_add(own, at, at + RECORD_BYTES)) {
        print("boot: this run's log would not survive a reset: there is no memory for it from 64 MiB on\n");
        return;
    }
    struct record *place = (struct record *)at;
    reporting = true;
    if (place->magic == MAGIC && place->magic_inverted == ~MAGIC)
        report(place, ram);
    reporting = false;
    memset(place, 0, sizeof *place);
    record = place;
    record->magic = MAGIC;
    record->magic_inverted = ~MAGIC;
    record->stage = early_stage;
    for (unsigned i = 0; i < early_used; i++)
        record_put(early[i]);
}
