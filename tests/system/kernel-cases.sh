# The kernel's interface, tested by a root task of our own on a machine that counts instructions, so that its timing tests don't depend
# on the load of the one that runs it. Sourced by `run`. Each claim of tests/root/kernel*.c is one here.
CASES="$CASES kernel"

case_kernel() {
    name=kernel
    dir=$OUT/$name
    rm -rf "$dir"
    mkdir -p "$dir"
    "$B/atoll" run --root-task "$B/tests/root/kernel.elf" --count --timeout 120 --log-dir "$dir" \
        --until 'kernel: done' --fail-on 'panic: ' >"$dir/out" 2>&1 </dev/null
    report $? "the tests came to their end" "$(tail -n 1 "$dir/out"); $(tail -n 1 "$dir/system.log")"
    group=
    while read -r line; do
        case $line in
        *"kernel: group "*) group=${line#*kernel: group } ;;
        *"kernel: ok "*) report 0 "$group: ${line#* - }" ;;
        *"kernel: not ok "*) report 1 "$group: ${line#* - }" "see $dir/system.log" ;;
        esac
    done <"$dir/system.log"
    says system 'kernel: done: [0-9]* passed, 0 failed' "no claim failed"
}
