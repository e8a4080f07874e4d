"""How long devices of some use run, and how long nothing is cooked: now, and as a habit.

A run begins when a device is switched on and goes on over short pauses. Beside the runs of now
stands what is usual: of each of the last 28 days on which there was one, the longest time that the
device ran without a sign of life, or that nothing was cooked. Usual is what two of these days
reach, and of a device every fourth of them: one odd day changes nothing, and a heater that is
forgotten once a week is no habit.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import ceil

from rules.device import Use
from rules.observation import DeviceId
from rules.registers import Heard

PAUSE = timedelta(minutes=20)
"""A thermostat rests for less than this; and a plug that says 0 W falsely (zigbee2mqtt#29923) is
put right by then, though the first report that would do so was lost on the air."""
_DAYS = 28
_OF_RUNS = 0.25
"""So large a share of the days makes a habit. In a simulated winter of people who forget a heater
every nine days, 25 of 37 times were told; 13 if two days of 28 made one."""
_OF_MEALS = 0.0
_TWICE = 2
_BRIEF = timedelta(minutes=15)
"What lasts no longer is not remembered: no rule may be set to fire so soon."
_OUT = timedelta(hours=16)
"Who is at home and up every day shows some sign more often."
_REST = timedelta(hours=3)
"Signs further apart than this belong to a night, not to a day."


@dataclass(slots=True)
class Usual:
    """The longest of something on each of the last days on which there was any."""

    days: list[timedelta] = field(default_factory=list)
    "Oldest first, 28 at most."
    today: timedelta = timedelta()
    longest: timedelta = timedelta()
    "What it usually lasts at most; zero before two days are known."

    def note(self, length: timedelta) -> None:
        """Take in one that is over."""
        self.today = max(self.today, length)

    def learn(self, share: float) -> None:
        """End the day. What is reached on such a share of the days, and on two, is usual."""
        if self.today > _BRIEF:
            self.days = [*self.days[1 - _DAYS :], self.today]
            rank = max(_TWICE, ceil(share * len(self.days)))
            self.longest = sorted(self.days)[-rank] if len(self.days) >= rank else timedelta()
        self.today = timedelta()


@dataclass(slots=True)
class Run:
    """A device that is on, or was until a moment ago."""

    use: Use
    begin: datetime
    heard: datetime
    "Since when it is known to run, without a gap in which nobody listened."
    paused: datetime | None = None
    quiet: timedelta = timedelta()
    "The longest time without a sign of life in it that is over, of the last day."

    def goes_on(self, at: datetime) -> bool:
        """Whether it is not over at that moment."""
        return self.paused is None or at - self.paused < PAUSE

    def note_quiet(self, at: datetime, since: datetime | None) -> None:
        """End the time without a sign of life, which began with the run or at `since`."""
        if since is not None:
            end = at if self.paused is None else self.paused
            self.quiet = max(self.quiet, end - max(self.heard, since))


@dataclass(slots=True)
class Runs:
    """One home's. Read by the rules; changed by `rules.state` alone."""

    now: dict[DeviceId, Run] = field(default_factory=dict)
    "What runs; what ran is among them until the day ends."
    usual: dict[DeviceId, Usual] = field(default_factory=dict)
    "How long a device runs without a sign of life, or if it is a lamp, how long at all."
    stirred: datetime | None = None
    "The last counted sign of life at home that no heater or cooker gave while it ran."
    up_since: datetime | None = None
    "When the signs began that came without a long rest until then."
    cooked: datetime | None = None
    "When something to cook with was last switched on."
    uncounted: timedelta = timedelta()
    "Of the time since then: nobody was at home, or nobody listened."
    meals: Usual = field(default_factory=Usual)
    "How long nothing is cooked."

    # ------------------------------------------------------------------------ changed by the state

    def on(self, id_: DeviceId, use: Use, at: datetime, quiet_from: datetime | None) -> bool:
        """A device is on. True if a run begins with it, False if an older one goes on."""
        run = self.now.get(id_)
        if run is not None and run.goes_on(at):
            run.paused = None
            return False
        self._end(id_, at, quiet_from)
        self.now[id_] = Run(use, at, at)
        return True

    def off(self, id_: DeviceId, at: datetime) -> None:
        """A device is off: a pause, for now."""
        run = self.now.get(id_)
        if run is not None and run.paused is None:
            run.paused = at

    def stir(self, id_: DeviceId, at: datetime, quiet_from: datetime | None) -> None:
        """Take in a sign of life at home; what a heater or a cooker does while it runs is none.

        Args:
            id_: the device that gave it.
            at: when.
            quiet_from: since when a silence is the resident's; None while it is not.

        """
        own, last = self.now.get(id_), self.stirred
        if own is not None and own.use is not Use.LIGHT and own.begin < at and own.goes_on(at):
            return
        if last is not None and at < last:
            return
        since = self._quiet_since(quiet_from)
        for run in self.now.values():
            run.note_quiet(at, since)
        if last is None or at - last > _REST:
            self.up_since = at
        if self.cooked is not None and since is not None:
            gap = at - max(since, self.cooked)
            self.uncounted += gap if gap > _OUT else timedelta()
        self.stirred = at

    def cook(self, at: datetime, lasted: timedelta | None, devices: Iterable[Heard]) -> None:
        """Something to cook with was switched on; nothing had been for `lasted`, if known."""
        if lasted is not None and self.hungry_since(devices) == self.cooked:
            self.meals.note(lasted)
        self.cooked, self.uncounted = at, timedelta()

    def hungry_since(self, devices: Iterable[Heard]) -> datetime | None:
        """Since when each meal would have been told and none was; None while one might not be."""
        cooked = self.cooked
        if cooked is None:
            return None
        since, watched = cooked, False
        for heard in devices:
            if heard.device.use is not Use.COOKING:
                continue
            if heard.live_since is not None:
                since, watched = max(since, heard.live_since), True
            elif heard.last_seen is not None and heard.last_seen > cooked:
                # What was cooked with it since then is unknown.
                return None
        return since if watched else None

    def absent(self, begin: datetime, end: datetime) -> None:
        """Nobody was at home between two moments."""
        if self.cooked is not None:
            self.uncounted += max(end - max(begin, self.cooked), timedelta())

    def missed(self, until: datetime, span: timedelta) -> None:
        """Nobody listened to the home for a span that ended then."""
        for run in self.now.values():
            run.heard = max(run.heard, until)
        if self.cooked is not None and self.cooked < until:
            self.uncounted += span

    def listen(self, id_: DeviceId, at: datetime) -> None:
        """A device is heard again; how it ran in between is not known."""
        if id_ in self.now:
            self.now[id_].heard = at

    def keep(self, uses: Mapping[DeviceId, Use | None]) -> None:
        """Forget the devices that are there no longer, or are for something else now."""
        self.now = {id_: run for id_, run in self.now.items() if uses.get(id_) is run.use}
        self.usual = {id_: usual for id_, usual in self.usual.items() if uses.get(id_)}

    def learn(
        self,
        at: datetime,
        quiet_from: datetime | None,
        unjudged: Collection[DeviceId | None],
    ) -> None:
        """End the day.

        Args:
            at: now.
            quiet_from: as for `stir`.
            unjudged: the devices about which a case is open, None for one about meals: what it
                turns out to be is not known yet, so their days wait.

        """
        for id_, run in list(self.now.items()):
            if not run.goes_on(at):
                self._end(id_, at, quiet_from)
            elif run.use is not Use.LIGHT:
                self._note(id_, run.quiet)
                run.quiet = timedelta()
        for id_, usual in self.usual.items():
            if id_ not in unjudged:
                usual.learn(_OF_RUNS)
        if None not in unjudged:
            self.meals.learn(_OF_MEALS)

    def judged(self, id_: DeviceId | None, at: datetime, *, danger: bool) -> None:
        """A case is closed: what a person in need did was no habit, and anything else was.

        Args:
            id_: the device that it was about, None for one about meals.
            at: now.
            danger: whether somebody was in need.

        """
        usual = self.meals if id_ is None else self.usual.get(id_)
        if usual is not None and danger:
            usual.today = timedelta()
        elif usual is not None:
            usual.learn(_OF_MEALS if id_ is None else _OF_RUNS)
        if danger and id_ is None and self.cooked is not None:
            self.uncounted = at - self.cooked
        elif danger and id_ is not None and id_ in self.now:
            self.now[id_].heard, self.now[id_].quiet = at, timedelta()

    def move(self, moved: Callable[[datetime], datetime]) -> None:
        """Let all dates move with the clock."""

        def perhaps(moment: datetime | None) -> datetime | None:
            return None if moment is None else moved(moment)

        for run in self.now.values():
            run.begin, run.heard = moved(run.begin), moved(run.heard)
            run.paused = perhaps(run.paused)
        self.stirred, self.up_since = perhaps(self.stirred), perhaps(self.up_since)
        self.cooked = perhaps(self.cooked)

    # -------------------------------------------------------------------------------------- inside

    def _quiet_since(self, quiet_from: datetime | None) -> datetime | None:
        """Since when there was no sign of life; None if that says nothing."""
        if quiet_from is None or self.stirred is None:
            return quiet_from
        return max(quiet_from, self.stirred)

    def _end(self, id_: DeviceId, at: datetime, quiet_from: datetime | None) -> None:
        run = self.now.pop(id_, None)
        if run is None:
            return
        run.note_quiet(at, self._quiet_since(quiet_from))
        whole = (at if run.paused is None else run.paused) - run.heard
        self._note(id_, whole if run.use is Use.LIGHT else run.quiet)

    def _note(self, id_: DeviceId, length: timedelta) -> None:
        if length > _BRIEF:
            self.usual.setdefault(id_, Usual()).note(length)
