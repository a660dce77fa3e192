"""Composition root of the full-screen peer: the node of a home, the commands, the looks."""

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from p2ptui.app import PeerApp
from p2ptui.base.errors import ExitCode
from p2ptui.base.logs import configure_logs
from p2ptui.base.paths import Home
from p2ptui.base.settings import Settings
from p2ptui.command_line import Parsed
from p2ptui.launch import Started, wait_gone
from p2ptui.node.remote import RemoteNode
from p2ptui.peer_shell import completer, node_arguments, peer_handlers
from p2ptui.peer_program import prepare
from p2ptui.running import Interrupted, interruptible
from p2ptui.screens.session import Attached, Language, Looks
from p2ptui.shell_program import attach_to

END_SIGNALS = ("SIGTERM", "SIGHUP")
