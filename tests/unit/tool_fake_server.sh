#!/bin/bash
# Stands in for QEMU: speaks the serial protocol of <atoll/console.h> on descriptor 3, as two guests. $STORY picks what happens.
say() { printf "$@" >&3; }
[ "$STORY" != gone ] || { echo "the emulator's complaint" >&2; exit 5; }
say 'boot: a fake\n'
[ "$STORY" != refused ] || { say 'event: boot stopped: no IOMMU\n'; sleep 20; }
say '[node 0] kernel up\nevent: vm alpha started\nevent: vm beta started\n'
say '\035Aalpha kernel\r\nguest# \033[6n\035Bbeta says \035\035 hi\r\nguest# '
while IFS= read -r -n 1 -d '' byte <&3; do
    case $byte in
    $'\035') IFS= read -r -n 1 -d '' stream <&3; continue ;;
    $'\r') ;;
    *) typed[$(printf '%d' "'$stream")]+=$byte; say '\035%s%s' "$stream" "$byte"; continue ;;
    esac
    line=${typed[$(printf '%d' "'$stream")]}
    typed[$(printf '%d' "'$stream")]=
    say '\r\ngot <%s>\r\n' "$line"
    name=alpha
    [ "$stream" = A ] || name=beta
    case $line in
    'poweroff -f') say '\0350event: vm %s counters cpuid=1\nevent: vm %s powered-off\n' "$name" "$name" ;;
    crash) say '\0350event: vm %s stopped: triple fault\n' "$name" ;;
    fail) say '\0350event: vm %s exit-code 3\nevent: vm %s powered-off\n' "$name" "$name" ;;
    kernel) say '\0350[node 2] panic\nevent: node 2 died: page fault\n' ;;
    *) say 'guest# ' ;;
    esac
done
