"""Puts the home of a story into its gateway's files."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from rules.device import Use
from rules.observation import DeviceId
from sim.demo.folders import Folders
from sim.demo.plan import PROMPT_WAIT, Plan
from sim.demo.prepare import GATEWAY, HOST
from sim.homes import names
from sim.homes.dwelling import Installed
from sim.processes.furnish import HomeFiles
from sim.processes.furnish import furnish as write

_USES: Final[Mapping[DeviceId, Use]] = {
    names.KETTLE: Use.COOKING,
    names.RICE_COOKER: Use.COOKING,
    names.MICROWAVE: Use.COOKING,
    names.BLANKET: Use.HEATING,
    names.LIVING_NODE: Use.LIGHT,
}


def furnish(
    folders: Folders, plan: Plan, installed: Iterable[Installed], coap_port: int, name: str
) -> None:
    """Write the home's files, as an installer's tools would."""
    home = HomeFiles(
        gateway=GATEWAY,
        name=name,
        timezone=str(plan.zone),
        preset=plan.preset,
        host=HOST,
        port=coap_port,
        prompt_wait=PROMPT_WAIT,
    )
    write(folders.gateway, home, map(_marked, installed))


def _marked(one: Installed) -> Installed:
    """With what its plug is for."""
    use = _USES.get(one.device.id, one.device.use)
    return replace(one, device=replace(one.device, use=use))
