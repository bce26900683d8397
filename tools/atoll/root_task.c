/* The system request of a foreign root task: a file that names its nodes and their resources, or one for node 0 that gets the machine. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <atoll/system.h>
#include <sel4/abi.h>
#include "component_image.h"
#include "run.h"

#define COM1 0x3f8
#define USER_VECTOR_BASE 0x30 /* CPU vector of user vector 0 */

static int request_write(const char *dir, const void *bytes, size_t size)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", dir, SYSTEM_MODULE_NAME);
    FILE *f = fopen(path, "wb");
    bool good = f != NULL && fwrite(bytes, size, 1, f) == 1;
    if (f != NULL && fclose(f) != 0)
        good = false;
    if (!good)
        fprintf(stderr, "atoll: %s cannot be written: %s\n", path, strerror(errno));
    return good ? 0 : -1;
}

/* The file, and how many nodes it names; boot checks the rest. */
static uint8_t *request_read(const char *file, size_t *size)
{
    uint8_t *bytes = file_read(file, size);
    const struct system_header *header = (const void *)bytes;
    if (bytes == NULL)
        fprintf(stderr, "atoll: %s cannot be read: %s\n", file, strerror(errno));
    else if (*size < sizeof *header || header->magic != SYSTEM_MAGIC || header->node_count == 0 || header->node_count > SYSTEM_MAX_NODES) {
        fprintf(stderr, "atoll: %s is no system request; 'atoll compile' writes one\n", file);
        free(bytes);
        bytes = NULL;
    }
    return bytes;
}

int root_task_nodes(const char *request)
{
    size_t size;
    uint8_t *bytes = request == NULL ? NULL : request_read(request, &size);
    int nodes = request == NULL ? 1 : bytes == NULL ? -1 : (int)((const struct system_header *)(const void *)bytes)->node_count;
    free(bytes);
    return nodes;
}

int probe_compile(const char *dir)
{
    static const struct system_header nothing = {.magic = SYSTEM_MAGIC, .bytes = sizeof nothing, .flags = SYSTEM_FLAG_PROBE};
    return request_write(dir, &nothing, sizeof nothing);
}

int root_task_compile(const char *request, const char *dir)
{
    static const struct system_request requests[] = {
        {.kind = RESOURCE_UART, .arg0 = COM1, .name = "uart"},
        {.kind = RESOURCE_IOPORT, .arg0 = 0, .arg1 = 0xffff, .name = "ports"},
        {.kind = RESOURCE_VECTORS, .arg0 = USER_VECTOR_BASE, .arg1 = USER_VECTOR_BASE + SEL4_MAX_USER_VECTOR, .name = "vectors"},
    };
    uint8_t whole[sizeof(struct system_header) + sizeof requests];
    const struct system_header header = {.magic = SYSTEM_MAGIC,
                                         .bytes = sizeof whole,
                                         .flags = SYSTEM_FLAG_REST,
                                         .node_count = 1,
                                         .request_count = sizeof requests / sizeof requests[0]};
    size_t size;
    memcpy(whole, &header, sizeof header);
    memcpy(whole + sizeof header, requests, sizeof requests);
    if (request == NULL)
        return request_write(dir, whole, sizeof whole);
    uint8_t *bytes = request_read(request, &size);
    int status = bytes == NULL ? -1 : request_write(dir, bytes, size);
    free(bytes);
    return status;
}
