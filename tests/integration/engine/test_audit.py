"""The audit: it compares what an account holds with what the ledger records."""

from pathlib import Path

import pytest
from structlog.testing import capture_logs
from support.pictures import picture
from support.rig import Rig, until

from syncd.engine.audit import Report
from syncd.ledger import audits, replicas
from syncd.ledger.database import changing
from syncd.model import AccountId
from syncd.sandbox.server import Sandbox
from syncd.sandbox.switches import Switches

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
