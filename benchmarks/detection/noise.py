"""What an empty house says by itself: single events of a sensor that nobody set off."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from benchmarks.detection.asked import CENSORED_S, DAY_S, Noise
from rules.device import Device, EvidenceRole
from rules.evidence import ON_W
from rules.observation import DeviceId, Observation, Phenomenon, Value
from rules.state import State

_LASTS = timedelta(seconds=10)
_PULSE_W = 60.0
_OTHERS = (
    Phenomenon.POWER_W,
    Phenomenon.CONTACT_OPEN,
    Phenomenon.OCCUPANCY,
    Phenomenon.RELAY_ON,
)

Source = tuple[DeviceId, Phenomenon]


@dataclass(frozen=True, slots=True)
class Spurious:
    """One event that no person caused."""

    at: datetime
    device: DeviceId
    phenomenon: Phenomenon

    def observations(self, state: State) -> tuple[Observation, Observation]:
        """It, and its end: away from what the sensor reads now, and back."""
        heard = state.devices.get(self.device)
        reading = None if heard is None else heard.readings.get(self.phenomenon)
        is_load = self.phenomenon is Phenomenon.POWER_W
        rest: Value = (0.0 if is_load else False) if reading is None else reading.value
        value: Value
        if is_load:
            value = _PULSE_W if float(rest) < ON_W else 0.0
        elif self.phenomenon is Phenomenon.MOTION:
            value, rest = True, False
        else:
            value = not rest
        end = self.at + _LASTS
        return (
            Observation(self.device, self.phenomenon, value, self.at, self.at),
            Observation(self.device, self.phenomenon, rest, end, end),
        )


def sources(devices: Sequence[Device]) -> list[Source]:
    """What can misfire: motion sensors; without any, plugs and contacts of a person's hand."""
    seeing = [
        (one.id, Phenomenon.MOTION)
        for one in devices
        if Phenomenon.MOTION in one.phenomena and one.evidence is not EvidenceRole.NONE
    ]
    if seeing:
        return seeing
    return [
        (one.id, phenomenon)
        for one in devices
        if one.evidence in {EvidenceRole.HAND, EvidenceRole.PERSON}
        for phenomenon in _OTHERS
        if phenomenon in one.phenomena
    ]


def drawn(
    found: Sequence[Source], noise: Noise, moment: datetime, random: Random
) -> Iterator[Spurious]:
    """The spurious events of the 72 hours after a collapse, in order of time."""
    between_s = DAY_S / noise.per_day
    after_s = random.expovariate(1 / between_s)
    while found and after_s < CENSORED_S:
        device, phenomenon = random.choice(found)
        yield Spurious(moment + timedelta(seconds=after_s), device, phenomenon)
        # No two at once: the end of one lies before the next.
        after_s += _LASTS.total_seconds() + random.expovariate(1 / between_s)
