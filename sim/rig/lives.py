"""Who lives in a home of the rig, by the true time: as `sim.world.site` has it, on real frames."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Final

from rules.inputs import Away
from rules.observation import DeviceId, Phenomenon, Press, Value
from sim.faults.fate import moment_us
from sim.homes.act import Act, Announced, Happening, Plight, PlightKind, SlowHarm
from sim.homes.population import SimulatedHome
from sim.rig.agenda import Agenda
from sim.rig.air import Air, Frame
from sim.world.chronicle import Alert, HomeChronicle, Trouble

_ALARMING: Final = frozenset({Phenomenon.LEAK, Phenomenon.SMOKE, Phenomenon.GAS, Phenomenon.CO})
_ANSWERS: Final = 0.9
"Of prompts that a resident at home hears."
_NEIGHBOUR_AFTER: Final = timedelta(hours=72)
_LOOK: Final = timedelta(minutes=15)


class Lives:
    """The people and devices of one home."""

    def __init__(  # noqa: PLR0913 -- what a life takes place among
        self,
        home: SimulatedHome,
        agenda: Agenda,
        air: Air,
        chronicle: HomeChronicle,
        *,
        seed: int,
        end: datetime,
        send: Callable[[Frame], None],
        announce: Callable[[Away], None],
    ) -> None:
        """Nothing happens before `begin`; after `end` nobody comes to harm.

        Args:
            home: who lives there, among what.
            agenda: where all that happens is planned.
            air: takes what devices say.
            chronicle: is told what truly happens.
            seed: of the run.
            end: of the run.
            send: puts a frame on the air at this moment.
            announce: tells the gateway of an absence.

        """
        self.trouble: Trouble | None = None
        "The plight that nobody has helped yet."
        self._home = home
        self._agenda = agenda
        self._air = air
        self.chronicle = chronicle
        self._end = end
        self._send = send
        self._announce = announce
        self._people = Random(f"{seed}/{home.number}/answers")
        self._life: Iterator[Happening] = iter(())
        self._helped_last: tuple[datetime, datetime] | None = None
        self._answering = False
        self._alerts: dict[tuple[DeviceId, Phenomenon], int] = {}
        self._out_since: datetime | None = None

    def begin(self, collapse: datetime | None, calls: Sequence[datetime]) -> None:
        """Begin to live.

        Args:
            collapse: of the resident, or as soon after it as somebody is at home.
            calls: when the resident presses for help, if well and at home.

        """
        self._life = self._home.happenings()
        self._live_on()
        self._agenda.at(self._air.due(), self._report)
        self._agenda.after(_LOOK, self._look_who_is_out)
        if collapse is not None:
            self._agenda.at(collapse, self._collapse)
        buttons = [
            device.id for device in self.chronicle.devices if Phenomenon.SOS in device.phenomena
        ]
        for number, moment in enumerate(calls if buttons else ()):
            self._agenda.at(moment, self._call(buttons[number % len(buttons)]))

    def finish(self) -> None:
        """Look a last time."""
        if self._out_since is not None:
            self.chronicle.absences.append((self._out_since, self._agenda.now))

    def help_comes(self) -> None:
        """Somebody is with the resident, who lives on as planned."""
        if self.trouble is not None:
            now = self._agenda.now
            self.trouble.helped = now
            self._helped_last = (self.trouble.at, now)
            self.trouble = None

    def prompted(self, device: DeviceId) -> None:
        """A device asks whether all is well."""
        wait = timedelta(seconds=self._people.randint(8, 90))
        willing = self._people.random() < _ANSWERS
        if self._answering or not willing:
            return
        self._answering = True

        def press() -> None:
            self._answering = False
            now = self._agenda.now
            if self.trouble is None and self._home.at_home(now):
                self.chronicle.life.append(moment_us(now))
                self._say(self._air.says(now, device, Phenomenon.BUTTON, Press.SINGLE))

        self._agenda.after(wait, press)

    def heard(self, at: datetime, device: DeviceId, phenomenon: Phenomenon, value: Value) -> None:
        """The gateway was handed an observation."""
        number = self._alerts.get((device, phenomenon))
        if number is not None and value:
            del self._alerts[device, phenomenon]
            alert = self.chronicle.alerts[number]
            self.chronicle.alerts[number] = Alert(
                alert.at, alert.device, alert.phenomenon, alert.value, at
            )

    # -------------------------------------------------------------------------------- what goes on

    def _live_on(self) -> None:
        lived = next(self._life)
        self._agenda.at(lived.at, lambda: self._happen(lived))

    def _happen(self, lived: Happening) -> None:
        self._live_on()
        match lived:
            case Act():
                self._act(lived)
            case Plight():
                self._befall(lived)
            case SlowHarm():
                self.chronicle.note(lived)
            case Announced():
                if self.trouble is None:
                    self.chronicle.announced.append(lived)
                    self._announce(lived.away)

    def _act(self, act: Act) -> None:
        hand = act.hand
        if hand is not None and self._prevented(hand):
            return
        frames = self._air.says(act.at, act.device, act.phenomenon, act.value)
        if hand is not None and hand == act.at:
            self.chronicle.life.append(moment_us(act.at))
        if act.phenomenon in _ALARMING or act.phenomenon is Phenomenon.SOS:
            self._alerted(act)
        self._say(frames)

    def _alerted(self, act: Act) -> None:
        name = (act.device, act.phenomenon)
        self._alerts.pop(name, None)
        if act.value:
            self._alerts[name] = len(self.chronicle.alerts)
            alert = Alert(act.at, act.device, act.phenomenon, act.value, heard=None)
            self.chronicle.alerts.append(alert)

    def _prevented(self, hand: datetime) -> bool:
        if self.trouble is not None and hand >= self.trouble.at:
            return True
        last = self._helped_last
        return last is not None and last[0] <= hand < last[1]

    def _collapse(self) -> None:
        now = self._agenda.now
        if self._home.at_home(now):
            self._befall(Plight(now, PlightKind.COLLAPSE))
        else:
            self._agenda.after(_LOOK, self._collapse)

    def _call(self, button: DeviceId) -> Callable[[], None]:
        def press() -> None:
            now = self._agenda.now
            if self._home.at_home(now) and now < self._end:
                self._act(Act(now, button, Phenomenon.SOS, value=True, hand=now))

        return press

    def _befall(self, plight: Plight) -> None:
        if self.trouble is not None or plight.at >= self._end:
            return
        self.trouble = trouble = Trouble(plight.at, plight.kind)
        self.chronicle.troubles.append(trouble)
        for act in plight.acts:
            self._agenda.at(act.at, self._in_trouble(trouble, act))
        self._agenda.after(_NEIGHBOUR_AFTER, lambda: self._neighbour(trouble))

    def _in_trouble(self, trouble: Trouble, act: Act) -> Callable[[], None]:
        def move() -> None:
            if self.trouble is trouble:
                self.chronicle.life.append(moment_us(act.at))
                self._say(self._air.says(act.at, act.device, act.phenomenon, act.value))

        return move

    def _neighbour(self, trouble: Trouble) -> None:
        if self.trouble is trouble:
            self.help_comes()

    def _look_who_is_out(self) -> None:
        now = self._agenda.now
        out = self.trouble is None and not self._home.at_home(now)
        if out and self._out_since is None:
            self._out_since = now
        elif not out and self._out_since is not None:
            self.chronicle.absences.append((self._out_since, now))
            self._out_since = None
        self._agenda.after(_LOOK, self._look_who_is_out)

    def _report(self) -> None:
        frames = self._air.report()
        self._agenda.at(self._air.due(), self._report)
        self._say(frames)

    def _say(self, frames: Sequence[Frame]) -> None:
        for frame in frames:
            if frame.at <= self._agenda.now:
                self._send(frame)
            else:
                self._agenda.at(frame.at, lambda frame=frame: self._send(frame))  # type: ignore[misc]
