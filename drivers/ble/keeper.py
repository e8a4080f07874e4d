"""Whether one adapter still hears, and what to do when it does not: no radio in it and no clock.

Silence is no proof. A home whose devices speak only when something happens is silent for hours,
and an adapter must not be switched off and on for that. So silence leads first to a probe, a
moment of active scanning, which also is the scan started anew; whatever is heard in it shows that
the adapter is well, and the next probe comes later. Only an adapter that is silent in a probe
where something must have been heard is switched off and on, at ever longer intervals, and is
told of as lost when that does not help. Where that is not sure it is done, and not told, twice an
hour at most.

Moments are seconds of one steady clock. See `Keeper` for what is asked and what is told.
"""

import math
from dataclasses import dataclass, field
from enum import Enum, StrEnum, auto
from typing import Final

from drivers.ble.chatter import Chatter

_PROBES_THAT_PROVE: Final = 3
"So many in a row in which something was heard: there is always somebody about."
_DEAF_PROBES: Final = 2
"So many in a row that heard ours where listening heard nothing: it does not work as asked."
_FAILURES_BEFORE_CYCLE: Final = 2


@dataclass(frozen=True, slots=True)
class Policy:
    """How long to wait for what, in seconds."""

    silence_s: float = 15.0
    "As long may it be silent where something is heard all the time."
    patience_s_max: float = 300.0
    "As long may it be silent elsewhere; reached by doubling."
    probe_s: float = 5.0
    chatter_s: float = 60.0
    "So long must something have been heard all the time before it is expected."
    tell_s: float = 30.0
    "Gone or unable for so long, and it is told: a restart of bluetoothd is no fault."
    retry_s: float = 1.0
    "After a failed start; doubled at each further one."
    retry_s_max: float = 30.0
    cycle_s: float = 30.0
    "From one switching off to the next; doubled at each further one without success."
    cycle_s_max: float = 3600.0
    unheard_s: float = 1800.0
    "Without an advert for so long, probes included, where there were some before."
    start_s: float = 20.0
    "A start, a stop or a switching that takes longer has failed."
    settle_s: float = 0.2
    "Adapters come and go in several messages; so long after the first they are looked at."


class Step(Enum):
    """What to do with the adapter now."""

    WAIT = auto()
    LISTEN = auto()
    "Scan anew, as usual: actively if `Keeper.active`."
    PROBE = auto()
    "Scan anew, actively."
    CYCLE = auto()
    "Switch it off and on."


class Trouble(StrEnum):
    """What is wrong with an adapter or a proxy for longer than it takes to mend it."""

    GONE = "gone"
    "Unplugged, or nobody is there to ask for it."
    SILENT = "silent"
    "There, but it cannot be started, or hears nothing where something must be heard."
    LOST = "lost"
    "A proxy that is not reached, or does not scan."
    REFUSED = "refused"
    "A proxy that has another key or none, another name, or no Bluetooth."


@dataclass(frozen=True, slots=True)
class RadioState:
    """What is wrong with a radio from now on; None: nothing any more."""

    radio: str
    "hci0 and so on, or a proxy's name: always the same of one radio, and never another's."
    trouble: Trouble | None
    for_s: float = field(default=0.0, compare=False)
    "So long already."
    called: str = field(default="", compare=False)
    "What people find it by, if `radio` is not what it is called at present."


class _Phase(Enum):
    AWAY = auto()
    IDLE = auto()
    "To be started, or switched off and on, when it is due."
    STARTING = auto()
    LISTENING = auto()
    PROBING = auto()
    CYCLING = auto()


class Keeper:
    """Supervises one adapter.

    Tell it what happens (`appeared`, `left`, `started`, `failed`, `cycled`, `doubted`, `heard`),
    ask `next` what to do, and ask again at `deadline()`, after each fact, and when `heard` says
    so. A step other than `WAIT` is carried out and answered by `started`, `cycled` or `failed`.
    """

    def __init__(self, policy: Policy, at_s: float) -> None:
        """Begin with no adapter."""
        self._policy = policy
        self._phase = _Phase.AWAY
        self._since_s = at_s
        "Of the phase; while away, since then."
        self._passive = False
        self._survey_s = -math.inf
        "Until then everybody is to be heard."
        self._surveying = False
        "What is under way was begun for that."
        self._unable_s: float | None = None
        "Since then it could not be started."
        self._due_s = 0.0
        self._failures = 0
        self._prove = False
        "The next start is a probe."
        self._chatter = Chatter(policy.silence_s, policy.chatter_s, at_s)
        self._doubted = False
        "There is reason to think that it hears nothing."
        self.heard_any = False
        "Since it appeared."
        self._hangs_on_it = False
        "Something is decided by the next advert."
        self._patience_s = policy.silence_s
        self._probe_heard = self._probe_ours = False
        self._proofs = 0
        self._deaf = 0
        self._cycle_due_s = 0.0
        self._cycle_wait_s = policy.cycle_s
        self._cycled = False
        "Since it was last heard."
        self._cycled_s = -math.inf
        "When it was last switched off and on."
        self._expected = False
        "Something was heard all the time until it fell silent, and nothing since."
        self._quiet_s: float | None = None
        "Since then nothing was heard, where that has led to something."
        self._silent = False
        self.trouble: Trouble | None = None
        "To be told; brought up to date by `next`."

    @property
    def active(self) -> bool:
        """Whether listening is active scanning: passive is not to be had, or not enough."""
        return self._surveying or not self._passive or self._deaf >= _DEAF_PROBES

    def lasting(self, at_s: float) -> float:
        """For how long there is the trouble that is told."""
        match self.trouble:
            case None:
                return 0.0
            case Trouble.GONE:
                return at_s - self._since_s
            case _:
                began = [s for s in (self._quiet_s, self._unable_s) if s is not None]
                return at_s - min(began, default=at_s)

    def survey(self, until_s: float) -> None:
        """Everybody is to be heard until then, which only active scanning does."""
        self._survey_s = until_s

    # --------------------------------------------------------------------------------- facts

    def appeared(self, at_s: float, *, passive: bool) -> None:
        """It is there, for the first time or again; `passive`: it can scan passively."""
        self._passive = passive
        self._enter(_Phase.IDLE, at_s)
        self._due_s = at_s
        self._failures = 0
        self._deaf = 0
        self._prove = self.heard_any = self._cycled = False

    def left(self, at_s: float) -> None:
        """It is gone, or bluetoothd is, or the bus."""
        if self._phase is not _Phase.AWAY:
            self._enter(_Phase.AWAY, at_s)
            self._unable_s = None

    def started(self, at_s: float) -> None:
        """What was asked for, to listen or to probe, is under way."""
        if self._phase is not _Phase.STARTING:
            return
        self._unable_s = None
        self._failures = 0
        self._chatter.begin(at_s)
        probing = self._prove
        self._prove = self._probe_heard = self._probe_ours = False
        self._enter(_Phase.PROBING if probing else _Phase.LISTENING, at_s)

    def failed(self, at_s: float) -> None:
        """What was asked for could not be done."""
        if self._phase not in {_Phase.STARTING, _Phase.CYCLING}:
            return
        if self._unable_s is None:
            self._unable_s = at_s
        # It may have been left switched off, which only a probe shows.
        self._prove = self._prove or self._phase is _Phase.CYCLING
        policy = self._policy
        wait_s = min(policy.retry_s * 2.0 ** min(self._failures, 30), policy.retry_s_max)
        self._failures += 1
        self._enter(_Phase.IDLE, at_s)
        self._due_s = at_s + wait_s

    def cycled(self, at_s: float) -> None:
        """It was switched off and on."""
        if self._phase is not _Phase.CYCLING:
            return
        self._failures = 0
        self._cycled = self._prove = True
        self._enter(_Phase.IDLE, at_s)
        self._due_s = at_s

    def doubted(self) -> None:
        """Somebody else has switched it off: no silence has to be waited for."""
        self._doubted = self._phase is _Phase.LISTENING

    def heard(self, at_s: float, *, ours: bool = True) -> bool:
        """Note an advert, `ours` if listening should have heard it; whether to ask `next` now.

        This is the path of a thousand adverts a second.
        """
        self._chatter.heard(at_s)
        return self._hangs_on_it and self._woken(ours=ours)

    # --------------------------------------------------------------------------- what to do

    def deadline(self) -> float:
        """When to ask `next` at the latest, if nothing happens; infinite: not before a fact."""
        policy = self._policy
        told_s = math.inf
        if self.trouble is None:
            if self._phase is _Phase.AWAY:
                told_s = self._since_s + policy.tell_s
            elif self._unable_s is not None:
                told_s = self._unable_s + policy.tell_s
        match self._phase:
            case _Phase.IDLE:
                return min(self._due_s, told_s)
            case _Phase.LISTENING:
                turn_s = min(self._chatter.heard_s + self._patience_s, self._chatter.due_s)
                return min(turn_s, self._survey_s) if self._surveying else turn_s
            case _Phase.PROBING:
                return self._since_s + policy.probe_s
            case _:
                return told_s

    def next(self, at_s: float) -> Step:
        """Decide what is to be done now."""
        step = self._next(at_s)
        self.trouble = self._trouble(at_s)
        return step

    def _next(self, at_s: float) -> Step:
        match self._phase:
            case _Phase.IDLE if at_s >= self._due_s:
                if self._failures >= _FAILURES_BEFORE_CYCLE and at_s >= self._cycle_due_s:
                    return self._cycle(at_s)
                return self._start(at_s, probe=self._prove)
            case _Phase.LISTENING if self._turns_with_survey(at_s):
                # How much is heard from now on is not to be compared with before.
                self._chatter.forget()
                return self._start(at_s, probe=False)
            case _Phase.LISTENING if self._is_doubtful(at_s):
                return self._start(at_s, probe=True)
            case _Phase.PROBING:
                over = at_s >= self._since_s + self._policy.probe_s
                if self._probe_ours or (over and self._probe_heard):
                    return self._well(at_s)
                if over:
                    return self._no_answer(at_s)
            case _:
                pass
        return Step.WAIT

    def _turns_with_survey(self, at_s: float) -> bool:
        """Whether to listen otherwise from now on, since a survey begins or ends."""
        before = self.active
        self._surveying = at_s < self._survey_s
        return self.active is not before

    def _is_doubtful(self, at_s: float) -> bool:
        """Whether it has been silent for too long, or somebody has switched it off."""
        chatter = self._chatter
        if chatter.turn(at_s):
            self._patience_s = self._policy.silence_s
        if not self._doubted and at_s < chatter.heard_s + self._patience_s:
            return False
        self._expected = self._expected or chatter.steady
        if self._quiet_s is None:
            self._quiet_s = chatter.heard_s
        return True

    def _start(self, at_s: float, *, probe: bool) -> Step:
        self._prove = probe
        self._surveying = at_s < self._survey_s
        self._enter(_Phase.STARTING, at_s)
        return Step.PROBE if probe else Step.LISTEN

    def _cycle(self, at_s: float) -> Step:
        self._cycle_due_s = at_s + self._cycle_wait_s
        self._cycle_wait_s = min(self._cycle_wait_s * 2, self._policy.cycle_s_max)
        self._cycled_s = at_s
        self._enter(_Phase.CYCLING, at_s)
        return Step.CYCLE

    def _well(self, at_s: float) -> Step:
        """Something was heard in the probe."""
        self._proofs += 1
        if self._probe_ours:
            # Heard at once where listening heard nothing: told by chance, or listening is deaf.
            self._deaf += not self._surveying  # Then listening was as active as the probe.
            self._patience_s = self._policy.silence_s
        else:
            self._double_patience()
        # The chatter is over though the adapter is well, or must be made out anew.
        self._chatter.forget()
        return self._start(at_s, probe=False)

    def _no_answer(self, at_s: float) -> Step:
        """Nothing was heard in the probe."""
        lively = self._expected or self._proofs >= _PROBES_THAT_PROVE
        if lively and self._cycled:
            self._silent = True
        # One that has never heard anything is not known to be well: that is tried once. One that
        # has, where adverts are rare, is now and then: half a second of deafness is no price.
        tried = self._unheard(at_s) if self.heard_any else not self._cycled
        if (lively or tried) and at_s >= self._cycle_due_s:
            return self._cycle(at_s)
        if not lively:
            self._proofs = 0
        self._double_patience()
        return self._start(at_s, probe=False)

    def _unheard(self, at_s: float) -> bool:
        """Whether it has been silent for too long for even the rarest of advertisers."""
        since_s = at_s if self._quiet_s is None else max(self._quiet_s, self._cycled_s)
        return at_s >= since_s + self._policy.unheard_s

    def _double_patience(self) -> None:
        self._patience_s = min(self._patience_s * 2, self._policy.patience_s_max)

    def _woken(self, *, ours: bool) -> bool:
        """Take note of an advert that decides something."""
        if self._phase not in {_Phase.LISTENING, _Phase.PROBING}:
            return False
        was_silent, self._silent = self._silent, False
        self.heard_any = True
        self._cycled = self._expected = False
        self._quiet_s = None
        self._cycle_wait_s = self._policy.cycle_s
        if self._phase is _Phase.LISTENING:
            self._hangs_on_it = False
            self._deaf = 0 if self._passive and not self.active else self._deaf
            return was_silent
        first = not self._probe_heard
        self._probe_heard = True
        self._probe_ours = self._probe_ours or ours
        return ours or (first and was_silent)

    def _enter(self, phase: _Phase, at_s: float) -> None:
        self._phase = phase
        self._since_s = at_s
        self._doubted = False
        self._hangs_on_it = phase in {_Phase.LISTENING, _Phase.PROBING}

    def _trouble(self, at_s: float) -> Trouble | None:
        tell_s = self._policy.tell_s
        if self._phase is _Phase.AWAY:
            return Trouble.GONE if at_s >= self._since_s + tell_s else self.trouble
        if self._silent or (self._unable_s is not None and at_s >= self._unable_s + tell_s):
            return Trouble.SILENT
        # What was told is over when it listens again, and not while that is tried.
        return None if self._phase in {_Phase.LISTENING, _Phase.PROBING} else self.trouble
