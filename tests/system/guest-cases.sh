# The virtual CPU and the platform, piece by piece, by test guests that plain QEMU has judged as well. Sourced by `run`.

CASES="$CASES cpu_guests random_code"

case_cpu_guests() {
    machine cpu-guests 6
    guest interrupts interrupts
    guest debug debug
    guest modes modes
    guest mmio mmio
    guest serial serial
    go 0 100
    passes interrupts "NMI, task priority, windows, exceptions in the middle of a delivery"
    passes debug "single step over instructions that exit, breakpoints"
    passes modes "protected, 16-bit and real mode, old paging, hardware task switches"
    passes mmio "registers in memory in every width, by every instruction, through pages of every size"
    passes serial "16550 with interrupts, PIC masks, PCI mechanism 1"
    counters
    trusted_live
}

# Instruction streams of random bytes at CPL 0, device registers poked at random, exits without end: RANDOM_SECONDS of it (`make soak`: an hour). What such
# a guest may come to is to be stopped or reset, for a reason that the log names, and started again.
RANDOM_SECONDS=${RANDOM_SECONDS:-12}
case_random_code() {
    machine random-code 8
    guest neighbour progress seconds=$((RANDOM_SECONDS + 3))
    guest random random-code "seconds=$RANDOM_SECONDS seed=${RANDOM_SEED:-1}" 'vcpus: 2'
    printf '    restart: on-failure\n' >>"$file"
    guest pokes pokes "count=$((RANDOM_SECONDS * 4000)) seed=${RANDOM_SEED:-1}"
    guest hammer hammer "count=$((RANDOM_SECONDS * 400))" 'vcpus: 2'
    go 0 $((RANDOM_SECONDS * 2 + 120))
    passes random "random instructions at CPL 0 for $RANDOM_SECONDS s: $(grep -c 'random-code: a life' "$dir/random.log") lives"
    says random 'random-code: over, [0-9]+ runs' "the last life came to its end"
    passes pokes "random values to the registers of APICs, PCI functions and the platform"
    passes hammer "exits as fast as they come on one CPU, while the other sleeps"
    neighbour
    counters
    trusted_live
}
