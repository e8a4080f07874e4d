"""Killed at any moment, the journal holds every append that had returned."""

import random
import subprocess
import sys
from pathlib import Path

import pytest

from tests.edge.journal_writer import SNAPSHOT_EVERY
from tests.edge.journals import escalation, record, reopened, snapshot


@pytest.mark.processes
def test_killed_at_random_moments_nothing_acknowledged_is_missing(tmp_path: Path) -> None:
    draw = random.Random(20261122)
    folder = tmp_path / "gateway"
    delivered: set[int] = set()
    sequence = 0
    with subprocess.Popen(
        [sys.executable, "-m", "tests.edge.journal_writer"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as writer:
        assert writer.stdin
        assert writer.stdout
        for boot in range(1, 61):
            writer.stdin.write(f"{folder} {draw.randrange(25_000)}\n")
            writer.stdin.flush()
            serial, saved = (int(number) for number in writer.stdout.readline().split())
            # A copy is looked at, so that the next writer finds what the kill left.
            journal = reopened(folder, tmp_path / "copy")
            stored = journal.load()
            assert journal.durable
            assert journal.recovery.what == (), boot
            assert stored.boot == boot
            # The append under way at the kill is there as a whole or not at all.
            last = stored.next_serial - 1
            assert serial <= last <= serial + 1
            assert journal.record_id(last) == record(last).id
            if stored.snapshot is None:
                after = 0
            else:
                after = int(stored.snapshot.split()[0])
                assert stored.snapshot == snapshot(after)
                assert after % SNAPSHOT_EVERY == 0
            assert after >= saved
            assert stored.events == [
                event for n in range(after + 1, last + 1) for event in escalation(n)
            ]
            waiting = {row.seq for row in journal.pending(1_000_000)}
            now_delivered = set(range(1, last + 1)) - waiting
            assert delivered <= now_delivered
            assert journal.sequence() >= sequence
            delivered, sequence = now_delivered, journal.sequence()
            journal.close()
        writer.stdin.close()
        writer.wait(timeout=30)
