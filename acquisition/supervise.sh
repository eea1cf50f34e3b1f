# Runs one part at a time within its limits. Sourced by acquire.sh.
#
# Needs: BB, TOOLS, P, out (folder of the results), deadline (seconds of now). Keeps: states (file with the manifest's lines), trouble.
states=$TOOLS/states
: > "$states"
trouble=

now() {
    up=0
    [ -r "$P/uptime" ] && read -r up _ < "$P/uptime" || read -r up _ < /proc/uptime
    seconds=${up%%.*}
}

free_blocks() { free=$(stat -f -c %a "$out" 2> /dev/null); }

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
        echo "$pid" > "$TOOLS/worker"
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
