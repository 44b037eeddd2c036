"""The sections [[notify]] and [ping]: what they mean, and the sentence for each mistake."""

from pathlib import Path

import pytest
from support.config_text import config_text, sentences

from syncd.config import Config, ConfigError, NotifyConfig, SecretFile, Topic
from syncd.config.diff import changes
from syncd.config.load import loads

BASE = config_text({})
WEBHOOK = 'url = { file = "/etc/syncd/webhook" }'
SOURCE_FIX = (
    'write { credential = "syncd.token" }, { file = "/etc/syncd/token" },'
    ' { env = "SYNCD_TOKEN" } or { command = ["pass", "show", "meta"] }, and put the secret there'
)
TOPICS = (
    'rite some of "alert", "recovered", "token.expiring", "backfill.done", "image.rejected",'
    ' "image.held"'
)
BOTH = (
    'write url = { file = "/etc/syncd/webhook" }, with the URL in that file, or write command ='
    ' ["/usr/local/bin/notify"]'
)


def read(*tables: str) -> Config:
    return loads("\n".join((BASE, *tables)), Path("/etc/syncd/config.toml"), {})


def test_a_receiver_has_a_source_events_and_a_time_between_two_notifications() -> None:
    (receiver,) = read(f'[[notify]]\n{WEBHOOK}\non = ["image.held"]\nevery = "15m"').notify
    assert receiver == NotifyConfig(
        url=SecretFile("/etc/syncd/webhook"),
        on=(Topic.IMAGE_HELD,),
        every=900.0,
        name="the file /etc/syncd/webhook",
    )


def test_a_receiver_is_notified_of_alerts_and_their_ends_by_default() -> None:
    (receiver,) = read(f"[[notify]]\n{WEBHOOK}").notify
    assert receiver.on == (Topic.ALERT, Topic.RECOVERED, Topic.TOKEN_EXPIRING)
    assert receiver.every == 0.0


def test_a_receiver_without_a_name_has_that_of_its_source_or_command() -> None:
    config = read(
        f'[[notify]]\n{WEBHOOK}\nname = "tool"',
        '[[notify]]\ncommand = ["/bin/notify", "-v"]',
        '[[notify]]\nurl = { env = "HOOK" }\non = ["alert"]',
        '[[notify]]\nurl = { env = "HOOK" }\non = ["image.held", "image.rejected"]',
    )
    assert [one.name for one in config.notify] == [
        "tool",
        'the command "/bin/notify"',
        "the variable HOOK (alert)",
        "the variable HOOK (image.held, image.rejected)",
    ]


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ('every = "1m"', [f"notify[1]: needs exactly one of the keys url, command | {BOTH}"]),
        (
            f'{WEBHOOK}\ncommand = ["a"]',
            [f"notify[1]: needs exactly one of the keys url, command | {BOTH}"],
        ),
        (
            'url = "https://hooks.slack.com/services/T0/B0/secret"',
            [
                (
                    "notify[1].url: this file must not contain the secret itself, because others"
                    f" may read it | {SOURCE_FIX}"
                )
            ],
        ),
        (
            f'{WEBHOOK}\non = ["image.hold"]',
            [
                (
                    'notify[1].on: "image.hold" is not a known value | did you mean "image.held"?'
                    f" W{TOPICS}"
                )
            ],
        ),
        (f"{WEBHOOK}\non = []", [f"notify[1].on: is empty | w{TOPICS}"]),
        (
            f"{WEBHOOK}\nevry = 1",
            [
                (
                    "notify[1].evry: is not a known key | did you mean every? The known keys are"
                    " url, command, on, every, name"
                )
            ],
        ),
        (
            f'{WEBHOOK}\nname = "a\\nb"',
            ['notify[1].name: "a\\nb" is not a name | write at most 64 characters on one line'],
        ),
        (
            f"{WEBHOOK}\n[[notify]]\n{WEBHOOK}",
            [
                (
                    "notify[2]: has the same receiver and the same events as another [[notify]]"
                    " | remove one of them, or write other events"
                )
            ],
        ),
        (
            f'{WEBHOOK}\nname = "a"\n[[notify]]\nurl = {{ env = "X" }}\nname = "a"',
            ['notify[2].name: "a" is also another name | write another name'],
        ),
    ],
)
def test_a_mistake_in_a_receiver_is_reported_by_one_sentence(
    table: str, expected: list[str]
) -> None:
    assert sentences(f"{BASE}\n[[notify]]\n{table}") == expected


def test_a_table_that_is_not_an_array_is_a_mistake() -> None:
    assert sentences(f"{BASE}\n[notify]\n{WEBHOOK}") == [
        "notify: expected an array of tables, got a table | write [[notify]]"
    ]


def test_an_interval_of_pings_without_a_url_is_a_mistake() -> None:
    assert sentences(config_text({"ping": 'every = "1m"'})) == [
        (
            'ping.url: is missing | write url = { file = "/etc/syncd/webhook" }, with the URL in'
            " that file"
        )
    ]


def test_a_mistake_has_the_line_of_its_own_table() -> None:
    other = 'url = { env = "X" }'
    text = f"{BASE}\n[[notify]]\n{WEBHOOK}\n[[notify]]\n{other}\non = [1]\nevery = 2"
    with pytest.raises(ConfigError) as caught:
        loads(text, Path("/etc/syncd/config.toml"), {})
    lines = text.splitlines()
    assert [(one.key, lines[(one.line or 0) - 1]) for one in caught.value.problems] == [
        ("notify[2].on", "on = [1]"),
        ("notify[2].every", "every = 2"),
    ]


def test_a_line_that_is_not_toml_is_shown_without_the_url_in_it() -> None:
    with pytest.raises(ConfigError) as caught:
        loads(f"{BASE}\n[[notify]]\nurl = https://hooks.example/T0", Path("/c.toml"), {})
    assert "hooks.example" not in str(caught.value)


def test_a_reload_names_the_receivers_that_were_added_changed_and_removed() -> None:
    before = read(f'[[notify]]\n{WEBHOOK}\nname = "a"', '[[notify]]\ncommand = ["b"]')
    after = read(
        f'[[notify]]\n{WEBHOOK}\nname = "a"\nevery = "1m"', '[[notify]]\nurl = { env = "C" }'
    )
    assert changes(before, after) == [
        'notify."the command \\"b\\"" removed',
        'notify."a".every: 0 → 60',
        'notify."the variable C" added',
    ]


def test_a_configuration_without_these_sections_has_neither_receivers_nor_pings() -> None:
    config = read()
    assert (config.notify, config.ping.url, config.ping.every) == ((), None, 300.0)
