"""Where things lie: one identity's folders and files. Computes paths; makes and opens nothing.

`P2PTUI_HOME` puts everything of one identity into one folder. Without it the places are those that
the system has for settings, data and logs.
"""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import platformdirs

HOME_VARIABLE = "P2PTUI_HOME"
MAX_SOCKET_PATH_BYTES = 100
"""A UNIX socket's path holds 104 bytes on macOS and 108 on Linux, the final NUL included."""

_PROGRAM = "p2ptui"


@dataclass(frozen=True, slots=True)
class NodeHome:
    """Files of a node."""

    folder: Path
    settings: Path
    keys: Path
    """Folder of the key, the certificates and the kick lists."""
    database: Path
    log: Path
    lock: Path
    control: Path
    """Control socket. Its folder is made 0700 and checked to be ours by whoever binds it: it may
    lie in a folder that all can write to."""
    repository: Path
    """Default of the repository folder."""

    @classmethod
    def under(cls, folder: Path) -> Self:
        """A node's home with everything in one folder."""
        folder = _absolute(folder)
        return cls(
            folder=folder,
            settings=folder / "settings.toml",
            keys=folder / "keys",
            database=folder / "node.db",
            log=folder / "node.log",
            lock=folder / "node.lock",
            control=_socket_path(folder, "node"),
            repository=folder / "repo",
        )


@dataclass(frozen=True, slots=True)
class TrackerHome:
    """Files of a tracker."""

    folder: Path
    settings: Path
    authority: Path
    """Folder of the CA key, the invites and the kick list: apart from the index, whose loss then
    loses no member (PROTOCOL.md 1)."""
    database: Path
    """The index."""
    log: Path
    lock: Path
    control: Path
    """Control socket; as for `NodeHome.control`."""

    @property
    def audit(self) -> Path:
        """The audit log."""
        return self.folder / "audit.jsonl"

    @property
    def history(self) -> Path:
        """Who fetched what from whom."""
        return self.folder / "history.db"

    @classmethod
    def under(cls, folder: Path) -> Self:
        """A tracker's home with everything in one folder."""
        folder = _absolute(folder)
        return cls(
            folder=folder,
            settings=folder / "settings.toml",
            authority=folder / "authority",
            database=folder / "index.db",
            log=folder / "tracker.log",
            lock=folder / "tracker.lock",
            control=_socket_path(folder, "tracker"),
        )


@dataclass(frozen=True, slots=True)
class Home:
    """Everything of one identity: a node and a tracker that share a settings file."""

    folder: Path
    settings: Path
    node: NodeHome
    tracker: TrackerHome

    @classmethod
    def under(cls, folder: Path) -> Self:
        """A home with everything in one folder, the tracker's in its subfolder `tracker`."""
        folder = _absolute(folder)
        settings = folder / "settings.toml"
        tracker = TrackerHome.under(folder / "tracker")
        return cls(
            folder=folder,
            settings=settings,
            node=NodeHome.under(folder),
            tracker=replace(tracker, settings=settings),
        )

    @classmethod
    def locate(cls, env: Mapping[str, str]) -> Self:
        """The home that the environment names, else the places that the system has for it."""
        named = env.get(HOME_VARIABLE, "")
        if named:
            return cls.under(Path(named).expanduser())
        home = cls.under(Path(platformdirs.user_data_dir(_PROGRAM, appauthor=False)))
        settings = Path(platformdirs.user_config_dir(_PROGRAM, appauthor=False)) / "settings.toml"
        logs = Path(platformdirs.user_log_dir(_PROGRAM, appauthor=False))
        return cls(
            folder=home.folder,
            settings=settings,
            node=replace(
                home.node,
                settings=settings,
                log=logs / "node.log",
                repository=Path.home() / _PROGRAM,
            ),
            tracker=replace(home.tracker, settings=settings, log=logs / "tracker.log"),
        )


def _absolute(folder: Path) -> Path:
    # Not resolve(): a link to another disk that the user made is the user's own business.
    return Path(os.path.abspath(folder))  # noqa: PTH100  (Path.absolute() keeps `..`)


def _socket_path(folder: Path, program: str) -> Path:
    path = folder / f"{program}.sock"
    if len(os.fsencode(path)) <= MAX_SOCKET_PATH_BYTES:
        return path
    # The same for every process of this user, also for one without XDG_RUNTIME_DIR or with another
    # TMPDIR: a service and a login shell must find each other.
    name = hashlib.sha256(os.fsencode(folder)).hexdigest()[:20]
    user = os.getuid() if hasattr(os, "getuid") else 0
    return Path(f"/tmp/{_PROGRAM}-{user}") / f"{program}-{name}.sock"  # noqa: S108  (see above)
