"""A home's evidence as its files have it, put in order of true time."""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from edge.evidence_files import files, lines
from edge.evidence_line import Evidence, decode, loaded, moment
from rules.device import Device, Liveness
from rules.errors import FrameError
from rules.events import (
    AlarmMoved,
    AwayBegan,
    DevicesChanged,
    LivenessChanged,
    Started,
    TimeMoved,
)
from rules.observation import DeviceId, Observation


@dataclass(frozen=True, slots=True)
class History:
    """All evidence from a moment on."""

    trusted: bool
    "Whether the clock was trusted at the beginning."
    devices: tuple[Device, ...]
    "At the beginning."
    events: tuple[Evidence, ...]
    "By `moment`."
    damaged: int
    "Lines that could not be read."


def history(folder: Path, since: datetime | None = None) -> History:
    """The evidence in a folder; the gateway may be writing there.

    Raises:
        OSError: it cannot be read.

    """
    logged, damaged = _read(folder)
    events = sorted(corrected(logged), key=moment)
    first = 0 if since is None else bisect_left(events, since, key=moment)
    standing = _Standing()
    for event in events:
        if first < len(events) and moment(event) <= moment(events[first]):
            standing.changed_by(event)
    # A gateway that starts for the first time is told of its devices right after the start.
    trusted, devices = standing.trusted, standing.devices or _first_devices(events[first:])
    standing.devices = devices
    silent = [] if first == len(events) else standing.silent(moment(events[first]))
    told = [event for event in events[first:] if standing.changed_by(event)]
    return History(trusted, devices, (*silent, *told), damaged)


def corrected(events: Sequence[Evidence]) -> list[Evidence]:
    """Events as they were logged, with the moments that a wrong clock gave them put right.

    As `rules.redating` does it when time moves: what happened since the clock was anchored
    moves along, and nothing lies later than the setting itself.
    """
    told = list(events)
    anchored, trusted = 0, False
    for n, event in enumerate(events):
        if isinstance(event, Started) and trusted:
            anchored = n
        elif isinstance(event, TimeMoved):
            trusted = event.trusted
            if event.shift:
                change = _moved_by(event)
                for earlier in range(anchored, n):
                    told[earlier] = at_other_time(told[earlier], change)
    return told


def _moved_by(setting: TimeMoved) -> Callable[[datetime], datetime]:
    return lambda moment: min(moment + setting.shift, setting.at)


def at_other_time(
    event: Evidence, change: Callable[[datetime], datetime], *, ends_too: bool = False
) -> Evidence:
    """The event with its moments changed; with `ends_too` those that people set as well."""
    if isinstance(event, Observation):
        times = change(event.phenomenon_time), change(event.result_time)
        return replace(event, phenomenon_time=times[0], result_time=times[1])
    if ends_too and isinstance(event, AwayBegan | AlarmMoved) and event.until is not None:
        return replace(event, at=change(event.at), until=change(event.until))
    return replace(event, at=change(event.at))


def _read(folder: Path) -> tuple[list[Evidence], int]:
    events: list[Evidence] = []
    damaged = 0
    for path in files(folder):
        try:
            for line in lines(path):
                try:
                    events.append(decode(loaded(line or b"")))
                except FrameError:
                    damaged += 1
        except FileNotFoundError:
            continue  # The gateway has deleted it meanwhile.
    return events, damaged


class _Standing:
    """What holds after each event. Each file of the log repeats it at its beginning."""

    def __init__(self) -> None:
        self.devices: tuple[Device, ...] = ()
        self.trusted = False
        self._liveness: dict[DeviceId, Liveness] = {}

    def silent(self, at: datetime) -> list[Evidence]:
        """Which devices are known not to be live."""
        return [
            LivenessChanged(at, device, how)
            for device, how in self._liveness.items()
            if how is not Liveness.LIVE
        ]

    def changed_by(self, event: Evidence) -> bool:
        """Whether an event says anything that did not hold before."""
        if isinstance(event, DevicesChanged):
            before, self.devices = self.devices, event.devices
            return before != self.devices
        if isinstance(event, TimeMoved):
            held, self.trusted = self.trusted, event.trusted
            return held != self.trusted or bool(event.shift)
        if isinstance(event, LivenessChanged):
            known = self._liveness.get(event.device)
            self._liveness[event.device] = event.liveness
            return known is not event.liveness
        return True


def _first_devices(events: Sequence[Evidence]) -> tuple[Device, ...]:
    changes = (event.devices for event in events if isinstance(event, DevicesChanged))
    return next(filter(None, changes), ())
