"""`State.apply`: the only place where what the engine knows of a home changes.

What a home teaches by its silences and days is folded in `rules.learning`, a clock that is set in
`rules.redating`.
A state goes to disk through `rules.snapshot` and comes back equal; events journaled after that are
folded on top.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from rules import evidence, learning, machines, redating, weeks
from rules.alarm import (
    ACTIVE,
    OPEN,
    TRANSITIONS,
    AlarmKey,
    Category,
    Move,
)
from rules.command import Command, Signal
from rules.device import ASKING, Device, Liveness, Use
from rules.events import (
    AlarmMoved,
    AwayBegan,
    AwayEnded,
    AwayReason,
    CameIn,
    CaseClosed,
    CaseTaken,
    Commanded,
    CommandEnded,
    ConditionChanged,
    DevicesChanged,
    DoorOpened,
    DoorShut,
    Escalated,
    Event,
    Learnt,
    LifeSeen,
    LivenessChanged,
    Started,
    Switched,
    TimeMoved,
    Updated,
)
from rules.known import RESTART, Known
from rules.observation import DeviceId, Observation, Phenomenon, Quality
from rules.registers import Alarm, Heard, Reading, note_load, note_switch, watching

CASES_MAX = 256
"Past this the oldest case that a newer one of the same alarm has replaced is forgotten."


@dataclass(slots=True)
class State(Known):
    """What is known of a home, with what becomes of it by each event."""

    def apply(self, event: Event) -> None:  # noqa: C901, PLR0912 -- one case an event, none nested
        """Fold one event into the state."""
        match event:
            case Observation():
                self._heard(event)
            case LifeSeen():
                learning.life_seen(self, event)
            case Switched():
                self._switched(event)
            case AlarmMoved():
                self._moved(event)
            case ConditionChanged():
                alarm = self._kept(event.alarm)
                alarm.present, alarm.changed_at, alarm.value = (
                    event.present,
                    event.at,
                    event.value,
                )
            case LivenessChanged():
                self._liveness(event)
            case Escalated():
                self._escalated(event)
            case Updated():
                self._kept(event.alarm).level = event.level
                self.next_serial = event.serial + 1
            case CaseTaken():
                pass
            case CaseClosed():
                learning.case_closed(self, event)
            case Commanded():
                self.commands[event.command.id] = event
                self.next_command = event.command.id + 1
                self._show(event.command)
            case CommandEnded():
                self.commands.pop(event.id, None)
            case AwayBegan():
                self._went_away(event)
            case AwayEnded():
                self._came_back(event)
            case DoorShut():
                self.door_shut = event.at
            case DoorOpened():
                self.routine.opened, self.routine.door = event.at, event.device
            case CameIn():
                self.routine.opened = None
            case Learnt():
                learning.learnt(self, event)
            case Started():
                self._started(event)
            case TimeMoved():
                redating.redate(self, event)
                self._look_again()
            case DevicesChanged():
                self._devices_changed(event)

    def fits(self, event: Event) -> bool:
        """Whether `event` can follow; not so where a broken journal lost what lay between."""
        if isinstance(event, AlarmMoved):
            return (self.alarm(event.alarm).state, event.move) in TRANSITIONS
        return True

    def gone(self, devices: Iterable[Device]) -> frozenset[DeviceId]:
        """Which devices `devices` holds no longer, or with another address."""
        addresses = {device.id: device.address for device in devices}
        return frozenset(
            id_
            for id_, heard in self.devices.items()
            if addresses.get(id_) != heard.device.address
        )

    def _heard(self, seen: Observation) -> None:
        heard = self.devices.get(seen.device)
        if heard is None:
            return
        at = seen.phenomenon_time
        if heard.last_seen is None or at >= heard.last_seen:
            heard.last_seen = at
            # What a driver kept while the gateway was down is heard now, whenever it was so.
            heard.heard = at if heard.heard is None else max(at, heard.heard)
            heard.quality = seen.quality
        if seen.quality is Quality.GOOD:
            reading = heard.readings.get(seen.phenomenon)
            if reading is None:
                heard.readings[seen.phenomenon] = Reading(
                    seen.phenomenon, seen.value, at, at, ends=seen.value is False
                )
            elif at >= reading.at:
                gap = not reading.ends and at - reading.at >= evidence.STRETCH
                if gap or reading.value != seen.value:
                    reading.since = at
                if seen.value is False:
                    reading.ends = True
                if seen.phenomenon in machines.PHENOMENA:
                    self._note_switch(heard, reading, seen)
                elif heard.device.outside_door and reading.value != seen.value:
                    door = self.habits.door
                    # Another door may be heard of late.
                    self.habits.door = at if door is None else max(door, at)
                reading.value, reading.at = seen.value, at

    def _note_switch(self, heard: Heard, before: Reading, seen: Observation) -> None:
        unbroken = heard.liveness is Liveness.LIVE and before.at >= self.started
        if note_switch(heard, before, seen, unbroken=unbroken):
            self._look_again()
        if seen.phenomenon is Phenomenon.POWER_W:
            note_load(before, float(seen.value), seen.phenomenon_time)

    def _escalated(self, event: Escalated) -> None:
        alarm = self._kept(event.alarm)
        alarm.serial, alarm.level, alarm.raised_at = event.serial, event.level, event.at
        alarm.drill = event.drill
        self.cases[event.serial] = event.alarm
        self.next_serial = event.serial + 1
        self._bound_cases()

    def _went_away(self, event: AwayBegan) -> None:
        self.away, self.door_shut = event, None
        if event.reason is not AwayReason.OUTING:
            self.routine.opened = None

    def _came_back(self, event: AwayEnded) -> None:
        if self.away is not None:
            self.tally.away(self.away.at, event.at)
            self.runs.absent(self.away.at, event.at)
        self.away, self.away_ended, self.door_shut = None, event.at, None
        self.routine.skip(event.at)

    def _switched(self, event: Switched) -> None:
        heard, at = self.devices.get(event.device), event.at
        use = None if heard is None else heard.device.use
        if use is None:
            return
        if not event.on:
            self.runs.off(event.device, at)
            return
        begins = self.runs.on(event.device, use, at, self.quiet_from(pet=False))
        if begins and use is Use.COOKING:
            self.runs.cook(at, self.not_cooked_for(at), self.devices.values())
            self.routine.weeks.cook(at)

    def _moved(self, event: AlarmMoved) -> None:
        alarm = self._kept(event.alarm)
        alarm.state = TRANSITIONS[alarm.state, event.move]
        alarm.since, alarm.until = event.at, event.until
        if event.move is Move.CLOSE:
            alarm.closed_at, alarm.level = event.at, 0
            scope, kind = event.alarm.scope, event.alarm.kind
            stands = alarm.present and kind.category is Category.FAULT
            if scope is not None and scope not in self.devices and not stands:
                # Nothing is left of it to be remembered: the device is gone. A driver, which is
                # none, can be away for longer than its case is open.
                del self.alarms[event.alarm]
        if alarm.state not in OPEN:
            alarm.drill = False

    def _liveness(self, event: LivenessChanged) -> None:
        heard = self.devices.get(event.device)
        if heard is None:
            return
        heard.liveness = event.liveness
        if event.liveness is not Liveness.LIVE:
            heard.live_since = None
        elif heard.live_since is None:
            heard.live_since = event.at
            self.runs.listen(event.device, event.at)
        self._look_again()

    def _look_again(self) -> None:
        """Work out since when the home is watched by one device without a break."""
        # Both, since the rulebook is not in the state: it may be another one at the next start.
        self.seen_from, self.seen_beside_pet = self._watched(pet=False), self._watched(pet=True)

    def _watched(self, *, pet: bool) -> datetime | None:
        return min(
            (
                # While it showed machines alone nobody would have been seen.
                max(heard.live_since, heard.hands_from or heard.live_since)
                for heard in watching(self.devices.values(), pet=pet)
                if heard.live_since is not None
            ),
            default=None,
        )

    def _started(self, event: Started) -> None:
        if self.life is not None:
            # The last downtime is known by now also where the clock was wrong then.
            self.unheard = self.unheard_since(self.life.at) + event.lost
        learnt = self.habits.learnt or self.installed
        if learnt is not None:
            self.habits.down = self.down_since(learnt) + event.lost
        if self.listened_from is not None:
            self.runs.missed(self.started, self.down)
        if event.lost > RESTART:
            self.runs.missed(event.at - event.down, event.lost)
        self.started = event.at
        if self.trusted:
            # Else time went on from the last moment, and what was wrong before is wrong still.
            self.anchored = event.at
        self.boot, self.down = event.boot, event.down
        self.next_serial = max(self.next_serial, event.next_serial)
        if self.installed is None:
            self.installed = event.at
        # What was heard and lost with a broken journal is as if nobody had listened.
        deaf = event.down + event.lost
        self.tally.unheard(event.at - deaf, event.at)
        self.routine.deaf(event.at, deaf)
        for heard in self.devices.values():
            # Nobody listened while the gateway was down, so the contract stood still.
            heard.since = min(heard.since + deaf, event.at)
            if heard.heard is not None:
                heard.heard = min(heard.heard + deaf, event.at)
        # A snapshot of an earlier program does not have all of it.
        self._look_again()
        self._see_rooms()

    def _devices_changed(self, event: DevicesChanged) -> None:
        gone = self.gone(event.devices)
        enrolled = (heard.device for heard in self.devices.values())
        if weeks.told_by(enrolled) != weeks.told_by(event.devices):
            self.routine.weeks.forget()
        before, self.devices = self.devices, {}
        for device in event.devices:
            if device.id in before and device.id not in gone:
                known = self.devices[device.id] = before[device.id]
                known.device = device
            else:
                self.devices[device.id] = Heard(device, since=event.at)
        self.alarms = {
            key: alarm
            for key, alarm in self.alarms.items()
            if key.scope not in gone or alarm.state in ACTIVE
        }
        self.runs.keep({each.id: each.use for each in event.devices if each.id not in gone})
        self.can_ask = any(not device.outputs.isdisjoint(ASKING) for device in event.devices)
        self._look_again()
        self._see_rooms()

    def _see_rooms(self) -> None:
        devices = (heard.device for heard in self.devices.values())
        self.habits.see_rooms(rooms=any(map(evidence.sees_people, devices)))

    def _show(self, order: Command) -> None:
        heard = self.devices.get(order.device)
        if heard is None or order.signal is Signal.IDENTIFY:
            return  # It ends by itself, and nothing is to be taken back.
        if order.signal is Signal.OFF:
            heard.shown.pop(order.output, None)
        else:
            heard.shown[order.output] = order.signal

    def _bound_cases(self) -> None:
        if len(self.cases) > CASES_MAX:
            replaced = (
                serial for serial, key in self.cases.items() if self.alarm(key).serial != serial
            )
            serial = next(replaced, None)
            if serial is not None:
                del self.cases[serial]

    def _kept(self, key: AlarmKey) -> Alarm:
        return self.alarms.setdefault(key, Alarm(key))
