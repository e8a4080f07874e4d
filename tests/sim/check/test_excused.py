"""What looks like a broken promise and is none, since somebody said so or the rules say so."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from rules.alarm import AlarmKey, AlarmKind, Move
from rules.codec import moment_us
from rules.events import (
    AlarmMoved,
    AwayBegan,
    AwayEnded,
    AwayReason,
    Escalated,
    TimeMoved,
    Updated,
)
from rules.observation import Phenomenon
from sim.check import check
from sim.faults.fault import FaultKind
from sim.world.chronicle import Turned
from tests.sim.check.story import (
    BLIND,
    CALLING,
    FAILING,
    HALL,
    HOUR,
    INACTIVITY,
    KETTLE,
    LEAK,
    LEAKING,
    MINUTE,
    SECOND,
    START,
    TELEVISION,
    Good,
    on,
    with_motion_beside_a_pet_alone,
)

RESTORED = AlarmKey(AlarmKind.JOURNAL_RESTORED)


def without_the_alarm(story: Good) -> None:
    """Nothing of the collapse was raised; somebody came by late."""
    story.home.decided = [
        one for one in story.home.decided if getattr(one.event, "alarm", None) != INACTIVITY
    ]
    story.forget_at_center(story.found)
    story.home.queued.remove(story.found)
    story.trouble.found, story.trouble.helped = None, on(9, 8)
    for moments in (story.home.life, story.home.signs):
        for index in range(len(moments) - 1, -1, -1):
            if moment_us(on(6, 9.5)) < moments[index] < moment_us(on(9, 8)):
                del moments[index]


def lost_with_a_failing_disk(story: Good) -> None:
    queued = story.escalates(on(5, 11.9), AlarmKey(AlarmKind.BATTERY_LOW, HALL.id), arrives=None)
    story.home.queued[-1] = replace(queued, durable=False)
    story.condition(on(5, 11.9) + SECOND, FAILING, present=True)
    story.condition(on(5, 15.1), FAILING, present=False)


def number_used_again_after_a_failing_disk(story: Good) -> None:
    lost_with_a_failing_disk(story)
    lost = story.home.queued[-1]
    story.arrives(lost.at + SECOND, lost, AlarmKey(AlarmKind.BATTERY_LOW, HALL.id))
    second = replace(lost, id=story.new_id(), boot=2, at=on(5, 16), durable=True)
    story.home.queued.append(second)
    story.arrives(second.at + SECOND, second, CALLING)


def lost_with_damaged_files(story: Good) -> None:
    story.escalates(on(5, 11.9), AlarmKey(AlarmKind.BATTERY_LOW, HALL.id), arrives=None)
    story.fault(FaultKind.DISK_CORRUPTED, on(5, 12), on(5, 15))
    story.condition(on(5, 15), RESTORED, present=True)


def new_again_after_the_center_was_restored(story: Good) -> None:
    again = next(one for one in story.home.arrived if one.record.id == story.leak.id)
    story.home.arrived.append(replace(again, at=on(3, 12)))
    story.run.restored.append((on(3, 11), on(3, 8)))


def alarm_by_a_copy_older_than_the_failing_disk(story: Good) -> None:
    """The good copy may be an hour older than what the card took: both signs are forgotten."""
    story.restores_a_copy(failing=on(5, 10))


def announced_trip(story: Good) -> None:
    without_the_alarm(story)
    story.decides(on(6, 9), AwayBegan(on(6, 9), AwayReason.TRIP, None, "staff"))
    story.decides(on(9, 9), AwayEnded(on(9, 9)))


def outing_believed(story: Good) -> None:
    """Found after 36 h and not 24, since somebody had gone out by the door."""
    without_the_alarm(story)
    story.decides(on(6, 9.6), AwayBegan(on(6, 9.1), AwayReason.OUTING, None, ""))
    opening = story.escalates(on(7, 21), INACTIVITY)
    story.clears(on(9, 9), opening, INACTIVITY)
    story.trouble.found = on(7, 21) + SECOND


def fall_with_movement(story: Good) -> None:
    """Each movement makes the silence count anew."""
    without_the_alarm(story)
    story.home.life.append(moment_us(on(7, 3)))
    story.home.signs.append(moment_us(on(7, 3)))
    opening = story.escalates(on(8, 3), INACTIVITY)
    story.clears(on(9, 9), opening, INACTIVITY)
    story.trouble.found = on(8, 3) + SECOND


def blind_and_it_was_said(story: Good) -> None:
    without_the_alarm(story)
    for which in (KETTLE, TELEVISION, HALL):
        story.mute(which, on(6, 11), on(9, 10))
    story.says_blind(on(6, 13.25), on(9, 10.2))


def found_when_the_uplink_was_back(story: Good) -> None:
    story.fault(FaultKind.UPLINK_DOWN, on(7, 8), on(7, 20))
    story.home.arrived = [
        replace(one, at=on(7, 20) + MINUTE) if one.record.id == story.found.id else one
        for one in story.home.arrived
    ]
    story.trouble.found = on(7, 20) + MINUTE
    story.trouble.helped = None


def due_after_the_end(story: Good) -> None:
    without_the_alarm(story)
    story.trouble.at = on(12, 20)


def down_and_the_center_knew(story: Good) -> None:
    story.home.turned[:] = [
        Turned(on(5, 13.55), silent=True),
        Turned(on(5, 15) + MINUTE, silent=False),
    ]
    story.trouble.at = on(5, 10.5)
    for moments in (story.home.life, story.home.signs):
        for index in range(len(moments) - 1, -1, -1):
            if moment_us(on(5, 10.5)) < moments[index] < moment_us(on(7, 10)):
                del moments[index]
    # 24 h after the last sign: production counts the time that it was down.
    story.home.decided = [
        one for one in story.home.decided if getattr(one.event, "alarm", None) != INACTIVITY
    ]
    story.forget_at_center(story.found)
    story.home.queued.remove(story.found)
    story.escalates(on(6, 9), INACTIVITY)
    story.trouble.found, story.trouble.helped = on(6, 9) + SECOND, on(6, 10)
    story.decides(on(6, 10), AlarmMoved(on(6, 10), INACTIVITY, Move.CLOSE))


def leak_shorter_than_its_hold(story: Good) -> None:
    story.noticed(LEAK, Phenomenon.LEAK, on(8, 9), True)
    story.condition(on(8, 9), LEAKING, present=True)
    story.condition(on(8, 9) + 3 * SECOND, LEAKING, present=False)


def leak_on_a_slow_disk(story: Good) -> None:
    story.fault(FaultKind.DISK_SLOW, on(3, 8), on(3, 10), amount=5)
    later(story, story.leak.seq)


def later(story: Good, serial: int) -> None:
    story.home.decided = [
        replace(one, at=one.at + 10 * SECOND)
        if isinstance(one.event, Escalated) and one.event.serial == serial
        else one
        for one in story.home.decided
    ]
    story.home.arrived = [
        replace(one, at=one.at + 10 * SECOND) if one.record.seq == serial else one
        for one in story.home.arrived
    ]


def leak_while_the_gateway_was_down(story: Good) -> None:
    story.noticed(LEAK, Phenomenon.LEAK, on(5, 13), True)


def hazard_told_late_without_an_uplink(story: Good) -> None:
    story.fault(FaultKind.UPLINK_DOWN, on(3, 8), on(3, 12))
    story.home.arrived = [
        replace(one, at=on(3, 12) + MINUTE) if one.record.id == story.leak.id else one
        for one in story.home.arrived
    ]


def silence_longer_since_a_power_cut_took_its_last_sign(story: Good) -> None:
    """The sign of the last seconds before the cut was not on the card yet."""
    down_and_the_center_knew(story)
    for moments in (story.home.life, story.home.signs):
        moments.append(moment_us(on(5, 12) - 10 * SECOND))
    story.trouble.at = on(5, 12) - 5 * SECOND


def device_that_drifts_in_time(story: Good) -> None:
    """A crystal that runs fast makes a silence of a day come half a minute early."""
    story.fault(FaultKind.CLOCK_DRIFT, on(6, 9), on(7, 12), amount=400)
    early = story.home.decided
    story.home.decided = [
        replace(one, at=one.at - 30 * SECOND)
        if getattr(one.event, "alarm", None) == INACTIVITY
        else one
        for one in early
    ]


def prompt_after_a_start_on_a_false_date(story: Good) -> None:
    """NTP lies when the power is back, and the center has not spoken yet."""
    story.fault(FaultKind.CLOCK_JUMP, on(5, 14), on(5, 16), amount=20 * 3600)
    story.home.signs.remove(moment_us(on(5, 15)))
    story.decides(on(5, 15), TimeMoved(on(6, 11), True, "ntp", timedelta()))
    story.decides(on(5, 15), AlarmMoved(on(6, 11), INACTIVITY, Move.PROMPT))
    story.decides(on(5, 15) + SECOND, TimeMoved(on(5, 15), True, "center", -20 * HOUR))
    story.decides(on(5, 15) + SECOND, AlarmMoved(on(5, 15), INACTIVITY, Move.WITHDRAW))


def silence_of_an_earlier_run_on_a_false_date(story: Good) -> None:
    """NTP lied before the power went; the last sign of then is by its date."""
    story.fault(FaultKind.CLOCK_JUMP, on(4), on(4, 2), amount=-20 * 3600)
    story.home.signs.remove(moment_us(on(5, 15)))
    story.decides(on(4, 1), TimeMoved(on(3, 5), True, "ntp", -20 * HOUR))
    story.decides(on(5, 15), TimeMoved(on(4, 16), False, "boot", timedelta()))
    story.decides(on(5, 15) + SECOND, TimeMoved(on(5, 15), True, "center", 20 * HOUR))
    story.decides(on(5, 15) + SECOND, AlarmMoved(on(5, 15), INACTIVITY, Move.PROMPT))


def asked_in_the_morning_after_a_way_to_the_bathroom(story: Good) -> None:
    story.decides(on(8, 7.1), AlarmMoved(on(8, 7.1), AlarmKey(AlarmKind.NO_MORNING), Move.PROMPT))


def false_date_on_a_card_that_took_nothing_since(story: Good) -> None:
    """The date was set right in memory only; the next run goes on from what the card has."""
    story.fault(FaultKind.CLOCK_JUMP, on(5, 10), on(5, 12), amount=-20 * 3600)
    story.condition(on(5, 11.2), FAILING, present=True)
    story.condition(on(5, 15.1), FAILING, present=False)
    story.prompts_after_a_lie(on(5, 10), on(5, 11.5))


def dead_device_that_never_spoke(story: Good) -> None:
    story.mute(HALL, on(1), story.run.healed)
    story.escalates(on(1, 12), AlarmKey(AlarmKind.DEVICE, HALL.id))


def device_that_dies_while_a_prompt_waits(story: Good) -> None:
    story.hall_vouches_until_the_prompt(back=on(7, 8.7))


def condition_whose_fault_ends_with_the_run(story: Good) -> None:
    story.fault(FaultKind.RADIO_LOST, on(12), story.run.healed - 2 * MINUTE)
    story.condition(on(12), AlarmKey(AlarmKind.DRIVER_LOST, HALL.id), present=True)


def silent_to_a_center_that_was_set_back(story: Good) -> None:
    story.home.turned.append(Turned(on(10), silent=True))
    story.run.restored.append((on(10, 2), on(10) - HOUR))


def blind_for_good_beside_a_pet(story: Good) -> None:
    with_motion_beside_a_pet_alone(story)
    without_the_alarm(story)
    story.condition(START + 2 * MINUTE, BLIND, present=True)
    story.escalates(START + 2 * MINUTE, BLIND, 2)


def waits_anew_since_the_home_called_again(story: Good) -> None:
    """It could not hear yet that its case was closed; that is void now."""
    story.fault(FaultKind.UPLINK_LOSS, on(8, 1.5), on(8, 6), amount=0.9)
    story.calls_again(on(8, 5), closed=on(8, 3))


def condition_whose_end_was_forgotten(story: Good) -> None:
    story.ends_and_forgets(on(5, 11.5), again=on(5, 20))


def end_that_nobody_can_tell_before_the_next_command(story: Good) -> None:
    story.ends_and_forgets(on(5, 11.5), again=None, kind=AlarmKind.COMMAND_FAILED)


def updates_that_a_process_told_a_moment_later(story: Good) -> None:
    moment = timedelta(microseconds=1)
    story.home.decided = [
        replace(one, at=one.at + moment) if isinstance(one.event, Updated) else one
        for one in story.home.decided
    ]


EXCUSED: tuple[Callable[[Good], None], ...] = (
    lost_with_a_failing_disk,
    number_used_again_after_a_failing_disk,
    lost_with_damaged_files,
    new_again_after_the_center_was_restored,
    alarm_by_a_copy_older_than_the_failing_disk,
    announced_trip,
    outing_believed,
    fall_with_movement,
    blind_and_it_was_said,
    found_when_the_uplink_was_back,
    due_after_the_end,
    down_and_the_center_knew,
    leak_shorter_than_its_hold,
    leak_on_a_slow_disk,
    leak_while_the_gateway_was_down,
    hazard_told_late_without_an_uplink,
    silence_longer_since_a_power_cut_took_its_last_sign,
    device_that_drifts_in_time,
    prompt_after_a_start_on_a_false_date,
    silence_of_an_earlier_run_on_a_false_date,
    asked_in_the_morning_after_a_way_to_the_bathroom,
    false_date_on_a_card_that_took_nothing_since,
    dead_device_that_never_spoke,
    device_that_dies_while_a_prompt_waits,
    condition_whose_fault_ends_with_the_run,
    silent_to_a_center_that_was_set_back,
    blind_for_good_beside_a_pet,
    waits_anew_since_the_home_called_again,
    condition_whose_end_was_forgotten,
    end_that_nobody_can_tell_before_the_next_command,
    updates_that_a_process_told_a_moment_later,
)


@pytest.mark.parametrize("excuse", EXCUSED, ids=lambda excuse: str(excuse.__name__))
def test_what_is_excused_is_no_violation(excuse: Callable[[Good], None]) -> None:
    story = Good()
    excuse(story)
    assert check(story.run) == ()
