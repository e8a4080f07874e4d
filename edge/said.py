"""What the home's devices say, as `ongi devices watch` shows it: a line each time."""

from collections.abc import Mapping
from datetime import tzinfo

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from edge.jsonable import Json, jsonable
from edge.words import Strength, change_in_words, reading_in_words, strength_in_words
from rules.air import Reception
from rules.events import LivenessChanged
from rules.observation import DeviceId, Observation, Phenomenon, Quality
from texts import Translator

_FAINT_DBM = -100.0
_PERCENT_PER_DB = 2.0
"As drivers tell the quality of a link: -100 dBm is 0 %, -50 dBm and more is 100 %."

_UNDER_ROOM = " " * 10

Said = Observation | LivenessChanged


class SaidScreen:
    """Renders in one language, with the home's local times."""

    def __init__(self, say: Translator, zone: tzinfo, rooms: Mapping[DeviceId, str]) -> None:
        self._say = say
        self._zone = zone
        self._rooms = rooms
        self._room_cells = max(map(cell_len, rooms.values()), default=0)
        self._name_cells = max(map(len, rooms), default=0)
        self._dbm: dict[DeviceId, float] = {}
        "As last heard of those that tell it."

    def line(self, said: Said, reception: Reception | None, width: int | None = None) -> Text:
        """When, where, who, what, and how it is received; None: wide as it may be."""
        at = said.at if isinstance(said, LivenessChanged) else said.phenomenon_time
        if isinstance(said, LivenessChanged):
            what = self._say.name(said.liveness)
        else:
            what = self._what(said)
        line = Text(
            "  ".join(
                (
                    f"{at.astimezone(self._zone):%H:%M:%S}",
                    set_cell_size(self._rooms.get(said.device, ""), self._room_cells),
                    f"{said.device:{self._name_cells}}",
                    what,
                )
            )
        )
        rssi_dbm = self._dbm.get(said.device, None if reception is None else reception.rssi_dbm)
        if rssi_dbm is not None:
            line.append_text(
                self._strength(rssi_dbm, None if width is None else width - line.cell_len)
            )
        if reception is not None and (change := change_in_words(self._say, reception)):
            gap = "  "
            if width is not None and line.cell_len + len(gap) + cell_len(change) > width:
                gap = f"\n{_UNDER_ROOM}"
            line.append(f"{gap}{change}", "yellow")
        return line

    def _strength(self, rssi_dbm: float, room: int | None) -> Text:
        """As much of bars, dBm and word as there is room for; below where there is none."""
        strength, told = Strength.of(rssi_dbm), strength_in_words(self._say, rssi_dbm)
        bars = (f"  {strength.bars.rstrip()} ", strength.colour)
        dbm = f"{rssi_dbm:.0f} dBm"
        shorter = (
            Text.assemble(bars, (told, "dim")),
            Text.assemble("  ", (told, "dim")),
            Text.assemble("  ", (dbm, strength.colour)),
        )
        below = Text.assemble(f"\n{_UNDER_ROOM}", (told, "dim"))
        return next((text for text in shorter if room is None or text.cell_len <= room), below)

    def _what(self, seen: Observation) -> str:
        if seen.phenomenon is Phenomenon.LINK_QUALITY:
            self._dbm[seen.device] = dbm_of(float(seen.value))
            return self._say.text("heard")
        doubt = "" if seen.quality is Quality.GOOD else f" ({self._say.name(seen.quality)})"
        return reading_in_words(self._say, seen.phenomenon, seen.value) + doubt


def dbm_of(percent: float) -> float:
    """The strength that a link quality was made of; 100 % is -50 dBm or more."""
    return _FAINT_DBM + percent / _PERCENT_PER_DB


def said_json(said: Said, room: str, reception: Reception | None) -> Json:
    """The same for programs."""
    told = jsonable(said)
    assert isinstance(told, dict)
    kind = "observation" if isinstance(said, Observation) else "liveness"
    return {"is": kind, **told, "room": room, "reception": jsonable(reception)}
