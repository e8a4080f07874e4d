"""What the center has of the homes' records, and whom it holds for silent: as it goes."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from protocol.records import Record, RecordKind
from rules.alarm import PERSON_IN_DANGER
from sim.rig.center_end import CenterEnd, Stored
from sim.rig.gateway_end import Name
from sim.rig.site import Site
from sim.world.chronicle import Arrived, Turned

_LOOKS_MAX: Final = 50
"After so many looks a record counts, though its gateway never spoke of it."


class Arrivals:
    """Fills the chronicles of the homes with what the center has."""

    def __init__(self, center: CenterEnd, sites: Mapping[str, Site]) -> None:
        """`sites` by gateway."""
        self._danger: set[bytes] = set()
        "Ids of escalations of a person in danger, no drills, that the center has."
        self._center = center
        self._sites = sites
        self._known: set[bytes] = set()
        self._ids: dict[str, dict[Name, bytes]] = {gateway: {} for gateway in sites}
        self._pending: list[tuple[Stored, int]] = []
        self._silent: set[str] = set()

    @property
    def escalations(self) -> int:
        """Cases of a person in danger that the center has, as the figures count them."""
        return len(self._danger)

    @property
    def pending(self) -> bool:
        """Whether a gateway is still to say when it decided a record that has arrived."""
        return bool(self._pending)

    def look(self, now: datetime) -> None:
        """Note what is new."""
        self.take_in()
        for gateway, since in self._center.silent().items():
            if (since is not None) == (gateway in self._silent):
                continue
            self._silent ^= {gateway}
            turned = Turned(now, silent=False) if since is None else Turned(since, silent=True)
            self._sites[gateway].chronicle.turned.append(turned)

    def take_in(self) -> None:
        """Note what has arrived; when it was decided its gateway may be just about to say."""
        self._pending += [(one, 0) for one in self._center.arrived()]
        later = []
        for one, looks in self._pending:
            site = self._sites[one.gateway]
            decided = site.end.decided_at(_named(one.record))
            if decided is None and looks < _LOOKS_MAX:
                later.append((one, looks + 1))
            else:
                self._note(site, one, decided)
        self._pending = later

    def go_back(self) -> None:
        """The center was put back: what it no longer has is new to it again."""
        self._known = {id_ for _, _, id_ in self._center.stored()}
        self._danger &= self._known

    def finish(self) -> set[bytes]:
        """Note all that is left; ids of all records that ever came."""
        self.take_in()
        while self._pending:
            self.take_in()
        for gateway, site in self._sites.items():
            site.end.note_unwritten(self._ids[gateway])
        return {id_ for ids in self._ids.values() for id_ in ids.values()}

    def _note(self, site: Site, one: Stored, decided: datetime | None) -> None:
        record = one.record
        new = record.id not in self._known
        self._known.add(record.id)
        self._ids[one.gateway][_named(record)] = record.id
        site.chronicle.arrived.append(Arrived(one.at, record, new))
        danger = record.alarm in PERSON_IN_DANGER and not record.drill
        if record.kind is RecordKind.UPDATE or not danger:
            return
        self._danger.add(record.id)
        trouble = site.lives.trouble
        if trouble is None or trouble.found is not None:
            return
        if decided is not None and decided >= trouble.at:
            trouble.found = one.at


def _named(record: Record) -> Name:
    return record.boot, record.seq, record.wall
