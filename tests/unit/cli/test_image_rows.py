"""The tables of `syncd images`."""

import json

import pytest

from syncd.cli.image_rows import Format, rows

COLUMNS = ["hash", "status", "pixels", "created", "name"]
ROW = {
    "hash": "f" * 32,
    "status": "INTERNAL",
    "width": 12000,
    "height": 12000,
    "created_time": "2026-03-24T10:00:00+0000",
    "name": "a long name of a file that somebody chose for a banner in autumn, version 3.jpg",
}


@pytest.mark.parametrize("width", [80, 120])
def test_a_table_fits_the_terminal(capsys: pytest.CaptureFixture[str], width: int) -> None:
    with rows(Format.TABLE, COLUMNS, width) as table:
        table.write(ROW)
    header, line = capsys.readouterr().out.splitlines()
    assert header.split() == ["HASH", "STATUS", "PIXELS", "CREATED", "NAME"]
    assert len(line) == width
    assert line.endswith("…")
    assert "12000x12000  2026-03-24  a long" in line


def test_a_table_that_is_not_on_a_terminal_has_whole_names(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with rows(Format.TABLE, COLUMNS, None) as table:
        table.write(ROW)
    assert str(ROW["name"]) in capsys.readouterr().out


def interrupted() -> None:
    with rows(Format.JSON, COLUMNS, None) as array:
        array.write(ROW)
        raise KeyboardInterrupt


def test_a_json_array_is_complete_after_ctrl_c(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert json.loads(capsysbinary.readouterr().out) == [ROW]
