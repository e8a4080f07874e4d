"""What befalls the center: killed, put back to a backup, slow, out of its mind."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final

from sim.faults.fault import Fault, FaultKind
from sim.rig.agenda import Agenda
from sim.rig.arrivals import Arrivals
from sim.rig.center_end import CenterEnd
from sim.rig.duty import Duty
from sim.rig.site import Site
from sim.world.chronicle import Chronicle
from sim.world.switches import Switches

_DOWN: Final = (FaultKind.CENTER_KILLED, FaultKind.CENTER_RESTORED)


class Ward:
    """Does to the center what its faults say."""

    def __init__(  # noqa: PLR0913 -- all that it changes or tells
        self,
        center: CenterEnd,
        switches: Switches,
        chronicle: Chronicle,
        *,
        agenda: Agenda,
        arrivals: Arrivals,
        duty: Duty,
        sites: Mapping[str, Site],
        work: Callable[[Callable[[], Awaitable[None]]], None],
    ) -> None:
        """`work` has something done that takes real time."""
        self.kills = 0
        self.missed: list[str] = []
        self._center = center
        self._switches = switches
        self._chronicle = chronicle
        self._agenda = agenda
        self._arrivals = arrivals
        self._duty = duty
        self._sites = sites
        self._work = work
        self._backup_of: datetime | None = None

    def begin(self, faults: Iterable[Fault]) -> None:
        """Have them begin and end as planned."""
        start = self._chronicle.start
        for fault in faults:
            begin = start + fault.begin
            if fault.kind is FaultKind.CENTER_RESTORED:
                kept = max(begin - timedelta(seconds=round(fault.amount)), start)
                self._at(kept, self._keep, fault)
            self._at(begin, self._break, fault)
            self._at(begin + fault.lasting, self._mend, fault)

    def _at(self, moment: datetime, act: Callable[[Fault], Awaitable[None]], fault: Fault) -> None:
        self._agenda.at(moment, lambda: self._work(lambda: act(fault)))

    async def _keep(self, _: Fault) -> None:
        now = self._agenda.now
        if not self._center.up:
            return
        if await self._center.keep_backup():
            self._backup_of = now
        else:
            self.missed.append("ongi center backup")

    async def _break(self, fault: Fault) -> None:
        self._switches.begin(fault)
        if fault.kind not in _DOWN:
            await self._look_at_ways()
        elif self._center.up:
            await self._kill()

    async def _mend(self, fault: Fault) -> None:
        self._switches.end(fault)
        if fault.kind is FaultKind.CENTER_RESTORED and self._backup_of is not None:
            await self._restore(self._backup_of)
        if not self._center.up and not any(map(self._switches.on, _DOWN)):
            await self._center.start()
        await self._look_at_ways()

    async def _kill(self) -> None:
        self.kills += 1
        await self._center.kill()
        self._arrivals.take_in()

    async def _restore(self, backup_of: datetime) -> None:
        if self._center.up:
            await self._kill()
        if not await self._center.restore_backup():
            self.missed.append("ongi center restore")
            return
        self._chronicle.restored.append((self._agenda.now, backup_of))
        self._arrivals.go_back()
        self._duty.look_anew()

    async def _look_at_ways(self) -> None:
        for site in self._sites.values():
            await site.box.look_at_way()
