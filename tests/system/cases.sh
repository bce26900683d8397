# The whole-machine cases, one function each; what must hold is numbered as in the issue that asked for it.

CASES="two_linux sweeps hostile storms console devices fatal crashes verdicts wrong_input iommu_refusals processor_refusals dma"

# 1 and 2: two Debian kernels; while they run, the kernels' page tables are walked.
case_two_linux() {
    machine two-linux 4
    linux alpha
    linux beta
    vms="alpha beta"
    ram=$OUT/two-linux.ram
    rm -f "$ram"
    walk_when_running "$ram" >"$dir/walk" 2>&1 &
    walker=$!
    go 0 180 --ram-file "$ram" \
        --exec alpha:'uname -a; cat /proc/cpuinfo; dmesg -r' --exec alpha:'echo end of dmesg' --exec alpha:'poweroff -f' \
        --exec beta:'uname -a; cat /proc/cpuinfo; dmesg -r' --exec beta:'echo end of dmesg' --exec beta:'poweroff -f'
    wait $walker
    while read -r line; do
        case $line in
        ok*) report 0 "while it runs: ${line#* - }" ;;
        not*) report 1 "while it runs: ${line#* - }" "see $dir/walk" ;;
        esac
    done <"$dir/walk"
    grep -q '^ok' "$dir/walk"
    report $? "the kernels' page tables were walked while two Linux guests ran" "$(tail -n 1 "$dir/walk")"
    walk_negative "$ram"
    rm -f "$ram"
    for vm in $vms; do
        says $vm 'Linux .*x86_64 GNU/Linux' "vm $vm: uname runs in user space"
        says $vm 'model name' "vm $vm: /proc/cpuinfo is read"
        says $vm '^.{13}end of dmesg' "vm $vm: dmesg came to its end"
        dmesg_clean $vm
        says system "event: vm $vm powered-off" "vm $vm powered itself off"
    done
    counters
    trusted_live
}

# dmesg_clean VM [LINES]: no line of level warning or worse in `dmesg -r` but for the allowed ones, and more than LINES (100) in all. The number in <> is
# facility * 8 + level.
dmesg_clean() {
    grep -Ev '^(#|$)' "$here/dmesg-allowed" >"$dir/allowed"
    sed -n 's/^\[ *[0-9.]*\] <\([0-9]*\)>\(\[.*\)/\1 \2/p' "$dir/$1.log" >"$dir/$1.dmesg"
    awk '$1 % 8 <= 4' "$dir/$1.dmesg" | grep -Evf "$dir/allowed" >"$dir/$1.warnings"
    [ "$(wc -l <"$dir/$1.dmesg")" -gt "${2-100}" ] && [ ! -s "$dir/$1.warnings" ]
    report $? "vm $1: no warning in its dmesg that KVM does not give" "$(wc -l <"$dir/$1.dmesg") lines of dmesg; $(head -n 5 "$dir/$1.warnings")"
}

walk_when_running() {
    for second in $(seq 120); do
        sleep 1
        if [ "$(grep -c 'event: vm .* started' "$dir/system.log" 2>/dev/null)" -ge 2 ]; then
            sleep 2
            exec "$B/tests/system/walk" "$dir/system.log" "$1"
        fi
    done
    echo "no two VMs had started after $second s"
}

# The walk must see a bad entry: put kernel 1's own second-level table of kernel 2's window into an empty entry of its top table.
walk_negative() {
    pml4() { sed -n "s/.*boot: node $1: .*kernel pml4 0x\([0-9a-f]*\).*/\1/p" "$dir/system.log"; }
    one=$(pml4 1)
    two=$(pml4 2)
    if [ -z "$one" ] || [ -z "$two" ] || [ ! -e "$1" ]; then
        report 1 "the walk finds a planted entry" "no tables to plant it in"
        return
    fi
    dd if="$1" of="$1" bs=8 count=1 skip=$((0x$two / 8 + 256)) seek=$((0x$one / 8 + 300)) conv=notrunc 2>/dev/null
    ! "$B/tests/system/walk" "$dir/system.log" "$1" >"$dir/walk-planted"
    report $? "the walk finds a planted entry that reaches another node" "$(cat "$dir/walk-planted")"
}

# 4: everything that a guest can poke at, four guests at a time beside a neighbour.
case_sweeps() {
    machine sweeps 6
    guest neighbour progress seconds=12
    guest hello hello
    guest ports ports-all
    guest msrs msr-sweep
    guest cpuid cpuid-sweep
    go 0 120
    passes hello "a test guest runs and ends"
    passes ports "every port read and written in every width"
    passes msrs "every MSR of the architectural, KVM and AMD ranges read and written"
    passes cpuid "every CPUID leaf read; no SVM, VMX or MONITOR"
    neighbour
    counters
    trusted_live
}

case_hostile() {
    machine hostile 6
    guest neighbour progress seconds=12
    guest beyond beyond-ram
    guest scribbler own-tables
    guest virt vmrun
    guest caller vmmcall 'seed=7 count=20000'
    go 0 120
    passes beyond "beyond RAM: all ones, or #PF"
    passes scribbler "a guest overwrote all of its RAM"
    passes virt "VMRUN and its siblings raise #UD"
    passes caller "20000 hypercalls with random registers"
    neighbour
    counters
    trusted_live
}

case_storms() {
    machine storms 6
    guest neighbour progress seconds=12
    guest storm irq-storm seconds=4
    guest loop endless-loop seconds=4
    guest faults exceptions
    guest selectors segments
    go 0 120
    passes storm "self-IPIs and a 100-tick periodic timer for 4 s"
    passes loop "a loop with interrupts off"
    passes faults "exceptions with their vectors, error codes, CR2"
    passes selectors "segments, tables, 32-bit code"
    neighbour
    counters
    trusted_live
}

# A console flood: nobody else's stream suffers, and nothing can be forged.
case_console() {
    machine console 4
    guest neighbour progress seconds=8
    guest babbler babble seconds=4
    go 0 90
    passes babbler "a console flood of switch bytes and forged events"
    says babbler 'forged' "the babbler did forge"
    silent system 'forged' "no forged line reached the system log"
    silent neighbour 'forged' "no forged line reached the neighbour's log"
    [ "$(grep -Ec '\] progress [0-9]+$' "$dir/neighbour.log")" -eq 16 ]
    report $? "every line of the neighbour's console arrived whole" "$(grep -Ec '\] progress [0-9]+$' "$dir/neighbour.log") of 16"
    neighbour
    counters
    trusted_live
}

case_devices() {
    machine devices 6
    guest lengths lengths
    guest timer timer
    guest fpu fpu
    guest off poweroff
    guest again reset
    go 0 120 --exec again:cf9 --exec again:keyboard --exec again:port92 --exec again:exit
    passes lengths "after each exiting instruction, whatever its prefixes, the guest goes on behind it"
    passes timer "one-shot, periodic and deadline timers"
    passes fpu "x87, SSE and AVX state"
    says system 'event: vm off powered-off' "ACPI power-off"
    passes again "the VM is alive after three resets, with fresh RAM each time"
    [ "$(grep -c 'event: vm again reset' "$dir/system.log")" -eq 3 ]
    report $? "three resets, three events" "$(grep -c 'event: vm again reset' "$dir/system.log") events"
    counters
    trusted_live
}

# 3 and 4: guests that end badly, each for its own reason, and nobody else.
case_fatal() {
    machine fatal 6
    guest neighbour progress seconds=10
    guest triple triple-fault
    guest halted hlt-no-irq
    guest fxsave beyond-ram odd
    guest jump beyond-ram exec
    go 1 90
    stops triple 'triple fault'
    stops halted 'interrupts off'
    stops fxsave 'the instruction at 0x[0-9a-f]+ cannot be done on 0x[0-9a-f]+, which is not memory'
    stops jump 'it jumped to 0x[0-9a-f]+, which is not memory'
    trusted_live
    for vm in triple halted fxsave jump; do
        outlived $vm
    done
    neighbour
    counters
    trusted_live
}

# 3: one VMM and one kernel die.
case_crashes() {
    machine crashes 4
    guest neighbour progress seconds=10
    guest vmm crash-vmm '' 'test-hooks: true'
    guest kernel crash-kernel '' 'test-hooks: true'
    go 1 90
    stops vmm 'VMM fault: exception 6,'
    says system 'event: node 3 died: .+' "the death of a kernel is an event with its reason"
    outlived vmm
    outlived kernel
    neighbour
    silent system 'event: node [012] died|thread [^ ]+: fault|node [012]\] panic' "no other kernel died, and no node manager"
}

# The tool's verdict follows the guests'.
case_verdicts() {
    machine bad-status 4
    guest three hello status=3
    go 1 60
    says system 'event: vm three exit-code 3' "the guest's own status is an event"
    machine time-out 4
    guest loop endless-loop seconds=0
    guest hooks crash-vmm # without test-hooks the port does nothing
    go 3 10
    says hooks 'FAIL: the VMM is still there' "without test-hooks, the hook's port is a port like any other"
}

# Wrong input starts nothing: status 2, one sentence with the file's name.
refuses() { # refuses CLAIM REGEX
    "$B/atoll" run "$file" --headless --timeout 10 >"$dir/out" 2>&1
    status=$?
    [ $status -eq 2 ] && [ "$(wc -l <"$dir/out")" -eq 1 ] && grep -Eq "$2" "$dir/out"
    report $? "$1" "status $status: $(cat "$dir/out")"
}

case_wrong_input() {
    machine no-kernel 4
    guest a there-is-no-such-guest
    refuses "a missing kernel file is refused in one sentence with file and line" 'no-kernel.yaml:[0-9]+: .*there-is-no-such-guest'
    machine many-vms 2
    guest a hello
    guest b hello
    refuses "more VMs than cores are refused" 'many-vms.yaml:[0-9]+: '
    machine unknown-key 4
    guest a hello '' 'colour: red'
    refuses "an unknown key is refused" 'unknown-key.yaml:[0-9]+: .*colour'
    machine truncated 4
    head -c 100000 "$B/guest/vmlinuz" >"$OUT/truncated.kernel"
    printf '  - name: a\n    memory: 256M\n    boot: linux\n    kernel: %s\n' "$OUT/truncated.kernel" >>"$file"
    refuses "a truncated kernel is refused" 'truncated.yaml:[0-9]+: .*truncated'
}

# Fail closed: without an IOMMU that can do what is needed, nothing starts, and the sentence says what to change.
unprotected() { # unprotected NAME REGEX [QEMU's -device]
    machine "$1" 2
    guest a hello
    if [ -n "${3-}" ]; then
        go 1 30 --machine none --qemu-arg -device --qemu-arg "$3"
    else
        go 1 30 --machine none
    fi
    says system "event: boot stopped: $2" "boot refuses: $1"
    silent system 'event: vm' "no VM was started"
}

case_iommu_refusals() {
    unprotected no-iommu 'no IOMMU: .*enable "IOMMU"'
    unprotected vtd-no-remapping 'no interrupt remapping: .*enable' intel-iommu,intremap=off,eim=off
    unprotected vtd-no-x2apic 'the IOMMU at 0xfed90000 remaps no interrupts to x2APIC' intel-iommu,intremap=on,eim=off
    unprotected vtd-39-bits 'the IOMMU at 0xfed90000 has no 4-level page tables' intel-iommu,intremap=on,eim=on,aw-bits=39
    unprotected amdvi-no-x2apic 'the IOMMU at 0xfed80000 remaps no interrupts to x2APIC' amd-iommu,intremap=on,xtsup=off,pt=off
    unprotected amdvi-no-remapping 'no IOMMU remaps the interrupts of the IOAPIC' amd-iommu,intremap=off,xtsup=on,pt=off
}

# The kernel must be kept from what a VMM's tables map: its guest's memory.
case_processor_refusals() {
    for lacking in smap smep; do
        machine no-$lacking 2
        guest a hello
        go 1 30 --qemu-arg -cpu --qemu-arg "max,vendor=AuthenticAMD,phys-bits=39,-$lacking"
        says system 'event: boot stopped: .*SMEP and SMAP' "boot refuses a processor without $lacking"
        silent system 'event: vm' "no VM was started"
    done
}
