# virtio devices and the components behind them. Sourced by `run`.

CASES="$CASES virtio switch"

# disk_image NAME SECTORS: sectors of random bytes.
disk_image() {
    head -c $(($2 * 512)) /dev/urandom >"$dir/$1"
}

case_virtio() {
    machine virtio 6
    disk_image one 6001
    disk_image two 8
    sha256sum "$dir/one" "$dir/two" >"$dir/sums"
    guest neighbour progress seconds=12
    guest writer virtio-block '' "disks: [{virtio: $dir/one, writable: true}]"
    guest reader virtio-block read-only "disks: [{virtio: $dir/two}]"
    guest hostile virtio-hostile '' "disks: [{virtio: $dir/one, writable: true}]"
    guest console virtio-hostile 'seed=3' 'console: virtio'
    go 0 120
    passes writer "a disk of 6001 sectors: 500 random places written and read back, its end respected"
    passes reader "a read-only disk is read, and takes no write"
    passes hostile "28 spoiled rings and 20000 random register accesses for each of entropy and disk"
    says hostile 'device type 2, 28 ways' "the disk was among them"
    passes console "the same for entropy and console"
    says console 'device type 3, 28 ways' "the console was among them"
    sha256sum --status -c "$dir/sums"
    report $? "the disks' files are as they were"
    neighbour
    counters
    trusted_live
}

# port VLAN LAST-BYTE: the YAML of a VM's port of the switch.
port() {
    printf 'net: [{switch: lan, mac: "02:00:00:00:00:%s"%s}]' "$2" "${1:+, vlan: $1}"
}

case_switch() {
    machine switch 7
    sed -i 's/^vms:/switches: [{name: lan}, {name: other}]\nvms:/' "$file"
    guest neighbour progress seconds=12
    guest echo virtio-net echo "$(port '' 02)"
    guest ping virtio-net 'ping peer=2' "$(port '' 01)"
    guest spoof virtio-net 'spoof peer=1' "$(port '' 03)"
    guest listen virtio-net 'listen seconds=10' "$(port 5 04)"
    guest hostile virtio-hostile seed=5 "$(port 5 05)"
    go 0 120
    passes ping "500 frames there and back between two VMs, all as sent"
    passes echo "nothing else arrived, neither from a false address nor with a tag of its own"
    passes spoof "a VM that sends as another one gets no error"
    says system '\[node 0\] log: switch: port [0-9]+: refused [0-9]+ frames with a false source|switch: port [0-9]+: refused' "the switch's log says so"
    passes listen "a port of another VLAN hears nothing"
    passes hostile "28 spoiled rings and 20000 random register accesses on the network device"
    says hostile 'device type 1, 28 ways' "it was there"
    neighbour
    counters
    trusted_live
    "$B/atoll" check "$file" >"$dir/check" 2>&1
    report $? "atoll check finds the VMs isolated but for the trusted switch" "$(tail -n 5 "$dir/check")"
    grep -q 'switch-lan' "$dir/check"
    report $? "and names the switch as the way between them" "$(cat "$dir/check")"
}
