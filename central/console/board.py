"""The open cases as the queue shows them: most urgent first, each role its own."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from central.cases import Case, CaseState, Condition, Which
from central.people import Role
from central.store import Store
from rules.alarm import AlarmKind, Category

MOST: Final = 2_000
"Open cases that are looked at; a whole district without power is fewer."
SHOWN: Final = 200
"Rows of one list; nobody works through more before the page has changed."

_RANK: Final = {
    # Minutes count.
    AlarmKind.SOS: 0,
    AlarmKind.SMOKE: 0,
    AlarmKind.GAS: 0,
    AlarmKind.CO: 0,
    # Hours have passed already, water is rising, somebody is out in the night, something may burn.
    AlarmKind.INACTIVITY: 1,
    AlarmKind.LEAK: 1,
    AlarmKind.NO_MORNING: 1,
    AlarmKind.WANDERING: 1,
    AlarmKind.LEFT_ON: 1,
    # A day or two have passed already.
    AlarmKind.NOT_EATING: 2,
    AlarmKind.HEAT: 2,
    AlarmKind.COLD: 2,
    # A home that nobody watches comes before a device in a home that is watched.
    AlarmKind.GATEWAY_SILENT: 3,
    AlarmKind.HOME_BLIND: 3,
    AlarmKind.MAINS_OUTAGE: 4,
    AlarmKind.DISK_FAILING: 4,
    AlarmKind.DRIVER_LOST: 4,
    AlarmKind.RADIO_LOST: 4,
    AlarmKind.TIME_UNTRUSTED: 4,
}
_LAST: Final = {Category.ESCALATION: 2, Category.FAULT: 8, Category.NOTE: 9}


@dataclass(frozen=True, slots=True)
class Queue:
    """One list of the console."""

    waiting: tuple[Case, ...]
    taken: tuple[Case, ...]


class Board:
    """The open cases of the store, read once per change however many people look."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._version: int | None = None
        self._open: tuple[Case, ...] = ()
        self._reading = asyncio.Lock()

    async def open(self) -> tuple[Case, ...]:
        """All open cases, most urgent first."""
        # All screens ask at the same moment, when they are told of a change.
        async with self._reading:
            version = self._store.version
            if self._version != version:
                found = await self._store.cases(state=Which.OPEN, limit=MOST)
                # The version was read first: at worst the next page asks once more.
                self._open, self._version = tuple(sorted(found, key=urgency)), version
            return self._open


def urgency(case: Case) -> tuple[object, ...]:
    """Sorts the most urgent first: what it is, how far it went, how long it waits."""
    return (
        case.drill,
        case.condition is not Condition.ACTIVE,
        _RANK.get(case.alarm, _LAST[case.category]),
        -case.level,
        case.persisted_at,
        case.id,
    )


def queue(cases: Sequence[Case], category: Category) -> Queue:
    """The list of one category; the order is kept."""
    mine = [case for case in cases if case.category is category]
    return Queue(
        tuple(case for case in mine if case.state is CaseState.WAITING),
        tuple(case for case in mine if case.state is CaseState.TAKEN),
    )


def may_see(role: Role, category: Category) -> bool:
    """Whether this role is shown cases of this category.

    A technician is sent to mend a device, and learns of a home no more than that needs.
    """
    return role is not Role.TECHNICIAN or category is Category.FAULT


def shows_level(case: Case) -> bool:
    """Whether the level says more than the kind: an inactivity has several, others may rise."""
    return case.level > case.alarm.level or case.alarm is AlarmKind.INACTIVITY


def home_of(case: Case) -> str:
    """What to call the home: its name, or its gateway's id where nobody entered one."""
    return case.home.name or case.gateway
