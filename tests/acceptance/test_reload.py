"""SIGHUP to the real process: what a reload changes, and what is rejected."""

import re
from pathlib import Path

import pytest
from support.pictures import picture
from support.process import running
from support.reload import reload, write_and_wait
from support.rig import Rig, until

from syncd.sandbox.faults import Fault
from syncd.sandbox.server import Sandbox


async def test_an_added_folder_is_uploaded_and_a_removed_one_deletes_nothing(rig: Rig) -> None:
    other = rig.path / "other"
    other.mkdir()
    old, new = picture(1), picture(2)
    rig.write("a.jpg", old)
    (other / "b.jpg").write_bytes(new)
    async with running(rig) as daemon:
        await until(lambda: rig.recorded(old) is not None)
        rig.toml = f'[folders.other]\npath = "{other}"\naccount = "main"'
        assert "folders.other added" in await reload(rig, daemon)
        await until(lambda: rig.recorded(new) is not None)
        rig.toml = ""
        assert "folders.other removed" in await reload(rig, daemon)
        assert daemon.logged("folder.retired", "other")
        assert await daemon.end() == 0
    assert rig.holds(new)
    assert rig.sandbox.counts.images("1") == 2


async def test_an_added_mirror_gets_every_image(rig: Rig) -> None:
    contents = [picture(i) for i in range(60)]
    for i, content in enumerate(contents):
        rig.write(f"{i}.jpg", content)
    async with running(rig) as daemon:
        await until(lambda: all(rig.recorded(c) for c in contents))
        rig.accounts, rig.mirrors = {"main": "1", "eu": "2"}, ("eu",)
        line = await reload(rig, daemon)
        assert "accounts.eu added" in line
        assert "folders.spring.mirrors: none → eu" in line
        await until(lambda: all(rig.recorded(c, "2") for c in contents))
        assert await daemon.end() == 0
    assert all(rig.holds(c, "2") for c in contents)
    assert rig.sandbox.counts.images("1") == 60


async def test_a_removed_mirror_keeps_its_images_and_is_logged(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    rig = Rig(tmp_path, sandbox, accounts={"main": "1", "eu": "2"}, mirrors=("eu",))
    old, new = picture(1), picture(2)
    rig.write("a.jpg", old)
    async with running(rig) as daemon:
        await until(lambda: rig.recorded(old, "2") is not None)
        rig.mirrors = ()
        await reload(rig, daemon)
        assert daemon.logged("mirror.removed", "folder=spring", "account=eu", "images stay")
        rig.write("b.jpg", new)
        await until(lambda: rig.recorded(new) is not None)
        await reload(rig, daemon)
        assert daemon.count("mirror.removed") == 1
        assert await daemon.end() == 0
    assert rig.holds(old, "2")
    assert not rig.holds(new, "2")
    assert sandbox.counts.calls("2", "delete") == 0


async def test_workers_and_batch_size_can_be_changed_by_a_reload(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    rig = Rig(tmp_path, sandbox, workers=1, toml="[pack]\nimages = 1")
    sandbox.faults.add(Fault("slow", seconds=0.2, on="upload"))
    first, second = [picture(i) for i in range(3)], [picture(i) for i in range(10, 13)]
    async with running(rig) as daemon:
        for i, content in enumerate(first):
            rig.write(f"{i}.jpg", content)
        await until(lambda: all(rig.recorded(c) for c in first))
        assert sandbox.counts.most_in_flight("1") == 1
        rig.workers = 3
        assert "accounts.main.workers: 1 → 3" in await reload(rig, daemon)
        for i, content in enumerate(second):
            rig.write(f"1{i}.jpg", content)
        await until(lambda: all(rig.recorded(c) for c in second))
        assert sandbox.counts.most_in_flight("1") > 1
        assert set(sandbox.counts.files_per_post("1")) == {1}
        many = [picture(i) for i in range(20, 30)]
        for i, content in enumerate(many):
            (rig.path / f"{i}.jpg").write_bytes(content)
        rig.toml = ""
        assert "pack.images: 1 → 25" in await reload(rig, daemon)
        (rig.path / "more").mkdir()
        for i in range(10):
            (rig.path / f"{i}.jpg").rename(rig.path / "more" / f"{i}.jpg")
        (rig.path / "more").rename(rig.folder / "more")
        await until(lambda: all(rig.recorded(c) for c in many))
        assert max(sandbox.counts.files_per_post("1")) > 1


async def test_a_larger_budget_applies_at_once(tmp_path: Path, sandbox: Sandbox) -> None:
    scarce = 'tier = "standard"\nreserve = 0\nbudget = { points = 3, window = "1d" }'
    rig = Rig(tmp_path, sandbox, per_account=scarce)
    first, second = picture(1), picture(2)
    rig.write("a.jpg", first)
    async with running(rig) as daemon:
        await until(lambda: rig.recorded(first) is not None)
        rig.write("b.jpg", second)
        await until(lambda: rig.rows("SELECT count(*) FROM image") == [(2,)])
        rig.toml = '[log]\nstats_every = "1s"'
        await reload(rig, daemon)
        await until(lambda: daemon.logged("stats", "missing="))
        assert sandbox.counts.calls("1") == 1, "the budget stays spent after a reload"
        rig.per_account = scarce.replace("points = 3", "points = 300")
        assert "accounts.main.budget.points: 3 → 300" in await reload(rig, daemon)
        await until(lambda: rig.recorded(second) is not None)


async def test_level_and_format_of_the_log_can_be_changed_by_a_reload(rig: Rig) -> None:
    async with running(rig) as daemon:
        await until(lambda: daemon.logged("watch.ready"))
        await write_and_wait(rig, daemon, 1)
        assert daemon.count("upload.done") == 0
        rig.toml = '[log]\nlevel = "debug"'
        assert "log.level: info → debug" in await reload(rig, daemon)
        await write_and_wait(rig, daemon, 2)
        assert daemon.count("upload.done") == 1
        rig.toml = '[log]\nformat = "json"'
        assert (await reload(rig, daemon)).startswith("{")
        await write_and_wait(rig, daemon, 3)
        assert daemon.count("upload.done") == 1
        rig.toml = '[log]\nstats_every = "1s"'
        await reload(rig, daemon)
        await until(lambda: daemon.logged("stats", "account=main"))


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ('id = "1"', 'id = "1', "Illegal character"),
        ("settle", "setle", "watch.setle"),
        ('timeout = "5s"', "timeout = 5", "graph.timeout"),
        ("ledger.db", "other.db", "restart"),
        ('ledger.db"', 'ledger.db"\nshard = "0/1"', "ledger.shard: a reload cannot change it"),
        (None, None, "the file does not exist"),
    ],
)
async def test_a_file_with_a_mistake_changes_nothing_and_is_logged_with_the_reason(
    rig: Rig, old: str | None, new: str | None, why: str
) -> None:
    content = picture(1)
    async with running(rig) as daemon:
        await until(lambda: daemon.logged("watch.ready"))
        rig.toml = '[folders.more]\npath = "/nowhere"\naccount = "main"'
        file = rig.write_config()
        if old is None or new is None:
            file.unlink()
        else:
            file.write_text(file.read_text().replace(old, new))
        daemon.hang_up()
        await until(lambda: daemon.logged("error", "config.refused", why))
        rig.write("a.jpg", content)
        await until(lambda: rig.recorded(content) is not None)
        assert daemon.count("watch.ready") == 1, "nothing was stopped"
        assert not daemon.logged("daemon.reload")
        assert "folders.more added" in await reload(rig, daemon)
        assert await daemon.end() == 0
    assert not list(rig.path.glob("other.db*"))


async def test_all_mistakes_are_logged_in_one_line(rig: Rig) -> None:
    async with running(rig) as daemon:
        await until(lambda: daemon.logged("watch.ready"))
        file = rig.write_config()
        text = file.read_text().replace("settle", "setle").replace('id = "1"', 'id = "one"')
        file.write_text(text)
        daemon.hang_up()
        await until(lambda: daemon.logged("config.refused", "watch.setle", "accounts.main.id"))
        assert daemon.count("config.refused") == 1


async def test_warnings_are_logged_at_the_start_and_at_each_reload(rig: Rig) -> None:
    token = rig.path / "token"
    token.write_text(rig.sandbox.token)
    token.chmod(0o644)
    rig.per_account = f'token = {{ file = "{token}" }}'
    async with running(rig) as daemon:
        await until(lambda: daemon.logged("watch.ready"))
        assert daemon.count("config.warning", "accounts.main.token") == 1
        await reload(rig, daemon)
        assert daemon.count("config.warning", "accounts.main.token") == 2
        token.chmod(0o600)
        await reload(rig, daemon)
        assert daemon.count("level=warning") == 2


@pytest.mark.parametrize("elsewhere", [False, True])
async def test_a_new_token_restarts_an_account_that_was_stopped(rig: Rig, elsewhere: bool) -> None:
    content = picture(1)
    token = rig.path / "token"
    token.write_text("EAAwrongwrongwrong")
    token.chmod(0o600)
    file = rig.write_config()
    file.write_text(file.read_text().replace('env = "SYNCD_TEST_TOKEN"', f'file = "{token}"'))
    rig.write("a.jpg", content)
    async with running(rig, "run", "--config", str(file)) as daemon:
        await until(lambda: daemon.logged("account.stopped"))
        if elsewhere:
            rig.write_config()
        else:
            token.write_text(rig.sandbox.token)
        daemon.hang_up()
        await until(lambda: rig.recorded(content) is not None)
        assert await daemon.end() == 0
    assert not daemon.logged(rig.sandbox.token)
    assert not daemon.logged("EAAwrong")


async def test_a_changed_token_file_restarts_an_account_without_a_reload(rig: Rig) -> None:
    content = picture(1)
    token = rig.path / "token"
    token.write_text("EAAwrongwrongwrong")
    token.chmod(0o600)
    file = rig.write_config()
    file.write_text(file.read_text().replace('env = "SYNCD_TEST_TOKEN"', f'file = "{token}"'))
    rig.write("a.jpg", content)
    async with running(rig, "run", "--config", str(file)) as daemon:
        await until(lambda: daemon.logged("account.stopped"))
        token.unlink()  # a moment without a token changes nothing
        token.write_text(rig.sandbox.token)
        await until(lambda: rig.recorded(content) is not None)
        await until(lambda: daemon.logged("token.changed", "account=main", "duration="))
        (changed,) = (line for line in daemon.lines if "token.changed" in line)
        assert re.search(r"duration=\d", changed), "it ended a stop"
        assert daemon.count("account.stopped") == 1
        assert not rig.rows("SELECT * FROM pause")
        assert await daemon.end() == 0
    assert not daemon.logged(rig.sandbox.token)


async def test_a_replaced_file_is_read_again_by_its_relative_path(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(rig.path)
    async with running(rig, "run", "--config", rig.write_config().name) as daemon:
        await until(lambda: daemon.logged("watch.ready"))
        rig.workers = 7
        text = rig.write_config().read_text()
        new = rig.path / "new.toml"
        new.write_text(text)
        rig.write_config().write_text("the old one = gone")
        new.replace(rig.path / "config.toml")
        daemon.hang_up()
        await until(lambda: daemon.logged("daemon.reloaded", "workers: 4 → 7"))


async def test_a_reload_reads_included_files_again(rig: Rig) -> None:
    added = rig.path / "conf.d"
    added.mkdir()
    config = rig.write_config()
    config.write_text(f'include = ["conf.d/*.toml"]\n{config.read_text()}')
    rig.write("a.jpg", picture(1))
    (rig.path / "other").mkdir()
    (rig.path / "other/b.jpg").write_bytes(picture(2))
    async with running(rig, "run", "--config", str(config)) as daemon:
        await until(lambda: rig.recorded(picture(1)) is not None)
        one = added / "other.toml"
        one.write_text(f'[folders.other]\npath = "{rig.path}/other"\naccount = "main"\n')
        daemon.hang_up()
        await until(lambda: daemon.logged("daemon.reloaded", "folders.other added"))
        await until(lambda: rig.recorded(picture(2)) is not None)
        one.write_text("[folders.other]\npath = 7\n")
        daemon.hang_up()
        await until(lambda: daemon.logged("config.refused", str(one)))
        assert await daemon.end() == 0
