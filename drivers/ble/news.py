"""What of a decoded frame is new: presses told once, states when they change or now and then."""

from drivers.ble.decoded import Decoded
from drivers.ble.flood import Kind
from drivers.ble.meaning import read
from drivers.repeats import PRESS_COUNTED_US, PRESS_PLAIN_US, PRESS_WITH_ID_US, Repeats
from rules.device import Device
from rules.observation import URGENT, Phenomenon, Press, Value
from rules.wire import Observed


class Said:
    """What was passed on of one device."""

    __slots__ = ("repeats", "states")

    def __init__(self) -> None:
        self.repeats = Repeats()
        self.states: dict[Phenomenon, Value] = {}
        "As last passed on."


class News:
    """What of a frame was not said before. Changes nothing until it is taken."""

    __slots__ = (
        "_device",
        "_press",
        "_presses",
        "_said",
        "_states",
        "_whole",
        "meaning",
        "repeated",
        "tells",
        "urgent",
    )

    def __init__(self, device: Device, said: Said, frame: Decoded, at_us: int) -> None:
        meaning = read(frame.objects, device.phenomena)
        self._device = device.id
        self._said = said
        self.meaning = meaning
        self._whole = (frame.packet_id, frame.objects)
        self._press = (frame.packet_id, meaning.codes)
        repeated = said.repeats.state(self._whole, at_us) and all(
            said.states.get(phenomenon) == value
            for phenomenon, (value, _) in meaning.states.items()
        )
        self._states = {} if repeated else meaning.states
        window_us = _press_window_us(frame)
        pressed = meaning.presses and not said.repeats.press(self._press, at_us, window_us)
        self._presses = meaning.presses if pressed else ()
        self.repeated = bool(meaning.presses or meaning.states)
        self.tells = bool(self._presses or self._states)
        # A press heard again is as good as a new one to somebody who recorded it: its counter is
        # made durable too. A repeated state says nothing that is not so.
        self.urgent = bool(meaning.presses) or any(
            phenomenon in URGENT and said.states.get(phenomenon) != value
            for phenomenon, (value, _) in self._states.items()
        )

    def kinds(self) -> list[Kind]:
        """What of it takes its way among the urgent news; a measurement without its value."""
        states = [(what, value) for what, (value, _) in self._states.items() if what in URGENT]
        return [
            (what, value if isinstance(value, bool | Press) else None)
            for what, value in (*self._presses, *states)
        ]

    def take(self, at_us: int, passes: frozenset[Phenomenon] | None) -> list[Observed]:
        """The observations, of `passes` only if it is given; they count as said from now on."""
        said = self._said
        if self.meaning.presses:
            said.repeats.pressed(self._press, at_us)
        observed = [Observed(self._device, what, value, at_us) for what, value in self._presses]
        if self._states and passes is None:
            said.repeats.passed(self._whole, at_us)
        for phenomenon, (value, quality) in self._states.items():
            if passes is None or phenomenon in passes:
                observed.append(Observed(self._device, phenomenon, value, at_us, quality))
                said.states[phenomenon] = value
        return observed


def _press_window_us(frame: Decoded) -> int:
    if frame.packet_id is not None:
        return PRESS_WITH_ID_US
    return PRESS_PLAIN_US if frame.counter is None else PRESS_COUNTED_US
