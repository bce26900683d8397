/* The system request for a foreign root task: node 0 gets the machine, nothing else runs. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <atoll/system.h>
#include <sel4/abi.h>
#include "run.h"

#define COM1 0x3f8
#define USER_VECTOR_BASE 0x30 /* CPU vector of user vector 0 */

int root_task_compile(const char *dir)
{
    static const struct system_request requests[] = {
        {.kind = RESOURCE_UART, .arg0 = COM1, .name = "uart"},
        {.kind = RESOURCE_IOPORT, .arg0 = 0, .arg1 = 0xffff, .name = "ports"},
        {.kind = RESOURCE_VECTORS, .arg0 = USER_VECTOR_BASE, .arg1 = USER_VECTOR_BASE + SEL4_MAX_USER_VECTOR, .name = "vectors"},
    };
    const struct system_header header = {.magic = SYSTEM_MAGIC,
                                         .bytes = sizeof header + sizeof requests,
                                         .flags = SYSTEM_FLAG_REST,
                                         .node_count = 1,
                                         .request_count = sizeof requests / sizeof requests[0]};
    char path[128];
    snprintf(path, sizeof path, "%s/%s", dir, SYSTEM_MODULE_NAME);
    FILE *f = fopen(path, "wb");
    bool good = f != NULL && fwrite(&header, sizeof header, 1, f) == 1 && fwrite(requests, sizeof requests, 1, f) == 1;
    if (f != NULL && fclose(f) != 0)
        good = false;
    if (!good)
        fprintf(stderr, "atoll: %s cannot be written: %s\n", path, strerror(errno));
    return good ? 0 : -1;
}
