"""One append, save and reservation on a journal whose system calls fail: for `strace`."""

import sys
from pathlib import Path

from edge.journal import Journal
from edge.outbox import JournalFailing
from tests.edge.journals import NOW, at, escalation, record, snapshot

if __name__ == "__main__":
    journal = Journal.open(Path(sys.argv[1]) / "journal.sqlite", NOW)
    told = []
    for serial in range(2, 6):
        journal.append(escalation(serial), [record(serial)], at(serial))
        # What was acknowledged as durable is told; the test holds the journal to it.
        if journal.durable:
            told.append(f"{serial}")
    journal.save(snapshot(5), at(6))
    journal.keep_good_copy(at(6))
    try:
        journal.reserve_sequence(1024)
        told.append("reserved")
    except JournalFailing:
        pass
    assert journal.pending(9) == [record(n) for n in range(1, 6)]
    assert journal.depth() == 5
    journal.close()
    sys.stdout.write(" ".join([*told, "done"]))
