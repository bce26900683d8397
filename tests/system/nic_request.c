/* nic_request FILE VENDOR DEVICE VFS FLAGS: a system request of one node that wants the first such PCI function, with so many virtual functions. */
#include <stdio.h>
#include <stdlib.h>
#include <atoll/system.h>

int main(int argc, char **argv)
{
    struct { struct system_header header; struct system_request requests[5]; } s = {
        .header = {.magic = SYSTEM_MAGIC, .bytes = sizeof s, .node_count = 1, .request_count = 5},
        .requests = {{.kind = RESOURCE_PRIVATE, .size = 16 << 20, .align = 2 << 20, .name = "private"},
                     {.kind = RESOURCE_UART, .arg0 = 0x3f8, .name = "panic"},
                     {.kind = RESOURCE_IOPORT, .arg0 = 0x3f8, .arg1 = 0x3ff, .name = "uart"},
                     {.kind = RESOURCE_VECTORS, .arg0 = 0x30, .arg1 = 0x3f, .name = "vectors"},
                     {.kind = SYSTEM_FUNCTION, .arg1 = SYSTEM_ANYWHERE, .name = "nic0"}},
    };
    if (argc != 6)
        return 2;
    s.requests[4].arg0 = strtoul(argv[2], NULL, 16) | strtoul(argv[3], NULL, 16) << 16;
    s.requests[4].size = strtoul(argv[4], NULL, 10);
    s.header.flags = (uint32_t)strtoul(argv[5], NULL, 10);
    FILE *f = fopen(argv[1], "wb");
    return f && fwrite(&s, sizeof s, 1, f) == 1 && fclose(f) == 0 ? 0 : 1;
}
