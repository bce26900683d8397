# Is the machine good enough? The probe, and boot's refusals by the same rules. Sourced by `run` after describe-cases.sh.

CASES="$CASES refused probe uefi_probe"

# both NAME SENTENCE [OPTIONS]: a machine that boot refuses with that sentence; the probe, on the same machine, has it word by word.
both() {
    machine "refused-$1" 2
    guest alpha hello
    sentence=$2
    shift 2
    go 1 60 "$@"
    says system "event: boot stopped: $sentence" "boot refuses it"
    silent system 'event: vm' "no VM was started"
    boots=$(sed -n 's/.*event: boot stopped: //p' "$dir/system.log")
    go 1 60 --probe "$@"
    said "$boots"
}

said() { # said SENTENCE: the probe's page has it as a failure
    sed -n 's/.*probe: FAIL [^:]*: //p' "$dir/system.log" | grep -Fxq -- "$1"
    report $? "the probe fails it with the same sentence" "boot: $1; probe: $(grep 'probe: FAIL' "$dir/system.log")"
    says system 'this image only examines the machine: .* [1-9][0-9]* fail; Atoll does not start here' "and says that the machine will not do"
}

# nic NAME SENTENCE VFS DEVICE-ID QEMU-DEVICE
nic() {
    machine "refused-$1" 1
    rm -f "$file"
    for flags in 0 2; do
        "$B/tests/system/nic_request" "$dir/request" 8086 "$4" "$3" $flags
        "$B/atoll" run --root-task "$B/tests/root/dma.elf" --request "$dir/request" --log-dir "$dir" --timeout 60 \
            --qemu-arg -device --qemu-arg pcie-root-port,id=rp,chassis=1 --qemu-arg -device --qemu-arg "$5" >"$dir/out" 2>&1 </dev/null
        [ $flags = 2 ] && continue
        says system "event: boot stopped: $2" "boot refuses it"
        boots=$(sed -n 's/.*event: boot stopped: //p' "$dir/system.log")
    done
    said "$boots"
}

case_refused() {
    both no-iommu 'no IOMMU: ' --machine none
    both no-remapping 'no interrupt remapping: ' --machine none --qemu-arg -device --qemu-arg intel-iommu,intremap=off,eim=off
    both one-core 'the system needs 2 cores, this machine has 1; ' --qemu-arg -smp --qemu-arg 1
    both little-memory 'the system needs 6[0-9] MiB of memory, this machine has 5[0-9] MiB; ' --qemu-arg -m --qemu-arg 60M
    both no-x2apic 'processor with APIC id 0: no x2APIC mode; ' --qemu-arg -cpu --qemu-arg max,vendor=AuthenticAMD,phys-bits=39,-x2apic
    nic no-sriov 'node 0: "nic0" is 01:00.0, which has no SR-IOV' 1 10d3 e1000e,bus=rp
    nic few-vfs 'node 0: "nic0" is 01:00.0, which can have [0-9]* virtual functions, not 99; ask for fewer' 99 10c9 igb,bus=rp
}

# A good machine: every requirement of the list has a line, and the description that comes with it is one.
case_probe() {
    machine probe 2
    rm -f "$file"
    "$B/atoll" run --probe --headless --cores 4 --memory 2048 --log-dir "$dir" --timeout 60 --qemu-arg -device --qemu-arg pcie-root-port,id=rp,chassis=1 \
        --qemu-arg -device --qemu-arg igb,bus=rp >"$dir/out" 2>&1 </dev/null
    for requirement in x2APIC SVM "nested paging" "1 GiB pages" FSGSBASE "SMEP and SMAP" cores memory IOMMU "interrupt remapping" IOAPIC "PCI segments"; do
        says system "probe: PASS $requirement: " "it has passed: $requirement"
    done
    for line in 'WARN TPM: .*enable "TPM"' 'PASS ACS: port 00:..\.0' 'PASS FLR: 01:00.0 \(8086:10c9\)' 'PASS SR-IOV: 01:00.0 .* can have [1-9][0-9]* virtual'; do
        says system "probe: $line" "a line for it: $line"
    done
    says system 'requirements pass, [0-9]* warnings, 0 fail; Atoll can start here' "nothing fails"
    sed -n '/a description to start from/,/end of the description/s/^\[[^]]*\] //p' "$dir/system.log" | grep -v '^probe:' >"$dir/starter.yaml"
    starts_from "$dir"
    for option in "no/such/file" "--root"; do
        "$B/atoll" probe "$option" >"$dir/out" 2>&1
        [ $? -eq 2 ]
        report $? "atoll probe $option: status 2" "$(cat "$dir/out")"
    done
    linux_probe
}

# starts_from FOLDER: its starter.yaml, with a kernel beside it, is a description that compiles and isolates.
starts_from() {
    cp "$B/guest/vmlinuz" "$1/vmlinuz" && cp "$B/guest/initramfs.cpio.gz" "$1/initrd.img"
    "$B/atoll" check "$1/starter.yaml" >"$dir/out" 2>&1
    report $? "the description to start from is a good one" "$(cat "$dir/out"; cat "$1/starter.yaml")"
    rm -f "$1/vmlinuz" "$1/initrd.img"
}

# `atoll probe` on a Linux that shows another machine's sysfs: the one that the test describes (tests/probe/make-sysfs).
linux_probe() {
    "$here/../probe/make-sysfs" "$dir/linux"
    clocks=$dir/linux/sys/devices/system/clocksource/clocksource0
    mkdir -p "$clocks"
    echo 'hpet acpi_pm' >"$clocks/available_clocksource"
    "$B/atoll" probe --root "$dir/linux" | grep -q "^WARN one TSC: this Linux does not trust"
    report $? "atoll probe tells that Linux found the time stamp counters apart"
    echo 'tsc hpet acpi_pm' >"$clocks/available_clocksource"
    "$B/atoll" probe --root "$dir/linux" >"$dir/linux.out" 2>&1
    for line in 'PASS cores: 4, ' 'PASS one TSC: ' 'PASS memory: 8000 MiB' 'PASS IOMMU: ' 'PASS interrupt remapping: ' 'PASS IOMMU units: ' 'PASS TPM: ' \
        'WARN FLR: 00:03.0 \(8086:10d3\) cannot be reset' 'WARN SR-IOV: no network card'; do
        grep -Eq "^$line" "$dir/linux.out"
        report $? "atoll probe of a Linux's sysfs: $line" "$(cat "$dir/linux.out")"
    done
    rm -rf "$dir/linux/sys/class/iommu" "$dir/linux/sys/firmware/acpi/tables/TPM2"
    printf '\000' | dd of="$dir/linux/sys/firmware/acpi/tables/DMAR" bs=1 seek=37 conv=notrunc 2>/dev/null # its flags: no interrupt remapping
    printf 'x' >"$dir/linux/sys/firmware/acpi/tables/MCFG"
    "$B/atoll" probe --root "$dir/linux" >"$dir/linux.out" 2>&1
    [ $? -eq 1 ] && grep -q '^FAIL firmware tables: ' "$dir/linux.out" && grep -q '^WARN TPM: no TPM 2.0' "$dir/linux.out" || grep -q '^FAIL' "$dir/linux.out"
    report $? "a damaged table is told" "$(cat "$dir/linux.out")"
}

# From an image, under the firmware: the result is on the medium.
case_uefi_probe() {
    machine uefi-probe 2
    rm -f "$file"
    "$B/atoll" image --probe -o "$dir/image" >/dev/null
    report $? "a probe's image is written without a description"
    cp /usr/share/OVMF/OVMF_VARS_4M.fd "$dir/variables"
    {
        wait_for 1 'event: boot stopped'
        echo quit
    } | timeout 150 qemu-system-x86_64 -nodefaults -display none -machine q35 -cpu max,vendor=AuthenticAMD,phys-bits=39 -smp 2 -m 512M -device VGA \
        -device intel-iommu,intremap=on,eim=on -device pcie-root-port,id=rp,chassis=1 -device igb,bus=rp \
        -drive if=pflash,unit=0,format=raw,readonly=on,file=/usr/share/OVMF/OVMF_CODE_4M.fd \
        -drive if=pflash,unit=1,format=raw,file="$dir/variables" -drive if=none,id=boot,format=raw,file="$dir/image" \
        -device ide-hd,drive=boot,bus=ide.0,bootindex=0 -serial file:"$dir/serial" -monitor stdio >"$dir/monitor" 2>&1
    grep -aq 'this image only examines the machine: .* 0 fail; Atoll can start here; written to .atoll.probe.txt' "$dir/serial"
    report $? "it examines the machine and has written the result" "$(tail -n 5 "$dir/serial")"
    mcopy -n -i "$dir/image@@1M" ::/atoll/probe.txt ::/atoll/starter.yaml "$dir"
    tr -d '\r' <"$dir/serial" | sed -n 's/^probe: \(PASS\|WARN\|FAIL\)/\1/p' | cmp -s - "$dir/probe.txt" && grep -q '^PASS IOMMU units' "$dir/probe.txt"
    report $? "probe.txt on the medium is the page that the serial line shows" "$(head -n 3 "$dir/probe.txt"; tail -n 3 "$dir/serial")"
    starts_from "$dir"
    rm -f "$dir/image"
    machine uefi-probe-of 2
    guest alpha hello
    sed -i '1i probe: true' "$file"
    go 1 120 --uefi --cores 2
    says system 'probe: PASS cores: 2, of which 2 are needed' "probe: true in a description makes an image that examines the machine for it"
    silent system 'event: vm' "and starts nothing"
}
