"""What is remembered of a phenomenon, a device, an alarm; changed by `rules.state` alone."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from rules import evidence
from rules.alarm import AlarmKey, AlarmState
from rules.command import Signal
from rules.device import Device, EvidenceRole, Liveness, Output
from rules.events import Outcome
from rules.machines import PHENOMENA, Switching, alone, note
from rules.observation import Observation, Phenomenon, Quality, Value

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
"Of what never was. A machine without a clock may start before it."


@dataclass(slots=True)
class Reading:
    """The last good value of one phenomenon."""

    phenomenon: Phenomenon
    value: Value
    at: datetime
    since: datetime = LONG_AGO
    "Said again and again from then on; with `ends` whatever came between, else without a gap."
    ends: bool = False
    "Whether it was ever said to be false: a device that tells of an end tells of each."
    load: float = 0.0
    "Of a plug: from what it last fell to 0 W; 0 once it has run at another load since."
    fell: datetime = LONG_AGO
    "When it did."
    flickered: datetime = LONG_AGO
    "When it was last back at that load too soon for a person."


@dataclass(slots=True)
class Heard:
    """One device as heard so far."""

    device: Device
    since: datetime
    "When its contract began to count: enrolment, moved on by the time that the gateway was down."
    last_seen: datetime | None = None
    heard: datetime | None = None
    "`last_seen` moved on by the time that the gateway itself was down."
    live_since: datetime | None = None
    "Live without a break since then; None while it is not."
    liveness: Liveness = Liveness.UNKNOWN
    quality: Quality = Quality.GOOD
    readings: dict[Phenomenon, Reading] = field(default_factory=dict)
    shown: dict[Output, Signal] = field(default_factory=dict)
    "What its outputs were last told to express, but for those that were told to be off."
    switchings: list[Switching] = field(default_factory=list)
    "Of a plug: how it was switched of late, in the order of use."
    hands_from: datetime | None = None
    "Since when it shows more than the machines that were all it showed before."


@dataclass(slots=True)
class Alarm:
    """One alarm and its case."""

    key: AlarmKey
    state: AlarmState = AlarmState.NORMAL
    since: datetime = LONG_AGO
    "When it entered its state."
    until: datetime | None = None
    "When a prompt runs out or a shelving ends."
    serial: int = 0
    "The case that the center has of it; 0 before the first."
    level: int = 0
    raised_at: datetime | None = None
    closed_at: datetime | None = None
    outcome: Outcome | None = None
    "Of the case that was closed last."
    present: bool = False
    "Whether the condition is there now, after hysteresis, before delays."
    changed_at: datetime = LONG_AGO
    value: float | None = None
    drill: bool = False


def note_load(reading: Reading, power_w: float, at: datetime) -> None:
    """Remember from what a plug fell to 0 W until it runs at another load, and if it was false."""
    before_w = float(reading.value)
    if power_w == 0 and before_w >= evidence.ON_W:
        if not evidence.alike(before_w, reading.load):
            reading.flickered = LONG_AGO
        reading.load, reading.fell = before_w, at
    elif power_w >= evidence.ON_W and not evidence.alike(power_w, reading.load):
        reading.load = 0.0
    elif power_w >= evidence.ON_W and before_w == 0 and at - reading.fell <= evidence.BACK_WITHIN:
        reading.flickered = at


def note_switch(heard: Heard, before: Reading, seen: Observation, *, unbroken: bool) -> bool:
    """Remember when a plug was switched, if that counts as somebody's doing.

    True: it has become known by this that a machine is all there is at that plug, or is not.

    Args:
        heard: the device.
        before: what it said before of that phenomenon.
        seen: what it says now, no earlier.
        unbroken: whether the device was listened to in between.

    """
    if seen.phenomenon not in PHENOMENA or heard.device.evidence is EvidenceRole.NONE:
        return False
    if seen.phenomenon is Phenomenon.POWER_W:
        switches = evidence.switches_on(float(before.value), float(seen.value))
    else:
        switches = seen.value != before.value
    if not switches:
        return False
    known = alone(heard.switchings)
    note(heard.switchings, seen.phenomenon, seen.value, seen.phenomenon_time, timed=unbroken)
    if known == alone(heard.switchings):
        return False
    heard.hands_from = seen.phenomenon_time if known else None
    return True


def watching(devices: Iterable[Heard], *, pet: bool) -> list[Heard]:
    """The devices whose silence, while they are live, is silence of the person."""
    return [
        heard
        for heard in devices
        if evidence.watches(heard.device, pet=pet) and not shows_machines(heard, pet=pet)
    ]


def shows_machines(heard: Heard, *, pet: bool) -> bool:
    """Whether a device that would watch is known to show nothing but what machines do."""
    shown = evidence.shows(heard.device, pet=pet)
    return bool(shown) and shown <= PHENOMENA and alone(heard.switchings)
