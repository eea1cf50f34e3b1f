# Runs under the volume's own busybox, started by bootstrap.sh. Makes the output file system, runs each part within its time, and writes the manifest.
#
# Environment: BB (busybox), TOOLS (folder in memory), WORK (folder for mount points), DEVICE, MODE, SECONDS_LEFT, VOLUME_ID, TOOLS_SHA256.
# Whatever comes from this host goes out as base64: no name or content of it can end a line, or a JSON string.
set -u
umask 077
P=$WORK/proc
out=$WORK/out/out

# A mount namespace of its own: what is mounted here is not shown to the host's processes, and is gone with the last process of ours.
if [ -z "${OWN_NAMESPACE:-}" ] && "$BB" unshare -m --propagation private "$BB" true 2> /dev/null; then
    export OWN_NAMESPACE=1
    exec "$BB" unshare -m --propagation private "$BB" sh "$TOOLS/acquire.sh"
fi

now() {
    up=0
    read -r up _ < "$P/uptime" 2> /dev/null || read -r up _ < /proc/uptime
    seconds=${up%%.*}
}

result() { # STATE REASON FILES BYTES
    now
    printf '{"acquisition":"%s","reason":"%s","seconds":%s,"files":%s,"bytes":%s,"clock":%s}\n' "$1" "$2" $((seconds - began)) "$3" "$4" "$(date +%s)" > "$TOOLS/result"
}

now
began=$seconds
began_at=$(date +%s)
deadline=$((began + SECONDS_LEFT))

# A new proc hides nothing below mounts that somebody put over /proc/PID.
own_proc=true
mount -t proc -o nosuid,nodev,noexec proc "$P" 2> /dev/null || { own_proc=false P=/proc; }
S=$WORK/sys
mount -t sysfs -o ro,nosuid,nodev,noexec sysfs "$S" 2> /dev/null || S=/sys
export P S out

size=$(blockdev --getsize64 "$DEVICE" 2> /dev/null)
# Zeroing inode tables takes writes: few inodes on large volumes, for what is collected is few files.
[ "${size:-0}" -gt 68719476736 ] && ratio=4194304 || ratio=262144
mke2fs -F -m 0 -i "$ratio" -L clean-room-out "$DEVICE" > /dev/null 2>&1 || { result failed "the volume could not be given a file system" 0 0; exit 1; }
mount -t ext4 -o nosuid,nodev,noexec,noatime "$DEVICE" "$WORK/out" 2> /dev/null ||
    mount -t ext2 -o nosuid,nodev,noexec,noatime "$DEVICE" "$WORK/out" 2> /dev/null ||
    { result failed "the volume's new file system could not be mounted: this kernel has neither ext4 nor ext2" 0 0; exit 1; }
mkdir -p "$out/executables"
# Room for the manifest, should the rest fill the volume.
dd if=/dev/zero of="$out/reserve" bs=65536 count=16 2> /dev/null
states=$TOOLS/states
: > "$states"
trouble=

free_blocks() { free=$(stat -f -c %a "$WORK/out" 2> /dev/null); }

tell() { # NAME STATE REASON BEGAN ENDED: one line of the manifest; what is not complete makes the whole partial
    printf '{"type":"part","name":"%s","state":"%s","reason":"%s","began":%s,"ended":%s}\n' "$1" "$2" "$3" "$4" "$5" >> "$states"
    case $2 in complete | absent) ;; *) trouble="$trouble${trouble:+; }$1: $3" ;; esac
}

# part NAME LIMIT [STALL]: runs part_NAME of parts.sh in a session of its own, its output in NAME.jsonl, for at most LIMIT seconds.
# With STALL, a part that stays that long at one process is stopped and goes on behind that process: reading a process can wait for ever,
# when the process wants it to.
part() {
    name=$1 stalled=0 state=complete reason=
    now
    first=$seconds first_at=$(date +%s)
    most=$((deadline - seconds))
    [ "$most" -le "$2" ] || most=$2
    free_blocks
    if [ "${free:-0}" -lt 16 ]; then tell "$name" skipped "the volume is full" "$first_at" "$first_at"; return; fi
    if [ "$most" -le 0 ]; then tell "$name" skipped "no time was left" "$first_at" "$first_at"; return; fi
    export RESUME_AFTER= AT="$TOOLS/at"
    : > "$AT"
    : > "$out/$name.jsonl"
    while :; do
        setsid "$BB" sh "$TOOLS/parts.sh" "$name" >> "$out/$name.jsonl" 2> "$TOOLS/errors" &
        pid=$! place= since=$seconds
        while kill -0 "$pid" 2> /dev/null; do
            sleep 0.1
            now
            if [ $((seconds - first)) -ge "$most" ]; then state=partial reason="stopped after $most s"; break; fi
            if [ -n "${3:-}" ]; then
                at=
                read -r at < "$AT"
                if [ "$at" != "$place" ]; then place=$at since=$seconds; elif [ $((seconds - since)) -ge "$3" ]; then break; fi
            fi
        done
        if ! kill -0 "$pid" 2> /dev/null; then
            wait "$pid"
            code=$?
            [ "$code" = 0 ] || { [ "$code" = 66 ] && state=absent reason="this host has none, or does not show it"; } || state=partial reason="ended with code $code"
            break
        fi
        # Not waited for: a process that the kernel holds does not die.
        kill -KILL "-$pid" 2> /dev/null
        [ "$state" = complete ] || break
        stalled=$((stalled + 1)) RESUME_AFTER=$place
        printf '\n{"pid":%s,"stalled":true}\n' "${place:-0}" >> "$out/$name.jsonl"
        [ "$stalled" -le 20 ] || { state=partial reason="gave up after 20 processes that could not be read"; break; }
    done
    [ "$state" != complete ] || [ "$stalled" = 0 ] || { state=partial reason="$stalled processes could not be read"; }
    free_blocks
    if [ "${free:-0}" -lt 16 ]; then state=partial reason="the volume is full"; fi
    tell "$name" "$state" "$reason" "$first_at" "$(date +%s)"
}

# The most volatile first. Each has its own limit; all of them end before the deadline.
part clock 3
part processes 60 4
part sockets 20
part executables 40
part hidden 12
part bpf 8
part modules 4
part mounts 10
part users 4
part timers 4
part loader 6
part kernel 8
part symbols 15
part firewall 8

if [ "$MODE" = full ]; then
    now
    first=$seconds first_at=$(date +%s)
    most=$((deadline - seconds))
    state=complete reason=
    if [ ! -x "$TOOLS/avml" ]; then
        state=failed reason="AVML is not among the tools of this volume"
    elif [ "$most" -le 0 ]; then
        state=skipped reason="no time was left"
    else
        timeout -s KILL "$most" "$TOOLS/avml" acquire --compress "$out/memory.lime" > "$out/avml.log" 2>&1
        code=$?
        free_blocks
        now
        if [ "$code" != 0 ]; then
            state=partial
            if [ "${free:-0}" -lt 16 ]; then reason="the volume is full"
            elif [ $((seconds - first)) -ge "$most" ]; then reason="stopped after $most s"
            else reason="AVML ended with code $code: see avml.log"; fi
            [ -s "$out/memory.lime" ] || state=failed
        fi
    fi
    tell memory "$state" "$reason" "$first_at" "$(date +%s)"
fi

rm -f "$out/reserve"
files=0 bytes=0
listed=$TOOLS/listed
: > "$listed"
for file in "$out"/* "$out"/executables/*; do
    [ -f "$file" ] || continue
    length=$(stat -c %s "$file")
    # A memory image is not read a second time while the instance waits for its last cut: the snapshot's hash covers it.
    sum=null
    [ "$file" = "$out/memory.lime" ] || { sum=$(timeout -s KILL 60 "$BB" sha256sum "$file"); sum="\"${sum%% *}\""; }
    printf '{"type":"file","name":"%s","bytes":%s,"sha256":%s}\n' "${file#"$out"/}" "$length" "$sum" >> "$listed"
    files=$((files + 1)) bytes=$((bytes + length))
done
state=complete
[ -z "$trouble" ] || state=partial
{
    printf '{"type":"acquisition","schemaVersion":1,"mode":"%s","state":"%s","volumeId":"%s","began":%s,"ended":%s,"collectorPid":%s,"ownProc":%s,"toolsSha256":"%s"}\n' \
        "$MODE" "$state" "$VOLUME_ID" "$began_at" "$(date +%s)" $$ "$own_proc" "$TOOLS_SHA256"
    cat "$states" "$listed"
    printf '{"type":"end"}\n'
} > "$out/manifest.jsonl" 2> /dev/null
sync -f "$out" 2> /dev/null || sync
if [ "$(tail -n 1 "$out/manifest.jsonl" 2> /dev/null)" != '{"type":"end"}' ]; then
    state=partial trouble="${trouble:+$trouble; }the manifest could not be written"
fi
cd /
umount "$WORK/out" 2> /dev/null || umount -l "$WORK/out" 2> /dev/null || trouble="${trouble:+$trouble; }the volume could not be unmounted"
result "$state" "$(printf %s "$trouble" | head -c 600)" "$files" "$bytes"
