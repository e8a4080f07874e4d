"""Puts a simulated home into the files that a gateway reads: site, registry and keys."""

from collections.abc import Iterable

from edge.registry import Registry
from rules.quantity import format_span
from sim.demo.folders import Folders
from sim.demo.plan import PROMPT_WAIT, Plan
from sim.demo.prepare import GATEWAY, HOST
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

[rules.inactivity]
prompt_wait = "{prompt_wait}"
"""


def furnish(
    folders: Folders, plan: Plan, installed: Iterable[Installed], coap_port: int, name: str
) -> None:
    """Write the home's files, as an installer's tools would."""
    site = _SITE.format(
        id=GATEWAY,
        name=name,
        timezone=plan.zone,
        preset=plan.preset.value,
        host=HOST,
        port=coap_port,
        prompt_wait=format_span(PROMPT_WAIT),
    )
    (folders.gateway / "site.toml").write_text(site, encoding="utf-8")
    registry = Registry.load(folders.gateway)
    for one in installed:
        registry.add_device(one.device, one.key)
