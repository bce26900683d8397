# Whole Debian systems on virtio disks: systemd to the login prompt and a clean `systemctl is-system-running`. Sourced by `run`.
#
# The guests are made by scripts/make-debian-guest when they are missing, under $B/debian. The cloud kernel is part of every run, the
# others of `make soak`.

CASES="$CASES debian"

# debian NAME SUITE KERNEL-PACKAGE [more YAML]: a machine with that guest as VM `debian`.
debian() {
    guest_dir=$B/debian/$1
    if [ ! -e "$guest_dir/version" ]; then
        "$here/../../scripts/make-debian-guest" "$2" "$3" "$guest_dir" >&2 || { report 1 "a Debian guest can be made: $2 with $3"; return 1; }
    fi
    machine "debian-$1" 3
    sed -i 's/memory: 2G/memory: 3G/' "$file"
    vms=debian
    cat >>"$file" <<YAML
  - name: debian
    memory: 512M
    kernel: $guest_dir/vmlinuz
    initrd: $guest_dir/initrd
    cmdline: console=ttyS0 root=/dev/vda ro
    disks:
      - {virtio: $guest_dir/root.img, writable: true}
${4-}
YAML
}

# Boot, look around, read and write the disk, power off.
debian_runs() {
    go 0 420 --exec debian:'systemctl is-system-running --wait; systemctl --failed --plain' \
        --exec debian:'uname -r; cat /etc/debian_version; grep -c vda /proc/mounts; cat /sys/class/misc/hw_random/rng_current' \
        --exec debian:'dd if=/dev/urandom of=/var/tmp/a bs=1M count=8 2>&1; sync; echo 3 >/proc/sys/vm/drop_caches; cp /var/tmp/a /var/tmp/b; sync; echo 3 >/proc/sys/vm/drop_caches; cmp /var/tmp/a /var/tmp/b && echo same again' \
        --exec debian:'head -c 32 /dev/hwrng | wc -c; dmesg -r --level=emerg,alert,crit,err,warn; echo end of dmesg' --exec debian:'poweroff'
    says debian 'debian login: root' "systemd comes to a login prompt"
    says debian '^.{13}running' "systemctl is-system-running says: running"
    says debian "^.{13}$(sed 's/[.+]/\\&/g' "$guest_dir/version")" "the kernel is $(cat "$guest_dir/version")"
    says debian '^.{13}virtio_rng' "its random numbers come from the virtio entropy device"
    says debian '^.{13}same again' "8 MiB written to the disk and read back without cache are the same"
    says debian '^.{13}32$' "/dev/hwrng gives bytes"
    says debian 'end of dmesg' "dmesg came to its end"
    grep -hEv '^(#|$)' "$here/dmesg-allowed" "$here/dmesg-allowed-debian" >"$dir/allowed"
    sed -n 's/^\[ *[0-9.]*\] <\([0-9]*\)>\(\[.*\)/\1 \2/p' "$dir/debian.log" | grep -Evf "$dir/allowed" >"$dir/warnings"
    [ ! -s "$dir/warnings" ]
    report $? "no warning in its dmesg but the ones that dmesg-allowed-debian explains" "$(head -n 5 "$dir/warnings")"
    says system 'event: vm debian powered-off' "it powers itself off"
    counters
    trusted_live
}

case_debian() {
    debian cloud bookworm linux-image-cloud-amd64 && debian_runs
}

case_debian_generic() {
    debian generic bookworm linux-image-amd64 && debian_runs
}

case_debian_backports() {
    debian backports bookworm-backports linux-image-amd64 && debian_runs
}

case_debian_trixie() {
    debian trixie trixie linux-image-amd64 && debian_runs
}
