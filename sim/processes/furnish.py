"""Puts a simulated home into the files that a gateway reads: site, registry and keys."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from edge.registry import Registry
from rules.quantity import format_span
from rules.rulebook import Preset
from sim.homes.dwelling import Installed

_SITE = """\
[site]
id = "{id}"
name = "{name}"
timezone = "{timezone}"
preset = "{preset}"

[center]
host = "{host}"
port = {port}
"""


@dataclass(frozen=True, slots=True)
class HomeFiles:
    """What an installer would write of a home."""

    gateway: str
    name: str
    timezone: str
    preset: Preset
    host: str
    "Of the center."
    port: int
    limits: Sequence[timedelta] = ()
    "Of inactivity; empty: as the preset has them."
    prompt_wait: timedelta | None = None
    pet: bool = False
    "An animal lives there."


def furnish(folder: Path, home: HomeFiles, installed: Iterable[Installed]) -> None:
    """Write the home's files into its folder."""
    site = _SITE.format(
        id=home.gateway,
        name=home.name,
        timezone=home.timezone,
        preset=home.preset.value,
        host=home.host,
        port=home.port,
    )
    rules = []
    if home.limits:
        limits = ", ".join(f'"{format_span(limit)}"' for limit in home.limits)
        rules.append(f"limits = [{limits}]\n")
    if home.prompt_wait is not None:
        rules.append(f'prompt_wait = "{format_span(home.prompt_wait)}"\n')
    if rules:
        site += "\n[rules.inactivity]\n" + "".join(rules)
    if home.pet:
        site += "\n[rules.evidence]\npet = true\n"
    (folder / "site.toml").write_text(site, encoding="utf-8")
    registry = Registry.load(folder)
    for one in installed:
        registry.add_device(one.device, one.key)
