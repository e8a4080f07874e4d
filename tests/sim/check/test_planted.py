"""One thing goes wrong in a good story, and just the checker that watches over it says so."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from rules.alarm import AlarmKey, AlarmKind, Move
from rules.command import Command, Signal
from rules.device import Output
from rules.events import (
    AlarmMoved,
    CaseClosed,
    Commanded,
    Escalated,
    Outcome,
    Stage,
    TimeMoved,
)
from rules.observation import Phenomenon
from sim.check import (
    bounds,
    check,
    collapses,
    dead_sensors,
    doubled,
    hazards,
    liveness,
    lost,
    time_jumps,
)
from sim.faults.fault import FaultKind
from sim.world.chronicle import CaseSeen, Gauge, Handled, Moved, Queued, Turned
from tests.sim.check.story import (
    BLIND,
    BUTTON,
    CALLING,
    HALL,
    HOUR,
    INACTIVITY,
    KETTLE,
    LEAK,
    LEAKING,
    MINUTE,
    SECOND,
    TELEVISION,
    Good,
    on,
    with_motion_beside_a_pet_alone,
)

Bug = Callable[[Good], None]


def violated(story: Good) -> set[str]:
    return {violation.checker for violation in check(story.run)}


def moved(story: Good, queued: Queued, by: timedelta) -> None:
    """What opens a case is decided, queued and there later."""
    home = story.home
    home.decided = [
        replace(one, at=one.at + by)
        if isinstance(one.event, Escalated) and one.event.serial == queued.seq
        else one
        for one in home.decided
    ]
    home.queued = [
        replace(one, at=one.at + by) if one.id == queued.id else one for one in home.queued
    ]
    home.arrived = [
        replace(one, at=one.at + by) if one.record.id == queued.id else one for one in home.arrived
    ]


# ------------------------------------------------------------------------------------- lost


def marked_delivered_without_an_answer(story: Good) -> None:
    story.forget_at_center(story.dead)


def record_without_a_case(story: Good) -> None:
    story.run.cases = [case for case in story.run.cases if case.id != story.leak.id]


def disk_fails_and_nobody_says_so(story: Good) -> None:
    kept_in_memory(story, on(5, 11.9))


def disk_failing_said_after_the_power_cut(story: Good) -> None:
    kept_in_memory(story, on(5, 11.9))
    story.condition(on(5, 15.5), AlarmKey(AlarmKind.DISK_FAILING), present=True)
    story.condition(on(5, 16), AlarmKey(AlarmKind.DISK_FAILING), present=False)


def disk_well_again_before_the_power_cut(story: Good) -> None:
    story.condition(on(5, 11), AlarmKey(AlarmKind.DISK_FAILING), present=True)
    kept_in_memory(story, on(5, 11.5))
    story.condition(on(5, 11.9), AlarmKey(AlarmKind.DISK_FAILING), present=False)


def kept_in_memory(story: Good, at: datetime) -> None:
    queued = story.escalates(at, AlarmKey(AlarmKind.BATTERY_LOW, HALL.id), arrives=None)
    story.home.queued[-1] = replace(queued, durable=False)


# ---------------------------------------------------------------------------------- doubled


def center_forgets_ids(story: Good) -> None:
    story.run.stored.append(story.row_of(story.leak))


def center_opens_two_cases(story: Good) -> None:
    story.run.cases.append(next(one for one in story.run.cases if one.id == story.leak.id))


def new_twice(story: Good) -> None:
    again = next(one for one in story.home.arrived if one.record.id == story.leak.id)
    story.home.arrived.append(replace(again, at=again.at + HOUR))


def of_nobody(story: Good) -> None:
    story.run.stored.append((story.home.gateway, 77, story.new_id()))


def case_of_nobody(story: Good) -> None:
    story.run.cases.append(
        CaseSeen(story.new_id(), story.home.gateway, False, LEAKING, on(3), drill=False)
    )


def signed_anew_with_each_try(story: Good) -> None:
    second = replace(story.leak, id=story.new_id(), at=story.leak.at + MINUTE)
    story.home.queued.append(second)
    story.arrives(second.at + SECOND, second, LEAKING)


def sent_before_it_was_durable(story: Good) -> None:
    """The next run does not know the number that went out before the power cut."""
    second = replace(story.call, id=story.new_id(), boot=2, at=on(5, 16))
    story.home.queued.append(second)
    story.arrives(second.at + SECOND, second, CALLING)


def raised_twice(story: Good) -> None:
    story.decides(on(7, 9.5), AlarmMoved(on(7, 9.5), INACTIVITY, Move.RAISE))
    last = story.home.decided.pop()
    index = next(n for n, one in enumerate(story.home.decided) if one.at > on(7, 9.5))
    story.home.decided.insert(index, last)


# -------------------------------------------------------------------------------- collapses


def found_an_hour_late(story: Good) -> None:
    moved(story, story.found, HOUR)
    assert story.trouble.found is not None
    story.trouble.found += HOUR
    story.trouble.helped = None


def never_found(story: Good) -> None:
    """Nothing was raised about anybody who lies there."""
    story.trouble.found = story.trouble.helped = None
    home = story.home
    home.decided = [one for one in home.decided if getattr(one.event, "alarm", None) != INACTIVITY]
    story.forget_at_center(story.found)
    home.queued.remove(story.found)


def noise_taken_for_life(story: Good) -> None:
    """A fridge that switches counts as a hand."""
    story.home.life = story.home.life[:0]
    story.home.signs = story.home.signs[:0]
    story.lives(on(1, 1), on(3, 10))
    noise = story.home.life[:0]
    story.home.life, life = noise, story.home.life
    story.lives(on(3, 10), story.run.healed)
    story.home.life = life
    never_found(story)
    story.trouble.at = on(3, 9.5)


def blind_and_nobody_says_so(story: Good) -> None:
    for which in (KETTLE, TELEVISION, HALL):
        story.mute(which, on(6, 11), story.run.healed)
    never_found(story)


def down_and_nobody_says_so(story: Good) -> None:
    story.trouble.at = on(5, 10)
    story.home.turned.clear()
    story.home.life = story.home.life[:0]
    story.home.signs = story.home.signs[:0]
    story.lives(on(1, 1), on(5, 10))
    story.lives(on(7, 11), story.run.healed)


# ----------------------------------------------------------------------------- dead sensors


def silence_of_dead_sensors(story: Good) -> None:
    story.home.troubles.clear()
    for which in (KETTLE, TELEVISION, HALL):
        story.mute(which, on(6, 20), on(7, 4))
    story.says_blind(on(6, 22.55), on(7, 4.2))


def only_the_fridge_was_heard(story: Good) -> None:
    story.home.troubles.clear()
    for which in (KETTLE, TELEVISION, HALL):
        story.mute(which, on(6, 8), on(7, 12))
    story.says_blind(on(6, 10.55), on(7, 12.2))


def nobody_was_heard_while_a_prompt_waited(story: Good) -> None:
    story.hall_vouches_until_the_prompt(back=on(7, 9) + MINUTE)


# ------------------------------------------------------------------------------- time jumps


def silence_of_a_jump(story: Good) -> None:
    """The clock jumps ahead by 20 h, and the last sign does not move with it."""
    story.home.moved.append(Moved(on(8, 9.5), 72_000_000_000, True, "ntp"))
    opening = story.escalates(on(8, 9.5), INACTIVITY)
    story.clears(on(8, 11), opening, INACTIVITY)


def prompt_of_a_jump(story: Good) -> None:
    story.home.moved.append(Moved(on(8, 9.5), 72_000_000_000, True, "ntp"))
    story.decides(on(8, 9.5), AlarmMoved(on(9, 5.5), INACTIVITY, Move.PROMPT))


def raised_though_the_clock_was_set_right(story: Good) -> None:
    """Prompted on a false date; the center set the clock, and the prompt ran on."""
    story.fault(FaultKind.CLOCK_JUMP, on(5, 14), on(5, 16), amount=20 * 3600)
    story.decides(on(5, 15), AlarmMoved(on(6, 11), INACTIVITY, Move.PROMPT))
    story.home.moved.append(Moved(on(5, 15) + SECOND, -72_000_000_000, True, "center"))
    opening = story.escalates(on(5, 15) + 10 * MINUTE, INACTIVITY)
    story.clears(on(5, 16), opening, INACTIVITY)


def prompt_after_a_lie_that_was_set_right_on_the_card(story: Good) -> None:
    story.fault(FaultKind.CLOCK_JUMP, on(5, 11.2), on(5, 12), amount=-20 * 3600)
    story.prompts_after_a_lie(on(5, 11.2), on(5, 11.5))


def alarm_by_a_copy_older_than_any(story: Good) -> None:
    """A sign from more than an hour before the disk failed was in every copy."""
    story.restores_a_copy(failing=on(5, 10.2))


def higher_level_of_a_jump(story: Good) -> None:
    story.updates(on(7, 9.6), story.found, INACTIVITY, Stage.LEVEL, 2)


def dead_device_of_a_jump(story: Good) -> None:
    opening = story.escalates(on(8, 9), AlarmKey(AlarmKind.DEVICE, KETTLE.id))
    story.clears(on(8, 9.2), opening, AlarmKey(AlarmKind.DEVICE, KETTLE.id))


def blind_of_a_jump(story: Good) -> None:
    story.clears(on(8, 9.2), story.escalates(on(8, 9), BLIND, 2), BLIND)


def mains_outage_of_a_jump(story: Good) -> None:
    key = AlarmKey(AlarmKind.MAINS_OUTAGE)
    story.clears(on(8, 9.2), story.escalates(on(8, 9), key, 2), key)


def heat_of_a_jump(story: Good) -> None:
    key = AlarmKey(AlarmKind.HEAT, LEAK.id)
    story.noticed(LEAK, Phenomenon.TEMPERATURE_C, on(8, 9), 36.0)
    story.condition(on(8, 9), key, present=True)
    opening = story.escalates(on(8, 9) + MINUTE, key)
    story.clears(on(8, 12), opening, key)


def repeated_too_soon(story: Good) -> None:
    story.condition(on(3, 11), LEAKING, present=True)
    first = story.escalates(on(3, 11) + 5 * SECOND, LEAKING, 3)
    story.closes(on(3, 11.5), first, LEAKING)
    story.escalates(on(3, 11.6), LEAKING, 3)


def call_in_the_item_that_set_the_clock(story: Good) -> None:
    story.decides(on(8, 9), time_moved(story))
    story.escalates(on(8, 9), CALLING, 3)


def command_expired_by_a_jump(story: Good) -> None:
    order = Command(1, HALL.id, Output.LIGHT, Signal.PROMPT, on(8, 9) + 10 * SECOND)
    story.decides(on(8, 9), Commanded(on(8, 9), order))
    story.decides(on(8, 9) + SECOND, time_moved(story))
    story.escalates(on(8, 9) + SECOND, AlarmKey(AlarmKind.COMMAND_FAILED, HALL.id))


def time_moved(story: Good) -> TimeMoved:
    story.home.moved.append(Moved(on(8, 9), 3_600_000_000, True, "ntp"))
    return TimeMoved(on(8, 9), True, "ntp", HOUR)


# ---------------------------------------------------------------------------------- hazards


def debounced_by_the_date(story: Good) -> None:
    moved(story, story.leak, MINUTE)


def call_two_minutes_late(story: Good) -> None:
    moved(story, story.call, 2 * MINUTE)


def not_noticed(story: Good) -> None:
    story.noticed(LEAK, Phenomenon.LEAK, on(8, 9), True)


def second_press_unheard(story: Good) -> None:
    story.noticed(BUTTON, Phenomenon.SOS, on(4, 11.5), True)


def forgotten_over_a_restart(story: Good) -> None:
    story.noticed(LEAK, Phenomenon.LEAK, on(5, 12) - SECOND, True)
    story.condition(on(5, 12) - SECOND, LEAKING, present=True)


def told_late(story: Good) -> None:
    story.home.arrived = [
        replace(one, at=one.at + MINUTE) if one.record.id == story.leak.id else one
        for one in story.home.arrived
    ]


# ------------------------------------------------------------------------- bounds, liveness


def outbox_without_end(story: Good) -> None:
    story.home.gauges[3] = Gauge(on(4, 1), 6_000, 6_040, 4_000_000, 0)


def journal_never_pruned(story: Good) -> None:
    story.home.gauges[3] = Gauge(on(4, 1), 0, 31_000, 4_000_000, 0)


def bytes_without_end(story: Good) -> None:
    story.home.gauges[3] = Gauge(on(4, 1), 0, 900, 40_000_000, 0)


def state_without_end(story: Good) -> None:
    story.home.gauges[3] = Gauge(on(4, 1), 0, 900, 4_000_000, 0, 400_000)


def never_queued(story: Good) -> None:
    story.home.queued.remove(story.dead)
    story.forget_at_center(story.dead)


def told_otherwise(story: Good) -> None:
    story.home.arrived = [
        replace(one, record=replace(one.record, alarm=AlarmKind.GAS))
        if one.record.id == story.leak.id
        else one
        for one in story.home.arrived
    ]


def blind_in_a_home_where_all_is_well(story: Good) -> None:
    for device in (KETTLE, TELEVISION, HALL):
        story.mute(device, on(10), on(11))


def blind_beside_a_pet_and_nobody_says_so(story: Good) -> None:
    with_motion_beside_a_pet_alone(story)
    never_found(story)


def heat_that_is_never_raised(story: Good) -> None:
    key = AlarmKey(AlarmKind.HEAT, LEAK.id)
    story.condition(on(11), key, present=True)


def entries_never_dropped(story: Good) -> None:
    story.home.gauges[-1] = replace(story.home.gauges[-1], rows=300)


def close_unheard(story: Good) -> None:
    story.home.decided = [
        one for one in story.home.decided if not isinstance(one.event, CaseClosed)
    ]


def close_unheard_though_the_way_was_well(story: Good) -> None:
    """It called again long after it should have heard."""
    story.calls_again(on(8, 5), closed=on(8, 3))


def close_unheard_after_the_last_call(story: Good) -> None:
    story.fault(FaultKind.UPLINK_LOSS, on(8, 1.5), on(8, 6), amount=0.9)
    story.calls_again(on(8, 2.5), closed=on(8, 3))


def second_close_unheard(story: Good) -> None:
    """What was done at first is void, but not what was done with the case that waited anew."""
    story.fault(FaultKind.UPLINK_LOSS, on(8, 1.5), on(8, 6), amount=0.9)
    opening = story.calls_again(on(8, 5), closed=on(8, 3))
    story.run.handled.append(Handled(on(8, 8), opening.id, story.home.gateway, Outcome.FALSE))


def cleared_without_a_word(story: Good) -> None:
    story.decides(on(11), AlarmMoved(on(11), LEAKING, Move.CLEAR))


def stands_though_its_end_was_on_the_card(story: Good) -> None:
    story.ends_and_forgets(on(5, 10.5), again=on(5, 20))


def stands_though_it_was_over_once_more(story: Good) -> None:
    story.ends_and_forgets(on(5, 11.5), again=on(5, 19))


def stands_for_good_since_its_end_was_forgotten(story: Good) -> None:
    story.ends_and_forgets(on(5, 11.5), again=None)


def stands_though_it_is_over(story: Good) -> None:
    key = AlarmKey(AlarmKind.DRIVER_LOST, HALL.id)
    story.condition(on(11), key, present=True)
    story.escalates(on(11), key)
    story.condition(on(11, 1), key, present=False)


def inactive_though_alive(story: Good) -> None:
    story.home.decided = [
        one
        for one in story.home.decided
        if not (
            isinstance(one.event, AlarmMoved)
            and one.event.alarm == INACTIVITY
            and one.event.move is Move.CLOSE
        )
    ]


def outbox_waits(story: Good) -> None:
    story.home.gauges[-1] = replace(story.home.gauges[-1], outbox=1)


def silent_at_the_end(story: Good) -> None:
    story.home.turned.append(Turned(on(12), silent=True))


def not_running_at_the_end(story: Good) -> None:
    story.home.runs[-1] = replace(story.home.runs[-1], ended=on(12, 6))
    story.home.turned.append(Turned(on(12, 7.5), silent=True))


def driver_still_lost(story: Good) -> None:
    story.condition(on(9), AlarmKey(AlarmKind.DRIVER_LOST, HALL.id), present=True)


def disk_still_failing(story: Good) -> None:
    story.condition(on(9), AlarmKey(AlarmKind.DISK_FAILING), present=True)


def still_untrusted(story: Good) -> None:
    story.condition(on(9), AlarmKey(AlarmKind.TIME_UNTRUSTED), present=True)


def still_blind(story: Good) -> None:
    story.condition(on(9), BLIND, present=True)


PLANTED: dict[str, tuple[Bug, ...]] = {
    lost.NAME: (
        marked_delivered_without_an_answer,
        record_without_a_case,
        disk_fails_and_nobody_says_so,
        disk_failing_said_after_the_power_cut,
        disk_well_again_before_the_power_cut,
        never_queued,
        told_otherwise,
    ),
    doubled.NAME: (
        center_forgets_ids,
        center_opens_two_cases,
        new_twice,
        of_nobody,
        case_of_nobody,
        signed_anew_with_each_try,
        sent_before_it_was_durable,
        raised_twice,
    ),
    collapses.NAME: (
        found_an_hour_late,
        never_found,
        noise_taken_for_life,
        blind_and_nobody_says_so,
        down_and_nobody_says_so,
        blind_in_a_home_where_all_is_well,
        blind_beside_a_pet_and_nobody_says_so,
    ),
    dead_sensors.NAME: (
        silence_of_dead_sensors,
        only_the_fridge_was_heard,
        nobody_was_heard_while_a_prompt_waited,
    ),
    time_jumps.NAME: (
        silence_of_a_jump,
        prompt_of_a_jump,
        raised_though_the_clock_was_set_right,
        prompt_after_a_lie_that_was_set_right_on_the_card,
        alarm_by_a_copy_older_than_any,
        higher_level_of_a_jump,
        dead_device_of_a_jump,
        blind_of_a_jump,
        mains_outage_of_a_jump,
        heat_of_a_jump,
        repeated_too_soon,
        call_in_the_item_that_set_the_clock,
        command_expired_by_a_jump,
    ),
    hazards.NAME: (
        debounced_by_the_date,
        call_two_minutes_late,
        not_noticed,
        second_press_unheard,
        forgotten_over_a_restart,
        told_late,
        heat_that_is_never_raised,
    ),
    bounds.NAME: (
        outbox_without_end,
        journal_never_pruned,
        bytes_without_end,
        state_without_end,
        entries_never_dropped,
    ),
    liveness.NAME: (
        outbox_waits,
        silent_at_the_end,
        not_running_at_the_end,
        driver_still_lost,
        disk_still_failing,
        still_untrusted,
        still_blind,
        close_unheard,
        close_unheard_though_the_way_was_well,
        close_unheard_after_the_last_call,
        second_close_unheard,
        cleared_without_a_word,
        stands_though_it_is_over,
        stands_though_its_end_was_on_the_card,
        stands_though_it_was_over_once_more,
        stands_for_good_since_its_end_was_forgotten,
        inactive_though_alive,
    ),
}


def test_a_good_story_keeps_every_promise() -> None:
    assert check(Good().run) == ()


@pytest.mark.parametrize(
    ("name", "bug"),
    [(name, bug) for name, bugs in PLANTED.items() for bug in bugs],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
def test_a_planted_bug_is_found_by_its_checker_alone(name: str, bug: Bug) -> None:
    story = Good()
    bug(story)
    assert violated(story) == {name}


def test_what_is_found_has_its_home_its_moment_and_a_sentence() -> None:
    story = Good()
    marked_delivered_without_an_answer(story)
    (violation,) = check(story.run)
    assert violation.home == 1
    assert violation.at == story.dead.at
    assert violation.what == (
        f"Record {story.dead.seq} of boot 2 was queued durably,"
        " and at the end it is not at the center."
    )
    assert "never arrived" in violation.evidence
