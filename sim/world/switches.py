"""Which faults are there right now."""

from sim.faults.fault import Fault, FaultKind


class Switches:
    """Faults of one home, or of the center, switched on and off by the world."""

    def __init__(self) -> None:
        self._on: dict[FaultKind, dict[int, Fault]] = {}

    def begin(self, fault: Fault) -> None:
        """It is there from now on."""
        self._on.setdefault(fault.kind, {})[fault.number] = fault

    def end(self, fault: Fault) -> None:
        """It has healed."""
        left = self._on.get(fault.kind, {})
        left.pop(fault.number, None)
        if not left:
            self._on.pop(fault.kind, None)

    def on(self, kind: FaultKind) -> bool:
        """Whether there is one of this kind."""
        return kind in self._on

    def amount(self, kind: FaultKind) -> float:
        """How much of it: of several, the most; 0 where there is none."""
        found = self._on.get(kind)
        return max(fault.amount for fault in found.values()) if found else 0.0
