#include "rtc.h"

enum { SECONDS = 0, MINUTES = 2, HOURS = 4, WEEKDAY = 6, DAY = 7, MONTH = 8, YEAR = 9, STATUS_A, STATUS_B, STATUS_C, STATUS_D, CENTURY = 0x32 };
#define A_DIVIDER 0x26u  /* 32768 Hz, no update in progress */
#define B_24_HOURS 0x02u /* BCD */
#define D_VALID 0x80u
#define DAY_SECONDS 86400u

static uint8_t bcd(unsigned n) { return (uint8_t)(n / 10 << 4 | n % 10); }
static unsigned leap(unsigned year) { return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0; }

struct date { unsigned year, month, day; };

static struct date date_of(uint64_t days)
{
    static const uint8_t days_of[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    struct date d = {1970, 1, 1};

    while (d.year < 2200 && days >= 365 + leap(d.year))
        days -= 365 + leap(d.year++);
    while (d.month < 12 && days >= days_of[d.month - 1] + (d.month == 2 ? leap(d.year) : 0)) {
        days -= days_of[d.month - 1] + (d.month == 2 ? leap(d.year) : 0);
        d.month++;
    }
    d.day += (unsigned)days;
    return d;
}

uint8_t rtc_read(uint8_t index, uint64_t now)
{
    struct date d = date_of(now / DAY_SECONDS);
    unsigned second = (unsigned)(now % DAY_SECONDS);

    switch (index) {
    case SECONDS: return bcd(second % 60);
    case MINUTES: return bcd(second / 60 % 60);
    case HOURS: return bcd(second / 3600);
    case WEEKDAY: return (uint8_t)((now / DAY_SECONDS + 4) % 7 + 1); /* 1970-01-01 was a Thursday; Sunday is 1 */
    case DAY: return bcd(d.day);
    case MONTH: return bcd(d.month);
    case YEAR: return bcd(d.year % 100);
    case CENTURY: return bcd(d.year / 100);
    case STATUS_A: return A_DIVIDER;
    case STATUS_B: return B_24_HOURS;
    case STATUS_D: return D_VALID;
    default: return 0;
    }
}
