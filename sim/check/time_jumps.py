"""No alarm caused by a time jump: whatever is raised was due by the true time.

By the true time, and but for what a clock may be off by itself (`clock_error`):

- An inactivity alarm, and each higher level of it, has the silence behind it that it claims
  (`sim.check.claim`), or that of its limit, since the last sign of life that the gateway counted,
  and a prompt one of the first limit less its wait, or an hour where habits may be known.
  Signs that a power cut took before they were on disk do not count. One case is excused: the last
  sign was before the gateway's last start, and then or now it is sure of a false date, for which
  NTP vouched (`sim.check.dates`). Who is asked since no morning came may have been seen by night.
- A dead device was not heard for `health.dead_after` periods of listening time; with a blind home
  no watching device for `stale_after` periods; a power cut told from silence has enough devices
  on the mains so silent.
- A hazard stood for its hold since its condition began, and for `repeat_after` since a person
  closed its case.
- In the item that set the clock no call for help is raised, and no command expires before its
  ten seconds.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from rules.alarm import AlarmKey, AlarmKind, Move
from rules.codec import moment_at, moment_us
from rules.device import Device
from rules.errors import Phrase, phrase
from rules.events import (
    AlarmMoved,
    Commanded,
    ConditionChanged,
    Escalated,
    Stage,
    TimeMoved,
    Updated,
)
from rules.hazard import KINDS as HAZARDS
from rules.observation import Phenomenon
from rules.signals import COMMAND_WITHIN
from sim.check.claim import claimed
from sim.check.dates import Dates
from sim.check.forgetting import down, forgettings, last_known
from sim.check.hazard_holds import hold
from sim.check.listening import (
    HEARD_KEPT_AFTER,
    LIFE_KEPT_AFTER,
    Listening,
    clock_error,
    late_at_most,
    watching,
)
from sim.check.sent import called, named
from sim.check.silence import INACTIVITY
from sim.check.violation import Violation, lasting
from sim.world.chronicle import Chronicle, Decided, HomeChronicle

NAME: Final = "no-alarm-from-a-time-jump"
_US = timedelta(microseconds=1)
_LEARNT_AFTER = timedelta(days=7)
"No gateway goes by habits that it learnt in fewer days."
_NEVER_WITHIN = timedelta(hours=1)
"Nor asks for a silence shorter than this because of them."


def check(chronicle: Chronicle) -> Iterator[Violation]:
    """Alarms that were not due by the true time."""
    for home in chronicle.homes:
        yield from _Reckoning(chronicle, home).violations()


class _Reckoning:
    """One home's decisions, gone through in order."""

    def __init__(self, chronicle: Chronicle, home: HomeChronicle) -> None:
        self._chronicle = chronicle
        self._home = home
        found = forgettings(chronicle, home)
        self._forgettings = found
        self._listening = Listening(down(found))
        self._signs = sorted(home.signs)
        self._start = moment_us(chronicle.start)
        self._began: dict[AlarmKey, datetime] = {}
        self._closed: dict[AlarmKey, datetime] = {}
        self._commanded: dict[str, datetime] = {}
        self._set_at: tuple[datetime, int] | None = None
        self._dates = Dates(chronicle, home)

    def violations(self) -> Iterator[Violation]:
        """All of them."""
        for decided in self._home.decided:
            event = decided.event
            match event:
                case TimeMoved():
                    self._set_at = (decided.at, decided.boot)
                case ConditionChanged(_, alarm, present):
                    if present:
                        self._began[alarm] = decided.at
                case Commanded(_, command):
                    self._commanded[str(command.device)] = decided.at
                case AlarmMoved(_, alarm, Move.CLOSE):
                    self._closed[alarm] = decided.at
                case AlarmMoved(_, alarm, Move.PROMPT) if alarm == INACTIVITY:
                    yield from self._silent(
                        decided,
                        self._asked_after(decided.at),
                        phrase("{alarm} prompted", alarm=alarm),
                    )
                case Updated() if event.alarm == INACTIVITY and event.stage is Stage.LEVEL:
                    limits = self._home.book.inactivity.limits
                    limit = limits[min(event.level, len(limits)) - 1]
                    yield from self._silent(decided, limit, called(event))
                case Escalated() if not event.drill:
                    yield from self._escalated(decided, event)

    def _escalated(self, decided: Decided, event: Escalated) -> Iterator[Violation]:
        kind = event.alarm.kind
        if kind is AlarmKind.INACTIVITY:
            limits = self._home.book.inactivity.limits
            yield from self._silent(decided, claimed(event, limits), called(event))
        elif kind is AlarmKind.DEVICE:
            own = [device for device in self._home.devices if device.id == event.alarm.scope]
            yield from self._deaf(decided, event, self._home.book.health.dead_after, 1, own)
        elif kind is AlarmKind.HOME_BLIND:
            # Of one that was never heard nobody says since when it is silent.
            devices = [
                device for device in watching(self._home) if self._home.heard.get(device.id)
            ]
            stale = self._home.book.health.stale_after
            yield from self._deaf(decided, event, stale, len(devices), devices)
        elif kind is AlarmKind.MAINS_OUTAGE:
            yield from self._without_mains(decided, event)
        elif kind in HAZARDS:
            yield from self._held(decided, event)
        elif self._set_at == (decided.at, decided.boot):
            yield from self._in_the_item(decided, event)

    def _asked_after(self, at: datetime) -> timedelta:
        rule = self._home.book.inactivity
        first = rule.limits[0] - rule.prompt_wait
        if rule.learn and at - self._chronicle.start >= _LEARNT_AFTER:
            # A prompt does not say why it comes; the call that follows does.
            return min(first, _NEVER_WITHIN)
        return first

    def _silent(self, decided: Decided, limit: timedelta, what: Phrase) -> Iterator[Violation]:
        at = moment_us(decided.at)
        known = last_known(self._signs, decided.at, self._forgettings, LIFE_KEPT_AFTER)
        since = self._start if known is None else known
        silence = (at - since) * _US
        if self._dates.deceived(decided.at, moment_at(since)):
            return
        if silence < limit - clock_error(self._chronicle, self._home, decided.at):
            yield self._early(
                decided,
                what,
                phrase(
                    "after a silence of {span}, and its limit is {limit}",
                    span=lasting(silence),
                    limit=lasting(limit),
                ),
                phrase("last sign of life {at}", at=moment_at(since).isoformat()),
            )

    def _deaf(
        self,
        decided: Decided,
        event: Escalated,
        periods: int,
        needed: int,
        devices: list[Device],
    ) -> Iterator[Violation]:
        """At least `needed` of `devices` were silent for so long."""
        error = clock_error(self._chronicle, self._home, decided.at)
        heard = [
            (device, silence)
            for device in devices
            if (silence := self._unheard(device, decided.at))
            < periods * device.report_every - late_at_most(self._home, device) - error
        ]
        if len(devices) - len(heard) < needed:
            device, silence = min(heard, key=lambda each: each[1])
            yield self._early(
                decided,
                called(event),
                phrase(
                    "though {device} was unheard for {span} only, of {limit}",
                    device=device.id,
                    span=lasting(silence),
                    limit=lasting(periods * device.report_every),
                ),
                phrase("{heard} of {all} devices were heard", heard=len(heard), all=len(devices)),
            )

    def _unheard(self, device: Device, at: datetime) -> timedelta:
        moments = self._home.heard.get(device.id, ())
        known = last_known(moments, at, self._forgettings, HEARD_KEPT_AFTER)
        # One that was never heard may have been dead all along.
        since = self._start if known is None else known
        return self._listening.between(since, moment_us(at)) * _US

    def _without_mains(self, decided: Decided, event: Escalated) -> Iterator[Violation]:
        home = self._home
        if any(Phenomenon.MAINS_OK in device.phenomena for device in home.devices):
            return  # What such a device said is not in the chronicle.
        powered = [device for device in home.devices if device.mains_powered]
        needed = max(home.book.mains.devices, (len(powered) + 1) // 2)
        stale = home.book.health.stale_after
        yield from self._deaf(decided, event, stale, needed, powered)

    def _held(self, decided: Decided, event: Escalated) -> Iterator[Violation]:
        began = self._began.get(event.alarm)
        if began is None:
            return  # A power cut kept its beginning from being told.
        limits = self._home.book.hazard
        error = clock_error(self._chronicle, self._home, decided.at)
        stood = decided.at - began
        if stood < hold(event.alarm.kind, limits) - error:
            yield self._early(
                decided,
                called(event),
                phrase(
                    "after {span}, and its hold is {limit}",
                    span=lasting(stood),
                    limit=lasting(hold(event.alarm.kind, limits)),
                ),
                phrase("condition began {at}", at=began.isoformat()),
            )
        closed = self._closed.get(event.alarm)
        if closed is None or closed < began:
            return
        if decided.at - closed < limits.repeat_after - error:
            yield self._early(
                decided,
                called(event),
                phrase(
                    "{span} after its case was closed, and it is repeated after {limit}",
                    span=lasting(decided.at - closed),
                    limit=lasting(limits.repeat_after),
                ),
                phrase("closed {at}", at=closed.isoformat()),
            )

    def _in_the_item(self, decided: Decided, event: Escalated) -> Iterator[Violation]:
        if event.alarm.kind is AlarmKind.SOS:
            yield self._early(
                decided,
                called(event),
                phrase("in the item that set the clock"),
                phrase("nobody pressed"),
            )
        elif event.alarm.kind is AlarmKind.COMMAND_FAILED:
            sent = self._commanded.get(str(event.alarm.scope))
            error = clock_error(self._chronicle, self._home, decided.at)
            if sent is not None and decided.at - sent < COMMAND_WITHIN - error:
                yield self._early(
                    decided,
                    called(event),
                    phrase(
                        "{span} after the command, in the item that set the clock",
                        span=lasting(decided.at - sent),
                    ),
                    phrase("commanded {at}", at=sent.isoformat()),
                )

    def _early(self, decided: Decided, what: Phrase, why: Phrase, line: Phrase) -> Violation:
        moved = [one for one in self._home.moved if one.at <= decided.at]
        event = decided.event
        full = named(event) if isinstance(event, Escalated | Updated) else what
        evidence = [phrase("decided {at} {what}", at=decided.at.isoformat(), what=full), line]
        if moved:
            last = moved[-1]
            evidence.append(
                phrase(
                    "clock moved {at} by {span}",
                    at=last.at.isoformat(),
                    span=lasting(last.shift_us * _US),
                )
            )
        return Violation(
            NAME,
            self._home.number,
            decided.at,
            phrase("{what} {why}.", what=what, why=why),
            tuple(evidence),
        )
