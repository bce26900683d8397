/* The real-time clock of a PC (MC146818), for guests that ask it for the time: it shows the host's, in UTC. What a guest sets is forgotten; alarms
 * and interrupts there are none. */
#pragma once
#include <stdint.h>

#define RTC_PORT_INDEX 0x70
#define RTC_PORT_DATA 0x71

/* Register `index` at Unix time `now`. Pure. */
uint8_t rtc_read(uint8_t index, uint64_t now);
