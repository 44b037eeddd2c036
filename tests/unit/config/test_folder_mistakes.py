"""Mistakes in [folders], and the sentence that reports each of them."""

import pytest
from support.config_text import config_text, problems, sentences, spring

KEYS = "path, account, mirrors, copy, include, exclude, deletions"
A_PATH = 'write a path, such as "/srv/creatives/spring"'
STRINGS = 'write an array of strings, such as ["a", "b"]'
ONE_TREE = (
    "remove or move one of the two folders, so that no file is in both;"
    ' to send the images of "spring" to more accounts, write mirrors there'
)

MISTAKES: list[tuple[dict[str, str | None], str]] = [
    (
        spring('Includes = ["*.jpg"]'),
        (
            "folders.spring.Includes: is not a known key"
            f" | did you mean include? The known keys are {KEYS}"
        ),
    ),
    (
        {"folders.spring.2024": 'path = "/x"'},
        (
            "folders.spring.2024: is not a known key | write a name that contains a dot in quotes:"
            f' [folders."spring.2024"]; the known keys are {KEYS}'
        ),
    ),
    (
        {"folders.spring": None},
        (
            "folders: no folder is configured | write\n[folders.spring]\n"
            'path = "/srv/creatives/spring"\n'
            'account = "main"'
        ),
    ),
    (
        {"folders.spring": 'account = "main"'},
        'folders.spring.path: is missing | write path = "/srv/creatives/spring"',
    ),
    (
        {"folders.spring": 'path = "/srv/spring"'},
        'folders.spring.account: is missing | write account = "main"',
    ),
    (
        {"folders.spring": 'path = "~no-such-user/x"\naccount = "main"'},
        f'folders.spring.path: "~no-such-user/x": that home directory is not known | {A_PATH}',
    ),
    (
        {"folders.spring": 'path = ""\naccount = "main"'},
        f"folders.spring.path: is empty | {A_PATH}",
    ),
    (
        {"folders.spring": 'path = "/srv/../etc"\naccount = "main"'},
        f'folders.spring.path: "/srv/../etc" contains ".." | {A_PATH}',
    ),
    (
        {"folders.spring": 'path = "/srv/\\u0000"\naccount = "main"'},
        (f"folders.spring.path: contains a NUL character, which no path can contain | {A_PATH}"),
    ),
    (
        {"folders.spring": 'path = "/srv/spring"\naccount = "mian"'},
        (
            'folders.spring.account: the account "mian" is not configured | did you mean "main"?'
            ' The accounts are "main"'
        ),
    ),
    (
        spring('mirrors = ["eu"]'),
        (
            'folders.spring.mirrors: the account "eu" is not configured'
            ' | write one of the accounts: "main"'
        ),
    ),
    (
        spring('mirrors = "eu"'),
        f"folders.spring.mirrors: expected an array, got a string | {STRINGS}",
    ),
    (
        spring("exclude = [1]"),
        f"folders.spring.exclude: expected strings in the array, got the integer 1 | {STRINGS}",
    ),
    (
        spring('mirrors = ["main"]'),
        (
            'folders.spring.mirrors: "main" is the folder\'s own account'
            ' | remove "main" from the mirrors'
        ),
    ),
    (
        {"accounts.eu": 'id = "2"', **spring('mirrors = ["eu", "eu"]')},
        'folders.spring.mirrors: "eu" occurs more than once | write each account once',
    ),
    (
        spring("include = []"),
        (
            "folders.spring.include: is empty, which excludes every file"
            " | remove it to include all images"
        ),
    ),
    (
        spring('include = [""]'),
        (
            "folders.spring.include: contains an empty pattern"
            ' | write a pattern such as "*.jpg", or remove the empty one'
        ),
    ),
    (
        spring("deletions = true"),
        (
            "folders.spring.deletions: expected a string, got the boolean true"
            ' | write one of "keep", "propagate"'
        ),
    ),
    (
        {"folders.may": 'path = "/srv/spring/may"\naccount = "main"'},
        (
            'folders.may.path: "/srv/spring/may" is inside the folder "spring" ("/srv/spring")'
            f" | {ONE_TREE}"
        ),
    ),
    (
        {"folders.may": 'path = "//srv/./spring/"\naccount = "main"'},
        (
            'folders.may.path: "/srv/spring" is the same directory as the folder "spring"'
            f' ("/srv/spring") | {ONE_TREE}'
        ),
    ),
]


@pytest.mark.parametrize(("changes", "sentence"), MISTAKES, ids=[s[:40] for _, s in MISTAKES])
def test_a_mistake_is_reported_by_one_sentence(
    changes: dict[str, str | None], sentence: str
) -> None:
    assert sentences(config_text(changes)) == [sentence]


def test_a_folder_inside_another_is_reported_despite_another_mistake() -> None:
    found = problems(config_text({"folders.may": 'path = "/srv/spring/may"'}))
    assert [problem.key for problem in found] == ["folders.may.account", "folders.may.path"]
