/* The carousel: how kernels that share nothing else hand commands to one IOMMU (docs/decisions/0010-iommu-carousel.md,
 * kernel/x86/iommu.c). The unit takes commands from a ring, from `head` up to `tail`; each kernel owns three slots of it (two commands
 * in the code are one here), the rest are idle for ever. Any kernel may stop for good between any two memory accesses.
 *
 * Checked: when iommu_execute() returns, the unit has carried out the command that this call wrote (assert); a kernel that
 * lives gets its calls done for ever, whatever the other one does or stops doing (ltl lives).
 *
 * The unit fetches a slot, carries it out, and moves on, in separate steps: what it holds may be overwritten meanwhile. */
#define KERNELS 2
#define OWN 3
#define RING 7                 /* one slot belongs to nobody */
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
        head = (head + 1) % RING
    od
}

/* 16 bytes at once. */
#define STORE(slot, what, number) d_step { kind[OWN * me + slot] = what; ticket[OWN * me + slot] = number }
#define MAY_DIE if :: mortal -> goto dead :: true fi

inline wait_for(status)
{
    do
    :: status == mine -> break
    :: else -> /* kick() */
        MAY_DIE;
        at = head;
        if
        :: at == tail -> MAY_DIE; tail = (at + RING - 1) % RING
        :: else -> skip
        fi
    od
}

proctype kernel(byte me; bool mortal)
{
    byte mine = 1, at;
    do
    :: front_status[me] = 0;
        MAY_DIE;
        rear_status[me] = 0;
        MAY_DIE;
        carried_out[me] = 0; /* of the model alone: this call's command counts */
        STORE(COMMAND, command, mine);
        MAY_DIE;
        STORE(REAR, rear_wait, mine);
        MAY_DIE;
        STORE(FRONT, front_wait, mine);
        MAY_DIE;
        wait_for(front_status[me]);
        MAY_DIE;
        rear_status[me] = 0;
        wait_for(rear_status[me]);
        assert(carried_out[me] == mine);
        MAY_DIE;
        STORE(FRONT, idle, 0);
        MAY_DIE;
        STORE(COMMAND, idle, 0);
        MAY_DIE;
        STORE(REAR, idle, 0);
        mine = 3 - mine;
        if
        :: me == 0 -> calls = 1 - calls
        :: else -> skip
        fi
    od;
dead:
    skip
}

init { atomic { run kernel(0, false); run kernel(1, true) } }

ltl lives { ([]<> (calls == 0)) && ([]<> (calls == 1)) }
