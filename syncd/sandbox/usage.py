"""The usage headers: how near an account is to its limits, in Meta's terms and units."""

from __future__ import annotations

import math

import msgspec

from syncd.sandbox.budgets import Usage
from syncd.sandbox.switches import Switches
from syncd.sandbox.values import AccountId


def account_headers(account: AccountId, usage: Usage, switches: Switches) -> dict[str, str]:
    """Return the headers of every response for this account, errors included."""
    entries: list[object] = [
        {
            "type": "ads_management",
            "call_count": percent(usage.calls),
            "total_cputime": percent(usage.cpu),
            "total_time": percent(usage.cpu),
            "estimated_time_to_regain_access": minutes(usage.regain, switches),
            "ads_api_access_tier": usage.access,
        }
    ]
    if switches.usage_entry:
        entries.append(msgspec.json.decode(switches.usage_entry))
    headers = {"X-Business-Use-Case-Usage": _text({account: entries})}
    if switches.ad_account_usage == "sent":
        headers["X-Ad-Account-Usage"] = _text(
            {
                "acc_id_util_pct": round(usage.score * 100, 2),
                "reset_time_duration": math.ceil(usage.score_reset),
                "ads_api_access_tier": usage.access,
            }
        )
    return headers


def app_headers(share: float, switches: Switches) -> dict[str, str]:
    """Return the header about the whole app."""
    if switches.app_usage == "absent":
        return {}
    usage = {"call_count": percent(share), "total_time": 0, "total_cputime": 0}
    return {"X-App-Usage": _text(usage)}


def percent(share: float) -> int:
    """Return a share as whole percent, rounded down: 100 only when all is spent; it can be more."""
    return math.floor(share * 100 + 1e-9)


def minutes(seconds: float, switches: Switches) -> int:
    """Return a time to regain access in whole minutes."""
    match switches.regain:
        case "rounded_up":
            return math.ceil(seconds / 60)
        case "rounded_down":
            return math.floor(seconds / 60)
        case "zero":
            return 0


def _text(value: object) -> str:
    return msgspec.json.encode(value).decode()
