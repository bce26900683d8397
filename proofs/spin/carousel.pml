/* The carousel: how kernels that share nothing else hand commands to one IOMMU (docs/decisions/0010-iommu-carousel.md,
 * kernel/x86/iommu.c). The unit takes commands from a ring, from `head` up to `tail`; each kernel owns three slots of it (two commands
 * in the code are one here), the rest are idle for ever. Any kernel may stop for good between any two memory accesses.
 *
 * Checked: when iommu_execute() returns, the unit has carried out the command that this call wrote (assert); a kernel that
 * lives gets its calls done for ever, whatever the other one does or stops doing (ltl lives).
 *
 * A kernel that is never scheduled again is one that died, so the assertion needs no more for that. For the second claim (-D LIVENESS)
 * kernel 1 is what kernel 0 can feel of it: it kicks whenever it likes, and may end between any two accesses.
 *
 * The unit fetches a slot, carries it out, and moves on, in separate steps: what it holds may be overwritten meanwhile. */
#define KERNELS 2
#define OWN 3
#define RING (OWN * KERNELS)
#define FRONT 0
#define COMMAND 1
#define REAR 2

mtype = { idle, front_wait, rear_wait, command };
mtype kind[RING] = idle;
byte ticket[RING];             /* of what the slot holds */
byte head, tail;               /* registers */
byte front_status[KERNELS], rear_status[KERNELS];
byte carried_out[KERNELS];     /* ticket of the last command of each kernel */
byte calls;                    /* of kernel 0: parity */

active proctype unit()
{
    mtype k;
    byte t;
    do
    :: head != tail ->
        d_step { k = kind[head]; t = ticket[head] }
        if
        :: k == front_wait -> front_status[head / OWN] = t
        :: k == rear_wait -> rear_status[head / OWN] = t
        :: k == command -> carried_out[head / OWN] = t
        :: else -> skip
        fi;
        d_step { head = (head + 1) % RING; k = idle; t = 0 }
    od
}

/* 16 bytes at once. */
#define STORE(slot, what, number) d_step { kind[OWN * me + slot] = what; ticket[OWN * me + slot] = number }

inline wait_for(status)
{
    do
    :: status == mine -> break
    :: else -> /* kick() */
        at = head;
        if
        :: at == tail -> d_step { tail = (at + RING - 1) % RING; at = 0 }
        :: else -> at = 0
        fi
    od
}

proctype kernel(byte me)
{
    byte mine = 1, at;
    do
    :: front_status[me] = 0;
        rear_status[me] = 0;
        d_step { /* the first is of the model alone: this call's command counts */
            carried_out[me] = 0;
            kind[OWN * me + COMMAND] = command;
            ticket[OWN * me + COMMAND] = mine
        }
        STORE(REAR, rear_wait, mine);
        STORE(FRONT, front_wait, mine);
        wait_for(front_status[me]);
#ifndef NOT_CLEARED /* a mistake sown: the assertion must find it */
        rear_status[me] = 0;
#endif
        wait_for(rear_status[me]);
        assert(carried_out[me] == mine);
        STORE(FRONT, idle, 0);
        STORE(COMMAND, idle, 0);
        STORE(REAR, idle, 0);
        mine = 3 - mine;
        if
        :: me == 0 -> calls = 1 - calls
        :: else -> skip
        fi
    od
}

proctype kicker()
{
    byte at;
    do
    :: at = head;
        if
        :: at == tail -> tail = (at + RING - 1) % RING
        :: else -> skip
        fi
    :: true -> break /* dead */
    :: true -> at = head; break
    od
}

init {
    atomic {
        run kernel(0);
#ifdef LIVENESS
        run kicker()
#else
        run kernel(1)
#endif
    }
}

ltl lives { ([]<> (calls == 0)) && ([]<> (calls == 1)) }
