"""The accounts of the file: their names, and ids that are theirs alone."""

from syncd.config import values
from syncd.config.amount import duration
from syncd.config.errors import dotted, quoted
from syncd.config.reader import Table
from syncd.config.schema import AccountConfig, Budget, Tier
from syncd.config.sections import read_source
from syncd.model import AccountId, AccountName

EXAMPLE = '[accounts.main]\nid = "act_1234567890"'


def read_accounts(table: Table, graph: Table) -> dict[AccountName, AccountConfig]:
    """Return the accounts that could be read; what is wrong with the others is noted."""
    accounts: dict[AccountName, AccountConfig] = {}
    owners: dict[AccountId, Table] = {}
    without_token = []
    for name, inner in table.tables():
        account_id = inner.required("id", values.account_id, 'write id = "act_1234567890"')
        workers = inner.optional("workers", values.whole_number(1, 64), 4)
        token = read_source(inner, "token")
        app_secret = read_source(inner, "app_secret")
        tier = inner.optional("tier", values.one_of(Tier), None)
        budget = _read_budget(inner.table("budget"))
        reserve = inner.optional("reserve", values.share, 0.1)
        inner.close()
        if not (inner.has("token") or graph.has("token")):
            without_token.append(quoted(name))
        if account_id is None:
            continue
        if account_id in owners:
            other = owners[account_id].key
            inner.refuse(
                "id",
                f"is the id of {dotted(other)} too ({account_id})",
                f"write another id, or leave [{dotted(inner.key)}] out"
                f" and name {quoted(other[-1])} in its folders",
            )
        owners.setdefault(account_id, inner)
        account = AccountConfig(
            AccountName(name), account_id, workers, token, app_secret, tier, budget, reserve
        )
        accounts[account.name] = account
    if not table.names():
        table.findings.refuse(table.key, "there is no account", f"write\n{EXAMPLE}")
    if without_token:
        graph.refuse(
            "token",
            f"is missing, and of the accounts {', '.join(without_token)} has none of its own",
            'write token = { credential = "syncd.token" } under [graph] for all accounts,'
            " or under [accounts.NAME] for one",
        )
    return accounts


def _read_budget(table: Table) -> Budget:
    budget = Budget(
        points=table.optional("points", values.whole_number(3, 1_000_000), None),  # a write is 3
        window=table.optional("window", duration("100ms", "1d"), None),
        calls=table.optional("calls", values.whole_number(1, 10_000_000), None),
        calls_window=table.optional("calls_window", duration("100ms", "7d"), None),
    )
    table.close()
    return budget
