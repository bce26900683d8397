# Disks on an SSD's namespaces, each served by a component on a virtual function of its own; both reference machines. Sourced by `run`.

CASES="$CASES ssd ssd_guests ssd_refusals"

# ssds YAML: between the machine and its VMs.
ssds() {
    sed -i '/^vms:$/d' "$file"
    printf 'ssds:\n%s\nvms:\n' "  - $1" >>"$file"
}

sum_of() { sed -n "s|.* \([0-9a-f]\{32\}\)  $2\$|\1|p" "$dir/$1.log"; }

# A file system on a namespace that the user keeps: what a guest writes in one run of the machine, another finds in the next. The neighbour has
# another namespace, full of zeroes before and after.
ssd_on() {
    kept=$OUT/ssd-$1.namespace
    rm -f "$kept"
    truncate -s 32M "$kept" && /sbin/mkfs.minix "$kept" >/dev/null
    mount="insmod /lib/modules/minix.ko; mkdir /mnt; mount -t minix"
    machine "ssd-$1" 3
    ssds '{name: ssd0, driver: nvme, vfs: 2, namespace-size: 32M}'
    linux alpha
    printf '    disks: [{ssd: ssd0, namespace: 3}]\n' >>"$file"
    linux beta
    printf '    disks: [{ssd: ssd0, namespace: 7}]\n' >>"$file"
    go 0 200 --machine "$1" --ssd "ssd0:3=$kept" \
        --exec "alpha:$mount /dev/vda /mnt; head -c 5000000 /dev/urandom >/mnt/sent; md5sum /mnt/sent; umount /mnt; poweroff -f" \
        --exec 'beta:cat /sys/block/vda/size; ls /dev/vdb /dev/nvme*; sleep 3; tr -d "\0" </dev/vda | wc -c; poweroff -f'
    sent=$(sum_of alpha /mnt/sent)
    says system 'nvme-disk: ssd0.vf0: namespace 3, 65536 blocks of 512 bytes' "the disk's size is the namespace's, as its controller tells it"
    says beta '^.{13}65536$' "the neighbour has a disk of its own namespace's size"
    says beta '^.{13}0$' "in which nothing of the other namespace appears"
    silent beta '/dev/(vdb|nvme[0-9]+)$' "and no other disk, nor anything of the SSD"
    silent system 'quarantined' "no function is quarantined"
    trusted_live
    counters

    machine "ssd-again-$1" 2
    ssds '{name: ssd0, driver: nvme, vfs: 1}'
    linux alpha
    printf '    disks: [{ssd: ssd0, namespace: 1, writable: false}]\n' >>"$file"
    go 0 150 --machine "$1" --ssd "ssd0:1=$kept" \
        --exec "alpha:$mount -o ro /dev/vda /mnt; md5sum /mnt/sent" \
        --exec 'alpha:echo x >/dev/vda || echo cannot write; poweroff -f'
    got=$(sum_of alpha /mnt/sent)
    [ -n "$sent" ] && [ "$sent" = "$got" ]
    report $? "5 MB written in one run of the machine are found in the next one" "sent '$sent', got '$got'"
    says alpha '^.{13}cannot write' "a disk that is not writable takes no write"
    trusted_live
    rm -f "$kept"
}

case_ssd() {
    ssd_on vtd
    ssd_on amdvi
}

# Test guests: random places written and read back; a VM that is reset, whose VMM crashes, that fails, finds its disk in each life; hostile rings do
# the component no harm.
case_ssd_guests() {
    machine ssd-guests 7
    ssds '{name: ssd0, driver: nvme, vfs: 4, namespace-size: 4M}'
    guest neighbour progress seconds=12
    guest writer virtio-block rounds=60 'disks: [{ssd: ssd0, namespace: 1}]'
    guest reader virtio-block read-only 'disks: [{ssd: ssd0, namespace: 2, writable: false}]'
    printf '    vcpus: 2\n' >>"$file"
    guest hostile virtio-hostile '' 'disks: [{ssd: ssd0, namespace: 3}]'
    guest lives disk-lives '' 'disks: [{ssd: ssd0, namespace: 4}]'
    printf '    restart: on-failure\n    test-hooks: true\n' >>"$file"
    go 0 120
    passes writer "a namespace of 8192 sectors: 60 random places written and read back, its end respected"
    passes reader "a disk that is not writable, of a VM with two vCPUs, is read, and takes no write"
    passes hostile "28 spoiled rings and 20000 random register accesses"
    passes lives "each life of a VM finds what the former one wrote"
    says lives '3 lives before this one' "after a reset, the end of its VMM, and an exit with an error"
    [ "$(grep -c 'manager: ssd0.vf3: lease [0-9]*$' "$dir/system.log")" -eq 3 ]
    report $? "the function is reset, verified and leased anew in each life; a reset of the guest alone changes nothing" \
        "$(grep 'ssd0.vf3: lease' "$dir/system.log")"
    silent system 'quarantined' "no function is quarantined"
    neighbour
    counters
    trusted_live
    "$B/atoll" check "$file" >"$dir/check" 2>&1
    report $? "atoll check finds the VMs isolated" "$(tail -n 5 "$dir/check")"
}

# An SSD that does not do what its PF driver says, or is not there, costs its VMs their start, and nobody else anything.
case_ssd_refusals() {
    machine ssd-refusals 3
    ssds '{name: ssd0, driver: nvme, vfs: 1, namespace-size: 4M}'
    guest victim virtio-block '' 'disks: [{ssd: ssd0, namespace: 1}]'
    guest other hello
    rm -rf "$dir/images" && mkdir -p "$dir/images/user"
    cp "$B"/*.elf "$dir/images" && cp "$B"/user/*.elf "$dir/images/user" && cp "$B/user/disk.elf" "$dir/images/user/nvme_pf.elf"
    go 1 90 --images "$dir/images"
    rm -rf "$dir/images"
    stops victim 'ssd0.vf0 is (blocked|quarantined): cannot quiesce: its PF driver does not answer'
    passes other "a VM without disks on that SSD runs"
    "$B/atoll" run "$file" --headless --ssd ssd0:2="$dir/other" >"$dir/out" 2>&1
    [ $? -eq 2 ] && grep -q "'ssd0:2=.*' is no namespace that a disk is on" "$dir/out"
    report $? "a file for a namespace that nobody has is refused" "$(cat "$dir/out")"
}
