# From the description to what really is: the dump of the kernels' state against the specs. Sourced by `run` after image-cases.sh.

CASES="$CASES dump many uefi_pxe"

# A comparison that cannot fail would be worth nothing: every field of the specs altered by itself, and bugs sown into init.
case_dump() {
    machine dump 4
    guest alpha hello
    guest beta fpu
    go 0 60 --dump
    as_promised "every object and capability is as described, and no more"
    [ "$(grep -c ': as promised, and init holds nothing but itself$' "$dir/dump")" -eq 4 ]
    report $? "on each of four nodes; init holds its own thread, CNode and memory at its end" "$(cat "$dir/dump")"
    mkdir "$dir/compiled" "$dir/text"
    "$B/atoll" compile "$file" "$dir/compiled" && "$B/tests/system/dump_altered" "$dir/system.log" "$dir/compiled" >"$dir/altered" 2>&1
    report $? "whichever single field of the specs is altered, it is noticed: $(sed -n 's/^ok - //p' "$dir/altered" 2>/dev/null)" "$(cat "$dir/altered")"
    grep -v 'dump: cap ' "$dir/system.log" >"$dir/cut.log"
    "$B/atoll" dump "$dir/cut.log" "$file" >"$dir/out" 2>&1
    [ $? -eq 2 ] && grep -q "cut.log:[0-9]*: [0-9]* lines of this dump are here, not what its end promises" "$dir/out"
    report $? "a log that lost lines is refused with the line" "$(cat "$dir/out")"
    go 0 60
    "$B/atoll" dump "$dir/system.log" "$file" >"$dir/out" 2>&1
    [ $? -eq 2 ] && grep -q 'there is no dump of node 0; start the system with --dump' "$dir/out"
    report $? "without --dump there is none, and the sentence says how" "$(cat "$dir/out")"
    silent system 'dump:' "and no line of one is printed"
    sown=0
    for seed in "$here"/../seeded/init/*.sed; do
        sown=$((sown + 1))
        seeded_init "$seed"
    done
    [ $sown -ge 5 ]
    report $? "$sown bugs were sown into init"
}

# seeded_init SEED: its first line "# FILE: what differs" is a regular expression for what `atoll dump` must then say.
seeded_init() {
    what=$(sed -n '1s/^# [a-z_]*\.c: //p' "$1")
    source=$(sed -n '1s/^# \([a-z_]*\.c\): .*/\1/p' "$1")
    images=$dir/images
    rm -rf "$images" "$dir/tree" && mkdir -p "$images/user" "$dir/tree"
    cp -r "$here/../../include" "$here/../../user" "$here/../../Makefile" "$dir/tree"
    sed -i -f "$1" "$dir/tree/user/init/$source"
    if cmp -s "$dir/tree/user/init/$source" "$here/../../user/init/$source" ||
        ! make -s -C "$dir/tree" B="$dir/tree/build" "$dir/tree/build/user/init.elf" >"$dir/make" 2>&1; then
        report 1 "$(basename "$1" .sed): the bug can be sown" "$(tail -n 3 "$dir/make" 2>/dev/null)"
        return
    fi
    cp "$B"/*.elf "$images" && cp "$B"/user/*.elf "$images/user" && cp "$dir/tree/build/user/init.elf" "$images/user/init.elf"
    "$B/atoll" run "$file" --headless --log-dir "$dir" --timeout 40 --dump --images "$images" >"$dir/out" 2>&1 </dev/null
    "$B/atoll" dump "$dir/system.log" "$file" >"$dir/dump" 2>&1
    [ $? -eq 1 ] && grep -Eq "$what" "$dir/dump"
    report $? "a bug in init is noticed: $(basename "$1" .sed | tr - ' ')" "$(head -n 5 "$dir/dump")"
    rm -rf "$dir/tree" "$images"
}

# Over the network: the image's files on a TFTP server (QEMU's own), boot fetched by the firmware's PXE client, and by the network card's iPXE.
case_uefi_pxe() {
    machine uefi-pxe 2
    guest alpha hello
    "$B/atoll" image "$file" -o "$dir/image" >/dev/null
    mkdir "$dir/tftp" && mcopy -s -n -i "$dir/image@@1M" ::/ "$dir/tftp/"
    rm -f "$dir/image"
    over_network "the firmware's own client" romfile=
    over_network "iPXE" bootindex=0
    rm "$dir/tftp/atoll/kernel"
    over_network "a file that the server lacks" romfile= 'boot stopped: the file atoll/kernel cannot be fetched from the TFTP server .*; copy the image'
    rm -rf "$dir/tftp"
}

over_network() { # over_network CLAIM DEVICE-OPTION [SENTENCE]
    cp /usr/share/OVMF/OVMF_VARS_4M.fd "$dir/variables"
    rm -f "$dir/serial"
    {
        wait_for 1 'event: (vm alpha exit-code 0|boot stopped)'
        echo quit
    } | timeout 150 qemu-system-x86_64 -nodefaults -display none -machine q35 -cpu max,vendor=AuthenticAMD,phys-bits=39 -smp 2 -m 2G \
        -device intel-iommu,intremap=on,eim=on -drive if=pflash,unit=0,format=raw,readonly=on,file=/usr/share/OVMF/OVMF_CODE_4M.fd \
        -drive if=pflash,unit=1,format=raw,file="$dir/variables" -netdev user,id=n,tftp="$dir/tftp",bootfile=EFI/BOOT/BOOTX64.EFI \
        -device virtio-net-pci,netdev=n,"$2" -serial file:"$dir/serial" -monitor stdio >"$dir/monitor" 2>&1
    grep -aq 'boot: uefi: started over the network, files from 10.0.2.2' "$dir/serial" &&
        grep -Eaq "event: ${3:-vm alpha exit-code 0}" "$dir/serial"
    report $? "from a TFTP server: $1" "$(tail -n 5 "$dir/serial")"
}

# Sixty-four kernels at once: not in CASES, as it takes minutes on a small machine (`make soak` runs it).
case_many() {
    machine many 64
    sed -i 's/memory: 2G/memory: 4G/' "$file"
    for n in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do guest "v$n" hello; done
    sed -i 's/memory: 64M/memory: 16M/' "$file"
    go 0 600 --dump
    for n in 1 8 16; do passes "v$n" "VM $n of 16 ran"; done
    as_promised "64 nodes: every object and capability is as described, and no more"
    [ "$(grep -c ': as promised, and init' "$dir/dump")" -eq 64 ]
    report $? "on each of them"
    trusted_live
}
