"""Settings through the api: shown with their origins, changed in the file and felt at once."""

import asyncio
from pathlib import Path

import pytest

from p2ptui.base.errors import ExitCode, P2PError, not_found, usage_error
from p2ptui.base.settings import load_settings
from p2ptui.net.loop import Inline
from p2ptui.node.api import SettingRow
from p2ptui.node.settings_desk import SettingsDesk, change_shares

FILE = '# mine\n[peer]\nnick = "anna" # me\n'


class Felt:
    """What was made felt."""

    def __init__(self) -> None:
        self.values: list[object] = []
        self.trouble: P2PError | None = None

    async def __call__(self, value: object) -> None:
        if self.trouble is not None:
            raise self.trouble
        self.values.append(value)


class DeskRig:
    def __init__(self, folder: Path, env: dict[str, str] | None = None) -> None:
        self.path = folder / "settings.toml"
        self.path.write_text(FILE)
        self.felt = Felt()
        settings = load_settings(self.path, env or {}, {"peer.rescan_s": "1m"})
        effects = dict.fromkeys(("peer.nick", "peer.up_limit", "peer.shares"), self.felt)
        self.desk = SettingsDesk(self.path, settings, effects, Inline())

    def row(self, key: str) -> SettingRow:
        return next(row for row in self.desk.rows() if row.key == key)


def test_each_setting_is_shown_with_its_origin(tmp_path: Path) -> None:
    rig = DeskRig(tmp_path, {"P2PTUI_LOOK_THEME": "nord"})
    assert rig.row("peer.nick") == SettingRow(
        key="peer.nick", value="anna", default="", origin="file", applies="now",
        help="Name that others see, at most 32 characters; empty: the login name.",
    )  # fmt: skip
    rescan = rig.row("peer.rescan_s")
    assert (rescan.value, rescan.default, rescan.origin) == ("60s", "300s", "flag")
    assert rig.row("peer.up_limit").value == "off"
    assert rig.row("peer.listen").applies == "restart"
    theme = rig.row("look.theme")
    assert (theme.value, theme.origin, theme.applies) == ("nord", "environment", "now")
    assert all(row.help for row in rig.desk.rows())


async def test_a_change_is_felt_and_written(tmp_path: Path) -> None:
    rig = DeskRig(tmp_path)
    row = await rig.desk.configure("peer.nick", "bert")
    assert (row.value, row.origin) == ("bert", "file")
    assert rig.path.read_text() == FILE.replace("anna", "bert")
    await rig.desk.configure("peer.up_limit", "2.5 MB/s")
    await rig.desk.configure("peer.shares", "/a:/b")
    assert rig.felt.values == ["bert", 2_500_000, ("/a", "/b")]
    await rig.desk.configure("look.mouse", "off")
    await rig.desk.configure("peer.hash_threads", "4")
    settings = load_settings(rig.path, {})
    assert settings.peer.up_limit == 2_500_000
    assert settings.peer.shares == ("/a", "/b")
    assert settings.peer.hash_threads == 4
    assert not settings.look.mouse
    assert rig.row("peer.up_limit").value == "2500 KB/s"
    assert rig.path.read_text().startswith('# mine\n[peer]\nnick = "bert" # me\n')


@pytest.mark.parametrize(
    ("key", "text", "said"),
    [
        ("peer.up_limit", "fast", "peer.up_limit: Not a rate"),
        ("peer.hash_threads", "99", "peer.hash_threads"),
        ("peer.nick", "x" * 33, "peer.nick"),
        ("peer.nicc", "x", "no such setting: peer.nicc"),
        ("keys.", "x", "no such setting: keys."),
        ("peer.nick", "\udcff", "not UTF-8"),
        ("nick", "x", "no such setting: nick"),
        ("tracker.name", "x", "no such setting: tracker.name"),
    ],
)
async def test_a_bad_value_changes_nothing(tmp_path: Path, key: str, text: str, said: str) -> None:
    rig = DeskRig(tmp_path)
    before = rig.desk.rows()
    with pytest.raises(P2PError) as caught:
        await rig.desk.configure(key, text)
    assert caught.value.exit_code is ExitCode.USAGE
    assert said in str(caught.value)
    assert (rig.path.read_text(), rig.desk.rows(), rig.felt.values) == (FILE, before, [])


async def test_what_cannot_be_done_is_not_written_either(tmp_path: Path) -> None:
    rig = DeskRig(tmp_path)
    rig.felt.trouble = not_found("No such file or folder")
    with pytest.raises(P2PError, match="No such file or folder"):
        await rig.desk.configure("peer.shares", "/nowhere")
    assert rig.path.read_text() == FILE
    assert rig.row("peer.shares").value == ""


async def test_what_comes_before_the_file_is_told(tmp_path: Path) -> None:
    rig = DeskRig(tmp_path, {"P2PTUI_PEER_NICK": "env"})
    assert rig.row("peer.nick").origin == "environment"
    row = await rig.desk.configure("peer.nick", "bert")
    assert (row.value, row.origin) == ("bert", "file")
    assert "environment variable comes before" in row.note
    assert "flag" in (await rig.desk.configure("peer.rescan_s", "2m")).note


async def test_keys_are_changed_and_given_back(tmp_path: Path) -> None:
    rig = DeskRig(tmp_path)
    row = await rig.desk.configure("keys.table.down", "n")
    assert (row.key, row.value, row.origin, row.applies) == (
        "keys.table.down", "n", "file", "restart",
    )  # fmt: skip
    assert load_settings(rig.path, {}).keys == {"table.down": "n"}
    assert rig.row("keys.table.down").value == "n"
    row = await rig.desk.configure("keys.table.down", "")
    assert (row.value, row.origin) == ("", "default")
    assert load_settings(rig.path, {}).keys == {}
    with pytest.raises(P2PError):
        await rig.desk.configure("keys.table.down", "")


async def test_two_changes_at_once_are_both_kept(tmp_path: Path) -> None:
    rig = DeskRig(tmp_path)
    async with asyncio.TaskGroup() as group:
        for key, text in (("peer.nick", "bert"), ("look.theme", "nord"), ("keys.fetch", "g")):
            group.create_task(rig.desk.configure(key, text))
    settings = load_settings(rig.path, {})
    assert (settings.peer.nick, settings.look.theme, settings.keys) == (
        "bert", "nord", {"fetch": "g"},
    )  # fmt: skip


async def test_shares_are_changed_all_or_none() -> None:
    offered = {Path("/a"), Path("/b")}

    async def add(path: Path) -> None:
        if path.name == "bad":
            raise not_found("No such folder")
        offered.add(path)

    async def remove(path: Path) -> None:
        if path not in offered:
            raise not_found("Not shared")
        if path.name == "stuck":
            raise usage_error("The repository folder is always shared")
        offered.remove(path)

    a, b, c = Path("/a"), Path("/b"), Path("/c")
    with pytest.raises(P2PError, match="No such folder"):
        await change_shares((a, b), (a, c, Path("/bad")), add, remove)
    assert offered == {a, b}
    await change_shares((a, b), (b, c), add, remove)
    assert offered == {b, c}
    await change_shares((a, b), (b,), add, remove)
    assert offered == {b, c}, "what is not offered any more need not be taken away"
    offered.add(Path("/stuck"))
    with pytest.raises(P2PError, match="always shared"):
        await change_shares((Path("/stuck"),), (), add, remove)
