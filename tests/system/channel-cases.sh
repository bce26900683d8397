# Node channels: tests/root/channel.c on two nodes. Sourced by `run` after cases.sh.

CASES="$CASES channel refused_map"

case_channel() {
    dir=$OUT/channel
    mkdir -p "$dir"
    "$B/tests/system/channel-request" "$dir/request"
    "$B/atoll" run --root-task "$B/tests/root/channel.elf" --request "$dir/request" --memory 1024 --timeout 180 --log-dir "$dir" \
        --until 'channel: done' --fail-on 'panic: ' >"$dir/out" 2>&1
    report $? "both nodes came to their end" "$(tail -n 1 "$dir/out"); $(tail -n 1 "$dir/system.log")"
    root_claims channel
    says system 'capabilities: [0-9]+ and [0-9]+ before' "capabilities were counted"
    "$B/atoll" run --root-task "$B/tests/root/channel.elf" --request "$B/tests/root/channel.elf" >"$dir/out" 2>&1
    [ $? -eq 2 ] && grep -q '^atoll: .*channel.elf is no system request' "$dir/out"
    report $? "a file that is no system request is refused with a sentence" "$(cat "$dir/out")"
}

# Boot believes a request where it can: this one makes node 1's map contradict itself. Node 1 stops before its first user instruction; node 0 goes on
# and prints what node 1's kernel said.
case_refused_map() {
    dir=$OUT/refused_map
    rm -rf "$dir"
    mkdir -p "$dir"
    "$B/tests/system/channel-request" "$dir/request" contradiction
    "$B/atoll" run --root-task "$B/tests/root/channel.elf" --request "$dir/request" --memory 1024 --timeout 60 --log-dir "$dir" \
        --until 'a name that another entry has, too' --fail-on 'channel: done' >"$dir/out" 2>&1 </dev/null
    report $? "node 0 tells of node 1's end" "$(tail -n 1 "$dir/out"); $(tail -n 1 "$dir/system.log")"
    says system 'panic: resource map refused: entry [0-9]+ \(private\): a name that another entry has, too' "a map that contradicts itself stops its kernel with a sentence"
    [ "$(grep -c 'kernel ready' "$dir/system.log")" -eq 1 ]
    report $? "node 1 comes to no user instruction, node 0 does" "$(grep 'kernel ready' "$dir/system.log")"
}
