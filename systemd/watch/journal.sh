#!/bin/sh
# Prints what needs the operator according to a unit's journal, and exits with 1 if there is anything.
# It needs jq.
#   journal.sh [UNIT]    the unit is syncd.service by default; an instance is syncd@eu.service
# With $STATE_DIRECTORY, which systemd sets, it prints each error once, and each state when it begins.
set -eu
unit=${1:-syncd.service}
directory=${STATE_DIRECTORY:-}

journal() { journalctl --quiet --no-pager --all --unit="$unit" "$@"; }

# Accounts that have been paused or stopped for more than an hour, by their last stats line.
paused() {
    stats=$(journal --since=-5min --output=json SYNCD_EVENT=stats)
    printf '%s' "$stats" | jq --raw-output --slurp '
        group_by(.SYNCD_ACCOUNT)[] | last
        | select((.SYNCD_PAUSED_FOR | tonumber? // 0) > 3600)
        | "\(.SYNCD_ACCOUNT) has been \(.SYNCD_STATE) for more than 1 h: \(.SYNCD_WHY)"'
}

# Errors as they were logged; `syncd status` shows which of them still need the operator.
errors() {
    if [ -z "$directory" ]; then
        journal --since=-1h --output=cat --priority=err
    elif [ -s "$directory/cursor" ]; then
        journal --cursor-file="$directory/cursor" --output=cat --priority=err
    else
        journal --boot --cursor-file="$directory/cursor" --output=cat --priority=err
    fi
}

# A daemon that runs but writes no stats line; when idle it writes one every 4 minutes.
silent() {
    systemctl is-active --quiet "$unit" || return 0
    alive=$(journal --since=-5min --lines=1 --output=cat \
        SYNCD_EVENT=stats.process SYNCD_EVENT=daemon.started)
    [ -n "$alive" ] || echo "no stats for 5 min"
}

states=$(paused; silent)
if [ -n "$directory" ]; then
    touch "$directory/states"
    printf '%s\n' "$states" | sort >"$directory/states.now"
    states=$(comm -13 "$directory/states" "$directory/states.now")
    mv "$directory/states.now" "$directory/states"
fi
new=$(errors)
[ -z "$states$new" ] || { printf '%s\n' "$states" "$new" | sed '/^$/d'; exit 1; }
