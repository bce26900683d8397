# virtio devices and the components behind them. Sourced by `run`.

CASES="$CASES virtio switch virtio_linux"

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
    machine switch 8
    sed -i 's/^vms:/switches: [{name: lan}, {name: other}]\nvms:/' "$file"
    guest neighbour progress seconds=12
    guest echo virtio-net echo "$(printf '%s\n    vcpus: 2' "$(port '' 02)")"
    guest ping virtio-net 'ping peer=2' "$(port '' 01)"
    guest spoof virtio-net 'spoof peer=1' "$(port '' 03)"
    guest listen virtio-net 'listen seconds=10' "$(port 5 04)"
    guest hostile virtio-hostile seed=5 "$(port 5 05)"
    go 0 120
    passes ping "500 frames there and back between two VMs, all as sent"
    passes echo "a VM with two vCPUs has a port as well; nothing else arrived there, neither from a false address nor with a tag of its own"
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

# The example, with what its kernels do: a ping over the switch, frames of all sizes, a file system on the disk.
case_virtio_linux() {
    name=virtio-linux
    file=$here/../../examples/virtio.yaml
    dir=$OUT/$name
    vms="alpha beta"
    rm -rf "$dir" && mkdir "$dir"
    go 0 200 --exec beta:'ip addr add 10.0.0.2/24 dev eth0; ip link set eth0 up; nc -l -p 7 >/tmp/got; sha256sum </tmp/got' \
        --exec alpha:'ip addr add 10.0.0.1/24 dev eth0; ip link set eth0 up; sleep 5; ping -c 5 -s 1400 10.0.0.2' \
        --exec alpha:'dd if=/dev/urandom of=/dev/vda bs=4096 count=512 2>&1; sync; dd if=/dev/vda of=/tmp/sent bs=4096 count=512 2>&1; sha256sum </tmp/sent; nc 10.0.0.2 7 </tmp/sent; poweroff -f' \
        --exec beta:'poweroff -f'
    says alpha '5 packets transmitted, 5 packets received' "five pings over the switch are answered"
    sum=$(sed -n 's/^.\{13\}\([0-9a-f]\{64\}\)  -$/\1/p' "$dir/alpha.log" | head -n 1)
    [ -n "$sum" ] && grep -q "$sum" "$dir/beta.log"
    report $? "2 MiB, written to the disk and read back, arrive by TCP as they were" "sum: ${sum:-none}"
    counters
    trusted_live
}
