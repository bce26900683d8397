# Attacks by functions of a VM on a node of its own, and drivers that die. Sourced by `run` after hostile-cases.sh.

CASES="$CASES vf_attack pf_dies"

# attacker OPTIONS MAC: a VM of 4 MiB whose function attacks.
attacker() {
    vms="$vms attacker"
    printf '  - name: attacker\n    memory: 4M\n    boot: multiboot\n    kernel: %s\n    cmdline: "%s"\n    net: [{nic: nic0, mac: "%s"}]\n' \
        "$B/tests/guests/vf.elf" "$1" "$2" >>"$file"
}

# A function reaches for every 2 MiB of the server's RAM, kernels' memory, the IOMMUs' tables and registers, interrupt addresses and beyond, for buffers and
# rings; then faults without a pause. What it would have written is a frame to its own address: it stands in its own VM's memory and nowhere else.
attack_on() {
    machine "vf-attack-$1" 5
    nics '{name: nic0, driver: igb, vfs: 2}'
    attacker "attack storm=5 $2" "52:00:00:00:66:66"
    guest neighbour progress "seconds=12 megabytes=32"
    guest other vf "arp=$ARP_ROUNDS lost=20" 'net: [{nic: nic0}]'
    guest victim hello
    rm -f "$OUT/attack.ram"
    go 0 120 --machine "$1" --ram-file "$OUT/attack.ram"
    passes attacker "it reached for all memory, and its function works afterwards"
    says attacker 'vf: attacked [0-9]{4} places' "by buffers and rings at more than a thousand places"
    own=$(sed -nE 's/.*boot: node 1: memory vm.attacker.ram \[(0x[0-9a-f]+)-(0x[0-9a-f]+)\).*/\1 \2/p' "$dir/system.log")
    "$B/tests/system/ram_search" "$OUT/attack.ram" 52:00:00:00:66:66:52:55:0a:00:02:02 >"$dir/found"
    rm -f "$OUT/attack.ram"
    while read -r first last _; do
        [ -n "$own" ] && [ $((first)) -ge $((${own% *})) ] && [ $((last)) -lt $((${own#* })) ] || { report 1 "frames to the attacker stand in its own memory only" "at $first to $last; its own: $own"; return; }
    done <"$dir/found"
    [ -s "$dir/found" ]
    report $? "frames to the attacker stand in its own memory, and nowhere else in the server's RAM" "found nowhere: $own"
    neighbour
    passes other "another function of the NIC goes on: of $ARP_ROUNDS round trips through the same wire 20 are lost at most"
    passes victim "a fourth VM runs"
    trusted_live
}

case_vf_attack() {
    attack_on vtd '' # its model delivers messages that are written by DMA: CAVEATS
    says system 'manager: nic0.vf0: requester 0x[0-9a-f]+: a write at 0x[0-9a-f]+ was blocked, reason 0x[0-9a-f]+; [0-9]+ faults so far' \
        "its node is told: requester, address, direction"
    says system 'manager: nic0.vf0: requester 0x[0-9a-f]+: a read at 0x7f800000 was blocked' "the storm's as well"
    silent system 'manager: nic0.vf1: requester' "nobody else is"
    attack_on amdvi messages
}

# The PF driver dies between two steps of a lease: the function is blocked with the reason, its VM does not start, others run.
case_pf_dies() {
    machine pf-dies 3
    nics '{name: nic0, driver: igb, vfs: 1}'
    guest victim vf '' 'net: [{nic: nic0}]'
    guest other hello
    images_with igb=tests/hostile/igb.elf
    go 1 60 --images "$dir/images"
    images_done
    says system 'igb: it dies at request 2' "the PF driver was killed when it was to program the function"
    stops victim 'nic0.vf0 is blocked: cannot program: its PF driver does not answer'
    passes other "a VM without functions of that NIC runs"
}
