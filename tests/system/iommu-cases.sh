# IOMMU: root tasks that own QEMU's `edu` device, on both families. Sourced by `run`. Each claim of tests/root/NAME.c is one here.
CASES="$CASES message"

edu_root() { # edu_root NAME FAMILY
    name=$1-$2
    dir=$OUT/$name
    mkdir -p "$dir"
    "$B/atoll" run --root-task "$B/tests/root/$1.elf" --machine "$2" --timeout 90 --log-dir "$dir" \
        --qemu-arg -device --qemu-arg edu,addr=6.0,dma_mask=0xffffffffffffffff \
        --until "$1: done" --fail-on 'panic: ' >"$dir/out" 2>&1
    report $? "$1 came to its end" "$(tail -n 1 "$dir/out"); $(tail -n 1 "$dir/system.log")"
    root_claims "$1"
}

# A device that is told to attack memory.
case_dma() {
    edu_root dma amdvi
    says system 'boot: iommu: unit 0: tables \[0x400000-' "the IOMMU's tables are where the attack goes"
    edu_root dma vtd
    says system 'boot: iommu: unit 0: tables \[0x400000-' "the IOMMU's tables are where the attack goes"
    says system 'the unit records faults: requester 0x30' "VT-d recorded the faults"
}

# A device that raises interrupts, its own and others.
case_message() {
    edu_root message amdvi
    edu_root message vtd
}
