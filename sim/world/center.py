"""The center in simulated time: the production store and requests over SQLite in memory.

It can be killed, be slow, and come back with an older backup. It is killed while it takes records,
if some come in time: what it waited for is committed by then, what it only asked for is not, and
the answer may have left already.
"""

import sqlite3
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from random import Random
from typing import Any, TypeVar

from central.cases import Case, CaseConflict, Home, NoSuchCase, Which
from central.refusals import Refusals
from central.requests import Requests
from central.sql.schema import furnish
from central.store import Store
from central.supervision import write_down
from central.udp import Peer
from central.vigil import Turn, Vigil
from edge.answer import Answer
from protocol.identity import GatewayIdentity
from rules.alarm import Category
from rules.events import Outcome
from sim.world.timeline import Timeline

T = TypeVar("T")

INTERVAL_S = 1_800
"Between heartbeats while nothing happens: a real center asks for one a minute."
HOT_S = 60
"While people may act; a real center asks for one every five seconds."
_PEER = Peer(("192.0.2.1", 5683), ())
_OPEN_MAX = 100_000
RECORDS = "e"
_UNANSWERED = 0.5
_PULSES_KEPT_EVERY = timedelta(hours=1)
"Once a minute by a real center."


def at_once(coroutine: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine that waits for nothing.

    Raises:
        AssertionError: it does wait.

    """
    try:
        coroutine.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    coroutine.close()
    raise AssertionError("waited for something in simulated time")


class Database:
    """A `central.database.Database` that answers at once."""

    def __init__(self, image: bytes | None = None) -> None:
        """An empty one, or what a backup holds."""
        self._connection = sqlite3.connect(":memory:", isolation_level=None)
        if image is not None:
            self._connection.deserialize(image)
        furnish(self._connection)
        self._committed: Callable[[], None] = lambda: None
        self._submitted: list[Callable[[sqlite3.Connection], object]] = []
        "In the writer's queue: carried out with whatever is waited for next."

    def lose(self) -> None:
        """Whoever ran on it is killed: nothing that nobody waited for is carried out."""
        self._submitted.clear()

    def image(self) -> bytes:
        """A backup."""
        return self._connection.serialize()

    def tell(self, committed: Callable[[], None]) -> None:
        self._committed = committed

    async def ask(self, question: Callable[[sqlite3.Connection], T]) -> T:
        return question(self._connection)

    async def change(self, change: Callable[[sqlite3.Connection], T]) -> T:
        return self.insist(change)

    def submit(self, change: Callable[[sqlite3.Connection], object]) -> None:
        self._submitted.append(change)

    def settle(self) -> None:
        """Carry out what was only asked for."""
        submitted, self._submitted = self._submitted, []
        for change in submitted:
            self._carry_out(change)

    def insist(self, change: Callable[[sqlite3.Connection], T]) -> T:
        self.settle()
        return self._carry_out(change)

    def _carry_out(self, change: Callable[[sqlite3.Connection], T]) -> T:
        self._connection.execute("begin immediate")
        try:
            result = change(self._connection)
        except BaseException:
            self._connection.execute("rollback")
            raise
        self._connection.execute("commit")
        self._committed()
        return result

    async def aclose(self) -> None:
        self._connection.close()


class _Clock:
    """A center keeps its time by NTP: it is the true one."""

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline

    def now(self) -> datetime:
        return self._timeline.now

    def boottime_us(self) -> int:
        return self._timeline.us()

    def rate(self) -> float:
        return 1.0


class Center:
    """Takes requests while it is up."""

    def __init__(
        self,
        timeline: Timeline,
        random: Random,
        store: type[Store] = Store,
        vigil: type[Vigil] = Vigil,
    ) -> None:
        self._timeline = timeline
        self._random = random
        self._store_type = store
        self._vigil_type = vigil
        self._clock = _Clock(timeline)
        self._database = Database()
        self._backup: bytes | None = None
        self.up = True
        self._dying = False
        self.turned: Callable[[Turn], None] = lambda _: None
        "Called when the center has raised or ended a case of its own."
        self._watched_at = timeline.now
        self._next_watch: datetime | None = None
        self._begin()
        self._keep_pulses()

    # ------------------------------------------------------------------------------ its own life

    def enrol(self, identity: GatewayIdentity, name: str) -> None:
        """Take a gateway in."""
        home = Home(gateway=identity.gateway, name=name)
        at_once(self.store.enrol(identity.entry(), home, "set-up", self._timeline.now))

    def kill(self, within: timedelta) -> None:
        """Stop in mid-air: with the next records, or `within` some time if none come."""
        self._dying = True
        self._timeline.after(within, self._die)

    def _die(self) -> None:
        if self._dying:
            self._dying, self.up = False, False
            self._database.lose()

    def start(self) -> None:
        """Start on what was committed."""
        self._dying, self.up = False, True
        self._begin()

    def let_go(self) -> None:
        """Let go of the database."""
        at_once(self._database.aclose())

    def keep_backup(self) -> None:
        """Set a copy aside."""
        self._backup = self._database.image()

    def restore_backup(self) -> None:
        """Start on the copy that was set aside."""
        assert self._backup is not None
        self.let_go()
        self._database = Database(self._backup)
        self.start()

    def _keep_pulses(self) -> None:
        if self.up:
            at_once(self.store.keep_pulses())
        self._timeline.after(_PULSES_KEPT_EVERY, self._keep_pulses)

    def _begin(self) -> None:
        self.store = self._store_type(self._database, self._random.randbytes)
        at_once(self.store.refresh())
        self._requests = Requests(
            self.store,
            self._clock,
            interval=lambda: INTERVAL_S,
            refusals=Refusals(lambda: 0.0),
            hot_s=HOT_S,
        )
        self._vigil = self._vigil_type(lambda: INTERVAL_S)
        self._vigil.load(at_once(self.store.gateways()))
        self._watched_at = self._timeline.now
        self._watch()

    # ---------------------------------------------------------------------------------- requests

    def answer(self, identity: GatewayIdentity, path: str, payload: bytes) -> Answer | None:
        """Carry out a request that is proven to be this gateway's; None while it is down."""
        entry = self.store.find(identity.sender_id) if self.up else None
        if entry is None:
            return None
        self._pass()
        self._vigil.heard(entry.gateway, self._timeline.now)
        self._turn()
        code, answer = at_once(self._requests.answer(entry, (path,), payload, _PEER))
        self._plan()
        if self._dying and path == RECORDS:
            self._die()
            if self._random.random() < _UNANSWERED:
                return None
        self._database.settle()
        return Answer(code, answer)

    # ----------------------------------------------------------------------- whose homes are there

    def _pass(self) -> None:
        now = self._timeline.now
        self._vigil.passed((now - self._watched_at).total_seconds(), now)
        self._watched_at = now

    def _watch(self) -> None:
        if self.up:
            self._pass()
            self._turn()
            self._plan()

    def _plan(self) -> None:
        left_s = self._vigil.next_s()
        if left_s is None:
            return
        at = self._timeline.now + timedelta(milliseconds=round(left_s * 1000))
        if self._next_watch is not None and self._timeline.now < self._next_watch <= at:
            return
        self._next_watch = at
        self._timeline.at(at, self._watch)

    def _turn(self) -> None:
        for turn in self._vigil.turns():
            at_once(write_down(turn, self.store))
            self.turned(turn)

    # ------------------------------------------------------------------------------------ people

    def cases(self, which: Which, category: Category | None = None) -> list[Case]:
        """What stands on the board."""
        return at_once(self.store.cases(state=which, category=category, limit=_OPEN_MAX))

    def take(self, case: str, by: str) -> bool:
        """Take a case; False if that is not possible (any more)."""
        try:
            at_once(self.store.take(case, by, self._timeline.now))
        except (NoSuchCase, CaseConflict):
            return False
        return True

    def close(self, case: str, by: str, outcome: Outcome) -> bool:
        """Close a case; False if that is not possible (any more)."""
        try:
            at_once(self.store.close(case, by, outcome, "", self._timeline.now))
        except (NoSuchCase, CaseConflict):
            return False
        return True

    def stored(self) -> list[tuple[str, int, bytes]]:
        """Gateway, seq and id of every record."""

        def ask(connection: sqlite3.Connection) -> list[tuple[str, int, bytes]]:
            rows = connection.execute(
                "select gateway, seq, id from records order by gateway, seq, id"
            )
            return [(row["gateway"], row["seq"], row["id"]) for row in rows]

        return at_once(self._database.ask(ask))
