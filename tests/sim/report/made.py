"""A run made up for the report: plausible, quick to make, and equal for equal seeds."""

from bisect import insort
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from random import Random

from protocol.records import record_of, uuid7
from rules.alarm import AlarmKey, AlarmKind, Category, Move
from rules.codec import moment_us
from rules.events import AlarmMoved, AwayReason, Escalated, Outcome
from rules.inputs import Away
from rules.observation import DeviceId, Phenomenon
from rules.rulebook import PRESETS, Preset
from sim.check.figures import Figures, HomeFigures
from sim.check.violation import Violation
from sim.faults.fault import OF_CENTER, OF_DEVICE, Fault, FaultKind
from sim.homes.act import Announced, PlightKind, SlowKind
from sim.homes.population import home as furnished
from sim.report import Told
from sim.world.chronicle import (
    Alert,
    Arrived,
    CaseSeen,
    Chronicle,
    Decided,
    Gauge,
    Handled,
    HomeChronicle,
    Moved,
    Queued,
    Run,
    Suffered,
    Trouble,
)

START = datetime(2026, 1, 4, 15, tzinfo=UTC)
"Midnight in Seoul."

_MIN = timedelta(minutes=1)
_H = timedelta(hours=1)
_D = timedelta(days=1)

_AMOUNTS = {
    FaultKind.FRAME_LOSS: 0.3,
    FaultKind.DELAY: 45.0,
    FaultKind.BATTERY_SAG: 4.0,
    FaultKind.CLOCK_JUMP: -1_209_600.0,
    FaultKind.CLOCK_DRIFT: 120.0,
    FaultKind.WRONG_AT_BOOT: -86_400.0 * 400,
    FaultKind.UPLINK_LOSS: 0.25,
    FaultKind.DISK_SLOW: 2.5,
    FaultKind.NAT_REBINDING: 90.0,
    FaultKind.CENTER_SLOW: 20.0,
    FaultKind.DRIFTING_SENSOR: 3.5,
    FaultKind.CENTER_RESTORED: 3600.0,
    FaultKind.POWER_CUT: 3.0,
}


_SHARES = {
    FaultKind.DUPLICATES,
    FaultKind.REORDERING,
    FaultKind.BIT_ERRORS,
    FaultKind.UPLINK_DUPLICATES,
    FaultKind.CENTER_GARBAGE,
}
_SHORT = {
    FaultKind.POWER_CUT,
    FaultKind.CLOCK_JUMP,
    FaultKind.DISK_CORRUPTED,
    FaultKind.WRONG_AT_BOOT,
}


@dataclass(slots=True)
class _Home:
    """A home on its way to be a chronicle."""

    chronicle: Chronicle
    home: HomeChronicle
    random: Random
    serial: int = 0
    boot: int = 1

    def live(self, days: int) -> None:
        for day in range(days):
            self._day(START + day * _D, day)

    def _day(self, midnight: datetime, day: int) -> None:
        random = self.random
        if 120 <= day < 129:
            return
        rises, sleeps = random.triangular(5.4, 8, 6.4), random.triangular(21, 24, 22.3)
        moments = [random.uniform(rises, sleeps) for _ in range(60 if day % 7 < 5 else 45)]
        for meal in (rises + 0.6, 12.2, 18.3):
            moments += [random.gauss(meal, 0.35) for _ in range(45)]
        moments += [random.uniform(0, rises)] * (random.random() < 0.7)
        if random.random() < 0.6:
            out = random.uniform(9.5, 15)
            back = out + random.uniform(0.8, 4)
            moments = [one for one in moments if not out < one < back]
            self.home.absences.append((midnight + out * _H, midnight + back * _H))
        lying = [(one.at, one.helped or self.chronicle.end) for one in self.home.troubles]
        for hour in moments:
            at = midnight + timedelta(seconds=int(hour * 3600))
            if at < self.chronicle.end and not any(a <= at < b for a, b in lying):
                self.home.life.append(moment_us(at))

    def raise_(
        self,
        at: datetime,
        kind: AlarmKind,
        *,
        scope: DeviceId | None = None,
        prompt: timedelta | None = None,
        trip: timedelta = timedelta(seconds=1),
        outcome: Outcome | None = Outcome.FALSE,
    ) -> datetime:
        """Raise an alarm; returns when somebody came."""
        key = AlarmKey(kind, scope)
        self.serial += 1
        event = Escalated(at, self.serial, key, kind.level, (), "거실", b"")
        if prompt is not None:
            self._decided(at - prompt, AlarmMoved(at - prompt, key, Move.PROMPT))
        self._decided(at, AlarmMoved(at, key, Move.RAISE))
        self._decided(at, event)
        name = uuid7(moment_us(at) // 1000, self.random.randbytes(10))
        kept = at + timedelta(milliseconds=40)
        self.home.queued.append(Queued(kept, name, self.serial, self.boot, True, b""))
        record = record_of(
            event,
            id=name,
            gateway=self.home.gateway,
            boot=self.boot,
            monotonic_ms=1,
            time_trusted=True,
        )
        self.home.arrived.append(Arrived(kept + trip, record, True))
        return self.handle(name, key, kept + trip, outcome, own=False)

    def handle(
        self,
        name: bytes,
        key: AlarmKey,
        opened: datetime,
        outcome: Outcome | None,
        *,
        own: bool,
    ) -> datetime:
        gateway = self.home.gateway
        self.chronicle.cases.append(CaseSeen(name, gateway, own, key, opened, False))
        fault = key.kind.category is Category.FAULT
        taken = opened + self.random.uniform(40, 500) * timedelta(seconds=40 if fault else 1)
        closed = taken + self.random.uniform(15, 60) * (_H if fault else _MIN)
        self.chronicle.handled.append(Handled(taken, name, gateway, None))
        if outcome is not None:
            self.chronicle.handled.append(Handled(closed, name, gateway, outcome))
        return closed

    def _decided(self, at: datetime, event: AlarmMoved | Escalated) -> None:
        insort(self.home.decided, Decided(at, event, self.boot), key=lambda one: one.at)

    def fall(self, at: datetime, kind: PlightKind, after: timedelta, trip: timedelta) -> None:
        trouble = Trouble(at, kind)
        self.home.troubles.append(trouble)
        if at + after + trip > self.chronicle.end:
            return
        trouble.helped = self.raise_(
            at + after,
            AlarmKind.INACTIVITY,
            prompt=10 * _MIN,
            trip=trip,
            outcome=Outcome.REAL,
        )
        trouble.found = self.home.arrived[-1].at


def made(
    seed: int = 41, homes: int = 1, days: int = 365, troubles: int = 12, violations: int = 0
) -> Told:
    """A run of that many homes."""
    end = START + days * _D
    center = _faults(Random(f"{seed}/center"), None, days, (), sorted(OF_CENTER), 200)
    chronicle = Chronicle(
        seed,
        START,
        end,
        end + 2 * _D if days > 2 else end + _H,
        center_faults=center if troubles else (),
        observations=2_740 * days * homes,
        digest="9f2b6c1e" * 8,
    )
    for number in range(1, homes + 1):
        chronicle.homes.append(_home(chronicle, Random(f"{seed}/{number}"), number, troubles))
    chronicle.handled.sort(key=lambda one: one.at)
    chronicle.cases.sort(key=lambda one: one.opened)
    chronicle.restored = [
        (START + one.begin + one.lasting, START + one.begin - _H)
        for one in chronicle.center_faults
        if one.kind is FaultKind.CENTER_RESTORED
    ]
    broken = tuple(_violation(chronicle, place) for place in range(violations))
    rows = tuple(_figures(home, days, broken) for home in chronicle.homes)
    return Told(
        chronicle,
        _total(chronicle, rows, broken),
        rows,
        f"ongi sim --seed {seed} --homes {homes} --days {days} --faults storm",
        f"ongi sim --seed {seed} --home 1 --days 212 --keep 4,9" if broken else "",
    )


def _home(chronicle: Chronicle, random: Random, number: int, troubles: int) -> HomeChronicle:
    days = (chronicle.end - chronicle.start) // _D
    devices = tuple(one.device for one in furnished(chronicle.seed, number, START).installed)
    kinds = [kind for kind in FaultKind if kind not in OF_CENTER]
    names = tuple(one.id for one in devices)
    home = HomeChronicle(
        number,
        f"sim-{number:04}",
        devices,
        PRESETS[Preset.LIVING_ALONE],
        _faults(random, number, days, names, kinds, 1) if troubles else (),
        runs=[Run(1, chronicle.start, None)],
        observations=2_740 * days,
    )
    drawn = _Home(chronicle, home, random)
    for place in range(troubles):
        at = START + (place + random.random() * 0.6) * days / troubles * _D
        kind = PlightKind.FALL if place % 3 == 1 else PlightKind.COLLAPSE
        late = 30 * _H if place == 4 else timedelta(seconds=random.uniform(0.4, 70))
        drawn.fall(_whole(at), kind, _whole_span(random.triangular(2.5, 22, 8)), late)
    if troubles:
        _other_alarms(drawn, days)
        _survive(drawn, chronicle)
    drawn.live(days)
    home.life = type(home.life)("q", sorted(home.life))
    home.signs = type(home.life)("q", (at for at in home.life if at % 11_000_000))
    if days > 130:
        trip = (START + 120 * _D + 9 * _H, START + 128 * _D + 17 * _H)
        home.absences.append(trip)
        home.announced.append(Announced(trip[0], Away(AwayReason.TRIP, "staff", trip[1])))
    _gauge(home, chronicle, random)
    home.queued.sort(key=lambda one: one.at)
    home.arrived.sort(key=lambda one: one.at)
    return home


def _other_alarms(drawn: _Home, days: int) -> None:
    random, home = drawn.random, drawn.home
    for _ in range(max(days // 60, 1)):
        at = _whole(START + random.random() * days * _D)
        drawn.raise_(at, AlarmKind.INACTIVITY, prompt=10 * _MIN)
    for kind, phenomenon in ((AlarmKind.LEAK, Phenomenon.LEAK), (AlarmKind.SOS, Phenomenon.SOS)):
        for _ in range(3):
            at = _whole(START + random.random() * days * _D)
            scope = DeviceId("bathroom-leak" if kind is AlarmKind.LEAK else "sos-button")
            home.alerts.append(Alert(at, scope, phenomenon, True, at + timedelta(seconds=0.3)))
            raised = at + timedelta(seconds=0.3 if kind is AlarmKind.SOS else 5.3)
            drawn.raise_(raised, kind, scope=scope, outcome=Outcome.REAL)
    home.alerts.append(Alert(START + _H, DeviceId("kitchen-smoke"), Phenomenon.SMOKE, True, None))
    heater, evening = DeviceId("heater"), START + 13 * _H
    home.suffered.append(Suffered(SlowKind.LEFT_ON, evening, heater, evening + 9 * _H))
    home.suffered.append(Suffered(SlowKind.WANDERING, evening, None, evening + _H))
    drawn.raise_(evening + 3 * _H, AlarmKind.LEFT_ON, scope=heater, outcome=Outcome.REAL)


def _survive(drawn: _Home, chronicle: Chronicle) -> None:
    home = drawn.home
    told = {
        FaultKind.DEAD_SENSOR: AlarmKind.DEVICE,
        FaultKind.RADIO_LOST: AlarmKind.DRIVER_LOST,
        FaultKind.DISK_REFUSING: AlarmKind.DISK_FAILING,
        FaultKind.BATTERY_SAG: AlarmKind.BATTERY_LOW,
        FaultKind.DISK_CORRUPTED: AlarmKind.JOURNAL_RESTORED,
    }
    for fault in sorted(home.faults, key=lambda one: one.begin):
        begin = START + fault.begin
        if fault.kind in told:
            at = begin + min(fault.lasting, 40 * _MIN)
            scope = fault.device
            drawn.raise_(at, told[fault.kind], scope=scope, outcome=Outcome.TECHNICAL)
        if fault.kind in (FaultKind.UPLINK_DOWN, FaultKind.POWER_CUT) and fault.lasting > 5 * _MIN:
            name = uuid7(moment_us(begin) // 1000, drawn.random.randbytes(10))
            key = AlarmKey(AlarmKind.GATEWAY_SILENT)
            drawn.handle(name, key, begin + 4 * _MIN, Outcome.TECHNICAL, own=True)
        if fault.kind is FaultKind.UPLINK_DOWN:
            wait = fault.lasting / 2
            drawn.raise_(begin + wait, AlarmKind.BATTERY_LOW, trip=wait + 9 * _S)
        if fault.kind in (FaultKind.POWER_CUT, FaultKind.DISK_CORRUPTED, FaultKind.WRONG_AT_BOOT):
            last = home.runs[-1]
            if begin > last.began:
                home.runs[-1] = replace(last, ended=begin)
                drawn.boot += 1
                home.runs.append(Run(drawn.boot, begin + fault.lasting, None))
        if fault.kind is FaultKind.CLOCK_JUMP:
            home.moved.append(Moved(begin, int(fault.amount * 1e6), True, "ntp"))
    del chronicle


_S = timedelta(seconds=1)


def _faults(
    random: Random,
    home: int | None,
    days: int,
    devices: tuple[DeviceId, ...],
    kinds: list[FaultKind],
    first: int,
) -> tuple[Fault, ...]:
    found: list[Fault] = []
    for kind in kinds * (2 if days > 60 else 1):
        lasting = timedelta(hours=round(random.triangular(0.2, 80, 3), 1))
        if kind in _SHORT:
            lasting = timedelta(minutes=random.randrange(1, 20))
        begin = timedelta(minutes=random.randrange(max(int(days * 1440 * 0.9), 1)))
        device = random.choice(devices) if kind in OF_DEVICE else None
        amount = _AMOUNTS.get(kind, 0.2 if kind in _SHARES else 0.0)
        found.append(Fault(first + len(found), kind, home, begin, lasting, amount, device))
    return tuple(found)


def _gauge(home: HomeChronicle, chronicle: Chronicle, random: Random) -> None:
    days = (chronicle.end - chronicle.start) // _D
    for day in range(days):
        at = START + day * _D + 12 * _H
        waits = sum(one.at <= at for one in home.queued)
        waits -= sum(one.at <= at for one in home.arrived)
        rows = min(400 + day * 35, 6000) + random.randrange(120)
        off = random.randrange(-40_000, 40_000)
        for moved in home.moved:
            if moved.at <= at < moved.at + 2 * _D:
                off += moved.shift_us
        home.gauges.append(Gauge(at, waits, rows, rows * 310, off))


def _figures(home: HomeChronicle, days: int, violations: tuple[Violation, ...]) -> HomeFigures:
    spans = sorted((one.found - one.at) / _H for one in home.troubles if one.found)
    return HomeFigures(
        home=home.number,
        gateway=home.gateway,
        observations=home.observations,
        escalations=sum(isinstance(one.event, Escalated) for one in home.decided),
        collapses=len(home.troubles),
        found=len(spans),
        not_due=0,
        found_p50_h=spans[len(spans) // 2] if spans else None,
        found_p90_h=spans[-1] if spans else None,
        blind=0,
        false_per_30d=max(days // 60, 1) * 30 / days if home.troubles else 0.0,
        violations=sum(one.home == home.number for one in violations),
    )


def _total(
    chronicle: Chronicle, rows: tuple[HomeFigures, ...], violations: tuple[Violation, ...]
) -> Figures:
    spans = sorted(
        (one.found - one.at) / _H for home in chronicle.homes for one in home.troubles if one.found
    )
    return Figures(
        digest=chronicle.digest,
        seed=chronicle.seed,
        wall_s=41.7,
        escalations=sum(row.escalations for row in rows),
        lost=0,
        doubled=0,
        collapses=sum(row.collapses for row in rows),
        found=len(spans),
        found_p50_h=spans[len(spans) // 2] if spans else None,
        found_p90_h=spans[len(spans) * 9 // 10] if spans else None,
        blind=0,
        false_per_30d=sum(row.false_per_30d for row in rows) / len(rows) if rows else 0.0,
        violations=violations,
    )


def _violation(chronicle: Chronicle, place: int) -> Violation:
    home = chronicle.homes[place % len(chronicle.homes)]
    at = START + 3 * _D + place * _H
    return Violation(
        "collapse-in-bound",
        home.number if place else None,
        at,
        f"Collapse {place} was found after 31.2 h; the bound is 24.2 h <and> no blindness.",
        ("2026-01-08 03:00:00 prompted inactivity", "2026-01-09 10:12:00 arrived seq 14"),
    )


def _whole(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)


def _whole_span(hours: float) -> timedelta:
    return timedelta(seconds=int(hours * 3600))
