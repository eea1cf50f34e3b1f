# One part of the volatile state, named by the argument, as JSON lines on standard output. Started by acquire.sh, within its time limit.
#
# Environment: BB, P (a proc file system of our own), S (sysfs), TOOLS, out, AT, RESUME_AFTER. Exit code 66: there is nothing of the kind.
# Everything that comes from the host is base64, bounded by head. Files below /proc/PID/root and the like are only opened when they are
# regular files, and what may hang is run by timeout.
set -u

b64() { # KEY: standard input as one more member of the object
    printf ',"%s":"' "$1"
    base64 -w 0
    printf '"'
}

show() { # KIND FILE MOST: a file of proc or sysfs as a line; nothing when it cannot be read
    [ -r "$2" ] || return 0
    printf '{"kind":"%s"' "$1"
    head -c "$3" "$2" 2> /dev/null | b64 content
    printf '}\n'
}

show_regular() { # KIND FILE MOST: a file of the host's, which may be anything
    [ -f "$2" ] || return 0
    printf '{"kind":"%s"' "$1"
    printf %s "$2" | b64 path
    timeout -s KILL 3 "$BB" head -c "$3" "$2" 2> /dev/null | b64 content
    printf '}\n'
}

spaces() { # KIND: one process of each namespace of that kind, as "inode pid"
    (cd "$P" && printf '%s\n' [0-9]*/ns/"$1" | xargs stat -L -c '%i/%n' 2> /dev/null) | sort -t / -u -k 1,1 | while IFS=/ read -r space pid _; do
        printf '%s %s\n' "$space" "$pid"
    done
}

part_clock() {
    printf '{"kind":"clock","epoch":%s,"uptime":"%s"' "$(date +%s)" "$(head -c 64 "$P/uptime")"
    adjtimex 2> /dev/null | b64 adjtimex
    { hwclock -u -r 2> /dev/null || :; } | b64 hardware
    head -c 64 "$S/devices/system/clocksource/clocksource0/current_clocksource" 2> /dev/null | b64 source
    printf '}\n'
}

part_processes() {
    cd "$P" || exit 1
    skipping=$RESUME_AFTER
    between=$(head -c 24 /dev/urandom | base64 -w 0)
    for pid in [0-9]*; do
        if [ -n "$skipping" ]; then
            [ "$pid" != "$skipping" ] || skipping=
            continue
        fi
        [ -e "$pid/stat" ] || continue
        echo "$pid" > "$AT"
        # One base64 for all of a process, its parts between lines that nobody can foresee: with a thousand processes, programs started is time.
        printf '{"pid":%s,"between":"%s"' "$pid" "$between"
        {
            # In this order: only the last may hold a line break of the process's own.
            cat "$pid/loginuid" "$pid/status" "$pid/cgroup" "$pid/stat" 2> /dev/null
            if [ -e "$pid/exe" ]; then
                printf '\n%s\n' "$between"
                # One line a link: busybox prints ? for what is no printable character.
                ls -ln "$pid/exe" "$pid/cwd" "$pid/root" "$pid/ns" "$pid/fd" 2> /dev/null
                printf '\n%s\n' "$between"
                head -c 131072 "$pid/cmdline" 2> /dev/null
                printf '\n%s\n' "$between"
                grep -m 2000 -E '^[0-9a-f]+-[0-9a-f]+ ..x' "$pid/maps" 2> /dev/null
                printf '\n%s\n' "$between"
                # Names alone: values hold passwords and keys. The two that name libraries to load are evidence.
                head -c 1048576 "$pid/environ" 2> /dev/null | tr '\0\n' '\n\001' |
                    sed -n -e '/^LD_PRELOAD=/{p;d}' -e '/^LD_LIBRARY_PATH=/{p;d}' -e 's/^\([^=]*\)=.*/\1/p'
            fi
        } | b64 content
        printf '}\n'
    done
}

part_sockets() {
    spaces net | while read -r space pid; do
        for table in tcp tcp6 udp udp6 udplite raw raw6 packet unix netlink sctp/eps sctp/assocs icmp arp route ipv6_route dev nf_conntrack; do
            [ -r "$P/$pid/net/$table" ] || continue
            printf '{"namespace":%s,"pid":%s,"table":"%s"' "$space" "$pid" "$table"
            head -c 16777216 "$P/$pid/net/$table" 2> /dev/null | b64 content
            printf '}\n'
        done
    done
}

part_executables() {
    cd "$P" || exit 1
    list=$TOOLS/executables
    printf '%s\n' [0-9]*/exe | xargs stat -L -c '%d/%i/%s/%h/%n' 2> /dev/null > "$list"
    printf '{"kind":"which"'
    b64 content < "$list"
    printf '}\n'
    budget=$(($(stat -f -c %a "$out") * 4096 / 3))
    [ "$budget" -le 1073741824 ] || budget=1073741824
    sort -t / -u -k 1,3 "$list" | while IFS=/ read -r device inode size links pid _; do
        file=$pid/exe copied=false
        kind=$(stat -f -L -c %t "$file" 2> /dev/null)
        # Gone with the process, or with the power: no snapshot of a disk has it.
        case $links/$kind in 0/* | */1021994 | */858458f6)
            if [ "$size" -le 67108864 ] && [ "$size" -le "$budget" ] && timeout -s KILL 20 "$BB" cp "$file" "$out/executables/copying" 2> /dev/null; then
                copied=true budget=$((budget - size)) file=$out/executables/copying
            fi
            ;;
        esac
        sum=$(timeout -s KILL 20 "$BB" sha256sum "$file" 2> /dev/null)
        sum=${sum%% *}
        [ "$copied" = false ] || [ -z "$sum" ] || mv "$out/executables/copying" "$out/executables/$sum"
        printf '{"kind":"executable","device":%s,"inode":%s,"bytes":%s,"links":%s,"pid":%s,"fileSystem":"%s","sha256":"%s","copied":%s}\n' \
            "$device" "$inode" "$size" "$links" "$pid" "$kind" "$sum" "$copied"
    done
    rm -f "$out/executables/copying"
}

part_hidden() { # processes that can be looked up and are not listed
    cd "$P" || exit 1
    most=32768
    read -r most < sys/kernel/pid_max
    # Numbers are given in order: no more than the host ever forked were given, until they begin again.
    while read -r key value _; do
        [ "$key" != processes ] || { [ $((value + 4096)) -ge "$most" ] || most=$((value + 4096)); break; }
    done < stat 2> /dev/null
    before=" $(echo [0-9]*) "
    number=1 suspects=
    read -r until _ < uptime
    until=$((${until%%.*} + 10))
    while [ "$number" -le "$most" ]; do
        if [ $((number & 4095)) = 0 ]; then
            read -r up _ < uptime
            [ "${up%%.*}" -lt "$until" ] || break
        fi
        if [ -e "$number/status" ]; then
            case $before in *" $number "*) ;; *)
                group=
                while read -r key value _; do
                    [ "$key" != Tgid: ] || { group=$value; break; }
                done < "$number/status" 2> /dev/null
                # A thread can be looked up by its own number, and is never listed.
                [ "$group" != "$number" ] || suspects="$suspects $number"
                ;;
            esac
        fi
        number=$((number + 1))
    done
    after=" $(echo [0-9]*) "
    for number in $suspects; do
        case $after in *" $number "*) continue ;; esac
        [ -e "$number/status" ] && show hidden "$number/status" 8192
    done
    # Listed in a proc of our own, and not in the one that the host shows.
    for number in $before; do
        [ -e "/proc/$number/status" ] || [ ! -e "$number/status" ] || show covered "$number/status" 8192
    done
    printf '{"kind":"tried","to":%s,"of":%s}\n' $((number - 1)) "$most"
}

part_bpf() {
    ls -lnR /sys/fs/bpf 2> /dev/null | head -c 1048576 | { printf '{"kind":"pinned"'; b64 content; printf '}\n'; }
    grep -F '[bpf]' "$P/kallsyms" 2> /dev/null | head -c 1048576 | { printf '{"kind":"programs"'; b64 content; printf '}\n'; }
    (cd "$P" && find [0-9]*/fdinfo -type f 2> /dev/null | xargs grep -sHE '^(prog_|map_|link_)(type|id|tag|name):' 2> /dev/null) | head -c 4194304 | {
        printf '{"kind":"held"'; b64 content; printf '}\n'; }
}

part_modules() {
    show listed "$P/modules" 4194304
    ls -d "$S"/module/*/initstate 2> /dev/null | { printf '{"kind":"loaded"'; b64 content; printf '}\n'; }
    grep -oE '\[[a-zA-Z0-9_]+\]$' "$P/kallsyms" 2> /dev/null | sort -u | { printf '{"kind":"symbols"'; b64 content; printf '}\n'; }
    show tainted "$P/sys/kernel/tainted" 64
    [ -r "$P/modules" ] || [ -d "$S/module" ] || exit 66
}

part_mounts() {
    spaces mnt | while read -r space pid; do
        printf '{"kind":"mounts","namespace":%s,"pid":%s' "$space" "$pid"
        head -c 4194304 "$P/$pid/mountinfo" 2> /dev/null | b64 content
        printf '}\n'
    done
}

part_users() {
    [ -f /run/utmp ] || [ -d /run/systemd/sessions ] || exit 66
    show_regular utmp /run/utmp 4194304
    for file in /run/systemd/sessions/* /run/systemd/users/*; do show_regular session "$file" 65536; done
}

part_timers() {
    for file in /run/systemd/transient/* /run/systemd/system/*; do show_regular unit "$file" 262144; done
    show timers "$P/timer_list" 2097152
}

part_loader() { # of each mount namespace: containers have their own
    spaces mnt | while read -r space pid; do
        for name in preload cache; do
            file=$P/$pid/root/etc/ld.so.$name
            [ -f "$file" ] || continue
            printf '{"kind":"%s","namespace":%s,"pid":%s' "$name" "$space" "$pid"
            timeout -s KILL 3 "$BB" head -c 1048576 "$file" 2> /dev/null | b64 content
            printf '}\n'
        done
    done
}

part_kernel() {
    for name in version cmdline iomem meminfo swaps keys sys/kernel/hostname sys/kernel/random/boot_id sys/kernel/kptr_restrict sys/kernel/core_pattern sys/kernel/modprobe; do
        show "$name" "$P/$name" 1048576
    done
    show lockdown /sys/kernel/security/lockdown 256
    dmesg -s 8388608 2> /dev/null | head -c 8388608 | { printf '{"kind":"log"'; b64 content; printf '}\n'; }
}

part_symbols() { # with these two the memory image can be read without the distribution's debug packages
    [ ! -r "$P/kallsyms" ] || gzip -c < "$P/kallsyms" > "$out/kallsyms.gz"
    [ ! -r "$S/kernel/btf/vmlinux" ] || gzip -c < "$S/kernel/btf/vmlinux" > "$out/btf-vmlinux.gz"
    [ -e "$out/kallsyms.gz" ] || [ -e "$out/btf-vmlinux.gz" ] || exit 66
}

part_firewall() { # the rules are to be had by netlink alone: by the host's own programs, whose answer is what the host wants it to be
    for name in ip_tables_names ip6_tables_names; do show "$name" "$P/1/net/$name" 65536; done
    for program in "/usr/sbin/nft list ruleset" "/usr/sbin/iptables-save" "/usr/sbin/ip6tables-save"; do
        [ -x "${program%% *}" ] || continue
        printf '{"kind":"told","by":"%s"' "$program"
        # shellcheck disable=SC2086 # program and arguments are ours
        timeout -s KILL 5 "$BB" env -i PATH=/nonexistent $program 2> /dev/null < /dev/null | head -c 4194304 | b64 content
        printf '}\n'
    done
}

case $1 in
    clock | processes | sockets | executables | hidden | bpf | modules | mounts | users | timers | loader | kernel | symbols | firewall) "part_$1" ;;
    *) exit 64 ;;
esac
