"""The center's durable memory: what was acknowledged to a gateway is in here, once, for good.

A coroutine that changes something resolves only after the commit is on the medium. How changes
get there, and on which thread, is the database's; over one that answers at once no coroutine of
the store is ever suspended, and none needs an event loop.

One long class on purpose: it is the whole face of the database, and what another one (a city's
PostgreSQL) would have to offer. The work is done in `central.sql`.
"""

import asyncio
import logging
import secrets
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from sqlite3 import Connection

from central.cases import AuditEntry, Case, GatewayRow, Home, NoSuchCase, StoreFailing, Which
from central.database import Database, ThreadedDatabase
from central.gaps import RANGES, Gaps, Page
from central.people import Session, User
from central.pulses import Pulses
from central.sql import cases, gateways, people, records
from central.sql.schema import create
from protocol.heartbeat import Heartbeat, News
from protocol.identity import GatewayEntry
from protocol.records import Record, uuid7
from rules.alarm import AlarmKind, Category
from rules.codec import moment_us
from rules.events import Outcome
from rules.sentence import Explanation

_NEWS = 4
"News in one reply: with names of 40 Hangul syllables it is still one datagram."
_FRESH = timedelta(hours=1)
"A fault that changed since then may be acted upon at any moment."

_VERSION_BITS = 40
"Of the first version; a script counts exactly up to 53."

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Due:
    """What a heartbeat's reply has to say."""

    news: tuple[News, ...]
    missing: tuple[tuple[int, int], ...]
    "Ranges of seq, both ends included, that the gateway shall send again."
    waits_for_people: bool
    "A case of this gateway may be taken or closed at any moment."
    more_news: bool
    "What did not fit waits for the next reply."


class Store:
    """The center's data. Made by `open`, or over a database that has its tables, then `refresh`.

    Changes raise `StoreFailing` if nothing could be made durable.
    """

    def __init__(self, database: Database, random: Callable[[int], bytes]) -> None:
        self._database = database
        self._random = random
        # No page that is still open takes the versions of another run for its own.
        self._version = secrets.randbits(_VERSION_BITS)
        self._changed = asyncio.Event()
        self._enrolled: dict[bytes, GatewayEntry] = {}
        self._revision = -1
        self._pulses = Pulses(database)
        self._gaps: defaultdict[str, Gaps] = defaultdict(Gaps)
        database.tell(self._bump)

    @classmethod
    async def open(
        cls, path: Path, random: Callable[[int], bytes] = secrets.token_bytes
    ) -> "Store":
        """Open the file, or make it with its tables, readable by its owner alone.

        For use on the event loop that runs.

        Raises:
            ConfigError: it is no center's file, is damaged, or a newer program wrote it.
            OSError: it cannot be opened or made.

        """
        await asyncio.to_thread(create, path)
        store = cls(ThreadedDatabase(path), random)
        await store.refresh()
        return store

    async def aclose(self) -> None:
        """Write down what is known only in memory, finish all changes, let go of the data."""
        try:
            await self.keep_pulses()
        except StoreFailing as failing:
            _log.warning("the last heartbeats are not written down: %s", failing)
        await self._database.aclose()

    # ------------------------------------------------------------------ changes, for live views

    @property
    def version(self) -> int:
        """Another number after each committed change, and after each start.

        Heartbeats change nothing.
        """
        return self._version

    async def changed(self, after: int) -> int:
        """Wait until the version is another than `after`; then the version."""
        while self._version == after:
            await self._changed.wait()
        return self._version

    # ------------------------------------------------------------------ records of gateways

    async def persist(
        self, gateway: str, batch: Sequence[tuple[Record, bytes]], now: datetime
    ) -> list[bool]:
        """Keep records with their signed bytes, durably; for each, whether it is new.

        Raises:
            RecordClash: an id is known with other contents; nothing of the batch is kept.

        """
        change = partial(records.persist, gateway=gateway, records=batch, now=now)
        kept = await self._database.change(change)
        for (record, _), what in zip(batch, kept, strict=True):
            if what.reused:
                _log.warning(
                    "%s used number %d for another record: an older memory card?",
                    gateway,
                    record.seq,
                )
        return [what.new for what in kept]

    async def due(self, gateway: str, heartbeat: Heartbeat, now: datetime) -> Due:
        """What the reply to this heartbeat has to say; news that it echoes are dropped."""
        held = (heartbeat.first_seq, heartbeat.last_seq)
        gaps = self._gaps[gateway]
        spans = gaps.to_look_at(held, now)
        seen = frozenset(heartbeat.news_seen)

        def ask(connection: Connection) -> tuple[list[News], list[Page], bool]:
            return (
                cases.pending_news(connection, gateway, _NEWS + len(seen) + 1),
                records.missing(connection, gateway, spans, RANGES),
                cases.waits_for_people(connection, gateway, now - _FRESH),
            )

        news, pages, waits = await self._database.ask(ask)
        if any(piece.token in seen for piece in news):
            # Not waited for: if it fails, they are told once more.
            self._database.submit(partial(cases.drop_news, gateway=gateway, tokens=seen))
        unheard = tuple(piece for piece in news if piece.token not in seen)
        missing = gaps.take(pages, held, now)
        return Due(unheard[:_NEWS], missing, waits, len(unheard) > _NEWS)

    # ------------------------------------------------------------------ cases

    async def cases(
        self,
        *,
        state: Which = Which.OPEN,
        category: Category | None = None,
        gateway: str | None = None,
        limit: int = 200,
        before: str | None = None,
    ) -> list[Case]:
        """Cases by filter, with their histories.

        The open ones come most urgent first (people in danger before faults, waiting before
        taken, real before drills), all others newest first; these go on after the case `before`.
        """
        return await self._database.ask(
            partial(
                cases.cases,
                which=state,
                category=category,
                gateway=gateway,
                limit=limit,
                before=before,
            )
        )

    async def case(self, id_: str) -> Case | None:
        """One case with its history."""
        try:
            return await self._database.ask(partial(cases.case, id_=id_))
        except NoSuchCase:
            return None

    async def take(
        self, id_: str, by: str, now: datetime, *, instead_of: str | None = None
    ) -> Case:
        """Give a case to a person, and leave news of it for the gateway.

        Who has it already keeps it; `instead_of` takes it over from that person.

        Raises:
            NoSuchCase: none has this id.
            CaseConflict: somebody else has it, or it is closed.

        """
        return await self._database.change(
            partial(
                cases.take, id_=id_, by=by, now=now, instead_of=instead_of, random=self._random
            )
        )

    async def note(self, id_: str, by: str, text: str, now: datetime) -> Case:
        """Add a person's words to a case.

        Raises:
            NoSuchCase: none has this id.

        """
        return await self._database.change(partial(cases.note, id_=id_, by=by, text=text, now=now))

    async def close(self, id_: str, by: str, outcome: Outcome, text: str, now: datetime) -> Case:
        """Close a case with its outcome, and leave news of it for the gateway.

        Raises:
            NoSuchCase: none has this id.
            CaseConflict: somebody else has it, or it is closed.

        """
        return await self._database.change(
            partial(
                cases.close,
                id_=id_,
                by=by,
                outcome=outcome,
                text=text,
                now=now,
                random=self._random,
            )
        )

    # ------------------------------------------------------------------ gateways

    def find(self, kid: bytes) -> GatewayEntry | None:
        """The gateway with this key id, from memory."""
        return self._enrolled.get(kid)

    def enrolled(self) -> list[GatewayEntry]:
        """All gateways, from memory."""
        return list(self._enrolled.values())

    async def refresh(self) -> None:
        """Notice gateways that another process enrolled."""

        def ask(connection: Connection) -> tuple[int, list[GatewayEntry] | None]:
            revision = gateways.revision(connection)
            return (
                revision,
                None if revision == self._revision else gateways.enrolled(connection),
            )

        self._revision, found = await self._database.ask(ask)
        if found is not None:
            self._enrolled = {entry.kid: entry for entry in found}
            self._bump()

    async def enrol(
        self,
        entry: GatewayEntry,
        home: Home,
        by: str,
        now: datetime,
        *,
        replace_keys: bool = False,
    ) -> None:
        """Take a gateway in; with `replace_keys` a known one gets new keys and keeps its cases.

        Raises:
            GatewayExists: it is enrolled already, or its kid is another's.

        """
        await self._database.change(
            partial(
                gateways.enrol, entry=entry, home=home, by=by, now=now, replace_keys=replace_keys
            )
        )
        await self.refresh()

    async def set_home(self, home: Home, by: str, now: datetime) -> None:
        """Write a home's card anew."""

        def change(connection: Connection) -> None:
            gateways.set_home(connection, home)
            people.add_audit(connection, AuditEntry(now, by, "home changed", home.gateway))

        await self._database.change(change)

    async def gateways(self) -> list[GatewayRow]:
        """All gateways with their homes, by name of the home."""
        rows = await self._database.ask(gateways.rows)
        return [self._pulses.onto(row) for row in rows]

    def heartbeat(
        self, gateway: str, heartbeat: Heartbeat, interval_s: int, now: datetime
    ) -> None:
        """Remember a heartbeat and the interval that it was answered with. In memory."""
        self._pulses.heard(gateway, heartbeat, interval_s, now)

    async def keep_pulses(self) -> None:
        """Write the heartbeats since the last time down, for the time after a restart."""
        await self._pulses.keep()

    async def gateway_silent(self, gateway: str, why: Explanation, now: datetime) -> bool:
        """Open the center's own fault for a silent gateway; nothing if it is known to be.

        Closed by a person while the gateway is still silent, it is not opened again.
        """
        id_ = uuid7(moment_us(now) // 1000, self._random(10))

        def change(connection: Connection) -> bool:
            if not gateways.set_silent(connection, gateway, now):
                return False
            cases.raise_own(connection, id_, gateway, AlarmKind.GATEWAY_SILENT, why, now)
            return True

        return await self._database.change(change)

    async def gateway_back(self, gateway: str, why: Explanation, now: datetime) -> bool:
        """Say in the fault of a silent gateway that it is heard again; nothing if it never was."""

        def change(connection: Connection) -> bool:
            if not gateways.set_silent(connection, gateway, None):
                return False
            cases.clear_own(connection, gateway, AlarmKind.GATEWAY_SILENT, why, now)
            return True

        return await self._database.change(change)

    async def sequence(self) -> int:
        """OSCORE sender numbers below this may have been used in an earlier run."""
        return await self._database.ask(gateways.sequence)

    def reserve(self, upto: int) -> None:
        """Make durable that OSCORE sender numbers below `upto` may be used. Blocks.

        Raises:
            StoreFailing: it is not durable; the numbers must not be used.

        """
        self._database.insist(partial(gateways.reserve, upto=upto))

    # ------------------------------------------------------------------ people

    async def add_user(self, user: User, by: str) -> None:
        """Add a user.

        Raises:
            UserExists: the name is taken.

        """
        await self._database.change(partial(people.add_user, user=user, by=by))

    async def user(self, name: str) -> User | None:
        """The user of this name."""
        return await self._database.ask(partial(people.find_user, name=name))

    async def users(self) -> list[User]:
        """All users, by name."""
        return await self._database.ask(people.users)

    async def set_password(self, name: str, password_hash: str, by: str, now: datetime) -> None:
        """Give a user a new password, and end all of the user's sessions.

        Raises:
            NoSuchUser: nobody has this name.

        """
        await self._database.change(
            partial(people.set_password, name=name, password_hash=password_hash, by=by, now=now)
        )

    async def create_session(
        self, token_hash: bytes, user: str, now: datetime, expires_at: datetime
    ) -> None:
        """Begin a session. Only a hash of its token is kept.

        Raises:
            NoSuchUser: nobody has this name.

        """
        await self._database.change(
            partial(
                people.add_session,
                token_hash=token_hash,
                user=user,
                now=now,
                until=expires_at,
            )
        )

    async def session(self, token_hash: bytes, now: datetime) -> Session | None:
        """The session of this token, unless it has run out."""
        return await self._database.ask(
            partial(people.find_session, token_hash=token_hash, now=now)
        )

    async def drop_session(self, token_hash: bytes) -> None:
        """End a session."""
        await self._database.change(partial(people.drop_session, token_hash=token_hash))

    async def add_audit(self, entry: AuditEntry) -> None:
        """Write down who did what, for what the store does not see itself."""
        await self._database.change(partial(people.add_audit, entry=entry))

    async def audit(self, limit: int = 200) -> list[AuditEntry]:
        """Who did what, newest first."""
        return await self._database.ask(partial(people.audit, limit=limit))

    # ------------------------------------------------------------------

    def _bump(self) -> None:
        """Wake who waits for a change."""
        self._version += 1
        waiting, self._changed = self._changed, asyncio.Event()
        waiting.set()
