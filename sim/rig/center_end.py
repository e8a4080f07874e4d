"""The center of the rig: its process, its data, and what is seen of them."""

import asyncio
import secrets
import sqlite3
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from central import keys
from central.app import DATABASE, make_folder
from central.cases import Case, CaseConflict, Home, NoSuchCase, StoreFailing, Which
from central.store import Store
from protocol.identity import GatewayIdentity
from protocol.records import Record, decode, verify
from rules.alarm import AlarmKey
from rules.codec import moment_at
from rules.events import Outcome
from rules.observation import DeviceId
from sim.processes.children import Child, Crew, Program
from sim.world.chronicle import CaseSeen

INTERVAL_S = 2
"Real seconds between heartbeats: the center counts a gateway's silence in real ones."
READY_S = 60.0
_CASES = 100_000
_COMMAND_S = 60.0


@dataclass(frozen=True, slots=True)
class Stored:
    """A record as the center has it."""

    at: datetime
    gateway: str
    record: Record


class CenterEnd:
    """Starts, kills and asks the center."""

    def __init__(self, data: Path, clock: Path, crew: Crew, port: int) -> None:
        self.data = data
        self.port = port
        self.up = False
        self._crew = crew
        self._child: Child | None = None
        self._program = Program(
            (
                "sim.rig.child",
                "center",
                str(data),
                *("--clock", str(clock)),
                *("--coap-port", str(port)),
                *("--interval", str(INTERVAL_S)),
            )
        )
        self._keys: dict[str, GatewayIdentity] = {}
        self._seen = 0
        self._copy = data.with_name("copy.sqlite")

    # ------------------------------------------------------------------------------ its own life

    async def found(self, homes: Sequence[tuple[str, Path]], now: datetime) -> None:
        """Make its data, and take the gateways in; each one's keys go to its path."""
        make_folder(self.data)
        store = await Store.open(self.data / DATABASE)
        try:
            for gateway, out in homes:
                card = Home(gateway=gateway, name=gateway)
                self._keys[gateway] = await keys.enrol(
                    store, card, out, by="set-up", now=now, random=secrets.token_bytes
                )
        finally:
            await store.aclose()

    async def start(self) -> None:
        """Start it and wait until it takes requests.

        Raises:
            TimeoutError: it does not.

        """
        self._child = await self._crew.start("center", self._program, _nothing)
        async with asyncio.timeout(READY_S):
            await self._child.ready
        self.up = True

    async def kill(self) -> None:
        """Kill it."""
        self.up = False
        if self._child is not None:
            await self._child.kill()

    async def keep_backup(self) -> bool:
        """Set a copy aside while it runs, as its people do."""
        self._copy.unlink(missing_ok=True)
        return await _command("backup", "--data", str(self.data), str(self._copy))

    async def restore_backup(self) -> bool:
        """Put the copy in the place of the data while it does not run."""
        done = await _command("restore", "--data", str(self.data), str(self._copy))
        self._seen = self._last()
        return done

    # ------------------------------------------------------------------------------- what it has

    def arrived(self) -> list[Stored]:
        """Records stored since the last call."""
        with self._opened() as database:
            rows = database.execute(
                "select arrival, gateway, signed, persisted_at from records where arrival > ?"
                " order by arrival",
                (self._seen,),
            ).fetchall()
        if rows:
            self._seen = rows[-1][0]
        return [
            Stored(moment_at(at), gateway, _decoded(self._keys[gateway], signed))
            for _, gateway, signed, at in rows
        ]

    def stored(self) -> list[tuple[str, int, bytes]]:
        """Gateway, seq and id of every record."""
        with self._opened() as database:
            return database.execute(
                "select gateway, seq, id from records order by gateway, seq, id"
            ).fetchall()

    async def cases(self, which: Which) -> list[Case]:
        """What stands on the board."""
        async with self._store() as store:
            return await store.cases(state=which, limit=_CASES)

    async def take(self, case: str, by: str, now: datetime) -> bool:
        """Take a case; False if that is not possible."""
        try:
            async with self._store() as store:
                await store.take(case, by, now)
        except (NoSuchCase, CaseConflict, StoreFailing):
            return False
        return True

    async def close(self, case: str, by: str, outcome: Outcome, now: datetime) -> bool:
        """Close a case; False if that is not possible."""
        try:
            async with self._store() as store:
                await store.close(case, by, outcome, "", now)
        except (NoSuchCase, CaseConflict, StoreFailing):
            return False
        return True

    def silent(self) -> dict[str, datetime | None]:
        """By gateway since when the center holds it for silent; None: it does not."""
        with self._opened() as database:
            rows = database.execute("select gateway, silent_since from gateways").fetchall()
        return {gateway: None if us is None else moment_at(us) for gateway, us in rows}

    @asynccontextmanager
    async def _store(self) -> AsyncIterator[Store]:
        store = await Store.open(self.data / DATABASE)
        try:
            yield store
        finally:
            await store.aclose()

    def _last(self) -> int:
        with self._opened() as database:
            ((last,),) = database.execute("select coalesce(max(arrival), 0) from records")
        return int(last)

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self.data / DATABASE, timeout=10)) as database:
            yield database


def seen_of(case: Case, known: set[bytes]) -> CaseSeen:
    """A case as the chronicle has it; `known`: ids of all records that ever came."""
    id_ = bytes.fromhex(case.id)
    return CaseSeen(
        id=id_,
        gateway=case.gateway,
        own=id_ not in known,
        alarm=AlarmKey(case.alarm, None if case.scope is None else DeviceId(case.scope)),
        opened=case.persisted_at,
        drill=case.drill,
    )


def _decoded(identity: GatewayIdentity, signed: bytes) -> Record:
    key = identity.private_key().public_key()
    return decode(verify(signed, lambda _: key)[1])


async def _command(*arguments: str) -> bool:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "ongi", "center", *arguments),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    async with asyncio.timeout(_COMMAND_S):
        return await process.wait() == 0


def _nothing(line: bytes) -> bool:
    del line
    return False
