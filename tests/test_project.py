"""Facts about the tree: sizes, names, links, versions, and no trace of one machine."""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import p2ptui

ROOT = Path(__file__).parent.parent
CODE = ("p2ptui", "tracker", "tests", "benchmarks")
MAX_LINES = 400
MAX_TEST_LINES = 600
"""Tables of conversations read as one; what they test is the shorter for it."""
FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "manager", "managers", "common", "misc"}
DOCUMENTS = (
    "README.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "docs/protocol.md",
    "docs/security.md",
    "docs/operations.md",
    "docs/screen.md",
    "docs/tracker-console.md",
)
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def python_files(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def committed_texts() -> Iterator[Path]:
    """Every text file of the project."""
    yield from python_files(*CODE)
    for pattern in ("*.md", "*.toml", "*.txt", "docs/**/*.md", ".ci/*", ".gitignore", "LICENSE"):
        yield from (path for path in ROOT.glob(pattern) if path.is_file())


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", python_files(*CODE), ids=name_of)
def test_a_file_is_of_a_size_to_be_read(path: Path) -> None:
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= (MAX_TEST_LINES if name_of(path).startswith("tests/") else MAX_LINES)


@pytest.mark.parametrize("path", python_files(*CODE), ids=name_of)
def test_a_module_is_named_for_what_it_is(path: Path) -> None:
    words = {word for part in path.relative_to(ROOT).parts for word in re.split(r"[._]", part)}
    assert words & FORBIDDEN_NAMES == set()


@pytest.mark.parametrize("path", python_files("p2ptui", "tracker"), ids=name_of)
def test_a_module_says_what_it_is_for(path: Path) -> None:
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    assert docstring
    assert docstring.splitlines()[0].endswith((".", ":")), "its first line is a sentence"


def test_every_test_module_tests_something() -> None:
    for path in python_files("tests"):
        if path.name.startswith("test_"):
            assert re.search(r"^\s*(async )?def test_", path.read_text("utf-8"), re.MULTILINE), path


@pytest.mark.parametrize("path", sorted(set(committed_texts())), ids=name_of)
def test_no_file_knows_the_machine_that_it_was_written_on(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    home = re.compile(r"/(?:root|home/\w+|Users/\w+|work)/[\w.-]+")
    assert not [found for found in home.findall(text) if found not in ALLOWED_PATHS]
    assert not re.search(r"index-url|find-links|https?://[\w.-]*pypi", text) or path == THIS
    assert "\t" not in text or path.suffix not in {".py", ".md", ".toml"}


ALLOWED_PATHS = {"/home/p2ptui"}
THIS = Path(__file__)


@pytest.mark.parametrize("path", python_files("p2ptui", "tracker"), ids=name_of)
def test_nothing_is_left_to_be_done(path: Path) -> None:
    assert not re.search(r"\b(TODO|FIXME|XXX|HACK)\b", path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_lead_somewhere(document: str) -> None:
    path = ROOT / document
    text = path.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)]+)\)", text):
        if re.match(r"\w+://", target):
            continue
        file, _, anchor = target.partition("#")
        linked = (path.parent / file).resolve() if file else path
        assert linked.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.+)$", linked.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in {anchor_of(heading) for heading in headings}, target


def anchor_of(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def readme_commands() -> list[str]:
    blocks = re.findall(r"^```\w*\n(.*?)^```", read("README.md"), re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines()]


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_the_readme_holds_exactly_the_two_commands() -> None:
    commands = [line for line in readme_commands() if line.startswith("python3 -m venv .venv")]
    assert len(commands) == 2
    assert commands[0].endswith("&& .venv/bin/p2ptui demo")
    assert commands[1].endswith("&& .venv/bin/python -m pytest")
    assert all(" -c constraints.txt " in command for command in commands)


@pytest.mark.parametrize("word", ["p2ptui demo", "-m pytest"])
def test_ci_finds_each_of_them_once(word: str) -> None:
    assert sum(word in line for line in readme_commands()) == 1
    assert f"run_readme '{word}'" in read(".ci/run")


def test_every_dependency_has_one_exact_version() -> None:
    lines = [line for line in read("constraints.txt").splitlines() if not line.startswith("#")]
    pins = dict(line.split("==") for line in lines)
    assert len(pins) == len(lines)
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][0-9A-Za-z.]*", line) for line in lines)
    wanted = PROJECT["dependencies"] + PROJECT["optional-dependencies"]["test"]
    pinned = {canonical(name) for name in pins}
    for requirement in wanted:
        name = re.match(r"[A-Za-z0-9._-]+", requirement)
        assert name is not None
        assert canonical(name[0]) in pinned, requirement


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_there_is_one_version() -> None:
    assert PROJECT["version"] == p2ptui.__version__
    changelog = read("CHANGELOG.md")
    assert "## [Unreleased]" in changelog or f"## [{p2ptui.__version__}]" in changelog


def test_the_licence_is_the_one_that_is_declared() -> None:
    assert PROJECT["license"] == "MIT"
    assert read("LICENSE").startswith("MIT License")
    assert "The p2ptui authors" in read("LICENSE")


def test_the_readme_names_every_document() -> None:
    for document in (*DOCUMENTS[1:], "docs/commands.md", "LICENSE"):
        assert f"]({document})" in read("README.md"), document


def test_every_setting_stands_in_the_manual() -> None:
    from p2ptui.base.settings import LookSettings, PeerSettings, TrackerSettings

    manual = read("docs/operations.md")
    for part in (PeerSettings, TrackerSettings, LookSettings):
        for key in part.__struct_fields__:
            assert f"| `{key}` |" in manual, key
