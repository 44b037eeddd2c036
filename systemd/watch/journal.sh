#!/bin/sh
# Says what needs a person, by a unit's journal, and ends with 1 if anything does. It needs jq.
#   journal.sh [UNIT]    syncd.service, unless you name another, such as syncd@eu.service
# With $STATE_DIRECTORY, which systemd sets, it says an error once, and a state when it begins.
set -eu
unit=${1:-syncd.service}
memory=${STATE_DIRECTORY:-}

journal() { journalctl --quiet --no-pager --all --unit="$unit" "$@"; }

# Accounts that have been paused or stopped for more than an hour, by the last stats of each.
paused() {
    stats=$(journal --since=-5min --output=json SYNCD_EVENT=stats)
    printf '%s' "$stats" | jq --raw-output --slurp '
        group_by(.SYNCD_ACCOUNT)[] | last
        | select((.SYNCD_PAUSED_FOR | tonumber? // 0) > 3600)
        | "\(.SYNCD_ACCOUNT) is \(.SYNCD_STATE) for more than 1 h: \(.SYNCD_WHY)"'
}

# What needed a person as it was logged; `syncd status` says whether it still does.
errors() {
    if [ -z "$memory" ]; then
        journal --since=-1h --output=cat --priority=err
    elif [ -s "$memory/cursor" ]; then
        journal --cursor-file="$memory/cursor" --output=cat --priority=err
    else
        journal --boot --cursor-file="$memory/cursor" --output=cat --priority=err
    fi
}

# A daemon that runs and does not say so: it would every log.stats_every, or at rest every 4 min.
silent() {
    systemctl is-active --quiet "$unit" || return 0
    alive=$(journal --since=-5min --lines=1 --output=cat \
        SYNCD_EVENT=stats.process SYNCD_EVENT=daemon.started)
    [ -n "$alive" ] || echo "no stats for 5 min"
}

states=$(paused; silent)
if [ -n "$memory" ]; then
    touch "$memory/states"
    printf '%s\n' "$states" | sort >"$memory/states.now"
    states=$(comm -13 "$memory/states" "$memory/states.now")
    mv "$memory/states.now" "$memory/states"
fi
new=$(errors)
[ -z "$states$new" ] || { printf '%s\n' "$states" "$new" | sed '/^$/d'; exit 1; }
