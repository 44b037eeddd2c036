"""`syncd init` writes the configuration and the token together, or neither."""

from pathlib import Path

import pytest

from syncd.cli.init_config import Target, write
from syncd.config import Secret
from syncd.setup.places import Places
from syncd.setup.written import Draft, Folder


def test_a_configuration_that_cannot_be_written_leaves_no_token(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    token = tmp_path / "token"
    source = ("file", str(token))
    target = Target(tmp_path / "file/config.toml", Places(token, tmp_path / "ledger.db", source))
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    draft = Draft(
        token=source,
        ledger=str(tmp_path / "ledger.db"),
        accounts={"main": "1"},
        folders={"spring": Folder(str(pictures), "main")},
    )
    with pytest.raises(SystemExit):
        write(target, draft, Secret("a-token"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "pictures"]
