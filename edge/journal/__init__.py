"""The gateway's journal and outbox: tables held in memory and on a medium, that lose nothing.

The medium of a real gateway is one SQLite file. Every change is durable before a call returns.
Damage is detected, the broken file kept aside and every row that proves itself saved; when the
disk fails, memory goes on alone.
"""

from edge.journal._disk import Disk
from edge.journal._files import Files
from edge.journal._journal import Journal, Recovery, Stored
from edge.journal._medium import Medium
from edge.journal._recovery import Found, deflated, inflated, recover, undamaged
from edge.journal._rows import Change, Contents, Drop, Put
from edge.journal._store import Store

__all__ = [
    "Change",
    "Contents",
    "Disk",
    "Drop",
    "Files",
    "Found",
    "Journal",
    "Medium",
    "Put",
    "Recovery",
    "Store",
    "Stored",
    "deflated",
    "inflated",
    "recover",
    "undamaged",
]
