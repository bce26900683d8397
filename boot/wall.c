#include "wall.h"

#define MODE_BINARY 0x04u
#define MODE_24_HOURS 0x02u
#define HOUR_PM 0x80u

static unsigned decoded(uint8_t value, uint8_t mode)
{
    return mode & MODE_BINARY ? value : (unsigned)(value >> 4) * 10 + (value & 0xf);
}

static bool leap(unsigned year) { return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0; }

uint64_t wall_seconds(const struct wall_registers *r)
{
    static const uint8_t days_of[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    unsigned second = decoded(r->second, r->mode), minute = decoded(r->minute, r->mode), hour = decoded(r->hour & 0x7f, r->mode);
    unsigned day = decoded(r->day, r->mode), month = decoded(r->month, r->mode), year = decoded(r->year, r->mode);
    unsigned century = decoded(r->century, r->mode);
    uint64_t days = 0;

    if (!(r->mode & MODE_24_HOURS)) {
        if (hour < 1 || hour > 12)
            return 0;
        hour = hour % 12 + (r->hour & HOUR_PM ? 12 : 0);
    }
    year += 100 * (century >= 20 && century <= 21 ? century : 20); /* the century's register is not on every machine */
    if (second > 59 || minute > 59 || hour > 23 || month < 1 || month > 12 || day < 1 ||
        day > days_of[month - 1] + (unsigned)(month == 2 && leap(year)))
        return 0;
    for (unsigned y = 1970; y < year; y++)
        days += leap(y) ? 366 : 365;
    for (unsigned m = 1; m < month; m++)
        days += days_of[m - 1] + (unsigned)(m == 2 && leap(year));
    return ((days + day - 1) * 24 + hour) * 3600 + minute * 60 + second;
}
