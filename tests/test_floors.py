"""The floors at run time: what importing a part really loads, in a process of its own.

The contracts in pyproject.toml read the source; this holds for what other packages pull in, for
imports made by name, and for the time that a start takes.
"""

import ast
import pkgutil
import subprocess
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path

import pytest

import p2ptui
import p2ptui.base
import p2ptui.net
import p2ptui.net.wire
import p2ptui.node
import tracker

ROOT = Path(__file__).parent.parent
PURE = (
    "p2ptui.node.chunkmap",
    "p2ptui.node.manifest",
    "p2ptui.node.picker",
    "tracker.limits",
    "tracker.registry",
)
SCREENS = ("p2ptui.app", "p2ptui.screens", "p2ptui.widgets")
FACES = (
    "p2ptui.completion",
    "p2ptui.headless",
    "p2ptui.peer_commands",
    "p2ptui.shell",
    "p2ptui.tracker_commands",
    "p2ptui.node.remote",
    "tracker.remote",
)


def modules_of(package: object) -> list[str]:
    """All modules of a package, by their files."""
    path, name = package.__path__, package.__name__  # type: ignore[attr-defined]
    return [name, *(found.name for found in pkgutil.walk_packages(path, f"{name}."))]


def loaded_by(*modules: str) -> set[str]:
    """Names of all modules that are loaded once these have been imported in a fresh process."""
    program = f"import sys; import {', '.join(modules)}; print(*sys.modules, sep='\\n')"
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60
    )
    assert result.returncode == 0, result.stderr
    return set(result.stdout.split())


def within(loaded: set[str], *packages: str) -> set[str]:
    """Those that are one of these packages or lie in one."""
    return {name for name in loaded if name.startswith(tuple(f"{p}." for p in packages))} | (
        loaded & set(packages)
    )


def test_only_the_screens_load_textual_or_rich() -> None:
    everything = {
        name
        for package in (p2ptui, tracker)
        for name in modules_of(package)
        if not name.endswith(".__main__")
    }
    everything -= within(everything, *SCREENS)
    assert len(everything) > 50
    assert within(loaded_by(*everything), "textual", "rich") == set()


@pytest.mark.parametrize("package", [p2ptui.base, p2ptui.net.wire])
def test_ground_loads_no_loop_and_nothing_above_it(package: object) -> None:
    # logs: the standard library's rotating files bring a socket with them.
    names = [name for name in modules_of(package) if name != "p2ptui.base.logs"]
    loaded = loaded_by(*names)
    assert within(loaded, "asyncio", "ssl", "sqlite3", "cryptography", "uvloop", "socket") == set()
    above = within(loaded, "p2ptui") - within(loaded, "p2ptui.base", "p2ptui.net.wire")
    assert above <= {"p2ptui", "p2ptui.net"}


# tracker.registry keeps each host's open requests for others to use, and so knows their type.
@pytest.mark.parametrize("name", sorted(set(PURE) - {"tracker.registry"}))
def test_rules_load_no_loop(name: str) -> None:
    assert within(loaded_by(name), "asyncio", "ssl", "sqlite3", "uvloop") == set()


def test_net_loads_no_engine() -> None:
    assert within(loaded_by(*modules_of(p2ptui.net)), "p2ptui.node", "tracker") == set()


def test_the_node_loads_no_tracker_and_no_face() -> None:
    loaded = loaded_by(*modules_of(p2ptui.node))
    assert within(loaded, "tracker") == set()
    own = within(loaded, "p2ptui")
    assert own - within(loaded, "p2ptui.base", "p2ptui.net", "p2ptui.node") == {"p2ptui"}


def test_the_tracker_loads_base_and_net_alone() -> None:
    own = within(loaded_by(*modules_of(tracker)), "p2ptui")
    assert own - within(own, "p2ptui.base", "p2ptui.net") == {"p2ptui"}


def test_faces_hold_an_api_and_load_no_engine() -> None:
    loaded = loaded_by(*FACES)
    apis = {"api", "api_values", "events", "operate_values", "remote", "setting_values"}
    for engine in ("p2ptui.node", "tracker"):
        assert within(loaded, engine) - {engine} <= {f"{engine}.{name}" for name in apis}
    assert within(loaded, "aiosqlite", "cryptography") == set()


def test_the_door_opens_without_what_it_leads_to() -> None:
    loaded = loaded_by("p2ptui.cli")
    heavy = ("asyncio", "ssl", "cryptography", "aiosqlite", "blake3", "prompt_toolkit", "uvloop")
    assert within(loaded, *heavy) == set()


def test_help_does_not_load_what_commands_need() -> None:
    result = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "p2ptui", "--help"],
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    loaded = {line.rsplit("|", 1)[-1].strip() for line in result.stderr.splitlines()}
    assert "p2ptui.commands" in loaded
    assert within(loaded, "asyncio", "ssl", "cryptography", "prompt_toolkit", "p2ptui.net") == set()


def test_ground_and_rules_read_no_clock() -> None:
    clocks = {"now", "today", "utcnow", "monotonic", "perf_counter", "time_ns"}
    names = [*modules_of(p2ptui.base), *modules_of(p2ptui.net.wire), *PURE]
    for name in names:
        if name == "p2ptui.base.clock":
            continue
        spec = find_spec(name)
        assert spec is not None
        assert spec.origin is not None
        tree = ast.parse(Path(spec.origin).read_text(encoding="utf-8"))
        called = {
            node.func.attr
            for node in ast.walk(tree)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        }
        assert called & clocks == set(), name


def test_the_contracts_name_the_same_rules() -> None:
    linter = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    contracts = {contract["name"]: contract for contract in linter["contracts"]}
    rules = contracts["Rules: the pure files inside the engines"]
    assert set(PURE) <= set(rules["source_modules"])
