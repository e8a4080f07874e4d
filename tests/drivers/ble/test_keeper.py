"""One adapter's supervision, told and asked in a world of its own."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import count, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.ble.keeper import Keeper, Policy, Step, Trouble

POLICY = Policy()
START_S = 0.1
CYCLE_S = 0.5
HOUR_S = 3600.0
Heard = Iterable[tuple[float, bool]]


@dataclass
class Adapter:
    """What an adapter does in a test; by default it is well."""

    passive: bool = True
    deaf: Callable[[float], bool] = lambda _: False
    mended_by: Step | None = None
    "What ends its deafness until it is deaf anew; nothing else does."
    starts: Callable[[float], bool] = lambda _: True
    passive_works: bool = True
    steps: list[tuple[float, Step]] = field(default_factory=list)
    troubles: list[tuple[float, Trouble | None]] = field(default_factory=list)
    since_s: float = math.nan
    "Since when it is in the trouble told last."
    heard: list[float] = field(default_factory=list)
    _mended: bool = False
    _active: bool | None = None
    "How it scans, if it does."

    def hears(self, at_s: float, *, active: bool, ours: bool) -> bool:
        if not self.deaf(at_s):
            self._mended = False
        elif not self._mended:
            return False
        return active or (ours and self.passive_works)

    def done(self, step: Step, at_s: float) -> None:
        if self.deaf(at_s) and step is self.mended_by:
            self._mended = True

    def of(self, step: Step) -> list[float]:
        return [at_s for at_s, taken in self.steps if taken is step]

    def live(self, adverts: Heard, until_s: float) -> Keeper:
        """Go through the adverts in the air, in order of time, as `drivers.ble.adapters` would."""
        keeper = Keeper(POLICY, 0.0)
        keeper.appeared(0.0, passive=self.passive)
        self._coming = iter([*adverts, (math.inf, False)])
        self._next_s, self._ours = next(self._coming)
        at_s = 0.0
        for turn in count():
            assert turn < 200_000, "it does not come to rest"
            step = keeper.next(at_s)
            if not self.troubles or self.troubles[-1][1] is not keeper.trouble:
                self.troubles.append((at_s, keeper.trouble))
                if keeper.trouble is not None:
                    self.since_s = at_s - keeper.lasting(at_s)
            if step is Step.WAIT:
                at_s = self._wait(keeper, at_s)
            else:
                self.steps.append((at_s, step))
                at_s += CYCLE_S if step is Step.CYCLE else START_S
                self._carry_out(step, keeper, at_s)
            if at_s >= until_s:
                break
        return keeper

    def _carry_out(self, step: Step, keeper: Keeper, at_s: float) -> None:
        self._active = None
        while self._next_s < at_s:
            self._next_s, self._ours = next(self._coming)
        if not self.starts(at_s):
            keeper.failed(at_s)
            return
        self.done(step, at_s)
        if step is Step.CYCLE:
            keeper.cycled(at_s)
        else:
            self._active = keeper.active or step is Step.PROBE
            keeper.started(at_s)

    def _wait(self, keeper: Keeper, at_s: float) -> float:
        """Until the deadline, or an advert that it wants to be asked after."""
        deadline_s = keeper.deadline()
        assert deadline_s > at_s, "asked again at once"
        while self._next_s < deadline_s:
            at_s, ours = self._next_s, self._ours
            self._next_s, self._ours = next(self._coming)
            if self._active is not None and self.hears(at_s, active=self._active, ours=ours):
                self.heard.append(at_s)
                if keeper.heard(at_s, ours=ours):
                    return at_s
        return deadline_s


def every(period_s: float, until_s: float, *, ours: bool = True, since_s: float = 0.05) -> Heard:
    at_s = since_s
    while at_s < until_s:
        yield at_s, ours
        at_s += period_s


def both(*streams: Heard) -> Heard:
    return sorted(one for stream in streams for one in stream)


def test_an_adapter_that_hears_is_left_alone() -> None:
    adapter = Adapter()
    adapter.live(every(1.0, HOUR_S), HOUR_S)
    assert adapter.steps == [(0.0, Step.LISTEN)]
    assert adapter.troubles == [(0.0, None)]


def test_silence_where_there_was_chatter_is_acted_upon_after_fifteen_seconds() -> None:
    adapter = Adapter(deaf=lambda at_s: at_s > 600, mended_by=Step.PROBE)
    adapter.live(every(1.0, 900.0), 900.0)
    (probed_s,) = adapter.of(Step.PROBE)
    assert 614 <= probed_s <= 616
    assert not adapter.of(Step.CYCLE)
    assert adapter.heard[-1] > 898
    assert adapter.troubles == [(0.0, None)], "mended before there was anything to tell"


def test_an_adapter_that_is_stuck_is_switched_off_and_on() -> None:
    adapter = Adapter(deaf=lambda at_s: at_s > 600, mended_by=Step.CYCLE)
    adapter.live(every(1.0, 900.0), 900.0)
    (cycled_s,) = adapter.of(Step.CYCLE)
    assert 619 <= cycled_s <= 621
    assert next(at_s for at_s in adapter.heard if at_s > 601) < 624
    assert adapter.troubles == [(0.0, None)]


def test_what_does_not_come_back_is_told_and_tried_ever_more_seldom() -> None:
    adapter = Adapter(deaf=lambda at_s: 600 < at_s < 6 * HOUR_S)
    adapter.live(every(1.0, 7 * HOUR_S), 7 * HOUR_S)
    assert [trouble for _, trouble in adapter.troubles] == [None, Trouble.SILENT, None]
    told_s, over_s = adapter.troubles[1][0], adapter.troubles[2][0]
    assert adapter.since_s == pytest.approx(600.0, abs=1.5)
    assert 619 < told_s < 640
    assert 6 * HOUR_S <= over_s < 6 * HOUR_S + POLICY.patience_s_max + 10
    cycles = adapter.of(Step.CYCLE)
    assert 5 <= len(cycles) <= 14
    gaps = [after - before for before, after in pairwise(cycles)]
    assert gaps[-1] > 1800


def test_a_home_of_doors_and_buttons_is_probed_ever_more_seldom_and_never_switched_off() -> None:
    adapter = Adapter()
    air = both(every(2000.0, 86_400.0), every(2.0, 86_400.0, ours=False))
    adapter.live(air, 86_400.0)
    assert not adapter.of(Step.CYCLE)
    probes = adapter.of(Step.PROBE)
    assert len(probes) < 86_400 / POLICY.patience_s_max + 50
    assert all(trouble is None for _, trouble in adapter.troubles)


def test_where_nobody_ever_is_heard_it_is_tried_once_and_not_told() -> None:
    adapter = Adapter()
    adapter.live([], 86_400.0)
    assert len(adapter.of(Step.CYCLE)) == 1
    assert all(trouble is None for _, trouble in adapter.troubles)


def test_an_adapter_that_is_stuck_from_the_beginning_comes_to_hear() -> None:
    adapter = Adapter(deaf=lambda _: True, mended_by=Step.CYCLE)
    adapter.live(every(1.0, 100.0), 100.0)
    assert adapter.heard[0] < 25


def test_a_plug_that_is_pulled_is_no_silent_adapter_while_others_are_about() -> None:
    adapter = Adapter()
    air = both(every(1.0, 600.0), every(2.0, HOUR_S, ours=False))
    adapter.live(air, HOUR_S)
    assert not adapter.of(Step.CYCLE)
    assert all(trouble is None for _, trouble in adapter.troubles)


def test_passive_scanning_that_hears_nothing_is_given_up() -> None:
    adapter = Adapter(passive_works=False)
    keeper = adapter.live(every(1.0, 600.0), 600.0)
    assert keeper.active
    assert not adapter.of(Step.CYCLE)
    assert len(adapter.of(Step.PROBE)) == 2
    assert adapter.of(Step.PROBE)[1] < 2 * POLICY.silence_s + 2
    assert adapter.heard[-1] > 598
    keeper.left(600.0)
    keeper.appeared(601.0, passive=True)
    assert not keeper.active, "another one may do better"


def test_passive_scanning_that_hears_nothing_is_given_up_soon_though_it_was_quiet_before() -> None:
    adapter = Adapter(passive_works=False)
    adapter.live(both(every(1.0, 5000.0, since_s=HOUR_S), every(3.0, HOUR_S, ours=False)), 5000.0)
    first, second = (at_s for at_s in adapter.of(Step.PROBE) if at_s > HOUR_S - 5)
    assert second < first + POLICY.silence_s + 2


def test_starts_that_fail_back_off_and_are_told() -> None:
    adapter = Adapter(starts=lambda at_s: at_s > 600)
    adapter.live(every(1.0, 700.0), 700.0)
    assert [trouble for _, trouble in adapter.troubles] == [None, Trouble.SILENT, None]
    assert adapter.troubles[1][0] == pytest.approx(POLICY.tell_s, abs=2)
    assert 600 < adapter.troubles[2][0] < 600 + POLICY.retry_s_max + 2
    assert len(adapter.steps) < 40
    assert 2 <= len(adapter.of(Step.CYCLE)) <= 6


def test_an_adapter_that_goes_for_a_moment_is_not_told_of_and_one_that_stays_away_is() -> None:
    keeper = Keeper(POLICY, 0.0)

    def asked(at_s: float) -> tuple[Step, Trouble | None]:
        return keeper.next(at_s), keeper.trouble

    assert asked(POLICY.tell_s - 0.1) == (Step.WAIT, None)
    assert keeper.deadline() == POLICY.tell_s
    keeper.appeared(29.95, passive=True)
    assert asked(29.95) == (Step.LISTEN, None)
    keeper.started(30.0)
    keeper.heard(30.1)
    keeper.left(40.0)
    assert asked(69.0) == (Step.WAIT, None)
    assert asked(70.0) == (Step.WAIT, Trouble.GONE)
    assert keeper.lasting(75.0) == 35.0
    assert keeper.deadline() == math.inf
    keeper.appeared(100.0, passive=True)
    assert asked(100.0) == (Step.LISTEN, Trouble.GONE), "not over before it listens"
    keeper.started(100.2)
    assert asked(100.2) == (Step.WAIT, None)


def test_what_was_asked_of_an_adapter_that_is_gone_is_not_believed() -> None:
    keeper = Keeper(POLICY, 0.0)
    keeper.appeared(0.0, passive=True)
    assert keeper.next(0.0) is Step.LISTEN
    keeper.left(0.1)
    keeper.started(0.2)
    assert keeper.next(100.0) is Step.WAIT
    assert keeper.trouble is Trouble.GONE
    keeper.appeared(100.3, passive=True)
    keeper.failed(100.4)
    assert keeper.next(100.4) is Step.LISTEN


def test_one_that_somebody_else_switches_off_is_switched_on_at_once() -> None:
    keeper = Keeper(POLICY, 0.0)
    keeper.appeared(0.0, passive=True)
    assert keeper.next(0.0) is Step.LISTEN
    keeper.started(0.1)
    keeper.heard(0.2)
    assert keeper.next(0.3) is Step.WAIT
    keeper.doubted()
    assert keeper.next(0.4) is Step.PROBE
    keeper.failed(0.5)
    at_s = keeper.deadline()
    assert keeper.next(at_s) is Step.PROBE
    keeper.failed(at_s)
    at_s = keeper.deadline()
    assert at_s < 5
    assert keeper.next(at_s) is Step.CYCLE
    keeper.doubted()
    keeper.cycled(at_s + 0.5)
    assert keeper.next(at_s + 0.5) is Step.PROBE
    keeper.started(at_s + 0.6)
    keeper.heard(at_s + 0.7)
    assert keeper.next(at_s + 0.7) is Step.LISTEN
    keeper.started(at_s + 0.8)
    assert keeper.next(at_s + 0.8) is Step.WAIT, "that it was off for a moment was its own doing"


def test_one_that_was_perhaps_left_switched_off_is_probed_and_not_listened_on() -> None:
    """Passive scanning begins on an adapter that is off as well, and hears nothing."""
    adapter = Adapter(deaf=lambda at_s: at_s > 600)
    keeper = adapter.live(every(1.0, 900.0), 619.0)
    while (step := keeper.next(at_s := max(keeper.deadline(), 619.0))) is not Step.CYCLE:
        assert step is Step.WAIT
    keeper.failed(at_s + POLICY.start_s)
    assert keeper.next(keeper.deadline()) is Step.PROBE


def test_what_failed_before_it_was_pulled_out_is_not_held_against_it() -> None:
    keeper = Keeper(POLICY, 0.0)
    keeper.appeared(0.0, passive=True)
    for at_s in (0.0, 2.0):
        assert keeper.next(at_s) is Step.LISTEN
        keeper.failed(at_s + 0.1)
    keeper.left(3.0)
    keeper.appeared(20.0, passive=True)
    assert keeper.next(20.0) is Step.LISTEN, "and it is not switched off and on"
    assert keeper.next(35.0) is Step.WAIT
    assert keeper.trouble is None, "it is tried for 15 s"


def test_starts_that_fail_for_days_are_still_tried() -> None:
    keeper = Keeper(POLICY, 0.0)
    keeper.appeared(0.0, passive=True)
    at_s = 0.0
    for _ in range(1_200):  # 2.0 ** 1024 is no float.
        while keeper.next(at_s) is Step.WAIT:
            at_s = keeper.deadline()
        keeper.failed(at_s)
    assert keeper.deadline() - at_s == pytest.approx(POLICY.retry_s_max)


def probed(keeper: Keeper, at_s: float, *, heard: bool) -> tuple[Step, float]:
    """Be silent until the next probe; the step after it, and when that is."""
    while (step := keeper.next(at_s)) is not Step.PROBE:
        if step is not Step.WAIT:
            keeper.started(at_s)
        at_s = max(at_s, keeper.deadline())
    keeper.started(at_s)
    if heard:
        keeper.heard(at_s + 1, ours=False)
    at_s += POLICY.probe_s
    return keeper.next(at_s), at_s


def test_only_probes_in_a_row_show_that_there_is_always_somebody_about() -> None:
    keeper, at_s = Keeper(POLICY, 0.0), 0.0
    keeper.appeared(0.0, passive=True)
    for heard in (True, True, False, True):
        step, at_s = probed(keeper, at_s, heard=heard)
        assert step is Step.LISTEN
        keeper.started(at_s)
    step, at_s = probed(keeper, at_s, heard=False)
    assert step is Step.LISTEN, "one was before, and not three"
    for _ in range(3):
        keeper.started(at_s)
        step, at_s = probed(keeper, at_s, heard=True)
    keeper.started(at_s)
    step, at_s = probed(keeper, at_s, heard=False)
    assert step is Step.CYCLE


def test_one_that_is_stuck_again_and_again_is_mended_every_time() -> None:
    adapter = Adapter(deaf=lambda at_s: at_s % 300 > 220, mended_by=Step.CYCLE)
    adapter.live(every(1.0, 3000.0), 3000.0)
    cycles = adapter.of(Step.CYCLE)
    assert [int(at_s // 300) for at_s in cycles] == list(range(10))
    assert all(239 <= at_s % 300 <= 242 for at_s in cycles)
    assert adapter.troubles == [(0.0, None)]


def test_freezes_that_a_new_scan_ends_do_not_make_passive_scanning_look_broken() -> None:
    adapter = Adapter(deaf=lambda at_s: at_s % 1000 > 700, mended_by=Step.PROBE)
    keeper = adapter.live(every(1.0, 5000.0), 5000.0)
    assert len(adapter.of(Step.PROBE)) == 5
    assert not keeper.active


def test_one_that_gets_stuck_in_a_quiet_home_is_known_by_its_strangers() -> None:
    stuck_s = HOUR_S
    adapter = Adapter(deaf=lambda at_s: at_s > stuck_s, mended_by=Step.CYCLE)
    adapter.live(every(2.0, 2 * HOUR_S, ours=False), 2 * HOUR_S)
    (cycled_s,) = adapter.of(Step.CYCLE)
    assert cycled_s < stuck_s + POLICY.patience_s_max + 2 * POLICY.probe_s


@pytest.mark.parametrize("period_s", [8.0, 30.0, 300.0])
def test_one_that_gets_stuck_where_adverts_are_rare_comes_to_hear(period_s: float) -> None:
    stuck_s = 86_400.0
    adapter = Adapter(deaf=lambda at_s: at_s > stuck_s, mended_by=Step.CYCLE)
    until_s = stuck_s + HOUR_S
    adapter.live(every(period_s, until_s), until_s)
    after = next(at_s for at_s in adapter.heard if at_s > stuck_s)
    slack_s = period_s + POLICY.patience_s_max + 2 * POLICY.probe_s
    assert after - stuck_s < POLICY.unheard_s + slack_s
    assert len(adapter.of(Step.CYCLE)) <= 2, "once in the beginning, if nothing was heard yet"


def test_where_the_last_one_falls_silent_it_is_tried_now_and_then_and_not_told() -> None:
    adapter = Adapter()
    adapter.live(every(30.0, HOUR_S), HOUR_S + 86_400.0)
    cycles = [at_s for at_s in adapter.of(Step.CYCLE) if at_s > HOUR_S]
    assert 12 <= len(cycles) <= 48
    assert all(after - before >= POLICY.unheard_s for before, after in pairwise(cycles))
    assert all(trouble is None for _, trouble in adapter.troubles)


def test_chatter_that_begins_late_is_expected_as_well() -> None:
    stuck_s = 4500.0
    adapter = Adapter(deaf=lambda at_s: at_s > stuck_s, mended_by=Step.PROBE)
    adapter.live(every(1.0, 5000.0, since_s=HOUR_S), 5000.0)
    after = [at_s for at_s in adapter.heard if at_s > stuck_s]
    assert after[0] < stuck_s + POLICY.silence_s + 3


def test_the_last_to_leave_a_home_takes_no_adapter_with_it() -> None:
    """Strangers once after the plug was pulled, and nobody any more."""
    adapter = Adapter()
    air = both(every(1.0, 600.0), every(2.0, 640.0, ours=False, since_s=600.0))
    adapter.live(air, 600.0 + POLICY.unheard_s)
    assert not adapter.of(Step.CYCLE)
    assert all(trouble is None for _, trouble in adapter.troubles)


def test_what_was_expected_once_is_not_for_ever() -> None:
    """Frozen and mended, and then soon the only plug is pulled."""
    adapter = Adapter(deaf=lambda at_s: 600 < at_s < 610, mended_by=Step.PROBE)
    adapter.live(
        both(every(1.0, 600.0), every(1.0, 640.0, since_s=614.0)), 600.0 + POLICY.unheard_s
    )
    assert not adapter.of(Step.CYCLE)


GAPS = st.lists(st.tuples(st.floats(0.001, 900.0), st.booleans()), max_size=60)


@given(GAPS, st.floats(0.1, 4.0), st.booleans())
def test_a_healthy_adapter_with_somebody_about_is_never_switched_off(
    gaps: list[tuple[float, bool]],
    strangers_s: float,
    passive: bool,  # noqa: FBT001 -- drawn
) -> None:
    adapter, air, at_s = Adapter(passive=passive), [], 0.0
    for gap_s, ours in gaps:
        at_s += gap_s
        air.append((at_s, ours))
    until_s = min(at_s, HOUR_S) + 900
    adapter.live(both(air, every(strangers_s, until_s, ours=False)), until_s)
    assert not adapter.of(Step.CYCLE)
    assert all(trouble is None for _, trouble in adapter.troubles)


@given(
    GAPS,
    st.floats(100.0, 2000.0),
    st.sampled_from([Step.PROBE, Step.CYCLE]),
    st.floats(0.1, 5.0),
)
def test_chatter_that_stops_is_heard_again_within_the_minute(
    gaps: list[tuple[float, bool]], stuck_s: float, by: Step, period_s: float
) -> None:
    air, at_s = [], 0.0
    for gap_s, ours in gaps:
        at_s += gap_s
        air.append((at_s, ours))
    # Long enough after whatever was before for the chatter to be known as such.
    stuck_s += 2 * POLICY.chatter_s + POLICY.patience_s_max
    until_s = stuck_s + 60
    adapter = Adapter(deaf=lambda at: at >= stuck_s, mended_by=by)
    adapter.live(both(air, every(period_s, until_s)), until_s)
    # The adverts of the others that fall into the silence are not heard either.
    after = [one for one in adapter.heard if one > stuck_s]
    assert after
    assert after[0] - stuck_s < POLICY.silence_s + 2 * POLICY.probe_s + 5


def test_a_survey_is_active_and_ends_by_itself() -> None:
    keeper = Keeper(POLICY, 0.0)
    keeper.appeared(0.0, passive=True)
    assert (keeper.next(0.0), keeper.active) == (Step.LISTEN, False)
    keeper.started(0.1)
    keeper.heard(0.2)
    keeper.survey(10.0)
    assert (keeper.next(0.3), keeper.active) == (Step.LISTEN, True)
    keeper.started(0.4)
    keeper.heard(0.5)
    assert (keeper.next(0.5), keeper.deadline()) == (Step.WAIT, 10.0)
    keeper.heard(9.9)
    assert (keeper.next(10.0), keeper.active) == (Step.LISTEN, False)


TOLD: dict[str, Callable[[Keeper, float, bool], object]] = {
    "appeared": lambda keeper, at_s, flag: keeper.appeared(at_s, passive=flag),
    "left": lambda keeper, at_s, _: keeper.left(at_s),
    "started": lambda keeper, at_s, _: keeper.started(at_s),
    "failed": lambda keeper, at_s, _: keeper.failed(at_s),
    "cycled": lambda keeper, at_s, _: keeper.cycled(at_s),
    "doubted": lambda keeper, _, __: keeper.doubted(),
    "heard": lambda keeper, at_s, flag: keeper.heard(at_s, ours=flag),
    "survey": lambda keeper, at_s, flag: keeper.survey(at_s + 60 * flag),
}
FACTS = st.lists(
    st.tuples(st.floats(0.0, 400.0), st.sampled_from([*TOLD, "next"]), st.booleans()),
    max_size=80,
)


@given(FACTS)
def test_whatever_happens_it_answers_and_asks_for_a_moment_to_come(
    facts: list[tuple[float, str, bool]],
) -> None:
    keeper, at_s, cycles = Keeper(POLICY, 0.0), 0.0, []
    for gap_s, fact, flag in facts:
        at_s += gap_s
        if fact in TOLD:
            TOLD[fact](keeper, at_s, flag)
        elif keeper.next(at_s) is Step.CYCLE:
            cycles.append(at_s)
        elif keeper.next(at_s) is Step.WAIT:
            assert keeper.deadline() > at_s
    gaps = [after - before for before, after in pairwise(cycles)]
    assert all(gap_s >= POLICY.cycle_s for gap_s in gaps)
