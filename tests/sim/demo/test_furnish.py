"""The demo's home is entered as an installer would enter it."""

from datetime import date
from pathlib import Path

from edge.registry import Registry
from rules.device import Use
from sim.demo.folders import Folders
from sim.demo.furnish import furnish
from sim.demo.plan import plan
from sim.homes.household import simulated
from tests.sim.demo.test_plan import ASKED
from texts import Language


def test_what_the_plugs_are_for_is_entered(tmp_path: Path) -> None:
    folders, day = Folders(tmp_path), date(2026, 11, 22)
    folders.gateway.mkdir()
    drama = plan(ASKED, day)
    furnish(folders, drama, simulated(1, drama.start, Language.KO).installed, 5683, "home")
    uses: dict[str, Use | None] = {
        one.id: one.use for one in Registry.load(folders.gateway).devices
    }
    assert uses["kettle"] is uses["rice-cooker"] is Use.COOKING
    assert uses["electric-blanket"] is Use.HEATING
    assert uses["living-node"] is Use.LIGHT
    assert uses["television"] is None
