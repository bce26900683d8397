/* Node channels (docs/decisions/0016-node-channel.md, kernel/channel.c, kernel/channel.h): can a capability get lost, or be in two kernels?
 *
 * Two kernels with a channel in each direction. Each statement that touches memory is one step here and one access there, in the same order.
 * Stores wait in the storing core's buffer, in order, and reach memory when they like (x86); loads come from memory. A record is two words here
 * besides its sequence, so that half of one can be seen.
 *
 * Death: a kernel may never be scheduled again after any step, and then its buffer may still drain, or be lost. Therefore the first two claims are
 * made of every state, and the second one of what has reached memory.
 *
 *   one      never does a capability count as held in both kernels
 *   named    whatever has reached memory at any moment names every capability: in a slot, or in the mailbox
 *   arrives  while both live, all that was sent is received, once, as it was sent (no state without a next step, asserts)
 *   forged   a kernel whose peer writes anything to its pages at any time installs only what boot stated, and nothing that it has
 *
 * Seeded bugs: PUBLISH_FIRST CLEAR_LAST CLEAR_FIRST ACKNOWLEDGE_FIRST NO_FULL_CHECK ANY_SEQUENCE READ_TWICE NO_HERE_CHECK NO_RANGE_CHECK
 */
#define PIECES 3                /* what may move: codes 1 to PIECES; 0 nothing; PIECES + 1 a kernel's own memory */
#define RECORDS 2
#ifndef SENDS
#define SENDS 3                 /* of each kernel */
#endif
#define PEER (1 - me)
#define OUT(word) (me * RECORDS + word)     /* channel k: from kernel k to the other one */
#define IN(word) (PEER * RECORDS + word)

mtype = { sequence, first, second, slot, taken };

/* memory */
byte sequence_of[2 * RECORDS], first_of[2 * RECORDS], second_of[2 * RECORDS], taken_of[2];
bool slot_of[2 * PIECES];
/* what each kernel sees of its own: memory and its buffer */
bool holds[2 * PIECES];
chan buffer[2] = [6] of { mtype, byte, byte };
/* ghosts */
bool travels[PIECES];           /* left one kernel, not in the other one yet */
bool written[2 * RECORDS];      /* all words of the record are in memory, its sequence is not */
byte sent[2];
bool stopped[2], hostile;

#define RECORD_NAMES(k, i, p) (first_of[k * RECORDS + i] == p + 1 && second_of[k * RECORDS + i] == p + 1 && \
    (sequence_of[k * RECORDS + i] > taken_of[k] || written[k * RECORDS + i]))
#define NAMED(p) (slot_of[p] || slot_of[PIECES + p] || RECORD_NAMES(0, 0, p) || RECORD_NAMES(0, 1, p) || RECORD_NAMES(1, 0, p) || RECORD_NAMES(1, 1, p))
#define ONE(p) (!(holds[p] && holds[PIECES + p]))

proctype drain(byte me)
{
    mtype what;
    byte at, value;
end: do
    :: atomic {
        buffer[me] ? what, at, value ->
        if
        :: what == sequence -> sequence_of[at] = value; written[at] = false
        :: what == first -> first_of[at] = value
        :: what == second -> second_of[at] = value; written[at] = true
        :: what == slot -> slot_of[at] = value
        :: what == taken -> taken_of[at] = value
        fi;
        assert(hostile || (NAMED(0) && NAMED(1) && NAMED(2)));
        what = 0; at = 0; value = 0
       }
    od
}

/* A word of the peer's; from a kernel gone wrong any, each time it is read. */
inline load(to, word)
{
    if
    :: !hostile -> to = word
    :: hostile -> to = 0
    :: hostile -> to = 1
    :: hostile -> to = 2
    :: hostile -> to = PIECES
    :: hostile -> to = PIECES + 1
    fi
}

inline write_record()
{
    buffer[me] ! first, OUT(count_out % RECORDS), p + 1;
    buffer[me] ! second, OUT(count_out % RECORDS), p + 1
}
inline clear_slot()
{
    atomic { holds[me * PIECES + p] = false; travels[p] = true; sent[me]++; buffer[me] ! slot, me * PIECES + p, 0 }
}
inline publish() { buffer[me] ! sequence, OUT(count_out % RECORDS), count_out + 1 }

proctype kernel(byte me)
{
    byte count_out, count_in, sends, p, v, w;
    do
    /* send_invoke: a capability that is here, and room. Refused, it changes nothing. */
#ifndef NO_FULL_CHECK
    :: sends < SENDS && !stopped[me] && (holds[me * PIECES] || holds[me * PIECES + 1] || holds[me * PIECES + 2]) && (hostile || count_out - taken_of[me] < RECORDS) ->
#else
    :: sends < SENDS && !stopped[me] && (holds[me * PIECES] || holds[me * PIECES + 1] || holds[me * PIECES + 2]) ->
#endif
        if
        :: holds[me * PIECES] -> p = 0
        :: holds[me * PIECES + 1] -> p = 1
        :: holds[me * PIECES + 2] -> p = 2
        fi;
#ifdef PUBLISH_FIRST
        publish(); write_record(); clear_slot();
#else
#ifdef CLEAR_LAST
        write_record(); publish(); clear_slot();
#else
#ifdef CLEAR_FIRST
        clear_slot(); write_record(); publish();
#else
        write_record(); clear_slot(); publish();
#endif
#endif
#endif
        atomic { sends++; count_out++; p = 0 }
#ifndef ANY_SEQUENCE
    :: hostile || sequence_of[IN(count_in % RECORDS)] == count_in + 1 -> /* receive_invoke; it changes nothing when there is nothing */
#else
    :: hostile || sequence_of[IN(count_in % RECORDS)] != 0 ->
#endif
        load(v, first_of[IN(count_in % RECORDS)]);
        load(w, second_of[IN(count_in % RECORDS)]);
        if
#ifndef NO_RANGE_CHECK
        :: v == 0 || v > PIECES || w != v -> assert(hostile)
#else
        :: v == 0 || w != v -> assert(hostile)
#endif
#ifndef NO_HERE_CHECK
        :: v > 0 && v <= PIECES && w == v && holds[me * PIECES + v - 1] -> assert(hostile)
#endif
        :: else ->
#ifdef READ_TWICE
            load(v, first_of[IN(count_in % RECORDS)]);
#endif
            assert(v > 0 && v <= PIECES);
            assert(!holds[me * PIECES + v - 1]);
            assert(hostile || travels[v - 1]);
#ifdef ACKNOWLEDGE_FIRST
            buffer[me] ! taken, PEER, count_in + 1;
#endif
            atomic { holds[me * PIECES + v - 1] = true; travels[v - 1] = false; assert(hostile || ONE(v - 1));
                     buffer[me] ! slot, me * PIECES + v - 1, 1; }
#ifndef ACKNOWLEDGE_FIRST
            buffer[me] ! taken, PEER, count_in + 1;
#endif
            count_in = (hostile -> 0 : count_in + 1) /* the sequence that it waits for plays no part then */
        fi;
        atomic { v = 0; w = 0 }
    :: !stopped[me] -> stopped[me] = true /* it sends no more */
    :: stopped[me] && stopped[PEER] && count_in == sent[PEER] -> break
    :: hostile -> break
    od
}

init
{
    atomic {
        slot_of[0] = true; holds[0] = true;
        slot_of[1] = true; holds[1] = true;
        slot_of[PIECES + 2] = true; holds[PIECES + 2] = true;
        if :: hostile = true :: hostile = false fi;
        run drain(0);
        run kernel(0);
        if
        :: hostile
        :: else -> run drain(1); run kernel(1)
        fi
    }
}
