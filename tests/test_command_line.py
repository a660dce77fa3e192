"""What a line or a command line means."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2ptui.base.errors import ExitCode, P2PError
from p2ptui.command_line import HelpAskedFor, parse_line, split_address, unknown_command
from p2ptui.commands import Side
from p2ptui.completion import quoted


@pytest.mark.parametrize(
    ("line", "name", "word"),
    [
        ("search a b", "search", "a b"),
        ("/search a", "search", "a"),
        ("  / SEARCH  a  ", "search", "a"),
        ("find a", "search", "a"),
        ('remove "two  words.txt"', "remove", "two  words.txt"),
        ("remove two words.txt", "remove", "two words.txt"),
        ("stop", "exit", ""),
        ("quit", "exit", ""),
        ("publish a.txt", "publish", "a.txt"),
        ("remove -- -odd", "remove", "-odd"),
    ],
)
def test_lines(line: str, name: str, word: str) -> None:
    parsed = parse_line(line, "peer")
    assert parsed is not None
    assert (parsed[0].name, parsed[1].word(0)) == (name, word)


@pytest.mark.parametrize("line", ["", "   ", "/", "# a comment", " /# one"])
def test_lines_that_say_nothing(line: str) -> None:
    assert parse_line(line, "peer") is None


@pytest.mark.parametrize(
    ("side", "line", "title"),
    [
        ("peer", "serach x", "Unknown command"),
        ("peer", "discover anna", "Unknown command"),
        ("peer", "publish", "Wrong arguments"),
        ("peer", "fetch x --to", "Wrong arguments"),
        ("peer", "status now", "Wrong arguments"),
        ("peer", "fetch don't", "A quote is not closed"),
        ("tracker", "kick", "Wrong arguments"),
        ("tracker", "publish x", "Unknown command"),
    ],
)
def test_mistakes_are_usage_errors(side: Side, line: str, title: str) -> None:
    with pytest.raises(P2PError) as caught:
        parse_line(line, side)
    assert caught.value.title == title
    assert caught.value.exit_code is ExitCode.USAGE
    assert caught.value.hint


def test_the_command_that_was_meant_is_named() -> None:
    assert "Did you mean search?" in unknown_command("serach", "peer", "cli").hint
    assert "Did you mean tracker?" in unknown_command("traker", "peer", "cli").hint
    assert "Did you mean" not in unknown_command("\x1b[2J" * 100, "peer", "shell").hint


@given(st.text(max_size=30))
def test_no_line_is_worse_than_a_usage_error(line: str) -> None:
    try:
        parse_line(line, "peer")
    except (P2PError, HelpAskedFor) as error:
        assert getattr(error, "exit_code", ExitCode.USAGE) is ExitCode.USAGE  # noqa: PT017


@given(
    st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=20).filter(
        lambda name: name.strip() == name and not name.startswith(("-", "/")) and name.isprintable()
    )
)
def test_a_completed_name_is_read_back_as_it_was(name: str) -> None:
    parsed = parse_line(f"publish {quoted(name)}", "peer")
    assert parsed is not None
    assert parsed[1].word(0) == name


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("song.flac 10.0.0.1 7071", ("song.flac", "10.0.0.1:7071")),
        ("my song.flac 10.0.0.1 7071", ("my song.flac", "10.0.0.1:7071")),
        ("song.flac ::1 7071", ("song.flac", "[::1]:7071")),
        ("song.flac [fe80::1%eth0] 1", ("song.flac", "[fe80::1%eth0]:1")),
        ("song.flac localhost 7071", ("song.flac", "127.0.0.1:7071")),
        ("part 2", ("part 2", "")),
        ("disc 1 part 2", ("disc 1 part 2", "")),
        ("10.0.0.1 7071", ("10.0.0.1 7071", "")),
        ("song.flac", ("song.flac", "")),
    ],
)
def test_name_and_address(words: str, expected: tuple[str, str]) -> None:
    assert split_address(words.split()) == expected


@pytest.mark.parametrize("port", ["0", "65536", "999999"])
def test_f60_a_port_that_cannot_be_is_refused(port: str) -> None:
    with pytest.raises(P2PError, match="Not a port"):
        split_address(["x", "10.0.0.1", port])
