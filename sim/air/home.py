"""A home on the air: turns what happens in it into encrypted BTHome frames, and obeys commands.

Each device adverts every change several times as beacons do, and reports periodically as its
contract says. Who hears a frame is for the ether to say, and when it is sent for a `Broadcast`,
whose source this is.
"""

import heapq
import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from random import Random

from drivers.ble.bthome import UUID16
from rules.command import Signal
from rules.device import Device
from rules.observation import DeviceId, Phenomenon, Press, Value
from sim.air.told import CaughtUp, Told, What
from sim.air.transmitter import Transmitter
from sim.ble.frame import Frame, Point, flags, service_data
from sim.homes.act import Absence, Act, Occupant
from sim.homes.dwelling import Installed

_DAY = timedelta(days=1)
_REPORT_EARLY = 0.93
"A device reports a little more often than its contract asks."
_ANSWER_S = (4.0, 9.0)
"A prompt is heard, the resident gets up and presses the button."
_FIRST_WITHIN = timedelta(minutes=5)
_COPIES = 3
"So often a device adverts what has happened; a report is sent once."
_GAP = timedelta(milliseconds=100)
"Between copies."


@dataclass(frozen=True, slots=True)
class _Report:
    """A periodic report is due."""

    device: DeviceId


@dataclass(frozen=True, slots=True)
class _Beat:
    """A node says out of turn what it reads: so it can be found by whoever would connect."""

    device: DeviceId


@dataclass(frozen=True, slots=True)
class _Copy:
    """A frame is sent again, and then so often."""

    frame: Frame
    more: int


@dataclass(frozen=True, slots=True)
class _Pressed:
    """The resident answers a prompt at this device."""

    device: DeviceId


@dataclass(frozen=True, slots=True)
class _Fate:
    """The person collapses, or is well again."""

    what: What


@dataclass(frozen=True, slots=True)
class _Midnight:
    """A local day is over."""

    day: date


_Item = Act | _Report | _Beat | _Copy | _Pressed | _Fate | _Midnight


class VirtualHome:
    """The devices of a home and who lives in it: a `sim.ble.broadcast.Source`."""

    def __init__(
        self,
        installed: Iterable[Installed],
        occupant: Occupant,
        *,
        now: datetime,
        random: Random,
        zone: tzinfo,
        tell: Callable[[Told], None],
        place: Callable[[Device], Point],
    ) -> None:
        """Put a home on the air from `now` on.

        Args:
            installed: its devices.
            occupant: who lives in it.
            now: virtual time.
            random: draws phases and answers, in the order in which they happen.
            zone: of the home's days.
            tell: takes the news; must not block.
            place: where each device stands.

        """
        self._transmitters = {one.device.id: Transmitter(one, random) for one in installed}
        self._occupant = occupant
        self._random = random
        self._zone = zone
        self._tell = tell
        self._place = place
        self._absences: dict[datetime, Absence] = {}
        self._answering = False
        self._signs = 0
        self._order = itertools.count()
        self._agenda: list[tuple[datetime, int, _Item]] = []
        self._acts = occupant.acts()
        self.moment = now
        "Of what was emitted last."
        self.sooner: Callable[[], None] | None = None
        "Called when something is to be sent before what was next."
        self._plan(now)

    def caught_up(self, now: datetime) -> CaughtUp:
        """Until when everything was sent, at `now`."""
        until = min(now, self._agenda[0][0])
        return CaughtUp(until, self._occupant.next_by_hand(until))

    def befall(self, absence: Absence) -> None:
        """The person collapses at `absence.begin`, and with its `end` is well again then."""
        known = self._absences.get(absence.begin)
        self._absences[absence.begin] = absence
        if known is None:
            self._put(absence.begin, _Fate(What.COLLAPSED))
        if absence.end is not None and (known is None or known.end is None):
            self._put(absence.end, _Fate(What.WELL_AGAIN))

    def beat(self, device: DeviceId, now: datetime) -> None:
        """A node says what it reads, now."""
        self._put(now, _Beat(device))

    def signalled(self, device: DeviceId, signal: Signal, now: datetime) -> None:
        """A device lights, buzzes or stops; the resident may answer a prompt."""
        self._tell(Told(now, What.SIGNAL, signal.value))
        if signal is Signal.PROMPT and not self._answering and self._hears(now):
            self._answering = True
            wait = timedelta(seconds=self._random.uniform(*_ANSWER_S))
            self._put(now + wait, _Pressed(device))

    # ------------------------------------------------------------------- sim.ble.broadcast.Source

    def next_due(self) -> datetime:
        """When something happens next; there always is something."""
        return self._agenda[0][0]

    def emit(self, now: datetime) -> list[Frame]:
        """The frames of the next thing that happens, if it is due: of one `moment` at a time."""
        at, _, item = self._agenda[0]
        if at > now:
            return []
        heapq.heappop(self._agenda)
        self.moment = at
        return self._happen(at, item)

    # ------------------------------------------------------------------------------- the agenda

    def _plan(self, now: datetime) -> None:
        for name, transmitter in self._transmitters.items():
            every = transmitter.device.report_every
            # All are heard within the first minutes, as after an installer's walk test.
            first = now + min(every, _FIRST_WITHIN) * self._random.random()
            self._put(first, _Report(name))
        today = now.astimezone(self._zone).date()
        self._put(datetime.combine(today + _DAY, time(), self._zone), _Midnight(today))
        for act in self._acts:
            if act.at >= now:
                self._put(act.at, act)
                break
            # It happened before anybody listened, and left the device as it is now.
            self._transmitters[act.device].read(act)

    def _next_act(self, now: datetime) -> None:
        act = next(self._acts, None)
        if act is None:
            self._tell(Told(now, What.OVER))
        else:
            self._put(act.at, act)

    def _put(self, at: datetime, item: _Item) -> None:
        heapq.heappush(self._agenda, (at, next(self._order), item))
        if self.sooner is not None and self._agenda[0][2] is item:
            self.sooner()

    def _happen(self, at: datetime, item: _Item) -> list[Frame]:
        match item:
            case Act():
                self._next_act(at)
                return self._act(item)
            case _Report(name):
                transmitter = self._transmitters[name]
                every = transmitter.device.report_every * _REPORT_EARLY
                self._put(at + every * self._random.uniform(0.98, 1.02), item)
                return self._report(transmitter)
            case _Beat(name):
                return self._report(self._transmitters[name])
            case _Copy(frame, more):
                self._again(at, frame, more)
                return [frame]
            case _Pressed(name):
                self._answering = False
                if self._hears(at):
                    self._tell(Told(at, What.ANSWERED))
                    pressed = (Phenomenon.BUTTON, Press.SINGLE)
                    return self._news(at, self._transmitters[name], pressed)
            case _Fate(what):
                self._tell(Told(at, what))
            case _Midnight(day):
                self._tell(Told(at, What.DAY, day.isoformat(), self._signs))
                self._signs = 0
                self._put(at + _DAY, _Midnight(day + _DAY))
        return []

    def _act(self, act: Act) -> list[Frame]:
        if act.hand is not None:
            if self._absent(act.hand):
                return []
            self._signs += act.hand == act.at
        if act.scene is not None:
            self._tell(Told(act.at, What.SCENE, act.scene.value))
        transmitter = self._transmitters[act.device]
        transmitter.read(act)
        return self._news(act.at, transmitter, (act.phenomenon, act.value))

    def _report(self, transmitter: Transmitter) -> list[Frame]:
        said = transmitter.report()
        return [self._frame(transmitter, said, event=False)] if said else []

    def _news(
        self, at: datetime, transmitter: Transmitter, said: tuple[Phenomenon, Value]
    ) -> list[Frame]:
        frame = self._frame(transmitter, (said,), event=True)
        self._again(at, frame, _COPIES - 1)
        return [frame]

    def _again(self, at: datetime, frame: Frame, more: int) -> None:
        if more:
            self._put(at + _GAP, _Copy(frame, more - 1))

    def _frame(
        self,
        transmitter: Transmitter,
        values: tuple[tuple[Phenomenon, Value], ...],
        *,
        event: bool,
    ) -> Frame:
        device = transmitter.device
        data = service_data(UUID16, transmitter.frame(values, event=event))
        place = self._place(device)
        return Frame(device.address, flags() + data, place, connectable=bool(device.outputs))

    # ------------------------------------------------------------------------------- the person

    def _absent(self, moment: datetime) -> bool:
        return any(absence.covers(moment) for absence in self._absences.values())

    def _hears(self, moment: datetime) -> bool:
        return not self._absent(moment) and self._occupant.at_home(moment)
