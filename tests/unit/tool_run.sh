#!/bin/bash
# `atoll run` as a whole against a stand-in for QEMU: statuses, logs, commands, the terminal, and that nothing is left behind.
# tool_run.sh BUILD
set -u
cd "$(dirname "$0")/../.." || exit 1
atoll=$1/atoll
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export TMPDIR=$work/tmp
mkdir "$TMPDIR"
n=0
check() { # check NAME COMMAND...: ok if the command succeeds
    n=$((n + 1))
    name=$1
    shift
    if "$@"; then echo "ok $n - $name"; else echo "not ok $n - $name"; sed 's/^/# /' "$work/out"; fi
}
run() { # run STORY OPTION...: status in $status, all output in $work/out
    STORY=$1
    export STORY
    shift
    timeout 20 "$atoll" run examples/two-vms.yaml --headless --qemu tests/unit/tool_fake_server.sh --log-dir "$work/log" "$@" >"$work/out" 2>&1
    status=$?
}
is() { [ "$status" = "$1" ]; }
says() { grep -qxF -- "$1" "$work/out"; }
logged() { grep -qE -- "$2" "$work/log/$1.log"; }

off="poweroff -f"
run good --timeout 10 --exec "alpha:uname -a" --exec "beta:one two" --exec "alpha:$off" --exec "beta:$off"
check "all powered off: status 0" is 0
check "progress is printed" says "beta: powered off"
check "commands arrive, in order, at the right VM" [ "$(sed -n 's/.*\(got <.*>\)$/\1/p' "$work"/log/{alpha,beta}.log | tr '\n' ' ')" = \
    "got <uname -a> got <$off> got <one two> got <$off> " ]
check "log lines are time-stamped" [ "$(grep -cvE '^\[ *[0-9]+\.[0-9]{3}\] ' "$work"/log/*.log | sort -u | cut -d: -f2 | sort -u)" = 0 ]
check "a VM's bytes stay its own: a doubled switch byte switches nothing, and logs hold no controls" logged beta 'beta says  hi$'
check "events are in the system log" logged system 'event: vm alpha counters cpuid=1$'
run good --timeout 10 --exec "alpha:crash" --exec "beta:$off"
check "a crash: status 1" is 1
check "a crash: its reason" says "atoll: VM alpha: triple fault"
run good --timeout 10 --exec "alpha:fail" --exec "beta:$off"
check "a test guest's failure: status 1" is 1
check "a test guest's failure: its code" says "atoll: VM alpha: the guest ended with exit code 3"
run good --timeout 10 --exec "alpha:$off" --exec "beta:kernel"
check "a kernel's death: status 1" is 1
check "a kernel's death: its VM and the reason" says "atoll: VM beta: its node 2 died: page fault"
run good --timeout 1 --exec "alpha:$off"
check "time-out: status 3" is 3
check "time-out: who still runs" says "atoll: VM beta: still running"
run refused --timeout 10
check "boot refuses: status 1" is 1
check "boot refuses: its reason" says "atoll: boot stopped: no IOMMU"
run gone --timeout 10
check "the emulator fails: status 1" is 1
check "the emulator fails: what it said" says "  the emulator's complaint"
run good --exec "gamma:x"
check "--exec for an unknown VM: status 2" is 2
run good --exec "alpha"
check "--exec without a command: status 2" is 2
run good --timeout soon
check "a wrong option value: status 2" is 2
run good --frobnicate
check "an unknown option: status 2" is 2
"$atoll" run /nowhere.yaml --headless >"$work/out" 2>&1
status=$?
check "no description: status 2" is 2
"$atoll" run examples/two-vms.yaml --headless --qemu /nowhere >"$work/out" 2>&1
status=$?
check "no emulator: status 2" is 2

# Namespaces of an emulated SSD: one that is named is made, used and kept; one that is not goes. A file that is there is not touched.
disk() { # disk OPTION...
    STORY=good timeout 20 "$atoll" run examples/nvme.yaml --headless --qemu tests/unit/tool_fake_server.sh --timeout 10 --exec "alpha:$off" \
        --exec "beta:$off" "$@" >"$work/out" 2>&1
    status=$?
}
disk --ssd ssd0:2="$work/namespace"
check "an SSD: status 0" is 0
check "a file that is named for a namespace is made" [ "$(stat -c %s "$work/namespace")" = 67108864 ]
check "and said" says "ssd0: namespace 2 is the new file $work/namespace of 64 MiB"
check "and that the other namespace goes" says "ssd0: namespace 1 is a temporary file, which goes when the machine stops; --ssd ssd0:1=FILE keeps it"
printf %512s kept >"$work/namespace"
disk --ssd ssd0:2="$work/namespace"
check "a file that is there is used as it is" [ "$status$(tr -d ' ' <"$work/namespace")" = 0kept ]
printf %511s kept >"$work/namespace"
disk --ssd ssd0:2="$work/namespace"
check "but not one of half a sector: status 2" is 2
check "with the remedy" says "atoll: --ssd: '$work/namespace' is no whole number of sectors of 512 bytes; \`truncate -s %512\` rounds it up"
disk --ssd ssd0:3="$work/other"
check "a namespace that no disk is on: status 2" is 2
check "and no file is made" [ ! -e "$work/other" ]
disk --ssd ssd0:2="$work"
check "a folder is no namespace: status 2" is 2

# A person at a terminal: help, switching, typing to each VM, leaving.
keys() {
    sleep 1; printf '\001?'; sleep 0.3; printf '\0012'; sleep 0.3; printf 'to beta\r'; sleep 0.3
    printf '\0010'; sleep 0.3; printf '\0011'; sleep 0.3; printf 'to alpha\r'; sleep 0.3; printf '\001q'; sleep 1
}
export STORY=good
keys | timeout 20 script -qec "stty -echo; $atoll run examples/two-vms.yaml --qemu tests/unit/tool_fake_server.sh --log-dir $work/log; \
    echo status \$?; stty -a | grep -o '.icanon'" /dev/null | tr -d '\r' >"$work/out"
seen() { grep -q -- "$1" "$work/out"; }
check "terminal: the first VM is shown by itself" seen 'alpha console'
check "terminal: help" seen 'Ctrl-A then: 0 system, 1-2 VM'
check "terminal: switching replays" [ "$(grep -c 'beta says' "$work/out")" = 1 ]
check "terminal: keys go to the shown VM" logged beta 'got <to beta>'
check "terminal: and after switching to the other" logged alpha 'got <to alpha>'
check "terminal: leaving is no failure" seen 'status 0'
check "terminal: its mode is restored" seen ' icanon'

# Ended from outside.
"$atoll" run examples/two-vms.yaml --headless --qemu tests/unit/tool_fake_server.sh >"$work/out" 2>&1 &
sleep 1
child=$(cat /proc/$!/task/$!/children)
kill -TERM $!
wait $!
status=$?
check "SIGTERM ends it as such" is 143
check "SIGTERM ends the emulator too" [ ! -e "/proc/${child:-none}" -a -n "$child" ]
check "no temporary file is left" [ -z "$(ls -A "$TMPDIR")" ]
"$atoll" check examples/sriov.yaml >"$work/out" 2>&1
check "atoll check names a network that two VMs share, once" says "wire: VLAN 100 of nic0 carries frames between alpha and beta; give them different \`vlan\`s if that is not meant"
check "and none that a VM has for itself" [ "$(grep -c ^wire: "$work/out")" = 1 ]
