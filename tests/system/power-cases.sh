# Power button, watchdog, and the console's own commands. Sourced by `run`.

CASES="$CASES power"

# One machine: a Linux guest that sees its button pressed, then starts its watchdog and leaves it alone, is ended, and started again; and the
# multiboot guests of both.
case_power() {
    machine power 5
    linux debian
    printf '    restart: on-failure\n' >>"$file"
    guest pm pm
    guest dog watchdog
    modules='for m in button evdev watchdog i6300esb; do insmod /lib/modules/$m.ko; done; cat /sys/class/watchdog/watchdog0/identity'
    key='(sleep 1; echo ready: pre"s"s) & dd if=/dev/input/event0 bs=24 count=1 2>/dev/null | tail -c 8 | hexdump -e "1/2 \"type %d \" 1/2 \"key %d \" 1/4 \"value %d\n\""'
    go 1 150 --press-power debian:'ready: press' --press-power pm:'pm: press the button' --replay pm:'pressed 1 times' \
        --exec debian:"$modules; $key; watchdog -T 2 -t 100 -F /dev/watchdog" \
        --exec debian:'echo a new life; poweroff -f'
    says debian '^.{13}type 1 key 116 value 1' "Linux gets the power key from the generic event device"
    says system 'console: power button of vm debian pressed' "the console says whose button it pressed"
    says debian '^.{13}i6300ESB timer' "Linux's own driver, i6300esb, takes the watchdog"
    says system 'event: vm debian restarts in 100 ms: its watchdog ran down' "a guest that leaves its watchdog alone is ended, and started again as it is described"
    says debian '^.{13}a new life' "it lives again"
    says system 'event: vm debian powered-off' "and powers itself off"
    says pm 'pm: pressed 1 times' "fixed hardware: PM timer, SCI, one press, one interrupt"
    says system 'event: vm pm powered-off' "power-off by the PM1 control register"
    says pm '^.{13}\[ *[0-9]+\.[0-9]{3}\] pm: press the button' "a replay shows the lines again, each with its time"
    says dog 'alive after twice its time' "a watchdog that is reloaded does nothing"
    stops dog 'its watchdog ran down'
    trusted_live
}
