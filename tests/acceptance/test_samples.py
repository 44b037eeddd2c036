"""The samples of the README are what the commands print."""

from support.readme import README
from support.samples import replaced, samples, shown, without_numbers


async def test_the_readme_shows_what_the_commands_print() -> None:
    made = await samples()
    text = README.read_text("utf-8")
    assert shown(text).keys() == made.keys()
    for name, sample in shown(text).items():
        assert without_numbers(sample) == without_numbers(made[name]), (
            "run: .venv/bin/python tests/support/samples.py"
        )
    assert without_numbers(replaced(text, made)) == without_numbers(text)
