# Virtual functions: guests with VFs of one NIC, on both reference machines. Sourced by `run`.

CASES="$CASES sriov sriov_linux sriov_smp sriov_refusals sriov_killed"

# nics YAML: between the machine and its VMs.
nics() {
    sed -i '/^vms:$/d' "$file"
    printf 'nics:\n%s\nvms:\n' "  - $1" >>"$file"
}

address_of() { sed -n 's/.*vf: address \([0-9a-f:]*\)$/\1/p' "$dir/$1.log" | sort -u; }

# FLR_ROUNDS resets of one VF while its neighbour's frames are counted, and LIVES lives of a VM with the same VF.
: "${FLR_ROUNDS:=20}" "${LIVES:=5}" "${ARP_ROUNDS:=2000}" "${SRIOV_SECONDS:=90}"
sriov_on() {
    machine "sriov-$1" 4
    nics '{name: nic0, driver: igb, vfs: 3}'
    guest pounder vf "flr=$FLR_ROUNDS" 'net: [{nic: nic0, mac: "02:00:00:00:01:10"}]'
    guest neighbour vf "arp=$ARP_ROUNDS" 'net: [{nic: nic0, mac: "02:00:00:00:01:11", vf: 2}]'
    guest again vf life 'net: [{nic: nic0}]'
    set -- "$1"
    for life in $(seq "$LIVES"); do
        set -- "$@" --exec again:again
    done
    kind=$1
    shift
    go 0 "$SRIOV_SECONDS" --machine "$kind" "$@" --exec again:end
    passes pounder "$FLR_ROUNDS function level resets: the same address after each, nothing left on"
    passes neighbour "its neighbour loses none of $ARP_ROUNDS round trips meanwhile"
    says system 'event: vm neighbour counters .* nested=[0-9]{1,2} ' "its data path takes no exit: the registers are the guest's own"
    says neighbour 'vf: address 02:00:00:00:01:11' "the address is the description's"
    passes again "a VM that is started $LIVES times again drives its VF each time"
    [ "$(address_of again | wc -l)" -eq 1 ]
    report $? "with the same address in each life, derived from names" "$(address_of again)"
    [ "$(grep -c 'manager: nic0.vf0: lease [0-9]*$' "$dir/system.log")" -eq 1 ] && [ "$(grep -c 'manager: nic0.vf1: lease [0-9]*$' "$dir/system.log")" -eq $((LIVES + 1)) ]
    report $? "each life has a lease of its own" "$(grep -c 'nic0.vf1: lease' "$dir/system.log") leases"
    silent system 'vf[0-9]+ is (quarantined|blocked)' "no function is quarantined"
    trusted_live
}

case_sriov() {
    sriov_on vtd
    sriov_on amdvi
}

# Two Debian kernels with their own igbvf: a transfer on their VLAN, the outside on another VF, and nothing of one VLAN in another.
linux_on() {
    machine "sriov-linux-$1" 3
    nics '{name: nic0, driver: igb, vfs: 4}'
    linux alpha
    printf '    net:\n      - {nic: nic0, vlan: 100, mac: "02:00:00:00:01:20"}\n      - {nic: nic0}\n' >>"$file"
    linux beta
    printf '    net:\n      - {nic: nic0, vlan: 100}\n      - {nic: nic0, vlan: 200}\n' >>"$file"
    up='ip link set eth0 up; ip link set eth1 up; ip addr add 10.0.3.'
    # shellcheck disable=SC2016
    go 0 200 --machine "$1" \
        --exec "alpha:${up}1/24 dev eth0; ip addr add 10.0.2.15/24 dev eth1; head -c 8000000 /dev/urandom >/tmp/sent; md5sum /tmp/sent" \
        --exec 'alpha:for i in 1 2 3 4 5 6 7 8; do ping -c 1 -W 2 10.0.2.2 && break; done' \
        --exec 'alpha:ip link set eth0 down; ip link set eth0 address 02:00:00:00:00:99; ip link set eth0 up; ip addr show eth0 | grep ether' \
        --exec 'alpha:nc -l -p 99 </tmp/sent; poweroff -f' \
        --exec "beta:echo 1 >/proc/sys/net/ipv6/conf/eth1/disable_ipv6; ${up}2/24 dev eth0" \
        --exec 'beta:for i in $(seq 60); do nc -w 5 10.0.3.1 99 >/tmp/got; [ -s /tmp/got ] && break; sleep 1; done; md5sum /tmp/got' \
        --exec 'beta:ifconfig eth0; ifconfig eth1; poweroff -f'
    says alpha '64 bytes from 10.0.2.2' "the first guest reaches the outside through its second VF"
    says alpha 'ether 02:00:00:00:01:20' "an address that the description does not give is refused by the PF driver"
    sent=$(sed -n 's/.* \([0-9a-f]\{32\}\)  .tmp.sent$/\1/p' "$dir/alpha.log")
    got=$(sed -n 's/.* \([0-9a-f]\{32\}\)  .tmp.got$/\1/p' "$dir/beta.log")
    [ -n "$sent" ] && [ "$sent" = "$got" ]
    report $? "8 MB over TCP between the guests: equal checksums" "sent '$sent', got '$got'"
    # Its own IPv6 is off: QEMU's model would hand it back its own multicasts.
    [ "$(grep -A 4 'eth1  *Link' "$dir/beta.log" | grep -c 'RX packets:0 ')" -eq 1 ]
    report $? "no frame of VLAN 100 or of the untagged network, broadcasts included, is visible in VLAN 200" "$(grep -A 5 'eth1  *Link' "$dir/beta.log")"
    trusted_live
}

case_sriov_linux() {
    linux_on vtd
    linux_on amdvi
}

# A VM of two vCPUs: its second one drives the function as well, at the same place, without exits; the function outlives a reset of the guest.
case_sriov_smp() {
    machine sriov-smp 4
    nics '{name: nic0, driver: igb, vfs: 2}'
    linux two
    printf '    vcpus: 2\n    net:\n      - {nic: nic0}\n' >>"$file"
    linux other
    printf '    net:\n      - {nic: nic0}\n' >>"$file"
    up='ip link set eth0 up; ip addr add 10.0.2.'
    # shellcheck disable=SC2016
    reach='for i in 1 2 3 4 5 6 7 8; do ping -c 1 -W 2 10.0.2.2 >/dev/null && break; done; for c in 0 1; do taskset -c $c ping -c 20 -i 0.05 10.0.2.2 | grep transmitted | sed "s/^/cpu $c: /"; done'
    go 0 200 \
        --exec "two:${up}21/24 dev eth0; $reach" --exec 'two:echo the first life is over; reboot -f' \
        --exec "two:${up}21/24 dev eth0; $reach" \
        --exec 'two:nc -l -p 99 >/tmp/got & sleep 1; wait; md5sum /tmp/got; grep eth0 /proc/interrupts; poweroff -f' \
        --exec "other:${up}22/24 dev eth0; head -c 4000000 /dev/urandom >/tmp/sent; md5sum /tmp/sent" \
        --exec 'other:for i in $(seq 90); do nc -w 5 10.0.2.21 99 </tmp/sent && break; sleep 1; done; poweroff -f'
    for cpu in 0 1; do
        [ "$(grep -c "cpu $cpu: 20 packets transmitted, 20 packets received" "$dir/two.log")" -eq 2 ]
        report $? "what runs on CPU $cpu reaches the outside, before and after a reset of the guest" "$(grep 'cpu .: ' "$dir/two.log")"
    done
    sent=$(sed -n 's/.* \([0-9a-f]\{32\}\)  .tmp.sent$/\1/p' "$dir/other.log")
    got=$(sed -n 's/.* \([0-9a-f]\{32\}\)  .tmp.got$/\1/p' "$dir/two.log")
    [ -n "$sent" ] && [ "$sent" = "$got" ]
    report $? "4 MB over TCP from a VM of one vCPU: equal checksums" "sent '$sent', got '$got'"
    silent system 'vf[0-9]+ is (quarantined|blocked)' "no function was lost"
    trusted_live
}

# What a description asks for and the machine does not have.
case_sriov_refusals() {
    machine sriov-refusals 2
    nics '{name: nic0, driver: igb, vfs: 3, at: "00:1f.2"}'
    guest alpha vf '' 'net: [{nic: nic0}]'
    go 1 60
    says system 'event: boot stopped: .*nic0' "a NIC that is not where the description says is refused by its name"
    machine sriov-no-acs 2
    nics '{name: nic0, driver: igb, vfs: 1}'
    guest alpha vf '' 'net: [{nic: nic0}]'
    go 1 60 --qemu-arg -global --qemu-arg pcie-root-port.disable-acs=on
    says system 'event: boot stopped: .*"nic0" is 01:00.0, behind the port 00:08.0, which has no ACS' "a NIC behind a port without ACS is refused, with the port's name"
    "$B/atoll" run "$file" --machine none --headless --log-dir "$dir" --timeout 30 >"$dir/out" 2>&1 </dev/null
    says system 'event: boot stopped: ' "without an IOMMU there are no virtual functions, and nothing else either"
}

# The ends that nobody asked for: a VMM that crashes gives its function back, blocked and reset; a PF driver that is not there costs its
# VMs their start, with the reason, and nobody else anything.
case_sriov_killed() {
    machine sriov-killed 3
    nics '{name: nic0, driver: igb, vfs: 2}'
    guest victim vf life 'net: [{nic: nic0}]'
    printf '    test-hooks: true\n' >>"$file"
    guest neighbour vf "arp=$ARP_ROUNDS" 'net: [{nic: nic0}]'
    go 1 60 --exec victim:crash
    stops victim 'VMM fault'
    says system 'manager: nic0.vf0: lease 1 has ended' "the function of a VM whose VMM crashed is blocked, reset and free"
    passes neighbour "its neighbour loses nothing"
    trusted_live

    machine sriov-no-driver 3
    nics '{name: nic0, driver: igb, vfs: 1}'
    guest victim vf '' 'net: [{nic: nic0}]'
    guest other hello
    rm -rf "$dir/images" && mkdir -p "$dir/images/user"
    cp "$B"/*.elf "$dir/images" && cp "$B"/user/*.elf "$dir/images/user" && cp "$B/user/disk.elf" "$dir/images/user/igb.elf"
    go 1 90 --images "$dir/images"
    rm -rf "$dir/images"
    stops victim 'nic0.vf0 is blocked: cannot quiesce: its PF driver does not answer'
    passes other "a VM without functions of that NIC runs"
}
