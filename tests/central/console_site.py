"""A center with its console, on a port of its own, in a thread of its own."""

import asyncio
import socket
import threading
import time
from collections.abc import Coroutine, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, TypeVar

import uvicorn
from argon2 import PasswordHasher

from central.accounts import Accounts
from central.cases import Home
from central.console import console
from central.console.assets import Assets
from central.people import Role
from central.store import Store
from protocol.heartbeat import Heartbeat
from protocol.identity import GatewayEntry
from protocol.records import Record, RecordKind
from rules.activity import ActivityClass
from rules.alarm import AlarmKind, Category
from rules.events import Stage
from rules.observation import Phenomenon
from rules.sentence import Explanation, Say, Sentence, sentence

T = TypeVar("T")

START: Final = datetime(2026, 11, 21, 12, 40, tzinfo=UTC)
"21:40 in Seoul."
PASSWORD: Final = "correct horse"
KIM: Final = Home(
    "gw-204",
    "햇살빌라 204호",
    "서울특별시 은평구 햇살로 1, 204호",
    "02-000-0000",
    "대상자 (82세, 홀로 거주, 청력 약함)",
    "현관 비밀번호는 관리사무소(02-000-0001)에 있음. 딸 010-0000-0001.",
)
LEE: Final = Home(
    "gw-101", "햇살빌라 101호", "서울특별시 은평구 햇살로 1, 101호", "010-0000-0000", "대상자 1명"
)
HALL: Final = Home("gw-hall", "햇살 경로당", "서울특별시 은평구 햇살로 3", "02-000-0002")
HOMES: Final = (KIM, LEE, HALL)
_DEADLINE_S: Final = 10.0
_KINDS: Final = {
    Category.ESCALATION: RecordKind.ESCALATION,
    Category.FAULT: RecordKind.FAULT,
    Category.NOTE: RecordKind.NOTE,
}
_CLASSES: Final = {"-": ActivityClass.NONE, "l": ActivityClass.LITTLE, "s": ActivityClass.SOME} | {
    "m": ActivityClass.MUCH,
    "a": ActivityClass.AWAY,
    "?": ActivityClass.UNKNOWN,
}
SILENT_DAY: Final = bytes(
    _CLASSES[mark] for mark in "??------------------lsmmslaaaalsm---------------"
)


class Clock:
    """Starts at an evening in Seoul and runs on from there, or stands."""

    def __init__(self, start: datetime = START, rate: float = 1.0) -> None:
        self._start = start
        self._rate = rate
        self._began = time.monotonic()

    def now(self) -> datetime:
        return self._start + self._rate * timedelta(seconds=time.monotonic() - self._began)

    def rate(self) -> float:
        return self._rate

    def advance(self, span: timedelta) -> None:
        self._start += span


@dataclass
class Site:
    """The running center, as a test handles it."""

    port: int
    store: Store
    accounts: Accounts
    clock: Clock
    loop: asyncio.AbstractEventLoop
    sent: dict[str, int] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def do(self, what: Coroutine[Any, Any, T]) -> T:
        """Do something in the center's loop."""
        return asyncio.run_coroutine_threadsafe(what, self.loop).result(_DEADLINE_S)

    def add_user(self, name: str, role: Role = Role.OPERATOR) -> None:
        self.do(self.accounts.add(name, PASSWORD, role, "test", self.clock.now()))

    def persist(self, record: Record) -> str:
        """Let a gateway's record arrive; the case's id."""
        (new,) = self.do(
            self.store.persist(record.gateway, [(record, b"signed")], self.clock.now())
        )
        assert new
        return (record.refers or record.id).hex()

    def record(
        self,
        alarm: AlarmKind,
        home: Home = KIM,
        *explanation: Sentence,
        level: int = 1,
        room: str = "거실",
        drill: bool = False,
        activity: bytes = b"",
        time_trusted: bool = True,
    ) -> Record:
        seq = self.sent[home.gateway] = self.sent.get(home.gateway, 0) + 1
        now = self.clock.now()
        return Record(
            id=f"{home.gateway:.8}".encode().ljust(8, b"\0") + seq.to_bytes(8, "big"),
            kind=_KINDS[alarm.category],
            gateway=home.gateway,
            seq=seq,
            boot=1,
            monotonic_ms=1_000 * seq,
            wall=now - timedelta(seconds=2),
            time_trusted=time_trusted,
            alarm=alarm,
            scope=None,
            level=level,
            explanation=explanation or (sentence(Say.SOS_PRESSED, at=now, room=room),),
            room=room,
            activity=activity,
            drill=drill,
            refers=None,
            stage=None,
        )

    def update(
        self, opened: str, stage: Stage, explanation: Explanation, home: Home, level: int = 0
    ) -> None:
        """News of a case from its gateway, at its level unless another is given."""
        case = self.do(self.store.case(opened))
        assert case is not None
        record = self.record(case.alarm, home, *explanation, level=level or case.level)
        self.persist(
            replace(
                record, kind=RecordKind.UPDATE, refers=bytes.fromhex(opened), stage=stage, room=""
            )
        )

    def silent(self, home: Home = KIM, level: int = 2) -> Record:
        """Nobody moved since the afternoon, and nobody answered."""
        now = self.clock.now()
        return self.record(
            AlarmKind.INACTIVITY,
            home,
            sentence(
                Say.SILENT_SINCE,
                since=now - timedelta(hours=7, minutes=20),
                silence=timedelta(hours=7, minutes=20),
                room="거실",
                phenomenon=Phenomenon.MOTION,
            ),
            sentence(
                Say.SILENCE_USUAL,
                since=now - timedelta(hours=7, minutes=20),
                usual=timedelta(hours=3),
            ),
            sentence(Say.PROMPT_UNANSWERED, at=now - timedelta(minutes=20)),
            level=level,
            activity=SILENT_DAY,
        )

    def fading(self, home: Home = KIM) -> Record:
        """Less life than a month ago: nothing that hurries."""
        return self.record(
            AlarmKind.DECLINE,
            home,
            sentence(Say.LESS_LIFE, value=21.0, before=40.0, weeks=4),
            sentence(Say.LATER_MORNINGS, later=timedelta(hours=1, minutes=30), weeks=4),
            room="",
        )

    def heartbeat(self, home: Home, *, outbox_depth: int = 0, time_trusted: bool = True) -> None:
        now = self.clock.now()
        beat = Heartbeat(
            boot=1,
            monotonic_ms=1_000,
            wall=now,
            time_trusted=time_trusted,
            outbox_depth=outbox_depth,
            first_seq=0,
            last_seq=0,
            news_seen=(),
            version="0.1.0",
        )
        self.loop.call_soon_threadsafe(self.store.heartbeat, home.gateway, beat, 60, now)


@contextmanager
def running(path: Path, assets: Assets, clock: Clock, port: int = 0) -> Iterator[Site]:
    """A center with three homes enrolled and nobody who may log in yet."""
    started: Future[Site] = Future()
    ends: Future[asyncio.Event] = Future()
    thread = threading.Thread(
        target=lambda: asyncio.run(_serve(path, assets, clock, port, started, ends)), daemon=True
    )
    thread.start()
    try:
        yield started.result(_DEADLINE_S)
    finally:
        if started.done() and started.exception() is None:
            started.result().loop.call_soon_threadsafe(ends.result(_DEADLINE_S).set)
        thread.join(_DEADLINE_S)
        assert not thread.is_alive()


async def _serve(
    path: Path,
    assets: Assets,
    clock: Clock,
    port: int,
    started: "Future[Site]",
    ends: "Future[asyncio.Event]",
) -> None:
    store = await Store.open(path)
    try:
        for number, home in enumerate(HOMES if not store.enrolled() else ()):
            entry = GatewayEntry(home.gateway, bytes([number]), bytes(16), bytes(8), bytes(32))
            await store.enrol(entry, home, "test", clock.now())
        accounts = Accounts(store, PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        app = console(store, clock, accounts=accounts, assets=assets)
        listening = socket.create_server(("127.0.0.1", port))
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        server = uvicorn.Server(
            uvicorn.Config(app, lifespan="off", log_level="warning", timeout_graceful_shutdown=1)
        )
        end = asyncio.Event()
        ends.set_result(end)
        port = listening.getsockname()[1]
        started.set_result(Site(port, store, accounts, clock, asyncio.get_running_loop()))
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(server.serve([listening]))
            await end.wait()
            app.close()
            server.should_exit = True
    finally:
        await store.aclose()
