"""One rulebook on one home: the engine, and the people who answer it.

Nobody answered when a home was recorded, so this is assumed of the center: a case whose condition
is over (life again, no more smoke, a device back) is closed at once, a call for help an hour after
it was raised; who lies on the floor has help an hour after the first escalation, and then lives on
as planned. Devices carry commands out. Engine time stands still between what happens and what
falls due: there is no tick in between.
"""

import heapq
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import count

from rules import inactivity
from rules.alarm import PERSON_IN_DANGER, AlarmKey, AlarmKind, Move
from rules.command import Command, Signal
from rules.device import Device
from rules.engine import Engine
from rules.events import (
    AlarmMoved,
    CaseClosed,
    Commanded,
    Escalated,
    Event,
    Outcome,
    Stage,
    Updated,
)
from rules.inputs import Boot, Closed, CommandResult, DeviceChanged, Input, Tick
from rules.observation import DeviceId, Observation, Phenomenon, Press
from rules.rulebook import Rulebook
from sim.homes.act import Absence, Act, Plight
from sim.replay.verdict import Raised, Verdict

FOUND_ANYWAY = timedelta(hours=72)
"Somebody comes without any alarm; the collapse counts as missed."
_HELP_AFTER = timedelta(hours=1)
_CALL_CLOSED_AFTER = timedelta(hours=1)
_ANSWERS_AFTER = timedelta(minutes=1)
_OVER = frozenset({Stage.CLEARED, Stage.CANCELLED})


@dataclass(frozen=True, slots=True)
class _Pressed:
    """The resident answers a prompt at this device."""

    device: DeviceId


@dataclass(frozen=True, slots=True)
class _Helped:
    """Somebody stands beside the person of this collapse."""

    collapse: int


_Due = Act | Closed | _Pressed | _Helped


class Trial:
    """A home under one rulebook, from its first moment on."""

    def __init__(
        self,
        book: Rulebook,
        devices: tuple[Device, ...],
        at: datetime,
        hears: Callable[[datetime], bool] | None = None,
        *,
        trusted: bool = True,
    ) -> None:
        """Start the gateway of a home.

        Args:
            book: the rules.
            devices: all of the home.
            at: the beginning.
            hears: whether the resident would answer a prompt at that moment; None for a recorded
                life, which answers only by what it did anyway.
            trusted: whether the clock is right.

        """
        self._engine = Engine(book)
        self._hears = hears
        self._buttons = {one.id for one in devices if Phenomenon.BUTTON in one.phenomena}
        self._agenda: list[tuple[datetime, int, _Due]] = []
        self._order = count()
        self._deadline: datetime | None = None
        self._next: datetime | None = None
        self._answering = False
        self._lies: Absence | None = None
        self._escalated = False
        self._cases: dict[int, int] = {}
        self.raised: list[Raised] = []
        "In order of time."
        self._asked = self._answered = self._vain = 0
        self._collapses = self._known = self._missed = 0
        self._found: list[timedelta] = []
        self.put(Boot(1, timedelta(), trusted=trusted), at)
        self.put(DeviceChanged(devices), at)

    def hear(self, seen: Observation) -> None:
        """Take in what a device said, no earlier than all before."""
        at = seen.result_time
        if self._next is not None and at >= self._next:
            self._pass(at)
        events = self._engine.handle(seen, at)
        if len(events) > 1:
            self._take(events, at)
        # Else it was a routine report: it moves no deadline forward.

    def act(self, act: Act, seen: Observation) -> None:
        """Take in what somebody or something did, unless that person lies on the floor.

        `seen` is what the device says of it.
        """
        if self._lies is None or act.hand is None or not self._lies.covers(act.hand):
            self.hear(seen)

    def put(self, item: Input, at: datetime) -> None:
        """Take in anything."""
        if isinstance(item, Observation):
            self.hear(item)
            return
        # While a gateway is down nothing falls due.
        self._pass(at - item.down if isinstance(item, Boot) else at)
        self._take(self._engine.handle(item, at), at)

    def plight(self, plight: Plight) -> None:
        """Let the resident need help from now on."""
        self._pass(plight.at)
        if self._lies is not None and self._lies.end is None:
            return  # Who lies there already falls no deeper.
        self._collapses += 1
        self._lies = Absence(plight.at)
        self._escalated = any(
            self.raised[at].key.kind is AlarmKind.INACTIVITY for at in self._cases.values()
        )
        for act in plight.acts:
            self._plan(act.at, act)
        helped = _Helped(self._collapses)
        if self._escalated:
            self._known += 1
            self._plan(plight.at + _HELP_AFTER, helped)
        else:
            self._plan(plight.at + FOUND_ANYWAY, helped)
        self._look_ahead(plight.at)

    def close(self, alarm: AlarmKey, outcome: Outcome, at: datetime) -> None:
        """Let the center close what is open of this alarm."""
        self._pass(at)
        for serial, number in list(self._cases.items()):
            if self.raised[number].key == alarm:
                self._handle(Closed(serial, outcome), at)

    def finish(self, at: datetime) -> Verdict:
        """Let time pass until `at`, the end, and sum up."""
        self._pass(at)
        raised = Counter(one.key.kind for one in self.raised)
        return Verdict(
            raised=tuple(sorted(raised.items())),
            asked=self._asked,
            answered=self._answered,
            silences=tuple(one.silence for one in self.raised if one.silence is not None),
            vain=self._vain,
            collapses=self._collapses,
            known=self._known,
            missed=self._missed,
            found=tuple(self._found),
        )

    # ------------------------------------------------------------------------------------- time

    def _pass(self, at: datetime) -> None:
        """Let everything happen that falls due until `at`."""
        while self._next is not None and self._next <= at:
            moment = self._next
            if self._deadline is not None and self._deadline <= moment:
                due = self._deadline
                events = self._engine.handle(Tick(), moment)
                self._take(events, moment)
                assert events or self._deadline != due, f"a tick at {moment} moves no deadline"
            else:
                _, _, item = heapq.heappop(self._agenda)
                self._happen(item, moment)
                self._look_ahead(moment)

    def _look_ahead(self, now: datetime) -> None:
        self._deadline = coming = self._engine.next_deadline()
        if self._agenda and (coming is None or self._agenda[0][0] < coming):
            coming = self._agenda[0][0]
        # What was due before is due now: the engine's time never runs back.
        self._next = None if coming is None else max(coming, now)

    def _plan(self, at: datetime, item: _Due) -> None:
        heapq.heappush(self._agenda, (at, next(self._order), item))

    def _happen(self, item: _Due, at: datetime) -> None:
        match item:
            case Act(device=device, phenomenon=phenomenon, value=value):
                if self._lies is not None and self._lies.covers(at):
                    self._handle(Observation(device, phenomenon, value, at, at), at)
            case _Pressed(device):
                self._answering = False
                if self._lies is None or not self._lies.covers(at):
                    press = Observation(device, Phenomenon.BUTTON, Press.SINGLE, at, at)
                    self._handle(press, at)
            case Closed():
                self._handle(item, at)
            case _Helped(collapse):
                self._help(collapse, at)

    def _help(self, collapse: int, at: datetime) -> None:
        lies = self._lies
        if lies is None or lies.end is not None or collapse != self._collapses:
            return
        self._lies = Absence(lies.begin, at)
        self._missed += not self._escalated
        for serial, number in list(self._cases.items()):
            if self.raised[number].key.kind in PERSON_IN_DANGER:
                self._handle(Closed(serial, Outcome.REAL), at)

    # ---------------------------------------------------------------------------- what is decided

    def _handle(self, item: Input, at: datetime) -> None:
        self._take(self._engine.handle(item, at), at)

    def _take(self, events: Sequence[Event], at: datetime) -> None:
        """Do what the events ask for, and what is assumed to follow from them."""
        followed: list[Input] = []
        for event in events:
            match event:
                case Commanded(command=command):
                    followed.append(CommandResult(command.id))
                    self._told(command, at)
                case Escalated():
                    self._raise(event)
                case Updated():
                    self._news(event)
                    if event.stage in _OVER:
                        followed.append(Closed(event.refers, Outcome.FALSE))
                case CaseClosed(serial=serial):
                    self._end(serial, at)
                case AlarmMoved(move=Move.PROMPT):
                    self._asked += 1
                case AlarmMoved(move=Move.ANSWER):
                    self._answered += 1
                case _:
                    pass
        for item in followed:
            self._handle(item, at)
        self._look_ahead(at)

    def _told(self, command: Command, at: datetime) -> None:
        if command.signal is not Signal.PROMPT or self._hears is None or self._answering:
            return
        if command.device in self._buttons and self._hears(at):
            self._answering = True
            self._plan(at + _ANSWERS_AFTER, _Pressed(command.device))

    def _raise(self, event: Escalated) -> None:
        kind = event.alarm.kind
        lies = self._lies if self._lies is not None and self._lies.end is None else None
        if event.drill:
            return
        silence = None
        if kind is AlarmKind.INACTIVITY:
            since = inactivity.silent_since(self._engine.state, self._engine.book)
            silence = None if since is None else event.at - since
        elif kind is AlarmKind.SOS:
            self._plan(event.at + _CALL_CLOSED_AFTER, Closed(event.serial, Outcome.FALSE))
        self._cases[event.serial] = len(self.raised)
        self.raised.append(
            Raised(
                event.alarm,
                event.at,
                None,
                event.level,
                event.room,
                event.explanation,
                silence,
                needed=lies is not None and kind in PERSON_IN_DANGER,
            )
        )
        if lies is not None and kind in PERSON_IN_DANGER and not self._escalated:
            self._escalated = True
            self._found.append(event.at - lies.begin)
            self._plan(event.at + _HELP_AFTER, _Helped(self._collapses))

    def _news(self, event: Updated) -> None:
        number = self._cases.get(event.refers)
        if number is None:
            return
        one = self.raised[number]
        if event.stage is Stage.LEVEL:
            self.raised[number] = replace(one, level=max(one.level, event.level))
        elif one.until is None:
            self.raised[number] = replace(one, until=event.at)
            self._vain += one.key.kind is AlarmKind.INACTIVITY and not one.needed

    def _end(self, serial: int, at: datetime) -> None:
        number = self._cases.pop(serial, None)
        if number is not None and self.raised[number].until is None:
            self.raised[number] = replace(self.raised[number], until=at)
