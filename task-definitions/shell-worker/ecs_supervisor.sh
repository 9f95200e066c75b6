# Holds for a worker in POSIX sh, with curl. Source it; README.md shows the loop around it.
# ECS_SUPERVISOR_API is http://127.0.0.1:8126 or unix:/path; without it nothing is asked and everything is allowed.

ttl=60 refresh=15 # seconds: a hold ends by itself unless it is put again
patience=10       # so long a supervisor that is silent is waited for, at the start and after it was there; then we go on without
heard=$(date +%s) stopping='' hold=''
trap 'stopping=1' TERM INT # heard between two jobs: sh lets a command end first
trap 'end' EXIT

# ask METHOD PATH [BODY [WAIT]]: $status is the answer's, 000 for none.
ask() {
    status=200
    [ "${ECS_SUPERVISOR_API:-}" ] || return 0
    status=$(request "$@") || :
    [ "$status" = 000 ] || heard=$(date +%s)
}

request() {
    url=$ECS_SUPERVISOR_API$2 socket=''
    case $url in unix:*) url=http://localhost$2 socket=${ECS_SUPERVISOR_API#unix:} ;; esac
    curl -s -o /dev/null -w '%{http_code}' -m $((5 + ${4:-0})) --connect-timeout 2 --noproxy '*' ${socket:+--unix-socket "$socket"} \
        -X "$1" -H 'Content-Type: application/json' ${3:+--data "$3"} "$url"
}

allowed() {
    case $status in 409 | 503) false ;; 000) [ $(($(date +%s) - heard)) -ge "$patience" ] ;; *) true ;; esac
}

# Wait until new work is welcome; false when this worker is to end.
welcome() {
    ask GET /v1/accepting
    until [ "$stopping" ] || allowed; do
        [ "$status" != 000 ] || sleep 1
        ask GET '/v1/accepting?was=false&wait=2'
    done
    [ ! "$stopping" ]
}

# begin NAME: hold the task for a job; false if it must not begin, and has to go back to its queue.
begin() {
    hold=/v1/holds/$(cat /proc/sys/kernel/random/uuid)
    about="\"about\": \"$(printf %s "$1" | tr -d '"\\[:cntrl:]')\", \"ttl\": $ttl"
    ask PUT "$hold" "{$about, \"wait\": 15}" 15
    allowed || { hold=''; return 1; }
    (trap 'kill $!; exit' TERM; while sleep "$refresh" & wait $! && kill -0 $$; do ask PUT "$hold" "{$about}"; done) 2> /dev/null &
    refresher=$!
}

end() {
    [ "$hold" ] || return 0
    kill "$refresher" && wait "$refresher" || :
    ask DELETE "$hold"
    hold=''
}
