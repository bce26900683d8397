# seL4's own test suite: unmodified driver images (MCS, x86-64, debug or release), built elsewhere, on one node. Sourced by `run`.
#
# SEL4TEST_IMAGE names them, separated by blanks. The machine counts instructions, so that the suite's timing tests don't depend
# on the load of the one that runs it; 6 GiB, as one test wants a frame of 1 GiB.
CASES="$CASES sel4test"

case_sel4test() {
    name=sel4test
    [ -n "${SEL4TEST_IMAGE-}" ] || { echo "# skipped: sel4test: no image (SEL4TEST_IMAGE)"; return; }
    for image in $SEL4TEST_IMAGE; do
        dir=$OUT/sel4test-$(printf %s "$image" | cksum | cut -d ' ' -f 1)
        rm -rf "$dir"
        mkdir -p "$dir"
        "$B/atoll" run --root-task "$image" --memory 6144 --count --timeout 900 --log-dir "$dir" \
            --until 'All is well' --fail-on 'FAILURES DETECTED' >"$dir/out" 2>&1 </dev/null
        report $? "$image: all is well" "$(tail -n 1 "$dir/out"); $(tail -n 1 "$dir/system.log")"
        failed=$(sed -n 's/.*Test \([A-Z0-9_]*\) failed.*/\1/p' "$dir/system.log" | tr '\n' ' ')
        [ -z "$failed" ]
        report $? "$image: no test failed" "failed: $failed; see $dir/system.log"
        says system 'Test suite passed\. [0-9]* tests passed' "$image: the whole suite ran"
    done
}
