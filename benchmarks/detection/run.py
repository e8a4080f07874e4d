"""One engine over one home, in true time: ticks, reports, outages, prompts and their answers.

As in `ongi sim replay` the center closes a case as soon as life is seen again, and devices carry
commands out.
"""

import copy
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from benchmarks.detection.copying import cloned
from benchmarks.detection.noise import Spurious
from benchmarks.detection.stream import Item, Stream
from benchmarks.detection.weather import CALM, Weather
from rules.alarm import ACTIVE, AlarmKey, AlarmKind, AlarmState, Move
from rules.engine import Engine
from rules.events import AlarmMoved, Commanded, Escalated, Event, LifeSeen, Outcome, Stage, Updated
from rules.inputs import Boot, Closed, CommandResult, DeviceChanged, Input, Tick
from rules.observation import Observation, Phenomenon, Press
from rules.rulebook import Rulebook
from sim.replay.homes import present

KEY = AlarmKey(AlarmKind.INACTIVITY)
_NEVER = datetime.max.replace(tzinfo=UTC)
_ANSWERS_AFTER = timedelta(minutes=1)
_OVER = frozenset({Stage.CLEARED, Stage.CANCELLED})

Answers = Callable[[datetime], bool]


class Run:
    """A gateway from its first moment on. All moments rise from call to call."""

    def __init__(
        self,
        book: Rulebook,
        stream: Stream,
        weather: Weather = CALM,
        answers: Answers | None = None,
    ) -> None:
        """Start it.

        Args:
            book: the rules.
            stream: the home; what it tells is fed by the caller through `hear`.
            weather: what fails meanwhile.
            answers: whether a prompt of that moment is answered; asked once for each.

        """
        self.engine = Engine(book)
        self.signs: list[datetime] = []
        "Counted signs of life."
        self.alarms: list[datetime] = []
        "When an inactivity alarm was escalated."
        self.prompts: list[tuple[datetime, bool]] = []
        "When the resident was asked, and whether an answer comes."
        self._stream = stream
        self._weather = weather
        self._answers = answers
        self._node = stream.answering
        self._deadline = self._press = _NEVER
        self._round = stream.begin + stream.report_every
        self._outage = 0
        self._boot = 1
        self._is_off = False
        self._next = _NEVER
        begin = stream.begin
        self._put(Boot(self._boot, timedelta(), trusted=True), begin)
        self._put(DeviceChanged(stream.devices), begin)
        for seen in stream.first:
            self._put(seen, begin)
        self._reports(begin)
        self._look_ahead(begin)

    @property
    def is_raised(self) -> bool:
        """Whether an inactivity alarm stands."""
        return self.engine.state.alarm(KEY).state in ACTIVE

    def hear(self, item: Item, at: datetime) -> None:
        """Take in what is told, unless nobody hears or nothing tells it."""
        if at >= self._next:
            self.until(at)
        if self._is_off:
            return
        if (
            self._weather.dead
            and isinstance(item, Observation)
            and not self._weather.hears(item.device, at)
        ):
            return
        events = self.engine.handle(item, at)
        if len(events) > 1 or not isinstance(item, Observation):
            self._take(events, at)
            self._look_ahead(at)
        # Else it was a routine report: it moves no deadline forward.

    def until(self, at: datetime) -> None:
        """Let everything happen that falls due until `at`."""
        while self._next <= at:
            moment = self._next
            if self._is_off:
                self._start_again(moment)
            elif self._off_at() <= moment:
                self._is_off = True
            elif self._round <= moment:
                self._reports(moment)
                self._round += self._stream.report_every
            elif self._press <= moment:
                self._press = _NEVER
                if self._node is not None and self._is_asking():
                    press = Observation(
                        self._node, Phenomenon.BUTTON, Press.SINGLE, moment, moment
                    )
                    self._put(press, moment)
            else:
                due = self._deadline
                events = self.engine.handle(Tick(), moment)
                self._take(events, moment)
                self._look_ahead(moment)
                assert events or self._deadline != due, f"a tick at {moment} moves no deadline"
                continue
            self._look_ahead(moment)

    def alarm_if_silent(self, at: datetime, most: datetime) -> datetime | None:
        """When the alarm goes out if nothing happens from `at`, which is now, on.

        None where it has not by `most`.
        """
        found = self._foretold(at)
        if found is not None:
            return found if found < most else None
        return self.fallen().first_alarm((), at, most)

    def fallen(self) -> "Run":
        """A copy in whose home nobody lives on; what befalls it is not seen here."""
        other = copy.copy(self)
        other.engine = cloned(self.engine)
        other.signs, other.alarms, other.prompts = [], [], []
        vars(other).update(_answers=None, _press=_NEVER)
        # Who fell between the prompt and the answer presses no button: what comes next is later.
        other._look_ahead(other._next)  # noqa: SLF001 -- of this class.
        return other

    def first_alarm(
        self, spurious: Sequence[Spurious], since: datetime, most: datetime
    ) -> datetime | None:
        """When the alarm goes out in a home that has `spurious` events only; None: not by `most`.

        Time moves on from `since`, which is now: to be asked of a copy, once.
        """
        for one in spurious:
            if one.at >= most:
                break
            found = self._foretold(since)
            if found is not None and found <= one.at:
                return found
            self.until(one.at)
            if self.alarms:
                return self.alarms[0]
            for seen in one.observations(self.engine.state):
                since = seen.result_time
                self.hear(seen, since)
        found = self._foretold(since)
        if found is not None:
            return found if found < most else None
        self.until(most)
        return self.alarms[0] if self.alarms else None

    def counted(self, spurious: Sequence[Spurious]) -> list[datetime]:
        """Which of the spurious events the engine counts. To be asked of a copy, once.

        The device alone says before each that it is there; what falls due meanwhile has no say in
        whether evidence counts.
        """
        for one in spurious:
            self._put(present(one.device, one.at), one.at)
            for seen in one.observations(self.engine.state):
                self._put(seen, seen.result_time)
        return self.signs

    # ------------------------------------------------------------------------------------ within

    def _foretold(self, now: datetime) -> datetime | None:
        """When the alarm goes out, where nothing that fails meanwhile can put it off."""
        if self._is_off:
            return None
        found = self.engine.alarm_time_if_silent()
        if found is None or not self._weather.calm(now, found):
            return None
        return max(found, now)

    def _is_asking(self) -> bool:
        return self.engine.state.alarm(KEY).state is AlarmState.PROMPTED

    def _off_at(self) -> datetime:
        off = self._weather.off
        return off[self._outage][0] if self._outage < len(off) else _NEVER

    def _look_ahead(self, now: datetime) -> None:
        if self._is_off:
            self._next = self._weather.off[self._outage][1]
            return
        self._deadline = self.engine.next_deadline() or _NEVER
        coming = min(self._deadline, self._round, self._press, self._off_at())
        # What was due before is due now: the engine's time never runs back.
        self._next = max(coming, now)

    def _start_again(self, at: datetime) -> None:
        begin, _ = self._weather.off[self._outage]
        self._is_off = False
        self._outage += 1
        self._boot += 1
        self._press = _NEVER
        while self._round <= at:
            self._round += self._stream.report_every
        self._put(Boot(self._boot, at - begin, trusted=True), at)
        self._reports(at)

    def _reports(self, at: datetime) -> None:
        """Let every device that works say that it is there."""
        for device in self._stream.devices:
            if not self._weather.dead or self._weather.hears(device.id, at):
                self._put(present(device.id, at), at)

    def _put(self, item: Input, at: datetime) -> None:
        self._take(self.engine.handle(item, at), at)

    def _take(self, events: Sequence[Event], at: datetime) -> None:
        """Do what the events ask for, and what is assumed to follow from them."""
        followed: list[Input] = []
        for event in events:
            match event:
                case LifeSeen(counted=True):
                    self.signs.append(event.at)
                case Commanded(command=command):
                    followed.append(CommandResult(command.id))
                case Escalated(alarm=alarm) if alarm == KEY:
                    self.alarms.append(event.at)
                case Updated(stage=stage, refers=refers) if stage in _OVER:
                    followed.append(Closed(refers, Outcome.FALSE))
                case AlarmMoved(alarm=alarm, move=Move.PROMPT) if alarm == KEY:
                    self._asked(at)
                case _:
                    pass
        for item in followed:
            self._put(item, at)

    def _asked(self, at: datetime) -> None:
        is_answered = self._answers is not None and self._answers(at)
        self.prompts.append((at, is_answered))
        if is_answered:
            self._press = at + _ANSWERS_AFTER
