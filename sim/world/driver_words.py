"""What drivers say of themselves and of their frames, by production's own rules."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from drivers.refusals import Refusals
from drivers.refused import Why
from edge.driver_faults import LOST_AFTER, REFUSED_EVERY
from rules.alarm import AlarmKind
from rules.device import Link
from rules.inputs import Technical
from rules.observation import DeviceId
from rules.sentence import Say, Sentence, sentence
from sim.faults.fate import moment_us
from sim.faults.fault import Fault, FaultKind


class Driven(NamedTuple):
    """What a driver says of itself or of its frames."""

    at: datetime
    technical: Technical


class DriverWords:
    """What the drivers say that is no observation."""

    def __init__(self, links: Sequence[Link], ours: Sequence[Fault], start: datetime) -> None:
        self._known = sorted(_lost_radios(links, ours, start), key=lambda one: one.at)
        self._known.reverse()
        self._refusals = Refusals()
        self._told: list[Driven] = []
        self._last_refused: dict[DeviceId, datetime] = {}

    def refuse(self, device: DeviceId, why: Why, at: datetime) -> None:
        """A frame was refused."""
        self._last_refused[device] = at
        fault = self._refusals.refuse(device, why, moment_us(at), at)
        if fault is not None:
            said = Technical(fault.kind, fault.scope, fault.present, fault.sentence)
            self._told.append(Driven(at, said))

    def due(self) -> datetime | None:
        """When the next is said, as far as is known."""
        moments = [one.at for one in (*self._known[-1:], *self._told)]
        moments += [last + REFUSED_EVERY for last in self._last_refused.values()]
        return min(moments, default=None)

    def items(self, upto: datetime) -> list[Driven]:
        """All that is said up to and with `upto`, once."""
        found = [one for one in self._told if one.at <= upto]
        self._told = [one for one in self._told if one.at > upto]
        while self._known and self._known[-1].at <= upto:
            found.append(self._known.pop())
        quiet = {last + REFUSED_EVERY for last in self._last_refused.values()}
        for at in sorted(moment for moment in quiet if moment <= upto):
            found += [
                Driven(at, Technical(fault.kind, fault.scope, fault.present, fault.sentence))
                for fault in self._refusals.over(moment_us(at), at)
            ]
        self._last_refused = {
            device: last
            for device, last in self._last_refused.items()
            if last + REFUSED_EVERY > upto
        }
        found.sort(key=lambda one: one.at)
        return found


def _lost_radios(
    links: Sequence[Link], ours: Sequence[Fault], start: datetime
) -> Iterator[Driven]:
    """Said 30 s after an adapter went, and taken back when it is there again."""
    spans: list[tuple[datetime, datetime]] = []
    lost = [one for one in ours if one.kind is FaultKind.RADIO_LOST]
    for fault in sorted(lost, key=lambda one: one.begin):
        begin = start + fault.begin
        end = begin + fault.lasting
        if spans and begin <= spans[-1][1]:
            first, last = spans.pop()
            begin, end = first, max(last, end)
        spans.append((begin, end))
    for link in links:
        scope = DeviceId(f"driver:{link}")
        for begin, end in spans:
            known = begin + LOST_AFTER
            if known < end:
                said = sentence(Say.DRIVER_LOST, at=known, driver=link.value)
                yield _of_radio(known, scope, said, present=True)
            # Said even where nothing was: one of an earlier run of the gateway ends here.
            yield _of_radio(end, scope, sentence(Say.FAULT_OVER, at=end), present=False)


def _of_radio(at: datetime, scope: DeviceId, said: Sentence, *, present: bool) -> Driven:
    return Driven(at, Technical(AlarmKind.DRIVER_LOST, scope, present, said))
