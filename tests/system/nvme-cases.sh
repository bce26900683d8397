# Mediated NVMe functions: Linux guests with their own nvme driver, on both reference machines. Sourced by `run`.

CASES="$CASES nvme_mediated"

# ssds YAML: between the machine and its VMs.
ssds() {
    sed -i '/^vms:$/d' "$file"
    printf 'ssds:\n%s\nvms:\n' "  - $1" >>"$file"
}

# The guests' initramfs with Debian's nvme-cli and what it needs behind it.
nvme_initrd() {
    root=$OUT/nvme-cli
    rm -rf "$root"
    mkdir -p "$root/sbin" "$root/lib64"
    cp "$(command -v nvme)" "$root/sbin/nvme"
    for library in $(ldd "$root/sbin/nvme" | sed -n 's/^[^/]*\(\/[^ ]*\) (.*/\1/p'); do
        mkdir -p "$root${library%/*}"
        cp -L "$library" "$root$library"
    done
    (cd "$root" && find . | cpio --quiet -o -H newc | gzip -1) | cat "$B/guest/initramfs.cpio.gz" - >"$OUT/nvme-cli.cpio.gz"
}

md5_of() { sed -n "s/.*\([0-9a-f]\{32\}\)  .*$2\$/\1/p" "$dir/$1.log" | head -n 1; } # md5_of VM FILE

nvme_on() {
    machine "nvme-$1" 4
    ssds '{name: ssd0, driver: nvme, vfs: 3, namespace-size: 16M}'
    for vm in alpha beta; do
        linux "$vm"
        printf '    disks:\n      - {ssd: ssd0, namespace: %s, mediated: true}\n' "$([ "$vm" = alpha ] && echo 1 || echo 2)" >>"$file"
        rm -f "$dir/$vm.img"
        truncate -s 16M "$dir/$vm.img"
    done
    sed -i "s|initrd: .*|initrd: $OUT/nvme-cli.cpio.gz|; /name: alpha/a\\    vcpus: 2" "$file"
    mkfs.minix -3 "$dir/alpha.img" 8192 >"$dir/mkfs" 2>&1
    # shellcheck disable=SC2016
    go 0 240 --machine "$1" --ssd "ssd0:1=$dir/alpha.img" --ssd "ssd0:2=$dir/beta.img" \
        --exec 'alpha:mkdir /m; mount -t minix /dev/nvme0n1 /m && head -c 2000000 /dev/urandom >/m/file; md5sum </m/file | sed s/-/written/' \
        --exec 'alpha:umount /m; echo 3 >/proc/sys/vm/drop_caches; mount -t minix /dev/nvme0n1 /m; md5sum </m/file | sed s/-/read/; umount /m' \
        --exec 'alpha:head -c 1048576 /dev/urandom >/tmp/raw; md5sum /tmp/raw; dd if=/tmp/raw of=/dev/nvme0n1 bs=64k seek=192 conv=fsync 2>&1 | tail -n 1' \
        --exec 'alpha:n=/sbin/nvme; d=/dev/nvme0; $n list-ns $d; $n list-ns $d -a; $n detach-ns $d -n 2 -c 2; $n attach-ns $d -n 2 -c 1; $n virt-mgmt $d -c 2 -a 7' \
        --exec 'alpha:$n format $d -n 1 -f; $n create-ns $d -s 100 -c 100; $n list-ctrl $d; $n smart-log $d; $n admin-passthru $d --opcode=0xc1' \
        --exec 'alpha:$n read /dev/nvme0n1 -s 0 -c 0 -z 512 -n 2 >/dev/null; $n reset $d && md5sum /dev/nvme0n1 >/dev/null && echo after the reset it reads' \
        --exec 'alpha:dd if=/dev/nvme0n1 of=/dev/null bs=4k count=500 iflag=direct 2>&1 | tail -n 1; poweroff -f' \
        --exec 'beta:head -c 2097152 /dev/urandom >/tmp/own; md5sum /tmp/own; dd if=/tmp/own of=/dev/nvme0n1 bs=64k conv=fsync 2>&1 | tail -n 1' \
        --exec 'beta:for i in $(seq 5); do dd if=/dev/nvme0n1 bs=64k count=32 iflag=direct 2>/dev/null | cmp - /tmp/own || echo differs; sleep 1; done; echo compared; poweroff -f'
    says alpha 'nvme nvme0: 1/0/0 default/read/poll queues' "an unmodified nvme driver brings its function up in a VM of two vCPUs, with a queue of its own"
    written=$(md5_of alpha written)
    [ -n "$written" ] && [ "$written" = "$(md5_of alpha read)" ]
    report $? "a file system on it: written, unmounted, mounted again, equal" "written '$written', read '$(md5_of alpha read)'"
    raw=$(md5_of alpha raw)
    [ -n "$raw" ] && [ "$(dd if="$dir/alpha.img" bs=64k skip=192 count=16 2>/dev/null | md5sum | cut -d' ' -f1)" = "$raw" ]
    report $? "what the guest wrote is in its own namespace's file" "md5 '$raw'"
    own=$(md5_of beta own)
    [ -n "$own" ] && [ "$(head -c 2097152 "$dir/beta.img" | md5sum | cut -d' ' -f1)" = "$own" ]
    report $? "its neighbour's namespace holds what the neighbour wrote, and nothing else" "md5 '$own'"
    says beta '\] compared' "the neighbour reads and writes on meanwhile"
    silent beta '\] differs' "and always reads what it wrote"
    [ "$(grep -c '\[ *[0-9]*\]:0x' "$dir/alpha.log")" -eq 1 ]
    report $? "the guest's list of namespaces has one, its own" "$(grep '\]:0x' "$dir/alpha.log")"
    for code in 0x9 0x2 0x7c 0x6 0x15; do
        says system "ssd0.vf0: admin command $code refused: status 0x" "admin command $code is refused and logged"
    done
    refused=$(sed -n 's/.*ssd0.vf0: admin commands: [0-9]* carried out, \([0-9]*\) refused$/\1/p' "$dir/system.log" | paste -sd+ | sed 's/^$/0/')
    [ $((refused)) -ge 12 ]
    report $? "all are counted" "$refused"
    says alpha '\] after the reset it reads' "a controller reset by the guest brings its queues back"
    says system 'manager: ssd0.vf0: lease 1 has ended' "its function is taken back, verified"
    silent system 'quarantined' "no function is quarantined"
    trusted_live
}

case_nvme_mediated() {
    nvme_initrd
    nvme_on vtd
    nvme_on amdvi
}
