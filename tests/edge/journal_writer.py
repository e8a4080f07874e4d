"""Writes to a journal until it is killed: `python -m tests.edge.journal_writer`.

Reads lines `FOLDER DELAY_US` on stdin. For each it forks a writer that opens the journal in the
folder and goes on where it ends, kills it with SIGKILL after the delay, counted from its first
acknowledged write, and prints how many appends, and which snapshot, had been acknowledged.
"""

import os
import random
import select
import signal
import struct
import sys
import time
from pathlib import Path

from edge.journal import Journal
from tests.edge.journals import NOW, at, escalation, record, snapshot

ACK = struct.Struct("<2I")
SNAPSHOT_EVERY = 7


def write(folder: Path, acks: int) -> None:
    """Append for ever; acknowledge each append with its serial and the last saved snapshot."""
    journal = Journal.open(folder / "journal.sqlite", NOW)
    journal.new_boot()
    serial = journal.load().next_serial
    saved = 0
    draw = random.Random(serial)
    while True:
        journal.append(escalation(serial), [record(serial)], at(serial))
        os.write(acks, ACK.pack(serial, saved))
        if serial % SNAPSHOT_EVERY == 0:
            journal.save(snapshot(serial), at(serial))
            saved = serial
        if draw.random() < 0.3:
            journal.delivered([row.id for row in journal.pending(2)], at(serial))
        if draw.random() < 0.05:
            journal.keep_good_copy(at(serial))
        if draw.random() < 0.05:
            journal.reserve_sequence(journal.sequence() + 512)
        serial += 1


def killed(folder: Path, delay_s: float) -> tuple[int, int]:
    """Start a writer, kill it, return the last it had acknowledged."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        try:
            write(folder, writer)
        finally:
            os._exit(1)
    os.close(writer)
    try:
        ready, _, _ = select.select([reader], [], [], 30)
        assert ready, "the writer wrote nothing"
        # Not slept: the moments that matter lie microseconds apart.
        end = time.monotonic() + delay_s
        while time.monotonic() < end:
            pass
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    acks = b""
    while more := os.read(reader, 65536):
        acks += more
    os.close(reader)
    whole = len(acks) // ACK.size * ACK.size
    serial, saved = ACK.unpack(acks[whole - ACK.size : whole])
    return serial, saved


if __name__ == "__main__":
    for line in sys.stdin:
        name, delay_us = line.split()
        serial, saved = killed(Path(name), int(delay_us) / 1e6)
        sys.stdout.write(f"{serial} {saved}\n")
        sys.stdout.flush()
