# Components that have become an attacker's, and what survives them. Sourced by `run`.

CASES="$CASES hostile_queues hostile_bells"

# images_with NAME=FILE...: a copy of the images in which some are others, for `atoll run --images`. Gone again after `images_done`.
images_with() {
    rm -rf "$dir/images" && mkdir -p "$dir/images/user"
    cp "$B"/*.elf "$dir/images" && cp "$B"/user/*.elf "$dir/images/user"
    for other in "$@"; do
        cp "$B/${other#*=}" "$dir/images/user/${other%%=*}.elf"
    done
}
images_done() { rm -rf "$dir/images"; }

# A VMM spoils all that it can write and crashes: its VM's next life has its disks, its ports and its console again.
case_hostile_queues() {
    machine hostile-queues 3
    sed -i 's/^vms:/switches: [{name: lan}]\nvms:/' "$file"
    head -c 1024000 /dev/urandom >"$dir/disk"
    guest victim lives '' "disks: [{virtio: $dir/disk, writable: true}, {virtio: $dir/disk, writable: true}]"
    printf '    net: [{switch: lan}, {switch: lan}]\n    test-hooks: true\n    restart: on-failure\n' >>"$file"
    guest neighbour progress seconds=12
    images_with vmm=tests/hostile/vmm.elf
    go 0 90 --images "$dir/images" --exec victim:spoil --exec victim:spoil --exec victim:crash --exec victim:spoil --exec victim:end
    images_done
    [ "$(grep -c 'lives: ports work' "$dir/victim.log")" -eq 5 ] && [ "$(grep -c 'lives: disk . works' "$dir/victim.log")" -eq 10 ]
    report $? "five lives, each with both disks and both ports" "$(grep 'lives:' "$dir/victim.log")"
    passes victim "the last one ends in order, at a word from its console"
    says system "switch: port [01]: its VMM wrote something that is no frame" "the switch closed the port, and says so"
    says system 'disk: the VMM wrote something that is no request' "the disk gave up, and says so"
    neighbour
    trusted_live
}

# Two VMMs ring the control node without end: leases of another VM begin and end all the same.
case_hostile_bells() {
    machine hostile-bells 5
    nics '{name: nic0, driver: igb, vfs: 1}'
    sed -i 's/^vms:/switches: [{name: lan}]\nvms:/' "$file"
    for n in 1 2; do
        guest "hostile$n" lives '' 'net: [{switch: lan}, {switch: lan}]'
        printf '    test-hooks: true\n' >>"$file"
    done
    guest again vf life 'net: [{nic: nic0}]'
    printf '    test-hooks: true\n    restart: on-failure\n' >>"$file"
    images_with vmm=tests/hostile/vmm.elf
    go 0 120 --images "$dir/images" --exec hostile1:ring --exec hostile2:ring \
        --exec again:again --exec again:again --exec again:crash --exec again:again --exec again:end
    images_done
    passes again "five lives, two resets and a crash among them, while two VMMs ring every bell"
    for n in 1 2; do
        passes "hostile$n" "a VM that rang for 10 seconds ends"
        [ "$(line_of 'event: vm again exit-code')" -lt "$(line_of "event: vm hostile$n exit-code")" ]
        report $? "all that was while it rang" "$(grep -n 'exit-code' "$dir/system.log")"
    done
    silent system 'vf[0-9]+ is (quarantined|blocked)' "no lease was lost to that"
    trusted_live
}
