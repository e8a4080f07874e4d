"""The way from each home to the center: over loopback, or out of a network namespace of its own.

Either way all datagrams pass a `BadNet` of this process. In namespaces they also pass a pair of
virtual interfaces: there nftables loses them, and tbf makes the line as narrow as a mobile one.
"""

import asyncio
import os
import re
import shutil
from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Final

from rules.errors import ConfigError, phrase
from sim.rig.badnet import BadNet

LOOPBACK: Final = "127.0.0.1"
_TOOLS: Final = ("ip", "nft", "tc")
_NAME: Final = "ongi-rig-"
_OF: Final = re.compile(rf"{_NAME}(\d+)-(\d+)")
_NET: Final = "198.18"
"Set aside for tests of networks (RFC 2544)."
_LINE: Final = ("rate", "2mbit", "burst", "16kb", "latency", "200ms")
_RULES: Final = """\
add table inet rig
add chain inet rig out {{ type filter hook output priority 0; }}
add chain inet rig in {{ type filter hook input priority 0; }}
flush table inet rig
add rule inet rig out {which} counter drop
add rule inet rig in {which} counter drop
"""


class Network(StrEnum):
    """What carries the datagrams."""

    LOOPBACK = "loopback"
    NAMESPACES = "namespaces"
    AUTO = "auto"


def chosen(asked: Network) -> Network:
    """What can be had.

    Raises:
        ConfigError: namespaces are asked for and cannot be made here.

    """
    missing = missing_for_namespaces()
    if asked is Network.NAMESPACES and missing:
        right = phrase("run as root with ip, nft and tc installed, or --network loopback")
        raise ConfigError("--network", phrase("namespaces without {what}", what=missing), right)
    if asked is Network.LOOPBACK or missing:
        return Network.LOOPBACK
    return Network.NAMESPACES


def missing_for_namespaces() -> str:
    """What is not there; empty if namespaces can be made."""
    if os.geteuid() != 0:
        return "root"
    return ", ".join(tool for tool in _TOOLS if shutil.which(tool) is None)


class Way:
    """One home's way: `BadNet`'s own, or with a namespace before it."""

    def __init__(
        self, home: int, center: int, *, namespace: bool, seed: int, seconds: Callable[[], float]
    ) -> None:
        """To the center's port; `seconds` is virtual time."""
        self._namespace = f"{_NAME}{os.getpid()}-{home}" if namespace else None
        self._number = home
        self._host = f"{_NET}.{home % 256}.1" if namespace else LOOPBACK
        self._center = center
        self._seed = seed
        self._seconds = seconds
        self._share: int | None = None
        self.net: BadNet

    @property
    def address(self) -> tuple[str, int]:
        """Of the center, as the gateway shall know it."""
        return self._host, self.net.port

    @property
    def prefix(self) -> Sequence[str]:
        """What runs a command on this side of the way."""
        return () if self._namespace is None else ("ip", "netns", "exec", self._namespace)

    async def open(self) -> None:
        """Make it.

        Raises:
            ConfigError: the system refuses.

        """
        if self._namespace is not None:
            await self._make(self._namespace)
        self.net = BadNet(
            (LOOPBACK, self._center),
            listen=(self._host, 0),
            delay_s=0.002,
            seed=self._seed,
            seconds=self._seconds,
            remember=False,
        )
        await self.net.__aenter__()

    async def close(self) -> None:
        """Remove it."""
        if hasattr(self, "net"):
            await self.net.__aexit__(None, None, None)
        if self._namespace is not None:
            await _run("ip", "netns", "del", self._namespace)

    async def lose(self, share: float) -> None:
        """Lose this share of the datagrams, each way; 1 is an outage."""
        if self._namespace is None:
            self.net.loss, self.net.down = (0.0, True) if share >= 1 else (share, False)
            return
        per_10000 = min(10_000, round(share * 10_000))
        if per_10000 != self._share:
            self._share = per_10000
            which = f"numgen random mod 10000 < {per_10000}" if per_10000 < 10_000 else ""
            rules = _RULES.format(which=which)
            command = ("ip", "netns", "exec", self._namespace, "nft", "-f", "-")
            await _must(*command, stdin=rules)

    async def _make(self, name: str) -> None:
        ours, theirs = f"orig{self._number}-{os.getpid() % 100_000}", "uplink"
        await _must("ip", "netns", "add", name)
        await _must(
            *("ip", "link", "add", ours, "type", "veth"),
            *("peer", "name", theirs, "netns", name),
        )
        inside = ("ip", "-n", name)
        await _must("ip", "addr", "add", f"{self._host}/30", "dev", ours)
        await _must("ip", "link", "set", ours, "up")
        there = f"{_NET}.{self._number % 256}.2/30"
        await _must(*inside, "addr", "add", there, "dev", theirs)
        await _must(*inside, "link", "set", "lo", "up")
        await _must(*inside, "link", "set", theirs, "up")
        await _must("tc", "qdisc", "add", "dev", ours, "root", "tbf", *_LINE)
        await _must("tc", "-n", name, "qdisc", "add", "dev", theirs, "root", "tbf", *_LINE)


async def remove_left_over() -> None:
    """Remove the namespaces of rigs that are gone, and with them their interfaces."""
    if shutil.which("ip") is None or os.geteuid() != 0:
        return
    _, listed = await _run("ip", "netns", "list")
    for pid, home in _OF.findall(listed):
        if not _runs(pid):
            await _run("ip", "netns", "del", f"{_NAME}{pid}-{home}")


def _runs(pid: str) -> bool:
    return Path("/proc", pid).exists()


async def _must(*command: str, stdin: str = "") -> None:
    done, said = await _run(*command, stdin=stdin)
    if not done:
        what = " ".join(command)
        raise ConfigError(
            "--network", f"{what}: {said.strip()}", phrase("run with --network loopback")
        )


async def _run(*command: str, stdin: str = "") -> tuple[bool, str]:
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate(stdin.encode())
    return process.returncode == 0, said.decode(errors="replace")
