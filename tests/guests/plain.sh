#!/bin/sh
# Run the test guests that plain QEMU can judge, so that a guest is trusted before it judges Atoll.
# usage: plain.sh GUEST-DIR RESULT-DIR [GUEST...]
set -u
guests=$1
results=$2
shift 2
mkdir -p "$results"
passed=0
failed=0
: "${QEMU:=qemu-system-x86_64}"

# run NAME EXPECTED-QEMU-EXIT [OPTIONS]: the exit port's value v makes QEMU exit with 2v + 1; power-off and reset with 0
run() {
    log=$results/plain-$1.log
    if [ ! -e "$guests/$1.elf" ]; then # QEMU's status for that is a guest's status 0
        echo "not ok plain $1: there is no such guest"
        failed=$((failed + 1))
        return
    fi
    time=
    [ "$1" != timer ] && [ "$1" != pm ] || time="-icount shift=0,sleep=off" # counted in instructions: a busy host makes no timer late
    # shellcheck disable=SC2086 # a list of words
    smp=
    [ "$1" != smp ] || smp="-smp 4"
    # shellcheck disable=SC2086 # a list of words
    timeout 60 "$QEMU" -accel tcg,thread=single $time $smp -machine q35 -cpu max,vendor=AuthenticAMD,phys-bits=39 -m 256M -nodefaults -display none -no-reboot \
        -device isa-debug-exit,iobase=0xf4,iosize=4 -serial "file:$log" -kernel "$guests/$1.elf" -append "plain ${3-}" </dev/null
    status=$?
    if [ $status -eq "$2" ]; then
        echo "ok plain $1"
        passed=$((passed + 1))
    else
        echo "not ok plain $1: QEMU ended with $status, expected $2; last line: $(tail -n 1 "$log")"
        failed=$((failed + 1))
    fi
}

if [ $# -gt 0 ]; then
    for guest; do run "$guest" 1; done
else
    for guest in hello ports-all msr-sweep cpuid-sweep beyond-ram own-tables vmrun vmmcall exceptions segments lengths babble debug interrupts modes mmio serial; do
        run $guest 1
    done
    run hello 7 status=3
    run smp 1 cpus=4
    run irq-storm 1 seconds=1
    run endless-loop 1 seconds=1
    run timer 1
    run fpu 1
    run progress 1 seconds=1
    run triple-fault 0
    run poweroff 0
    run reset 0
    run pm 1
fi
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
