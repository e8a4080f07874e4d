"""The gateway's journal and outbox: one SQLite file, held in memory too, that loses nothing.

Every change is durable before a call returns. Damage is detected, the broken file kept aside and
every row that proves itself saved; when the disk fails, memory goes on alone.
"""

from edge.journal._journal import Journal, Recovery, Stored

__all__ = ["Journal", "Recovery", "Stored"]
