"""Puts the home of a story into its gateway's files."""

from collections.abc import Iterable

from sim.demo.folders import Folders
from sim.demo.plan import PROMPT_WAIT, Plan
from sim.demo.prepare import GATEWAY, HOST
from sim.homes.dwelling import Installed
from sim.processes.furnish import HomeFiles
from sim.processes.furnish import furnish as write


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
    write(folders.gateway, home, installed)
