#include "framebuffer.h"
#include "machine.h"
#include "print.h"
#include "record.h"
#include "serial.h"
#include "text.h"

#define LINE_MAX 320
#define POST_PORT 0x80

void print_text(const char *text)
{
    for (; *text; text++) {
        serial_put(*text);
        framebuffer_put(*text);
        record_put(*text);
    }
}

static void print_list(const char *format, va_list arguments)
{
    char line[LINE_MAX];
    text_format_list(line, sizeof line, format, arguments);
    print_text(line);
}

void print(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    print_list(format, arguments);
    va_end(arguments);
}

void stop(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    print("event: boot stopped: "); /* <atoll/console.h> */
    print_list(format, arguments);
    print("\n");
    va_end(arguments);
    stage_reached(STAGE_STOPPED);
    cpu_stop();
}

void stage_reached(enum stage stage)
{
    port_out8(POST_PORT, (uint8_t)stage);
    record_stage((uint8_t)stage);
}
