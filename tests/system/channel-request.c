/* Writes the system request that tests/root/channel.c runs under, on two nodes: channel-request FILE [contradiction]. With the second
 * argument, node 1 asks for an IPI that is called as boot calls the node's own memory, so its map has two things of one name. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <atoll/channel.h>
#include <atoll/system.h>

#define MIB (1ull << 20)
#define LOG_BYTES (17 * 4096ull)
#define VECTOR 0x50
#define DEVICES (0x30ull | 0x37ull << 16) /* 00:06.0 to 00:06.7, whether there or not */

static struct system_header header = {.magic = SYSTEM_MAGIC, .node_count = 2};
static struct system_request requests[64];

static unsigned ask(uint32_t kind, uint32_t node, uint64_t size, uint64_t arg0, uint64_t arg1, const char *name)
{
    struct system_request *r = &requests[header.request_count];
    *r = (struct system_request){.kind = kind, .node = node, .size = size, .align = size >= 2 * MIB ? 2 * MIB : 0x10000, .arg0 = arg0, .arg1 = arg1};
    snprintf(r->name, sizeof r->name, "%s", name);
    return header.request_count++;
}

static void shared(const char *name, uint32_t writer)
{
    ask(RESOURCE_SHARED, 0, 4096, writer == 0, 0, name);
    ask(RESOURCE_SHARED, 1, 4096, writer == 1, 0, name);
}

int main(int argc, char **argv)
{
    char name[32];
    unsigned there, back, items[8], n = 0;
    bool contradiction = argc == 3 && strcmp(argv[2], "contradiction") == 0;

    ask(RESOURCE_UART, 0, 0, 0x3f8, 0, "uart");
    for (uint32_t node = 0; node < 2; node++) {
        ask(RESOURCE_PRIVATE, node, 16 * MIB, 0, 0, contradiction ? "own" : "private");
        ask(RESOURCE_VECTORS, node, 0, VECTOR, VECTOR + 1, "vectors");
        ask(RESOURCE_IPI, node, 0, !node, VECTOR, contradiction && node == 1 ? "private" : "bell");
    }
    /* node 1's kernel speaks through node 0 */
    ask(RESOURCE_LOG, 1, LOG_BYTES, 0, VECTOR, "log");
    ask(RESOURCE_LOG_TAIL, 1, 4096, 0, 0, "log.tail");
    ask(RESOURCE_SHARED, 0, LOG_BYTES, 0, 0, "log");
    ask(RESOURCE_SHARED, 0, 4096, 1, 0, "log.tail");
    shared("orders", 0);
    shared("answers", 1);

    for (unsigned i = 0; i < 4; i++) {
        snprintf(name, sizeof name, "pool.%u", i);
        items[n++] = ask(RESOURCE_MEMORY, 0, 2 * MIB, 0, 0, name);
    }
    items[n] = ask(RESOURCE_MEMORY, 0, 256 * MIB, 0, 0, "many"); /* as many pieces as a mailbox has records */
    requests[items[n++]].align = 256 * MIB;
    items[n++] = ask(RESOURCE_IPI, 0, 0, 0, VECTOR + 1, "spare");
    items[n++] = ask(RESOURCE_REQUESTERS, 0, 0, 0, DEVICES, "devices");
    ask(RESOURCE_MEMORY, 0, 2 * MIB, 0, 0, "stays");
    there = ask(RESOURCE_CHANNEL, 0, CHANNEL_BYTES, 1, 0, "there");
    ask(RESOURCE_CHANNEL, 1, CHANNEL_BYTES, 0, 0, "there");
    back = ask(RESOURCE_CHANNEL, 0, CHANNEL_BYTES, 0, 0, "back");
    ask(RESOURCE_CHANNEL, 1, CHANNEL_BYTES, 1, 0, "back");
    for (unsigned i = 0; i < n; i++) {
        snprintf(name, sizeof name, "there.%u", i);
        ask(RESOURCE_MOVABLE, 0, 0, there, items[i], name);
        snprintf(name, sizeof name, "back.%u", i);
        ask(RESOURCE_MOVABLE, 0, 0, back, items[i], name);
    }

    size_t bytes = header.request_count * sizeof requests[0];
    header.bytes = (uint32_t)(sizeof header + bytes);
    FILE *f = argc == 2 || contradiction ? fopen(argv[1], "wb") : NULL;
    if (f == NULL || fwrite(&header, sizeof header, 1, f) != 1 || fwrite(requests, bytes, 1, f) != 1 || fclose(f) != 0) {
        fprintf(stderr, "channel-request: %s cannot be written\n", argc > 1 ? argv[1] : "FILE");
        return 1;
    }
    return 0;
}
