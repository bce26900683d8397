# The virtual CPU and the platform, piece by piece, by test guests that plain QEMU has judged as well. Sourced by `run`.

CASES="$CASES cpu_guests pokes neighbour_counts"

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

# Device registers poked at random, exits without end.
case_pokes() {
    machine pokes 6
    guest neighbour progress seconds=8
    guest pokes pokes count=40000
    guest hammer hammer count=4000 'vcpus: 2'
    go 0 120
    passes pokes "random values to the registers of APICs, PCI functions and the platform"
    passes hammer "exits as fast as they come on one CPU, while the other sleeps"
    neighbour
    counters
    trusted_live
}

# Instruction streams of random bytes at CPL 0, for an hour of `make soak`, in machines of RANDOM_SECONDS each, as QEMU ends itself at some of what such code does
# (CAVEATS.md). What such a guest may come to is to be stopped or reset, for a reason that the log names, and started again.
RANDOM_SECONDS=${RANDOM_SECONDS:-20}
case_random_code() {
    machine random-code 5
    guest neighbour progress seconds=$((RANDOM_SECONDS + 3))
    guest random random-code "seconds=$RANDOM_SECONDS seed=${RANDOM_SEED:-1}" 'vcpus: 2'
    printf '    restart: on-failure\n' >>"$file"
    go 0 $((RANDOM_SECONDS * 2 + 120))
    passes random "random instructions at CPL 0 for $RANDOM_SECONDS s: $(grep -c 'random-code: a life' "$dir/random.log") lives"
    says random 'random-code: over, [0-9]+ runs' "the last life came to its end"
    neighbour
    counters
    trusted_live
}

# How many instructions a neighbour's core executes for the same work, beside a VM that ends at once and beside one that exits without end: kernel, VMM
# and guest together, counted by a plugin of QEMU. Nobody may take more than a fiftieth from it.
case_neighbour_counts() {
    quiet=
    for exits in 1 8000; do
        machine counts-$exits 5
        guest neighbour progress 'seconds=3 megabytes=32'
        guest hammer hammer "count=$exits" 'vcpus: 2'
        go 0 200 --count --qemu-arg -plugin --qemu-arg "$B/tests/system/counts.so,out=$dir/counts"
        passes hammer "the other VM came to its end after $exits rounds of exits"
        neighbour
        beside=$(od -An -t u8 -j 8 -N 8 "$dir/counts" 2>/dev/null | tr -d ' ')
        quiet=${quiet:-${beside:-0}}
    done
    more=$((${beside:-0} > quiet ? ${beside:-0} - quiet : quiet - ${beside:-0}))
    [ "$quiet" -gt 1000000 ] && [ $((more * 50)) -le "$quiet" ]
    report $? "its core executes the same instructions beside a quiet VM and beside a hostile one, to 2 %" "$quiet and ${beside:-none}"
    echo "# neighbour's core: $quiet instructions beside a quiet VM, ${beside:-none} beside a hostile one"
}
