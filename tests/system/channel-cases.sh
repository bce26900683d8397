# Node channels: tests/root/channel.c on two nodes. Sourced by `run` after cases.sh.

CASES="$CASES channel"

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
