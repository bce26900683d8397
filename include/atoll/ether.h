/* Ethernet frames between a VMM and a switch component, each way over one queue (<atoll/queue.h>): a record per frame, written whole
 * or not at all. */
#pragma once
#include <stdint.h>

#define ETHER_HEADER 14u  /* destination, source, type */
#define ETHER_MAX 1518u   /* header, one tag, 1500 bytes; no checksum behind */
#define ETHER_ADDRESS 6u

struct ether_record { /* then the frame, padded with anything to a multiple of 8 */
    uint16_t bytes;   /* of the frame: ETHER_HEADER to ETHER_MAX */
    uint16_t reserved[3];
};
#define ETHER_RECORD(bytes) (sizeof(struct ether_record) + (((bytes) + 7u) & ~7u))
#define ETHER_RECORD_MAX ETHER_RECORD(ETHER_MAX)
