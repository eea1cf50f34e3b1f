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

. "$TOOLS/supervise.sh"

result() { # STATE REASON FILES BYTES
    now
    printf '{"acquisition":"%s","reason":"%s","seconds":%s,"files":%s,"bytes":%s,"clock":%s}\n' "$1" "$2" $((seconds - began)) "$3" "$4" "$(date +%s)" > "$TOOLS/result"
}

now
began=$seconds
began_at=$(date +%s)
ends=$((began + SECONDS_LEFT))
# Hashes, manifest and writing back what the kernel still holds come after the last part, within the time.
[ "$MODE" = full ] && rest=$((SECONDS_LEFT / 6)) || rest=$((SECONDS_LEFT / 9))
deadline=$((ends - rest))

# A new proc hides nothing below mounts that somebody put over /proc/PID.
own_proc=true
mount -t proc -o nosuid,nodev,noexec proc "$P" 2> /dev/null || { own_proc=false P=/proc; }
S=$WORK/sys
mount -t sysfs -o ro,nosuid,nodev,noexec sysfs "$S" 2> /dev/null || S=/sys
export P S out

size=$(blockdev --getsize64 "$DEVICE" 2> /dev/null)
# Zeroing inode tables takes writes: few inodes on large volumes, for what is collected is few files.
[ "${size:-0}" -gt 68719476736 ] && ratio=4194304 || ratio=262144
# A device keeps a read-only flag that somebody gave it.
blockdev --setrw "$DEVICE" 2> /dev/null
tries=0
# The kernel lets go of the tools' mount a moment after it is unmounted, and anybody may have looked at the disk just now.
until mke2fs -F -m 0 -i "$ratio" -L clean-room-out "$DEVICE" > "$TOOLS/errors" 2>&1; do
    tries=$((tries + 1))
    [ "$tries" -lt 20 ] || { result failed "the volume could not be given a file system: $(tail -n 1 "$TOOLS/errors" | tr -cd 'A-Za-z0-9 .,:/_-' | head -c 200)" 0 0; exit 1; }
    sleep 0.25
done
mount -t ext4 -o nosuid,nodev,noexec,noatime "$DEVICE" "$WORK/out" 2> /dev/null ||
    mount -t ext2 -o nosuid,nodev,noexec,noatime "$DEVICE" "$WORK/out" 2> /dev/null ||
    { result failed "the volume's new file system could not be mounted: this kernel has neither ext4 nor ext2" 0 0; exit 1; }
mkdir -p "$out/executables"
# Room for the manifest, should the rest fill the volume.
dd if=/dev/zero of="$out/reserve" bs=65536 count=16 2> /dev/null
# The most volatile first. Each has its own limit; all of them end before the deadline.
part clock 3
# Thousands of processes take time: a longer acquisition gives them a third of it.
third=$((SECONDS_LEFT / 3))
[ "$third" -gt 60 ] || third=60
part processes "$third" 4
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
        # Written back as it goes: the kernel would keep gigabytes for the end, when no time is left.
        while sleep 3; do sync -f "$out"; done &
        writing=$!
        timeout -s KILL "$most" "$TOOLS/avml" acquire --compress "$out/memory.lime" > "$out/avml.log" 2>&1
        code=$?
        kill "$writing" 2> /dev/null
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
    now
    left=$((ends - seconds - rest / 2))
    if [ "$file" != "$out/memory.lime" ] && [ "$left" -gt 0 ]; then
        sum=$(timeout -s KILL "$left" "$BB" sha256sum "$file")
        [ -n "$sum" ] && sum="\"${sum%% *}\"" || sum=null
    fi
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
