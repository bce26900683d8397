# What the whole-machine tests are written with: describe a machine, run it, look at its logs. Sourced by `run`.
#
# Variables: B (build folder), OUT (this run's descriptions and logs). One "ok"/"not ok" line per claim on stdout.

tests=0
failures=0

report() { # report STATUS CLAIM [EXPLANATION]
    tests=$((tests + 1))
    if [ "$1" -eq 0 ]; then
        echo "ok $tests - $name: $2"
    else
        failures=$((failures + 1))
        echo "# ${3-}"
        echo "not ok $tests - $name: $2"
    fi
}

# machine NAME CORES: begin a description of a machine; its logs go to $dir.
machine() {
    name=$1
    dir=$OUT/$name
    file=$OUT/$name.yaml
    rm -rf "$dir"
    mkdir -p "$dir"
    printf 'machine:\n  cores: %s\n  memory: 2G\nvms:\n' "$2" >"$file"
    vms=
}

# guest NAME ELF [COMMAND-LINE] [more YAML]: add a VM with a test guest.
guest() {
    vms="$vms $1"
    printf '  - name: %s\n    memory: 64M\n    boot: multiboot\n    kernel: %s\n    cmdline: "%s"\n' "$1" "$B/tests/guests/$2.elf" "${3-}" >>"$file"
    [ -z "${4-}" ] || printf '    %s\n' "$4" >>"$file"
}

# linux NAME: add a VM with Debian's kernel.
linux() {
    vms="$vms $1"
    printf '  - name: %s\n    memory: 256M\n    boot: linux\n    kernel: %s\n    initrd: %s\n    cmdline: console=ttyS0\n' "$1" \
        "$B/guest/vmlinuz" "$B/guest/initramfs.cpio.gz" >>"$file"
}

# go EXPECTED-STATUS SECONDS [OPTIONS]: run it. Every VM that ended must have left its counters; nobody else may have died.
go() {
    want=$1
    seconds=$2
    shift 2
    for attempt in first last; do
        "$B/atoll" run "$file" --headless --log-dir "$dir" --timeout "$seconds" "$@" >"$dir/out" 2>&1 </dev/null
        status=$?
        died=$(grep -Eo -m 1 'qemu-system-x86_64: [a-z/]+\.c:[0-9]+: .*Assertion .* failed|qemu: fatal: invalid tss' "$dir/out") || break
        echo "# QEMU itself ended, at an assertion of its own ($attempt attempt): $died"
    done
    [ "$status" -eq "$want" ]
    report $? "atoll run ends with status $want" "status $status: $(tail -n 1 "$dir/out"); $(tail -n 1 "$dir/system.log" 2>/dev/null)"
}

# says LOG REGEX CLAIM / silent LOG REGEX CLAIM: a line in that log, or none. LOG: system, or a VM's name.
says() {
    grep -Eq -- "$2" "$dir/$1.log" 2>/dev/null
    report $? "$3" "no line of $1.log matches '$2'; its last: $(tail -n 1 "$dir/$1.log" 2>/dev/null)"
}

silent() {
    found=$(grep -E -m 1 -- "$2" "$dir/$1.log" 2>/dev/null)
    [ -e "$dir/$1.log" ] && [ -z "$found" ]
    report $? "$3" "$found"
}

# The claims about every VM of every machine.
passes() { # passes VM CLAIM: its guest wrote 0 to the exit port
    says system "event: vm $1 exit-code 0\$" "$2"
}

stops() { # stops VM REASON-REGEX
    says system "event: vm $1 stopped: .*$2" "vm $1 is stopped and the log says why: $2"
}

counters() {
    for vm in $vms; do
        says system "event: vm $vm counters .*cpuid=[0-9]+ .*port=[0-9]+ .*console-bytes=[0-9]+" "vm $vm: its counters are printed when it ends"
    done
}

trusted_live() { # nothing but VMs and VMMs may end
    silent system "event: node [0-9]+ died|event: boot stopped|thread [^ ]+: fault|panic: " "no kernel and no node manager faulted"
}

# root_claims TASK: what a root task of tests/root has claimed in its log becomes claims here.
root_claims() {
    sed -n "s/^.*$1: \(ok\|not ok\) [0-9]* - /\1 /p" "$dir/system.log" >"$dir/claims"
    while read -r line; do
        case $line in
        ok*) report 0 "${line#ok }" ;;
        *) report 1 "${line#not ok }" "see $dir/system.log" ;;
        esac
    done <"$dir/claims"
    says system "$1: done: .*, 0 failed" "no claim failed"
}

line_of() { # line number of the first matching line of system.log
    grep -En -m 1 -- "$1" "$dir/system.log" 2>/dev/null | cut -d: -f1
}

# neighbour [GAP-MS]: the VM `neighbour` (guest progress) went on to its end, never stood still for long, and outlived the others.
neighbour() {
    passes neighbour "the neighbour's memory is intact and it came to its end"
    gap=$(sed -n 's/.*progress: done, longest gap \([0-9]*\) ms.*/\1/p' "$dir/neighbour.log" 2>/dev/null)
    [ "${gap:-999999}" -le "${1:-2000}" ]
    report $? "the neighbour never stood still for more than ${1:-2000} ms" "longest gap: ${gap:-no such line} ms"
}

outlived() { # outlived VM: the neighbour ended after that VM had
    first=$(line_of "event: vm $1 (stopped|powered-off)|event: node [0-9]+ died")
    last=$(line_of "event: vm neighbour exit-code")
    [ "${first:-999999}" -lt "${last:-0}" ]
    report $? "the neighbour went on after $1 had ended" "lines of system.log: $1 ${first:-none}, neighbour ${last:-none}"
}
