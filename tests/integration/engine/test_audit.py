"""The audit: it compares what an account holds with what the ledger records."""

import asyncio
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from support.pictures import picture
from support.rig import Rig, until

from syncd.engine.audit import Report
from syncd.graph.client import GraphError
from syncd.ledger import audits, replicas
from syncd.ledger.file import changing
from syncd.model import AccountId
from syncd.sandbox.faults import Fault
from syncd.sandbox.server import Sandbox
from syncd.sandbox.switches import Switches
from syncd.sandbox.values import Image

ONE = AccountId("1")


def audited_rig(path: Path, sandbox: Sandbox, *, restore: bool = True) -> Rig:
    value = "true" if restore else "false"
    return Rig(path, sandbox, toml=f'[audit]\nevery = "1s"\nrestore = {value}\n')


async def filled(rig: Rig, count: int) -> list[bytes]:
    contents = [picture(n) for n in range(count)]
    for n, content in enumerate(contents):
        rig.write(f"{n}.jpg", content)
    await rig.backfill()
    return contents


async def one_audit(rig: Rig, *, everything: bool = False) -> Report:
    """Run one audit to its end, as `syncd audit` does."""
    async with rig.auditing() as audit:
        return await audit.run_once(everything=everything, paced=False)


@pytest.mark.parametrize("shown", ["missing", "by_hash", "listed"])
async def test_an_image_that_was_removed_by_hand_is_uploaded_again(
    tmp_path: Path, shown: str
) -> None:
    switches = Switches(tier="unlimited", deleted_images=shown)  # type: ignore[arg-type]  # one of its literals
    async with Sandbox(switches) as sandbox:
        rig = audited_rig(tmp_path, sandbox)
        contents = await filled(rig, 3)
        async with rig.running():
            sandbox.library.remove("1", str(rig.recorded(contents[0])))
            await until(lambda: rig.holds(contents[0]))
        assert sandbox.counts.calls("1", "upload") == 2
        assert all(rig.recorded(content) for content in contents)


async def test_an_image_removed_by_hand_is_left_out_without_restore_until_the_operator_retries(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    rig = audited_rig(tmp_path, sandbox, restore=False)
    contents = await filled(rig, 3)
    sandbox.library.remove("1", str(rig.recorded(contents[0])))
    async with rig.running():
        await until(lambda: rig.recorded(contents[0]) is None)
    assert rig.rows("SELECT rejected FROM replica WHERE hash IS NULL") == [(audits.REMOVED,)]
    await rig.backfill()
    assert not rig.holds(contents[0])
    with changing(rig.ledger) as db:
        replicas.retry_rejected()(db)
    await rig.backfill()
    assert rig.holds(contents[0])


async def test_an_audit_needs_one_read_for_fifty_images(tmp_path: Path, sandbox: Sandbox) -> None:
    rig = audited_rig(tmp_path, sandbox)
    await filled(rig, 120)
    before = sandbox.counts.calls("1")
    report = await one_audit(rig)
    assert (report.images, report.gone, report.renamed, report.inactive) == (120, 0, 0, 0)
    assert sandbox.counts.calls("1") - before == sandbox.counts.calls("1", "list") == 3


@pytest.mark.parametrize("fill", ["full", "short"])
@pytest.mark.parametrize("shape", ["list", "map"])
async def test_a_list_of_any_shape_is_read_to_its_end(
    tmp_path: Path, fill: str, shape: str
) -> None:
    switches = Switches(tier="unlimited", page_fill=fill, list_shape=shape)  # type: ignore[arg-type]  # one of its literals
    async with Sandbox(switches) as sandbox:
        rig = audited_rig(tmp_path, sandbox)
        await filled(rig, 60)
        report = await one_audit(rig, everything=True)
        assert (report.images, report.gone, report.unknown) == (60, 0, 0)


async def test_pages_that_are_too_large_are_halved_and_the_size_is_kept(tmp_path: Path) -> None:
    async with Sandbox(Switches(tier="unlimited", page_too_large=100)) as sandbox:
        rig = audited_rig(tmp_path, sandbox)
        await filled(rig, 130)
        async with rig.auditing() as audit:
            with capture_logs() as logs:
                before = sandbox.counts.calls("1", "list")
                first = await audit.run_once(everything=True, paced=False)
                between = sandbox.counts.calls("1", "list")
                second = await audit.run_once(everything=True, paced=False)
        assert first.total == second.total == 130
        assert between - before == 3 + 4 + 3, "3 lookups, 1000 to 125 rejected, 62 a page"
        assert sandbox.counts.calls("1", "list") - between == 3 + 3
        assert not [e for e in logs if e["event"].startswith("account.")]


async def test_the_smallest_pages_that_fail_are_a_failure_of_the_account(tmp_path: Path) -> None:
    async with Sandbox(Switches(tier="unlimited", page_too_large=24)) as sandbox:
        rig = audited_rig(tmp_path, sandbox)
        async with rig.auditing() as audit:
            with pytest.raises(GraphError, match="reduce the amount of data"):
                await audit.run_once(everything=True, paced=False)
        assert sandbox.counts.calls("1", "list") == 7


async def test_a_lookup_asks_for_fewer_hashes_where_the_account_lists_only_a_few(
    tmp_path: Path,
) -> None:
    async with Sandbox(Switches(tier="unlimited", page_too_large=30)) as sandbox:
        rig = audited_rig(tmp_path, sandbox)
        await filled(rig, 60)
        report = await one_audit(rig, everything=True)
        assert (report.images, report.gone, report.unknown) == (60, 0, 0)
        async with rig.auditing() as audit:
            before = sandbox.counts.calls("1", "list")
            with capture_logs() as logs:
                await audit.run_once(everything=False, paced=False)
        assert sandbox.counts.calls("1", "list") - before == 1 + 3, "50 once, then 25, 25 and 10"
        assert not [e for e in logs if e["event"].startswith("account.")]


async def test_a_list_whose_cursor_becomes_invalid_is_begun_again(tmp_path: Path) -> None:
    async with Sandbox(Switches(tier="unlimited", largest_page=25)) as sandbox:
        rig = audited_rig(tmp_path, sandbox)
        await filled(rig, 60)
        sandbox.hold("1", "foreign.jpg", picture(99))
        sandbox.faults.add(Fault("2642", on="list", after=2 + 2, times=1))
        report = await one_audit(rig, everything=True)
        assert (report.total, report.unknown) == (61, 1)
        assert len(report.unknown_names) == 1


async def test_a_list_whose_cursors_are_never_valid_ends_the_audit(tmp_path: Path) -> None:
    async with Sandbox(Switches(tier="unlimited", largest_page=25)) as sandbox:
        rig = audited_rig(tmp_path, sandbox)
        for number in range(30):
            sandbox.hold("1", f"{number}.jpg", picture(number))
        sandbox.faults.add(Fault("2642", on="list", after=1))
        async with rig.auditing() as audit:
            with pytest.raises(GraphError, match="cannot be read to its end"):
                await audit.run_once(everything=True, paced=False)
        assert sandbox.counts.calls("1", "list") == 5, "the first page, and four with a cursor"


async def test_a_list_that_never_ends_ends_the_audit(tmp_path: Path) -> None:
    async with Sandbox(Switches(tier="unlimited", list_end="never")) as sandbox:
        rig = audited_rig(tmp_path, sandbox)
        for number in range(30):
            sandbox.hold("1", f"{number}.jpg", picture(number))
        async with rig.auditing() as audit:
            with pytest.raises(GraphError, match="does not end"):
                await audit.run_once(everything=True, paced=False)
        assert sandbox.counts.calls("1", "list") <= 40


async def test_a_rename_is_logged_once_and_a_foreign_image_is_counted_and_kept(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    rig = audited_rig(tmp_path, sandbox)
    contents = await filled(rig, 3)
    image = sandbox.library.find("1", str(rig.recorded(contents[0])))
    assert image is not None
    sandbox.library.touch(image, "by hand.jpg")
    foreign = sandbox.hold("1", "foreign.jpg", picture(99))
    with capture_logs() as logs:
        first = await one_audit(rig, everything=True)
        second = await one_audit(rig, everything=True)
    assert (first.renamed, second.renamed) == (1, 0)
    assert [e["name"] for e in logs if e["event"] == "image.renamed"] == ["by hand.jpg"]
    assert (first.total, first.unknown) == (4, 1)
    assert first.unknown_names == [f"foreign.jpg ({foreign.hash})"]
    assert len(sandbox.library.images("1")) == 4


async def test_a_restart_resumes_an_interrupted_audit(tmp_path: Path, sandbox: Sandbox) -> None:
    rig = audited_rig(tmp_path, sandbox)
    await filled(rig, 120)
    with changing(rig.ledger) as db:
        rows = audits.held_after(ONE, 0, 100)(db)
        audits.begin(ONE, 1.0)(db)
        audits.record_progress(ONE, rows[-1].image_id)(db)
    async with rig.running():
        await until(lambda: rig.rows("SELECT began_at FROM audit") == [(None,)])
    assert sandbox.counts.calls("1", "list") == 1


async def test_a_running_daemon_audits_at_the_operators_request(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    rig = Rig(tmp_path, sandbox, toml='[audit]\nevery = "90d"\n')
    await filled(rig, 3)
    async with rig.running():
        await until(lambda: rig.rows("SELECT ended_at FROM audit") not in ([], [(None,)]))
        assert sandbox.counts.calls("1", "list") == 0
        with changing(rig.ledger) as db:
            audits.request([ONE], "everything")(db)
        await until(lambda: sandbox.counts.calls("1", "list") == 2)
        await until(lambda: rig.rows("SELECT requested FROM audit") == [(None,)])


def remove_all(rig: Rig, contents: list[bytes]) -> list[Image]:
    """Remove images from the account, and return them."""
    images = list[Image]()
    for content in contents:
        image = rig.sandbox.library.find("1", str(rig.recorded(content)))
        assert image is not None
        images.append(image)
        rig.sandbox.library.remove("1", image.hash)
    return images


def let_an_hour_pass(rig: Rig) -> None:
    with changing(rig.ledger) as db:
        db.execute("UPDATE audit SET suspect_since = suspect_since - 3600")


@pytest.mark.parametrize("restore", [True, False])
@pytest.mark.parametrize("images", [5, 60])
async def test_a_mass_change_is_believed_when_a_second_audit_an_hour_later_finds_it_too(
    tmp_path: Path, sandbox: Sandbox, images: int, restore: bool
) -> None:
    rig = audited_rig(tmp_path, sandbox, restore=restore)
    contents = await filled(rig, images)
    remove_all(rig, contents)
    with capture_logs() as logs:
        for _ in range(2):  # the second is too early
            report = await one_audit(rig)
            assert report.suspect == min(images, 50)
            assert all(rig.recorded(content) for content in contents)
        let_an_hour_pass(rig)
        assert (await one_audit(rig)).gone == images
    assert not any(rig.recorded(content) for content in contents)
    events = [e["event"] for e in logs if e["event"].startswith("audit.")]
    assert events == ["audit.suspect", "audit.trusted", "audit.done"]
    assert rig.rows("SELECT suspect_since, accepted FROM audit") == [(None, 0)]


async def test_a_mass_change_that_passes_changes_nothing(tmp_path: Path, sandbox: Sandbox) -> None:
    rig = audited_rig(tmp_path, sandbox)
    contents = await filled(rig, 6)
    images = remove_all(rig, contents)
    async with rig.running():
        await until(lambda: rig.rows("SELECT 1 FROM alert WHERE event = 'audit.suspect'") != [])
        for image in images:
            sandbox.library.put(image)
        calls = sandbox.counts.calls("1", "list")
        let_an_hour_pass(rig)
        await until(lambda: rig.rows("SELECT 1 FROM alert WHERE event = 'audit.suspect'") == [])
        assert sandbox.counts.calls("1", "list") > calls
    assert all(rig.recorded(content) for content in contents)
    assert sandbox.counts.calls("1", "upload") == 1


async def test_a_suspect_audit_waits_for_an_hour_and_then_resumes_where_it_was(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    rig = audited_rig(tmp_path, sandbox)
    contents = await filled(rig, 110)
    with changing(rig.ledger) as db:
        hashes = [row.hash for row in audits.held_after(ONE, 0, 110)(db)]
    for image_hash in hashes[50:100]:
        sandbox.library.remove("1", image_hash)
    assert (await one_audit(rig)).suspect == 50
    calls = sandbox.counts.calls("1", "list")
    async with rig.running():
        await asyncio.sleep(2.5)  # more than twice the period
        assert sandbox.counts.calls("1", "list") == calls
        let_an_hour_pass(rig)
        await until(lambda: all(rig.holds(content) for content in contents))
        await until(lambda: rig.rows("SELECT began_at FROM audit") == [(None,)])
    assert rig.rows("SELECT count(*) FROM replicas WHERE state = 'held'") == [(110,)]


async def test_the_operator_confirms_a_mass_change_for_one_audit_only(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    rig = audited_rig(tmp_path, sandbox)
    contents = await filled(rig, 6)
    with changing(rig.ledger) as db:
        assert not audits.accept(ONE)(db)  # nothing is suspect
    remove_all(rig, contents)
    assert (await one_audit(rig)).suspect == 6
    with changing(rig.ledger) as db:
        assert audits.accept(ONE)(db)
    assert (await one_audit(rig)).gone == 6
    await rig.backfill()
    remove_all(rig, contents)
    assert (await one_audit(rig)).suspect == 6
