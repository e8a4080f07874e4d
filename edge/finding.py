"""What the gateway finds wrong, or well again, with its own files."""

from dataclasses import dataclass

from rules.alarm import AlarmKind


@dataclass(frozen=True, slots=True)
class Finding:
    """A condition that a technician should know of, now present or over."""

    kind: AlarmKind
    "`JOURNAL_RESTORED` and `REGISTRY_RESTORED`, never over by themselves, or `DISK_FAILING`."
    present: bool
    detail: str
