# Whole Debian systems on virtio disks: systemd to the login prompt and a clean `systemctl is-system-running`. Sourced by `run`.
#
# The guests are made by scripts/make-debian-guest when they are missing, under $B/debian. The cloud kernel is part of every run, the
# others of `make soak`.

CASES="$CASES debian"

# debian NAME SUITE KERNEL-PACKAGE VCPUS [more YAML]: a machine with that guest as VM `debian`. Its second disk is the program `monotonic`.
debian() {
    guest_dir=$B/debian/$1
    if [ ! -e "$guest_dir/version" ]; then
        "$here/../../scripts/make-debian-guest" "$2" "$3" "$guest_dir" >&2 || { report 1 "a Debian guest can be made: $2 with $3"; return 1; }
    fi
    machine "debian-$1" $(($4 + 1))
    sed -i 's/memory: 2G/memory: 3G/' "$file"
    vms=debian
    cat >>"$file" <<YAML
  - name: debian
    memory: 512M
    kernel: $guest_dir/vmlinuz
    initrd: $guest_dir/initrd
    cmdline: console=ttyS0 root=/dev/vda ro panic=1
    vcpus: $4
    disks:
      - {virtio: $guest_dir/root.img, writable: true}
      - {virtio: $B/tests/system/monotonic.img}
${5-}
YAML
}

# Boot, look around, read and write the disk, do more if so asked, power off.
debian_runs() { # [--exec .. before the end]
    go 0 480 --exec debian:'systemctl is-system-running --wait; systemctl --failed --plain' \
        --exec debian:'uname -r; cat /etc/debian_version; grep -c vda /proc/mounts; cat /sys/class/misc/hw_random/rng_current' \
        --exec debian:'dd if=/dev/urandom of=/var/tmp/a bs=1M count=8 2>&1; sync; echo 3 >/proc/sys/vm/drop_caches; cp /var/tmp/a /var/tmp/b; sync; echo 3 >/proc/sys/vm/drop_caches; cmp /var/tmp/a /var/tmp/b && echo same again' "$@" \
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

# STRESS_SECONDS of stress-ng on all CPUs: computing, timers, IPIs, page tables, signals, processes. dmesg follows.
: "${STRESS_SECONDS:=10}"
debian_works() {
    stress="stress-ng --cpu 2 --timer 2 --tlb-shootdown 2 --vm 1 --vm-bytes 32M --fork 1 --kill 1 --sigq 1 --timeout ${STRESS_SECONDS}s"
    debian_runs --exec debian:'nproc; cp /dev/vdb /var/tmp/monotonic; chmod +x /var/tmp/monotonic; /var/tmp/monotonic 3' --exec debian:"$stress"
    says debian '^.{13}4$' "nproc"
    says debian 'monotonic: 4 CPUs, 0 idle, backwards 0 times' "CLOCK_MONOTONIC is monotonic across its CPUs"
    says debian 'stress-ng: info: .* successful run completed' "stress-ng comes to a good end after ${STRESS_SECONDS} s on 4 CPUs"
}

case_debian() {
    debian cloud bookworm linux-image-cloud-amd64 4 && debian_works
}

# For `make soak`.
case_debian_generic() {
    debian generic bookworm linux-image-amd64 1 && debian_runs
}

case_debian_newest() { # the newest kernel for Debian 12, which is in its security archive since its backports are closed
    debian newest bookworm-security linux-image-6.12-amd64 1 && debian_runs
}

case_debian_trixie() {
    debian trixie trixie linux-image-amd64 1 && debian_runs
}

# Its lives: a reset by systemd, a panic after which the kernel resets the machine, a failure (an exit code by port 0xf4), and power-off.
case_debian_life() {
    debian cloud bookworm linux-image-cloud-amd64 1 '    restart: on-failure' || return
    go 0 600 --exec debian:'echo life 1; systemctl reboot; sleep 600' --exec debian:'echo life 2; echo c >/proc/sysrq-trigger' \
        --exec debian:'echo life 3; printf "\003" | dd of=/dev/port bs=1 seek=244 2>/dev/null; sleep 600' \
        --exec debian:'echo life 4; systemctl is-system-running --wait; systemctl poweroff; sleep 600'
    for life in 1 2 3 4; do
        says debian "^.{13}life $life\$" "it comes up for the ${life}th time"
    done
    [ "$(grep -c 'event: vm debian reset' "$dir/system.log")" -eq 2 ]
    report $? "systemctl reboot and a panic reset it" "$(grep -c 'event: vm debian reset' "$dir/system.log") resets"
    says debian 'Kernel panic - not syncing: sysrq triggered crash' "the panic was one"
    says system 'event: vm debian restarts in 100 ms: ' "after a failure it is started again, as its description says"
    says system 'event: vm debian powered-off' "systemctl poweroff ends it"
    trusted_live
}

# apt inside, through a virtual function, from a repository of one package that the network shows.
case_debian_apt() {
    debian generic bookworm linux-image-amd64 1 '    net: [{nic: nic0}]' || return
    sed -i 's/^vms:/nics: [{name: nic0, driver: igb, vfs: 1}]\nvms:/' "$file"
    repository=$dir/repository
    mkdir -p "$repository" "$dir/package/DEBIAN" "$dir/package/usr/bin"
    printf '#!/bin/sh\necho the package works\n' >"$dir/package/usr/bin/atoll-hello"
    chmod 755 "$dir/package/usr/bin/atoll-hello"
    printf 'Package: atoll-hello\nVersion: 1.0\nArchitecture: all\nMaintainer: nobody <nobody@localhost>\nDescription: says hello\n' >"$dir/package/DEBIAN/control"
    dpkg-deb --root-owner-group -b "$dir/package" "$repository/atoll-hello.deb" >/dev/null
    {
        cat "$dir/package/DEBIAN/control"
        printf 'Filename: ./atoll-hello.deb\nSize: %s\nSHA256: %s\n' "$(stat -c %s "$repository/atoll-hello.deb")" "$(sha256sum <"$repository/atoll-hello.deb" | cut -d' ' -f1)"
    } >"$repository/Packages"
    # shellcheck disable=SC2016
    go 0 420 --serve "$repository" \
        --exec debian:'udevadm settle; nic=$(ls /sys/class/net | grep -v lo); ip link set $nic up; ip addr add 10.0.2.15/24 dev $nic; ip addr show $nic' \
        --exec debian:'rm -f /etc/apt/sources.list; echo "deb [trusted=yes] http://10.0.2.100/ ./" >/etc/apt/sources.list.d/test.list; apt-get update' \
        --exec debian:'apt-get install -y atoll-hello; atoll-hello; dpkg -s atoll-hello | grep Status' --exec debian:'poweroff; sleep 600'
    says debian 'Setting up atoll-hello' "apt-get installs a package from the network"
    says debian '^.{13}the package works' "which works"
    says debian 'Status: install ok installed' "dpkg knows it"
    trusted_live
}
