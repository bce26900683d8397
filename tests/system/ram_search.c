/* Where does a sequence of bytes stand in an emulated server's RAM? ram_search FILE BYTES: `first page, last page, how many pages` for each run of 4 KiB pages
 * that hold it, as physical addresses. BYTES: hexadecimal, colons allowed. The RAM is all below 2 GiB, so that an offset in FILE is an address. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAGE 4096

static size_t parse(const char *text, unsigned char *bytes, size_t most)
{
    size_t n = 0;
    unsigned value;

    for (int used = 0; n < most && sscanf(text, "%2x%n", &value, &used) == 1; text += used + (text[used] == ':'))
        bytes[n++] = (unsigned char)value;
    return *text ? 0 : n;
}

int main(int argc, char **argv)
{
    unsigned char bytes[32];
    size_t n = argc == 3 ? parse(argv[2], bytes, sizeof bytes) : 0;
    int fd = n ? open(argv[1], O_RDONLY) : -1;
    struct stat st;

    if (fd < 0 || fstat(fd, &st) != 0) {
        fprintf(stderr, "ram_search: usage: ram_search FILE BYTES\n");
        return 2;
    }
    const unsigned char *ram = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
    if (ram == MAP_FAILED)
        return 2;
    off_t first = -1, last = -1;
    unsigned long pages = 0;
    for (off_t at = lseek(fd, 0, SEEK_DATA), hole; at >= 0; at = lseek(fd, hole, SEEK_DATA)) {
        hole = lseek(fd, at, SEEK_HOLE);
        for (off_t page = at; page < hole; page += PAGE) {
            size_t room = st.st_size - page < PAGE + (off_t)n ? (size_t)(st.st_size - page) : PAGE + n - 1;
            if (!memmem(ram + page, room, bytes, n))
                continue;
            if (pages && page != last + PAGE) {
                printf("0x%llx 0x%llx %lu\n", (long long)first, (long long)last, pages);
                pages = 0;
            }
            first = pages++ ? first : page;
            last = page;
        }
    }
    if (pages)
        printf("0x%llx 0x%llx %lu\n", (long long)first, (long long)last, pages);
    return 0;
}
