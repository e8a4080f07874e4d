"""A whole run: homes, a center, people and faults in simulated time, and what was seen of it."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random

from central.cases import Which
from central.store import Store
from central.vigil import Turn, Vigil
from edge.answer import Answer
from protocol.identity import GatewayIdentity
from protocol.records import RecordKind, decode, decode_batch
from protocol.signature import verify
from rules.alarm import PERSON_IN_DANGER, AlarmKey
from rules.events import Stage
from rules.observation import DeviceId
from sim.faults.fault import Fault, FaultKind
from sim.homes.population import SimulatedHome, home
from sim.world.center import RECORDS, Center
from sim.world.chronicle import Arrived, CaseSeen, Chronicle, Handled, Turned
from sim.world.daemon import Parts
from sim.world.operator import Operators
from sim.world.site import Home, Site
from sim.world.switches import Switches
from sim.world.timeline import Timeline

START = datetime.fromisoformat("2026-01-05T00:00:00+09:00")
"A Monday."
HEALING = timedelta(hours=6)
"After the end: longer than the slowest retry and the slowest heartbeat together."
_DELIVERED = 0x5F
_KILLED_WITHIN = timedelta(minutes=10)
_STEP = timedelta(hours=6)
"Progress is told so often, in simulated time."


@dataclass(frozen=True, slots=True)
class Plan:
    """What to run."""

    seed: int
    homes: tuple[int, ...]
    "Their numbers, from 1."
    days: int
    faults: tuple[Fault, ...] = ()
    population: str = "mixed"
    start: datetime = START


@dataclass(frozen=True, slots=True)
class Bugs:
    """Parts with a defect that a checker finds, in the place of production ones."""

    parts: Parts = field(default_factory=Parts)
    store: type[Store] = Store
    vigil: type[Vigil] = Vigil


Progress = Callable[[timedelta], None]
"How much of the simulated time has passed."


def homes_of(plan: Plan) -> list[SimulatedHome]:
    """The homes of a run.

    Raises:
        ConfigError: there is no such population.

    """
    return [home(plan.seed, number, plan.start, plan.population) for number in plan.homes]


def run(
    plan: Plan,
    progress: Progress = lambda _: None,
    bugs: Bugs | None = None,
    homes: Callable[[Plan], Sequence[Home]] = homes_of,
) -> Chronicle:
    """Run to the end, let everything heal, and tell what was seen.

    Raises:
        ConfigError: there is no such population.

    """
    return _World(plan, bugs or Bugs(), homes(plan)).run(progress)


class _World:
    def __init__(self, plan: Plan, bugs: Bugs, homes: Sequence[Home]) -> None:
        self._plan = plan
        start = plan.start.astimezone(UTC)
        end = start + timedelta(days=plan.days)
        self._timeline = Timeline(start)
        self._center_faults = Switches()
        self._center = Center(
            self._timeline, Random(f"{plan.seed}/center"), bugs.store, bugs.vigil
        )
        self._sites: dict[str, Site] = {}
        for each in homes:
            self._sites[each.gateway] = site = Site(
                self._timeline,
                each,
                plan.faults,
                seed=plan.seed,
                start=start,
                end=end,
                center_faults=self._center_faults,
                ask_center=self._answer,
                parts=bugs.parts,
            )
            self._center.enrol(site.identity, each.gateway)
        self._operators = Operators(
            self._timeline, self._center, self._sites, plan.seed, self._handled
        )
        self._center.turned = self._turned
        self._known: set[bytes] = set()
        self._chronicle = Chronicle(
            plan.seed,
            start,
            end,
            end + HEALING,
            [site.chronicle for site in self._sites.values()],
            tuple(fault for fault in plan.faults if fault.home is None),
        )
        self._backup_of: datetime | None = None

    def run(self, progress: Progress) -> Chronicle:
        for fault in self._chronicle.center_faults:
            self._arrange(fault)
        for site in self._sites.values():
            site.begin()
        chronicle, timeline = self._chronicle, self._timeline
        try:
            while timeline.now < chronicle.healed:
                timeline.run(min(timeline.now + _STEP, chronicle.healed))
                progress(timeline.now - chronicle.start)
            self._close()
        finally:
            self._center.let_go()
        return chronicle

    def _close(self) -> None:
        chronicle = self._chronicle
        for site in self._sites.values():
            site.finish()
        chronicle.stored = self._center.stored()
        chronicle.cases = [
            CaseSeen(
                id=bytes.fromhex(case.id),
                gateway=case.gateway,
                own=bytes.fromhex(case.id) not in self._known,
                alarm=AlarmKey(case.alarm, None if case.scope is None else DeviceId(case.scope)),
                opened=case.persisted_at,
                drill=case.drill,
            )
            for case in self._center.cases(Which.ALL)
        ]
        chronicle.observations = sum(each.observations for each in chronicle.homes)
        digest = hashlib.sha256()
        for gateway, site in self._sites.items():
            digest.update(f"{gateway} {site.scribe.digest.hex()}\n".encode())
        for gateway, seq, id_ in chronicle.stored:
            digest.update(f"{gateway} {seq} {id_.hex()}\n".encode())
        chronicle.digest = digest.hexdigest()

    # ------------------------------------------------------------------------------- the center

    def _answer(self, identity: GatewayIdentity, path: str, payload: bytes) -> Answer | None:
        if self._center.up:
            self._sites[identity.gateway].scribe.reached()
        answer = self._center.answer(identity, path, payload)
        if answer is not None and path == RECORDS and int(answer.code) <= _DELIVERED:
            self._arrived(identity, payload)
        return answer

    def _arrived(self, identity: GatewayIdentity, payload: bytes) -> None:
        site = self._sites[identity.gateway]
        now = self._timeline.now
        opened = False
        key = identity.private_key().public_key()
        for signed in decode_batch(payload):
            record = decode(verify(signed, lambda _: key)[1])
            new = record.id not in self._known
            self._known.add(record.id)
            site.chronicle.arrived.append(Arrived(now, record, new))
            opens = record.kind is not RecordKind.UPDATE
            opened |= new and (opens or record.stage is Stage.LEVEL)
            trouble = site.trouble
            if opens and trouble and trouble.found is None and not record.drill:
                raised = self._raised(site, record.seq)
                danger = record.alarm in PERSON_IN_DANGER
                if danger and raised is not None and raised >= trouble.at:
                    trouble.found = now
        if opened:
            self._operators.look()

    def _raised(self, site: Site, seq: int) -> datetime | None:
        """The true moment at which a record was queued."""
        queued = site.chronicle.queued
        return next((one.at for one in reversed(queued) if one.seq == seq), None)

    def _turned(self, turn: Turn) -> None:
        seen = Turned(self._timeline.now, turn.silent)
        self._sites[turn.gateway].chronicle.turned.append(seen)
        self._operators.look()

    def _handled(self, handled: Handled) -> None:
        self._chronicle.handled.append(handled)

    def _arrange(self, fault: Fault) -> None:
        begin = self._plan.start + fault.begin
        end = begin + fault.lasting
        within = min(fault.lasting / 2, _KILLED_WITHIN)
        if fault.kind is FaultKind.CENTER_RESTORED:
            kept = max(begin - timedelta(seconds=round(fault.amount)), self._plan.start)
            self._timeline.at(kept, lambda: self._keep(kept))
            self._timeline.at(begin, lambda: self._center.kill(within))
            self._timeline.at(end, self._restore)
        elif fault.kind is FaultKind.CENTER_KILLED:
            self._timeline.at(begin, lambda: self._center.kill(within))
            self._timeline.at(end, self._restart)
        else:
            self._timeline.at(begin, lambda: self._center_faults.begin(fault))
            self._timeline.at(end, lambda: self._center_faults.end(fault))

    def _keep(self, moment: datetime) -> None:
        if self._center.up:
            self._center.keep_backup()
            self._backup_of = moment

    def _restart(self) -> None:
        self._center.start()
        kept = {id_ for _, _, id_ in self._center.stored()}
        now = self._timeline.now
        self._chronicle.forgotten += [(now, id_) for id_ in sorted(self._known - kept)]
        self._known &= kept
        self._operators.look_anew()

    def _restore(self) -> None:
        if self._backup_of is None:
            self._restart()
            return
        self._center.restore_backup()
        self._chronicle.restored.append((self._timeline.now, self._backup_of))
        self._known = {id_ for _, _, id_ in self._center.stored()}
        self._operators.look_anew()
