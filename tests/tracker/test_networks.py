import subprocess
import sys
from pathlib import Path

import pytest

from p2ptui.base.errors import P2PError
from p2ptui.net.kicks import FOREVER
from tracker import networks
from tracker.networks import BarredNetworks, parse_network

NOW = 1_000_000.0


def barred(path: Path, *texts: str, until: int = FOREVER) -> BarredNetworks:
    made = BarredNetworks(path / "networks.log")
    for text in texts:
        network = parse_network(text)
        assert network is not None
        made.bar(network, "spam", until)
    return made


@pytest.mark.parametrize(
    ("text", "network"),
    [
        ("10.1.0.0/16", "10.1.0.0/16"),
        ("10.1.2.3/16", "10.1.0.0/16"),
        (" 10.1.2.3 ", "10.1.2.3/32"),
        ("::ffff:10.1.2.3", "10.1.2.3/32"),
        ("fe80::1", "fe80::1/128"),
        ("fe80::1%eth0", "fe80::1/128"),
        ("2001:db8::/32", "2001:db8::/32"),
        ("10.1.0.0/255.255.0.0", "10.1.0.0/16"),
    ],
)
def test_what_a_person_may_write(text: str, network: str) -> None:
    assert str(parse_network(text)) == network


@pytest.mark.parametrize(
    "text", ["", "anna", "10.1.0.0/33", "10.1/16", "10.0.0.1:7071", "::/129", "/8"]
)
def test_what_is_no_network(text: str) -> None:
    assert parse_network(text) is None


def test_f70_a_bar_holds_for_its_network_alone(tmp_path: Path) -> None:
    bars = barred(tmp_path, "10.1.0.0/16", "2001:db8::/32")
    assert bars.bar_of("10.1.255.255", NOW) is not None
    assert bars.bar_of("::ffff:10.1.0.1", NOW) is not None
    assert bars.bar_of("2001:db8::7", NOW) is not None
    assert bars.bar_of("10.2.0.0", NOW) is None
    assert bars.bar_of("2001:db9::7", NOW) is None
    assert bars.bar_of("no address", NOW) is None


def test_the_tracker_s_own_machine_is_never_locked_out(tmp_path: Path) -> None:
    bars = barred(tmp_path, "0.0.0.0/0", "::/0")
    for own in ("127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1"):
        assert bars.bar_of(own, NOW) is None
    assert bars.bar_of("8.8.8.8", NOW) is not None
    for own in ("127.0.0.0/8", "127.0.0.1", "::1"):
        with pytest.raises(P2PError, match="own machine"):
            barred(tmp_path, own)


def test_the_longest_bar_is_told_and_all_end(tmp_path: Path) -> None:
    bars = barred(tmp_path, "10.0.0.0/8", until=int(NOW) + 100)
    barred_too = parse_network("10.1.0.0/16")
    assert barred_too is not None
    bars.bar(barred_too, "worse", int(NOW) + 500)
    assert [bar.network for bar in bars.active(NOW)] == ["10.0.0.0/8", "10.1.0.0/16"]
    bar = bars.bar_of("10.1.0.1", NOW)
    assert bar is not None
    assert bar.why == "worse"
    assert bars.bar_of("10.2.0.1", NOW + 100) is None
    assert bars.active(NOW + 500) == ()


def test_it_outlives_the_process_and_can_be_lifted(tmp_path: Path) -> None:
    barred(tmp_path, "10.1.0.0/16", "10.2.0.0/16")
    again = barred(tmp_path)
    network = parse_network("10.1.0.0/16")
    assert network is not None
    assert again.lift(network)
    assert not again.lift(network)
    assert [bar.network for bar in barred(tmp_path).active(NOW)] == ["10.2.0.0/16"]


def test_a_bar_is_on_disk_before_it_is_told_whatever_happens_next(tmp_path: Path) -> None:
    script = f"""
import os, pathlib
from tracker.networks import BarredNetworks, parse_network
bars = BarredNetworks(pathlib.Path({str(tmp_path)!r}) / "networks.log")
bars.bar(parse_network("10.1.0.0/16"), "spam", 0)
os.kill(os.getpid(), 9)
"""
    done = subprocess.run([sys.executable, "-c", script], check=False, timeout=60)
    assert done.returncode == -9
    assert barred(tmp_path).bar_of("10.1.2.3", NOW) is not None


def test_there_is_a_most_of_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(networks, "MAX_BARS", 2)
    bars = barred(tmp_path, "10.1.0.0/16", "10.2.0.0/16", "10.2.0.0/16")
    more = parse_network("10.3.0.0/16")
    assert more is not None
    with pytest.raises(P2PError, match="Too many"):
        bars.bar(more, "", FOREVER)
