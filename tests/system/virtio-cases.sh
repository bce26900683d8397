# virtio devices and the components behind them. Sourced by `run`.

CASES="$CASES virtio"

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
