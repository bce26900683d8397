# Power button, watchdog, and the console's own commands. Sourced by `run`.

CASES="$CASES power"

# One machine: a Linux guest that sees its button pressed, one whose watchdog bites and which is started again, and the multiboot guests of both.
case_power() {
    machine power 6
    linux button
    linux bitten
    printf '    restart: on-failure\n' >>"$file"
    guest pm pm
    guest dog watchdog
    go 1 150 --press-power button:'ready: press' --press-power pm:'pm: press the button' --replay pm:'pressed 1 times' \
        --exec button:'insmod /lib/modules/button.ko; insmod /lib/modules/evdev.ko; (sleep 1; echo ready: pre''ss) & dd if=/dev/input/event0 bs=24 count=1 2>/dev/null | hexdump -e "1/8 \"\" 1/8 \"\" 1/2 \"type %d \" 1/2 \"key %d \" 1/4 \"value %d\n\""; poweroff -f' \
        --exec bitten:'cd /lib/modules; insmod watchdog.ko; insmod i6300esb.ko heartbeat=2 && echo watching; echo >/dev/watchdog; sleep 100' \
        --exec bitten:'echo a new life; poweroff -f'
    says button '^.{13}type 1 key 116 value 1' "Linux gets the power key from the generic event device"
    says system 'event: vm button powered-off' "and powers itself off"
    says system 'console: power button of vm button pressed' "the console says whose button it pressed"
    says bitten '^.{13}watching' "Linux's own driver, i6300esb, takes the watchdog"
    says system 'event: vm bitten restarts in 100 ms: its watchdog ran down' "a guest that leaves its watchdog alone is ended, and started again as it is described"
    says bitten '^.{13}a new life' "it lives again"
    says system 'event: vm bitten powered-off' "and powers itself off"
    says pm 'pm: pressed 1 times' "fixed hardware: PM timer, SCI, one press, one interrupt"
    says system 'event: vm pm powered-off' "power-off by the PM1 control register"
    says pm '^.{13}\[ *[0-9]+\.[0-9]{3}\] pm: press the button' "a replay shows the lines again, each with its time"
    says dog 'alive after twice its time' "a watchdog that is reloaded does nothing"
    stops dog 'its watchdog ran down'
    trusted_live
}
