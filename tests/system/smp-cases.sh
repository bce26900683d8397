# VMs with several vCPUs on several nodes, and what becomes of a VM: resets, restarts.

CASES="$CASES smp_guest smp_linux smp_restart smp_orphans"

# smp NAME VCPUS [more YAML]: a VM with Debian's kernel.
smp() {
    linux "$1"
    printf '    vcpus: %s\n' "$2" >>"$file"
    [ -z "${3-}" ] || printf '    %s\n' "$3" >>"$file"
}

# Two and four vCPUs side by side; all come up, all do work, timers and IPIs run on each, the TSC is one on all. Of dmesg only what dmesg_clean
# judges is printed: each byte from another vCPU than the first takes the cores of both, seven of them on the host's few.
case_smp_linux() {
    machine smp-linux 7
    smp two 2
    smp four 4 "disks: [{virtio: $B/tests/system/monotonic.img}]"
    work='date -u +%Y-%m-%d; for i in 0 1 2 3; do (for n in 1 2 3; do dd if=/dev/zero of=/dev/null bs=1M count=20 2>/dev/null; done) & done; wait; nproc; cat /proc/interrupts; cat /sys/devices/system/clocksource/clocksource0/current_clocksource; echo "dmesg: $(dmesg | wc -l) lines"; dmesg -r | grep -E "^<([0-4]|8|9|1[0-2])>"'
    go 0 240 --exec two:"$work" --exec two:'echo end of dmesg' --exec two:'poweroff -f' \
        --exec four:'cp /dev/vda /tmp/monotonic; chmod +x /tmp/monotonic; /tmp/monotonic 3' --exec four:"$work" --exec four:'echo end of dmesg' --exec four:'poweroff -f'
    says two '^.{13}2$' "vm two: nproc"
    says four '^.{13}4$' "vm four: nproc"
    says four "^.{13}$(date -u +%Y-%m-)[0-9][0-9]" "vm four: the wall clock is right"
    says four 'monotonic: 4 CPUs, 0 idle, backwards 0 times' "vm four: CLOCK_MONOTONIC is monotonic across its CPUs"
    for vm in two four; do
        says $vm '^.{13}tsc$' "vm $vm: the TSC is the clock source on all CPUs"
        silent $vm 'TSC synchronization|Measured [0-9]+ cycles TSC warp|stuck|stall' "vm $vm: no CPU is behind another"
        says $vm '^.{13}end of dmesg' "vm $vm: dmesg came to its end"
        says $vm '^.{13}dmesg: [0-9]{3,} lines' "vm $vm: there is a dmesg to judge"
        dmesg_clean $vm -1
        says system "event: vm $vm powered-off" "vm $vm powered itself off"
    done
    busy=$(sed -nE 's/^.{13}[ ]*(RES|CAL|LOC): //p' "$dir/four.log" | awk '{ for (i = 1; i <= 4; i++) n += $i > 0 } END { print n + 0 }')
    [ "$busy" -eq 12 ]
    report $? "vm four: each CPU took timer interrupts and IPIs" "$(grep -E 'RES:|CAL:|LOC:' "$dir/four.log")"
    counters
    trusted_live
}

# INIT, start-up IPI, every delivery mode to every kind of destination in xAPIC and x2APIC mode; one clock, one memory.
case_smp_guest() {
    machine smp-guest 7
    guest two smp cpus=2 'vcpus: 2'
    guest four smp cpus=4 'vcpus: 4'
    go 0 150
    for vm in two four; do
        passes $vm "vm $vm: IPIs of all delivery modes and destinations, INIT and start-up, one TSC, one memory"
        says $vm 'x2APIC: all destinations' "vm $vm: in both APIC modes"
    done
    cost two 1 2
    cost four 3 6
    says four 'CPU 3 speaks' "the last CPU reaches the serial port, which is vCPU 0's VMM's"
    counters
    trusted_live
}

# A VM of two vCPUs resets itself; one whose VMM dies is started again and again, its node lives on; a triple fault of any vCPU ends its VM.
case_smp_restart() {
    machine smp-restart 6
    smp again 2
    guest crash crash-vmm '' 'test-hooks: true'
    printf '    restart: on-failure\n' >>"$file"
    guest triple smp-triple '' 'vcpus: 2'
    go 3 90 --exec again:'nproc; reboot -f' --exec again:'nproc; poweroff -f'
    [ "$(grep -Ec '^.{13}2$' "$dir/again.log")" -eq 2 ]
    report $? "both CPUs came back after the reset" "$(grep -Ec '^.{13}2$' "$dir/again.log") times 2 CPUs"
    says system 'event: vm again reset' "vm again: reset itself"
    says system 'event: vm again powered-off' "vm again: powered itself off in the end"
    for pause in 100 200 400 800; do
        says system "event: vm crash restarts in $pause ms: VMM fault: exception 6" "a VMM that dies is started again, the pause doubles: $pause ms"
    done
    silent system 'event: node [0-9]+ died|event: vm crash stopped' "its node lives on"
    stops triple 'vCPU 1: triple fault'
}

# The kernel of one node of a VM dies: what runs on its other nodes is stopped, whichever it was, and the VM's restart policy has no say.
case_smp_orphans() {
    machine smp-orphans 8
    guest neighbour progress seconds=10
    guest second smp-triple kernel=1 'vcpus: 2'
    printf '    test-hooks: true\n    restart: always\n' >>"$file"
    guest first smp-triple kernel=0 'vcpus: 2'
    printf '    test-hooks: true\n' >>"$file"
    vms='neighbour second'
    "$B/atoll" check "$file" >"$dir/check"
    report $? "the three VMs are isolated" "$(grep WRONG "$dir/check")"
    go 1 90
    says system 'event: node 3 died: ' "vm second: the death of its second node's kernel is an event"
    stops second 'vCPU 1: the kernel of its node died'
    says system 'event: node 4 died: ' "vm first: the death of its first node's kernel is an event"
    says system 'vm first: vCPU 1 is stopped: the kernel of vCPU 0.s node died' "vm first: its second vCPU is stopped"
    silent system 'event: node [012567] died|event: vm second restarts' "no other kernel died, and no life follows"
    neighbour
    counters
}

# cost VM FIRST-NODE LAST-NODE: what `atoll run` said before the start is what boot gave away.
cost() {
    said=$(sed -n "s/^$1: .* beyond it \([0-9]*\) KiB.*/\1/p" "$dir/out")
    given=0
    for range in $(sed -nE "s/.*boot: node ([0-9]+): (core apic [0-9]+, private|[a-z-]+ [^ ]+) \[0x([0-9a-f]+)-0x([0-9a-f]+)\).*/\1 \2 \3 \4/p" "$dir/system.log" |
        awk -v first="$2" -v last="$3" -v ram="vm.$1.ram" '$1 >= first && $1 <= last && $3 != ram { print $(NF - 1) "-" $NF }' | sort -u); do
        given=$((given + (0x${range#*-} - 0x${range%-*}) / 1024))
    done
    [ -n "$said" ] && [ "$said" -eq "$given" ]
    report $? "vm $1: costs what was said before it started: $said KiB beyond its RAM" "boot gave $given KiB"
}

# For `make soak`: eight vCPUs, and fifty resets in a row.
case_smp_eight() {
    machine smp-eight 9
    smp eight 8
    go 0 600 --exec eight:'nproc; cat /proc/interrupts' --exec eight:'poweroff -f'
    says eight '^.{13}8$' "vm eight: nproc"
    busy=$(sed -nE 's/^.{13}[ ]*(CAL|LOC): //p' "$dir/eight.log" | awk '{ for (i = 1; i <= 8; i++) n += $i > 0 } END { print n + 0 }')
    [ "$busy" -eq 16 ]
    report $? "vm eight: each CPU took timer interrupts and IPIs" "$(grep -E 'CAL:|LOC:' "$dir/eight.log")"
    counters
    trusted_live
}

case_smp_reboots() {
    machine smp-reboots 3
    smp again 2
    set --
    for i in $(seq 50); do
        set -- "$@" --exec again:'nproc; reboot -f'
    done
    go 0 3000 "$@" --exec again:'nproc; poweroff -f'
    [ "$(grep -c 'event: vm again reset' "$dir/system.log")" -eq 50 ]
    report $? "fifty resets" "$(grep -c 'event: vm again reset' "$dir/system.log")"
    [ "$(grep -Ec '^.{13}2$' "$dir/again.log")" -eq 51 ]
    report $? "both CPUs came back each time" "$(grep -Ec '^.{13}2$' "$dir/again.log") of 51"
    trusted_live
}
