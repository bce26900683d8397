# Disk images and UEFI firmware. Sourced by `run` after cases.sh.

CASES="$CASES image uefi uefi_refusals uefi_screen"

# The same description gives the same bytes: elsewhere, later; another one gives others.
case_image() {
    machine image 3
    guest alpha hello
    guest beta hello
    "$B/atoll" image "$file" -o "$dir/one" >"$dir/hashes"
    report $? "an image is written" "$(cat "$dir/hashes")"
    mkdir -p "$dir/tmp"
    sleep 3 # FAT counts time in steps of 2 s
    (cd "$dir" && umask 077 && TZ=Asia/Tokyo TMPDIR=$dir/tmp "$B/atoll" image "../image.yaml" -o two >/dev/null)
    cmp "$dir/one" "$dir/two" >"$dir/cmp"
    report $? "written again, 3 s later and in another folder, it is the same byte for byte" "$(cat "$dir/cmp")"
    sed -i 's/cmdline: ""/cmdline: "x"/' "$file"
    "$B/atoll" image "$file" -o "$dir/three" >/dev/null
    [ "$(dd if="$dir/one" bs=1 skip=568 count=16 2>/dev/null | od -x)" != "$(dd if="$dir/three" bs=1 skip=568 count=16 2>/dev/null | od -x)" ]
    report $? "with another command line it is another disk by its GUID"
    sfdisk --verify "$dir/one" >"$dir/verify" 2>&1
    report $? "sfdisk finds no fault in the partition table" "$(cat "$dir/verify")"
    for pair in boot.efi:BOOTX64.EFI kernel.elf:kernel user/init.elf:init tests/guests/hello.elf:vm.beta.kernel; do
        grep -q "^$(sha256sum "$B/${pair%:*}" | cut -d' ' -f1)  ${pair#*:}\$" "$dir/hashes"
        report $? "the printed SHA-256 of ${pair#*:} is the file's" "$(cat "$dir/hashes")"
    done
    mcopy -n -i "$dir/one@@1M" ::/EFI/BOOT/BOOTX64.EFI "$dir/boot" && cmp "$B/boot.efi" "$dir/boot"
    report $? "BOOTX64.EFI is boot.efi"
    [ "$(mdir -b -i "$dir/one@@1M" ::/atoll | grep -c 'vm\.')" -eq 1 ]
    report $? "two modules with the same contents are one file"
    for wrong in "" "-o $dir/no/such/folder"; do
        # shellcheck disable=SC2086
        "$B/atoll" image "$file" $wrong >"$dir/out" 2>&1
        [ $? -eq 2 ] && [ "$(grep -c '^atoll: ' "$dir/out")" -eq 1 ]
        report $? "status 2 and a sentence for: atoll image FILE $wrong" "$(cat "$dir/out")"
    done
    rm -f "$dir/one" "$dir/two" "$dir/three" "$dir/boot"
}

# What must not depend on how the machine was started: events, and what init built on each node.
essence() {
    sed -n 's/^\[[^]]*\] \(event: .*\)/\1/p; s/^\[[^]]*\] \(\[node [0-9]*\] init: .*\)/\1/p' "$1" | grep -v ' counters ' | sort
}

# as_promised CLAIM: what the kernels say that their threads hold is what the description promises; kept as CapDL in $dir/found.
as_promised() {
    mkdir -p "$dir/found"
    "$B/atoll" dump "$dir/system.log" "$file" -o "$dir/found" >"$dir/dump" 2>&1
    report $? "$1" "$(cat "$dir/dump")"
}

case_uefi() {
    machine uefi 4
    guest alpha hello
    guest beta fpu
    go 0 60 --dump
    as_promised "by multiboot, every object and capability is as described, and no more"
    rm -rf "$OUT/by-multiboot" && mv "$dir/found" "$OUT/by-multiboot"
    essence "$dir/system.log" >"$OUT/essence"
    for way in plain "gop -device VGA" "bochs -device bochs-display"; do
        # shellcheck disable=SC2086
        set -- $way
        name=uefi-$1
        rm -rf "$dir" && mkdir "$dir"
        go 0 120 --uefi --dump ${2:+--qemu-arg "$2"} ${3:+--qemu-arg "$3"}
        essence "$dir/system.log" | cmp -s - "$OUT/essence"
        report $? "the same events and the same objects and capabilities as by multiboot" "$(essence "$dir/system.log" | diff - "$OUT/essence" | head -n 5)"
        as_promised "by UEFI, every object and capability is as described, and no more"
        diff -r "$OUT/by-multiboot" "$dir/found" >"$dir/diff"
        report $? "multiboot and UEFI: the same CapDL from the running kernels" "$(head -n 5 "$dir/diff")"
        trusted_live
    done
    for file in "$here"/../../examples/*.yaml; do
        example=$(basename "$file" .yaml)
        vms=$(sed -n '/^vms:/,$s/^ *- *name: *\([a-z0-9-]*\).*/\1/p' "$file")
        set --
        for vm in $vms; do
            set -- "$@" --exec "$vm:uname -a" --exec "$vm:poweroff -f"
        done
        for way in multiboot uefi; do
            name=$way-$example
            dir=$OUT/$name
            rm -rf "$dir" && mkdir "$dir"
            [ $way = uefi ] && set -- "$@" --uefi
            go 0 240 --dump "$@"
            for vm in $vms; do
                says "$vm" 'Linux .*x86_64 GNU/Linux' "vm $vm: uname runs in user space"
            done
            as_promised "every object and capability is as described, and no more"
            trusted_live
        done
        diff -r "$OUT/multiboot-$example/found" "$dir/found" >"$dir/diff"
        report $? "multiboot and UEFI: the same CapDL from the running kernels" "$(head -n 5 "$dir/diff")"
        mkdir "$dir/compiled" && "$B/atoll" compile "$file" "$dir/compiled" &&
            "$B/tests/system/dump_altered" "$dir/system.log" "$dir/compiled" >"$dir/altered" 2>&1
        report $? "$example: $(sed -n 's/^ok - //p' "$dir/altered" 2>/dev/null)" "$(cat "$dir/altered")"
    done
}

# refused CLAIM SENTENCE [QEMU-ARGUMENTS]: starting from $dir/image ends with that sentence.
refused() {
    claim=$1
    sentence=$2
    shift 2
    "$B/atoll" run "$file" --headless --log-dir "$dir" --timeout 90 --image "$dir/image" "$@" >"$dir/out" 2>&1 </dev/null
    [ $? -eq 1 ] && grep -Eq "event: boot stopped: $sentence" "$dir/system.log"
    report $? "$claim" "$(cat "$dir/out"); $(tail -n 1 "$dir/system.log")"
}

case_uefi_refusals() {
    machine uefi-refusals 3
    guest alpha hello
    guest beta hello 'other'
    "$B/atoll" image "$file" -o "$dir/whole" >/dev/null
    esp=$dir/image@@1M
    cp "$dir/whole" "$dir/image"
    refused "too little memory" '.*memory' --qemu-arg -m --qemu-arg 100M
    mdel -i "$esp" ::/atoll/vm.alpha.kernel
    refused "a file is missing" 'the file .atoll.vm.alpha.kernel cannot be opened .*write the image again'
    head -c 5000 "$B/tests/guests/hello.elf" >"$dir/cut"
    mcopy -o -i "$esp" "$dir/cut" ::/atoll/vm.alpha.kernel
    refused "a file is cut short" 'the file .atoll.vm.alpha.kernel is cut short: 5000 bytes are there'
    cp "$dir/whole" "$dir/image"
    mcopy -n -i "$esp" ::/atoll/modules "$dir/list"
    grep -v '^kernel ' "$dir/list" >"$dir/shorter"
    mcopy -o -i "$esp" "$dir/shorter" ::/atoll/modules
    refused "a module is missing" 'the module "kernel" was not loaded'
    echo "system" >"$dir/shorter"
    mcopy -o -i "$esp" "$dir/shorter" ::/atoll/modules
    refused "the list of modules is damaged" 'the list of modules, .atoll.modules, is damaged'
    mdel -i "$esp" ::/atoll/modules
    refused "there is no list of modules" 'the file .atoll.modules cannot be opened'
    rm -f "$dir/whole" "$dir/image"
}

wait_for() { # wait_for COUNT REGEX: so many lines on the serial line
    for second in $(seq 60); do
        sleep 1
        [ "$(grep -Eac -- "$2" "$dir/serial" 2>/dev/null)" -ge "$1" ] && break
    done
}

# What people see who have no serial line; and what the next boot knows after a reset. The machine is driven by QEMU's monitor.
case_uefi_screen() {
    machine uefi-screen 2
    guest alpha hello
    "$B/atoll" image "$file" -o "$dir/image" >/dev/null
    mcopy -n -i "$dir/image@@1M" ::/atoll/modules "$dir/list"
    sed -i '/^kernel /d' "$dir/list"
    mcopy -o -i "$dir/image@@1M" "$dir/list" ::/atoll/modules
    cp /usr/share/OVMF/OVMF_VARS_4M.fd "$dir/variables"
    stopped='event: boot stopped: the module "kernel" was not loaded'
    {
        wait_for 1 "$stopped"
        echo "screendump $dir/first.ppm"
        sleep 1
        echo system_reset
        wait_for 2 "^$stopped"
        echo "screendump $dir/second.ppm"
        sleep 1
        echo quit
    } | timeout 150 qemu-system-x86_64 -nodefaults -display none -machine q35 -cpu max,vendor=AuthenticAMD,phys-bits=39 -m 512M -device VGA \
        -drive if=pflash,unit=0,format=raw,readonly=on,file=/usr/share/OVMF/OVMF_CODE_4M.fd \
        -drive if=pflash,unit=1,format=raw,file="$dir/variables" -drive if=none,id=boot,format=raw,snapshot=on,file="$dir/image" \
        -device ide-hd,drive=boot,bus=ide.0,bootindex=0 -serial file:"$dir/serial" -monitor stdio >"$dir/monitor" 2>&1
    for n in first second; do
        "$B/tests/system/screen" "$B/boot/font.psf" "$dir/$n.ppm" >"$dir/$n" 2>&1
    done
    grep -Eq '^boot: Atoll$' "$dir/first" && grep -Eq "^$stopped" "$dir/first"
    report $? "the framebuffer shows the refusal" "$(cat "$dir/first")"
    ! grep -aq 'last run' "$dir/first"
    report $? "a cold start knows of no last run" "$(grep 'last run' "$dir/first")"
    grep -aq '^boot: last run: it reached stage 0xaf, stopped by boot' "$dir/serial" && grep -Eaq "^boot: last run: $stopped" "$dir/serial"
    report $? "after a warm reset the next boot says how far the last one got, and its last words" "$(tail -n 5 "$dir/serial")"
    rm -f "$dir/image"
}
