#!/bin/sh
# A worker that takes its jobs from a directory, as README.md of the shell worker has it. $1: the client.
. "$1"

record() {
    read -r at _ < /proc/uptime
    printf '{"t": %s, "job": "%s", "what": "%s", "task": "%s", "pid": %s}\n' "$at" "$2" "$1" "${EMULATOR_TASK:-0}" $$ >> "$RECORDS"
}

fetch() {
    for file in "$QUEUE"/waiting/*; do
        job=${file##*/}
        mv "$file" "$QUEUE/taken/$job" 2> /dev/null && return
    done
    false
}

work() {
    record start "$job"
    sleep "$(cat "$QUEUE/taken/$job")"
    record end "$job"
    rm "$QUEUE/taken/$job"
}

while welcome; do
    fetch || { sleep 0.1; continue; }
    if begin "$job"; then
        work
        end
    else
        mv "$QUEUE/taken/$job" "$QUEUE/waiting/$job"
    fi
done
