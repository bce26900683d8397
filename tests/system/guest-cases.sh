# The virtual CPU and the platform, piece by piece, by test guests that plain QEMU has judged as well. Sourced by `run`.

CASES="$CASES cpu_guests"

case_cpu_guests() {
    machine cpu-guests 4
    guest interrupts interrupts
    guest debug debug
    go 0 100
    passes interrupts "NMI, task priority, windows, exceptions in the middle of a delivery"
    passes debug "single step over instructions that exit, breakpoints"
    counters
    trusted_live
}
