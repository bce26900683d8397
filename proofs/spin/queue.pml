/* The queue's sleep and doorbell (include/atoll/queue.h): can a consumer sleep for ever with bytes in its queue?
 *
 * Each statement that touches shared memory is one step here and one access there, under the same name. Stores wait in the
 * storing core's buffer (x86: a load may overtake an earlier store to another address), and a fence waits until the buffer is empty.
 * The doorbell is a notification: a bit that stays until it is taken. Somebody else may ring it, too.
 *
 * Checked: no state without a next step other than "all bytes written and read" (so no lost wake-up), the consumer ends with all bytes, a sleep
 * gets at most one bell. Seeded bugs: NO_PRODUCER_FENCE NO_CONSUMER_FENCE NO_SECOND_LOOK ONE_SLEEP_NUMBER
 *
 * Sleep numbers do not wrap here; the real ones do after 2^32 sleeps without a single byte written between.
 */
#define BYTES 3
#define STRAY_BELLS 2

byte head, asleep;                      /* memory; tail only limits the producer, which never waits: left out */
bool head_waits, asleep_waits;          /* a store is still in its core's buffer ... */
byte head_stored, asleep_stored;        /* ... with this value */
bool bell;
byte bells_for[8];                      /* rung by the producer, by number of the sleep */
byte bytes_read;
bool written;

/* the store buffers drain when they like */
active proctype buffers()
{
end: do
    :: atomic { head_waits -> head = head_stored; head_waits = false }
    :: atomic { asleep_waits -> asleep = asleep_stored; asleep_waits = false }
    od
}

active proctype producer()
{
    byte index, rung, sleep;
    do
    :: index < BYTES ->
        /* queue_write */
        index++;
        atomic { !head_waits; head_stored = index; head_waits = true }
        /* queue_needs_doorbell */
#ifndef NO_PRODUCER_FENCE
        !head_waits;
#endif
        sleep = asleep;
        if
        :: sleep == 0 || sleep == rung
        :: else -> rung = sleep; atomic { bells_for[sleep]++; assert(bells_for[sleep] == 1); bell = true }
        fi
    :: else -> break
    od;
    written = true
}

active proctype stranger()
{
    byte n;
    do
    :: n < STRAY_BELLS -> n++; bell = true
    :: break
    od
}

active proctype consumer()
{
    byte index, sleep, seen;
    do
    :: /* queue_read: everything that is there */
       atomic { seen = head; assert(seen >= index); index = seen }
       bytes_read = index;
       if
       :: index == BYTES -> break
       :: else
       fi;
       /* queue_sleep */
#ifndef ONE_SLEEP_NUMBER
       sleep++;
#else
       sleep = 1;
#endif
       atomic { !asleep_waits; asleep_stored = sleep; asleep_waits = true }
#ifndef NO_CONSUMER_FENCE
       !asleep_waits;
#endif
       if
#ifndef NO_SECOND_LOOK
       :: head != index
#endif
       :: else -> atomic { bell; bell = false }
       fi;
       /* queue_wake */
       atomic { !asleep_waits; asleep_stored = 0; asleep_waits = true }
    od
    assert(bytes_read == BYTES)
}
