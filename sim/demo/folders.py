"""Where a run keeps what."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Folders:
    """A run's data."""

    data: Path

    @property
    def clock(self) -> Path:
        return self.data / "clock"

    @property
    def center(self) -> Path:
        return self.data / "center"

    @property
    def gateway(self) -> Path:
        return self.data / "gateway"

    @property
    def logs(self) -> Path:
        return self.data / "logs"

    @property
    def bluetooth(self) -> Path:
        return self.data / "bluetooth"

    @property
    def flights(self) -> Path:
        return self.bluetooth / "flights"
