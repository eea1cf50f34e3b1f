#!/bin/sh
# Runs on the victim, as root, as the text of an SSM command: finds the acquisition volume, takes the tools off it into memory, checks them by hash,
# and lets them turn the volume into one file system that holds what they collect. It fetches nothing, and knows no credentials and no addresses.
#
# Environment: VOLUME_ID (vol-0123…), MODE (volatile | full), AT_MOST_SECONDS, TOOLS_SHA256 (of the volume's SHA256SUMS).
# The last line it prints is one JSON object:
#   {"acquisition":"complete|partial|failed","reason":"…","seconds":n,"files":n,"bytes":n,"clock":seconds since 1970 on this host}
# Exit code: 0 for complete and partial, 1 for failed.
#
# Until the tools are checked it runs by programs of the victim (mount, sha256sum, cp). Their answers prove nothing against somebody who is root here.
set -u
PATH=/usr/sbin:/usr/bin:/sbin:/bin
LC_ALL=C
export PATH LC_ALL
unset LD_PRELOAD LD_LIBRARY_PATH LD_AUDIT BASH_ENV ENV CDPATH
umask 077
work= ram=

now() { # seconds since boot: nobody sets this clock
    up=0
    read -r up _ < /proc/uptime 2> /dev/null
    seconds=${up%%.*}
}

finish() { # STATE REASON: for what ended before the tools could say it themselves
    now
    line="{\"acquisition\":\"$1\",\"reason\":\"$(printf %s "$2" | tr -cd 'A-Za-z0-9 .,:;_/()=+-' | cut -c 1-400)\",\"seconds\":$((seconds - began)),\"files\":0,\"bytes\":0,\"clock\":$(date +%s)}"
    leave
}

leave() { # unmounts, prints the line, ends
    cd / || :
    if [ -n "$work" ]; then
        umount "$work/tools" 2> /dev/null || umount -l "$work/tools" 2> /dev/null
        umount "$ram" 2> /dev/null || umount -l "$ram" 2> /dev/null
        rmdir "$work/tools" "$work/out" "$work/proc" "$work/sys" "$ram" "$work" 2> /dev/null
    fi
    printf '%s\n' "$line"
    case $line in '{"acquisition":"failed"'*) exit 1 ;; esac
    exit 0
}

try_disk() { # DEVICE: takes the tools off it; true when they are exactly those that this deployment put there
    [ -b "$1" ] || return 1
    while read -r mounted _; do
        [ "$mounted" != "$1" ] || return 1
    done < /proc/mounts
    mount -t ext4 -o ro,noload,nosuid,nodev,noexec "$1" "$work/tools" 2> /dev/null || return 1
    rm -rf "$ram/"* 2> /dev/null
    right=1
    # What is checked is what will run: the copies in memory, not the files on the volume.
    if [ -f "$work/tools/SHA256SUMS" ] && cp "$work/tools/SHA256SUMS" "$ram/" 2> /dev/null; then
        sum=$(sha256sum < "$ram/SHA256SUMS")
        if [ "${sum%% *}" = "$TOOLS_SHA256" ]; then
            while read -r _ name; do
                cp "$work/tools/$name" "$ram/$name" || right=0
            done < "$ram/SHA256SUMS"
            (cd "$ram" && sha256sum -c SHA256SUMS > /dev/null 2>&1) || right=0
        else
            right=0
        fi
    else
        right=0
    fi
    umount "$work/tools"
    [ "$right" = 1 ]
}

find_disk() { # sets disk; a name only says where to look, the hash of the tools says that it is the one
    disk=
    for file in /sys/block/*/device/serial; do
        [ -r "$file" ] || continue
        serial=
        read -r serial < "$file"
        if [ "$serial" = "$wanted" ]; then
            name=${file#/sys/block/}
            try_disk "/dev/${name%%/*}" && disk=/dev/${name%%/*} && return 0
        fi
    done
    link=/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_$wanted
    if [ -e "$link" ]; then
        device=$(readlink -f "$link")
        try_disk "$device" && disk=$device && return 0
    fi
    # Xen instances show no serial: every disk that nobody has mounted is tried, and only read.
    for name in /sys/block/xvd*; do
        [ -e "$name" ] || continue
        device=/dev/${name#/sys/block/}
        try_disk "$device" && disk=$device && return 0
    done
    return 1
}

now
began=$seconds
line=
case ${VOLUME_ID:-} in vol-*) wanted=vol${VOLUME_ID#vol-} ;; *) finish failed "VOLUME_ID is no volume id" ;; esac
case $wanted in *[!0-9a-z]*) finish failed "VOLUME_ID is no volume id" ;; esac
case ${MODE:-} in volatile | full) ;; *) finish failed "MODE must be volatile or full" ;; esac
case ${AT_MOST_SECONDS:-} in '' | *[!0-9]*) finish failed "AT_MOST_SECONDS must be a number" ;; esac
case ${TOOLS_SHA256:-} in '' | *[!0-9a-f]*) finish failed "TOOLS_SHA256 must be hexadecimal" ;; esac
[ "$(id -u)" = 0 ] || finish failed "this needs root"

for place in /run /dev/shm /tmp; do
    work=$(mktemp -d "$place/clean-room.XXXXXX" 2> /dev/null) && break
    work=
done
[ -n "$work" ] || finish failed "no folder could be made in /run, /dev/shm or /tmp"
ram=$work/ram
mkdir "$work/tools" "$work/out" "$work/proc" "$work/sys" "$ram"
mount -t tmpfs -o size=32m,mode=700,nosuid,nodev tmpfs "$ram" 2> /dev/null || finish failed "no memory file system could be mounted for the tools"

# The volume may appear a moment after EC2 says that it is attached.
until find_disk; do
    now
    [ $((seconds - began)) -lt $((AT_MOST_SECONDS / 4)) ] || finish failed "no disk of $VOLUME_ID with the tools of this deployment was found: not attached, not readable, or its tools have another hash"
    sleep 1
done

now
left=$((AT_MOST_SECONDS - (seconds - began) - 5))
bb=$ram/busybox
# Nothing of the environment comes along, and PATH names nothing: the shell finds busybox's own programs without it.
"$bb" setsid "$bb" env -i PATH=/nonexistent LC_ALL=C BB="$bb" TOOLS="$ram" WORK="$work" DEVICE="$disk" MODE="$MODE" \
    SECONDS_LEFT="$left" VOLUME_ID="$VOLUME_ID" TOOLS_SHA256="$TOOLS_SHA256" "$bb" sh "$ram/acquire.sh" > "$ram/log" 2>&1 &
running=$!
while kill -0 "$running" 2> /dev/null; do
    now
    if [ $((seconds - began)) -ge "$AT_MOST_SECONDS" ]; then
        # Its own limits did not end it. Its mounts are in a namespace of its own and end with its last process; a part is in a session of its own.
        kill -KILL "-$running" "$running" 2> /dev/null
        worker=$("$bb" head -n 1 "$ram/worker" 2> /dev/null)
        [ -z "$worker" ] || kill -KILL "-$worker" 2> /dev/null
        finish partial "stopped after $AT_MOST_SECONDS seconds: what was written until then is on the volume, perhaps without a manifest"
    fi
    "$bb" sleep 0.2
done

line=$("$bb" tail -n 1 "$ram/result" 2> /dev/null)
"$bb" tail -c 2000 "$ram/log"
case $line in
    '{"acquisition":"'*'}') leave ;;
    *) finish failed "the collector ended without a result: $("$bb" tail -c 200 "$ram/log" 2> /dev/null)" ;;
esac
