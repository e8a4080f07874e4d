"""Any order of arrivals, people and restarts against a model that is a few dictionaries."""

import asyncio
import tempfile
from collections.abc import Coroutine
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    rule,
)

from central.cases import CaseConflict, CaseState, Condition, Home, NoSuchCase, Which
from central.store import Store
from protocol.heartbeat import NewsKind
from protocol.records import Record, RecordKind
from rules.events import Outcome, Stage
from tests.central.receiving import NOW, heartbeat, identity, record, signed

T = TypeVar("T")

HOUR = timedelta(hours=1)

HOME = identity("home-1")
CONDITIONS = {
    Stage.LEVEL: Condition.ACTIVE,
    Stage.CLEARED: Condition.CLEARED,
    Stage.CANCELLED: Condition.CANCELLED,
}


@dataclass
class Expected:
    """A case as the model has it."""

    newest: int
    level: int = 1
    condition: Condition = Condition.ACTIVE
    state: CaseState = CaseState.WAITING
    by: str | None = None
    outcome: Outcome | None = None
    notes: int = 0

    def fold(self, made: Record) -> bool:
        """Take an update in; tell whether the case waits once more."""
        assert made.stage is not None
        self.level = max(self.level, made.level)
        if made.seq < self.newest:
            return False
        self.newest = made.seq
        self.condition = CONDITIONS[made.stage]
        if made.stage is not Stage.LEVEL or self.state is not CaseState.CLOSED:
            return False
        self.state, self.by, self.outcome = CaseState.WAITING, None, None
        return True


class Center(RuleBasedStateMachine):
    made = Bundle("made")
    "Records that their gateway has written and not yet sent for the first time."
    sent = Bundle("sent")
    opened = Bundle("opened")

    @initialize()
    def start(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.folder = tempfile.TemporaryDirectory()
        self.seq = 0
        self.now = NOW
        self.expected: dict[bytes, Expected] = {}
        self.early: dict[bytes, list[Record]] = {}
        self.known: set[int] = set()
        self.pending: list[tuple[bytes, NewsKind, str]] = []
        self.store = self.do(Store.open(Path(self.folder.name) / "center.sqlite"))
        self.do(self.store.enrol(HOME.entry(), Home("home-1"), "test", NOW))

    def do(self, what: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(asyncio.wait_for(what, 10))

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.do(self.store.aclose())
            self.loop.run_until_complete(self.loop.shutdown_default_executor())
            self.loop.close()
            self.folder.cleanup()

    # ------------------------------------------------------------ the gateway

    @rule(target=opened)
    def write_opening(self) -> Record:
        self.seq += 1
        return record("home-1", self.seq)

    @rule(target=made, opening=opened)
    def write_the_opening_to_the_outbox(self, opening: Record) -> Record:
        return opening

    @rule(
        target=made,
        opening=opened,
        stage=st.sampled_from(Stage),
        level=st.integers(1, 4),
    )
    def write_update(self, opening: Record, stage: Stage, level: int) -> Record:
        self.seq += 1
        return record(
            "home-1",
            self.seq,
            RecordKind.UPDATE,
            refers=opening.id,
            stage=stage,
            level=level,
        )

    @rule(target=sent, batch=st.lists(consumes(made), min_size=1, max_size=6))
    def send(self, batch: list[Record]) -> list[Record]:
        self.arrive(batch)
        return batch

    @rule(batch=sent)
    def send_again(self, batch: list[Record]) -> None:
        self.arrive(batch)

    def arrive(self, batch: list[Record]) -> None:
        rows = [(each, signed(each, HOME)) for each in batch]
        new = self.do(self.store.persist("home-1", rows, NOW))
        for each, is_new in zip(batch, new, strict=True):
            assert is_new is (each.seq not in self.known)
            if is_new:
                self.known.add(each.seq)
                self.model(each)

    def model(self, made: Record) -> None:
        if made.refers is None:
            self.expected[made.id] = Expected(made.seq)
            for update in sorted(self.early.pop(made.id, []), key=lambda each: each.seq):
                self.expected[made.id].fold(update)
        elif made.refers in self.expected:
            if self.expected[made.refers].fold(made):
                self.pending = [news for news in self.pending if news[0] != made.refers]
        else:
            self.early.setdefault(made.refers, []).append(made)

    @rule(heard=st.integers(0, 3))
    def beat(self, heard: int) -> None:
        news = self.do(self.store.due("home-1", heartbeat(), NOW)).news[:heard]
        tokens = tuple(piece.token for piece in news)
        del self.pending[: len(news)]
        self.do(self.store.due("home-1", heartbeat(news_seen=tokens), NOW))
        # Changes keep their order: when this one is done, so is what was heard.
        self.store.reserve(0)

    # ------------------------------------------------------------ people

    @rule(opening=opened, who=st.sampled_from(["kim", "lee"]))
    def take(self, opening: Record, who: str) -> None:
        case = self.expected.get(opening.id)
        try:
            self.do(self.store.take(opening.id.hex(), who, NOW))
        except NoSuchCase:
            assert case is None
        except CaseConflict as conflict:
            assert case is not None
            has_it = conflict.case.taken_by
            assert case.state is CaseState.CLOSED or case.by != who
            assert has_it == case.by
        else:
            assert case is not None
            if case.state is CaseState.WAITING:
                self.pending.append((opening.id, NewsKind.TAKEN, who))
            case.state, case.by = CaseState.TAKEN, who

    @rule(opening=opened, who=st.sampled_from(["kim", "lee"]), outcome=st.sampled_from(Outcome))
    def close(self, opening: Record, who: str, outcome: Outcome) -> None:
        case = self.expected.get(opening.id)
        try:
            self.do(self.store.close(opening.id.hex(), who, outcome, "", NOW))
        except NoSuchCase:
            assert case is None
        except CaseConflict:
            assert case is not None
            assert case.by != who or case.outcome is not outcome
        else:
            assert case is not None
            if case.state is not CaseState.CLOSED:
                self.pending.append((opening.id, NewsKind.CLOSED, who))
            case.state, case.by, case.outcome = CaseState.CLOSED, who, outcome

    @rule(opening=opened)
    def note(self, opening: Record) -> None:
        if case := self.expected.get(opening.id):
            self.do(self.store.note(opening.id.hex(), "kim", "word", NOW))
            case.notes += 1

    # ------------------------------------------------------------ the world

    @rule()
    def restart(self) -> None:
        self.do(self.store.aclose())
        self.store = self.do(Store.open(Path(self.folder.name) / "center.sqlite"))

    @invariant()
    def the_store_is_the_model(self) -> None:
        if not hasattr(self, "store"):
            return
        cases = self.do(self.store.cases(state=Which.ALL))
        assert {case.id for case in cases} == {id_.hex() for id_ in self.expected}
        for case in cases:
            expected = self.expected[bytes.fromhex(case.id)]
            assert (
                case.state,
                case.taken_by,
                case.outcome,
                case.condition,
                case.level,
            ) == (
                expected.state,
                expected.by,
                expected.outcome,
                expected.condition,
                expected.level,
            )
            assert sum(entry.text == "word" for entry in case.history) == expected.notes

    @invariant()
    def replies_say_what_is_pending_and_what_is_missing(self) -> None:
        if not hasattr(self, "store"):
            return
        unknown = set(range(1, self.seq + 1)) - self.known
        asked: set[int] = set()
        # What was asked for in vain is asked for again in an hour, eight ranges at a time.
        for _ in range(2 + len(unknown) // 8):
            self.now += HOUR
            held = heartbeat(min(1, self.seq), self.seq)
            due = self.do(self.store.due("home-1", held, self.now))
            told = [(news.record, news.what, news.by) for news in due.news]
            assert told == self.pending[:4]
            asked |= {seq for first, last in due.missing for seq in range(first, last + 1)}
            assert asked <= unknown
            if asked == unknown:
                break
        assert asked == unknown


TestCenter = Center.TestCase
TestCenter.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)
