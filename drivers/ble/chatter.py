"""Whether something is heard all the time: then silence means something, and soon.

The longest gap between two adverts is looked for in spans of time. In the span that is over and in
the one that lasts, it must have been shorter than half of what is a silence.
"""

import math


class Chatter:
    """The gaps of one adapter while it listens. Moments are seconds of one steady clock."""

    __slots__ = ("_before_s", "_gap_s", "_silence_s", "_since_s", "_span_s", "heard_s")

    def __init__(self, silence_s: float, span_s: float, at_s: float) -> None:
        """Look at spans of `span_s`; nothing is known of the one before."""
        self._silence_s = silence_s
        self._span_s = span_s
        self._gap_s = 0.0
        self._before_s = math.inf
        self._since_s = at_s
        self.heard_s = at_s
        "When something was heard, or when it began to listen."

    @property
    def steady(self) -> bool:
        """Whether something was heard all the time until now, or until it fell silent."""
        return max(self._gap_s, self._before_s) <= self._silence_s / 2

    @property
    def due_s(self) -> float:
        """When this span is over."""
        return self._since_s + self._span_s

    def begin(self, at_s: float) -> None:
        """It listens from now on: that is no gap."""
        self.heard_s = self._since_s = at_s

    def forget(self) -> None:
        """What was heard before is not to be compared with what is heard from now on."""
        self._before_s = math.inf

    def heard(self, at_s: float) -> None:
        """Something was."""
        self._gap_s = max(self._gap_s, at_s - self.heard_s)
        self.heard_s = at_s

    def turn(self, at_s: float) -> bool:
        """Begin the next span when it is due; whether it is one after a steady one."""
        if at_s < self.due_s:
            return False
        if at_s - self.heard_s > self._silence_s / 2:
            # It is silent now: whether that is a gap or the end is not known yet.
            self._since_s = at_s + self._silence_s - self._span_s
            return False
        self._before_s, self._gap_s = self._gap_s, 0.0
        self._since_s = at_s
        return self.steady
