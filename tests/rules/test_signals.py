"""What lights, buzzers and sirens express: one alarm's end leaves what the others say."""

from dataclasses import replace
from datetime import timedelta

from rules.alarm import AlarmKey, AlarmKind, AlarmState
from rules.command import Refusal, Signal
from rules.device import Output
from rules.events import Commanded, Outcome
from rules.inputs import Closed, CommandResult, Taken
from rules.observation import DeviceId, Phenomenon, Press
from rules.rulebook import PRESETS, Preset
from rules.sentence import Say
from tests.rules.home import ALL, HOUR, KETTLE, LEAK, MINUTE, NODE, SMOKE, Home, device

SECOND = timedelta(seconds=1)
SIREN = device("siren", outputs=(Output.SIREN,))
LAMP = device("lamp", outputs=(Output.LIGHT,))
INACTIVITY = AlarmKey(AlarmKind.INACTIVITY)


def shown(home: Home) -> dict[str, Signal]:
    """What each output was last told, but for those that were told to be off."""
    told = {
        f"{sent.command.device}:{sent.command.output}": sent.command.signal
        for sent in home.of(Commanded)
    }
    return {name: signal for name, signal in told.items() if signal is not Signal.OFF}


def test_nothing_is_told_off_that_expressed_nothing() -> None:
    home = Home(*ALL, SIREN, LAMP)
    home.see("node", Phenomenon.SOS, True)
    home.put(Closed(home.cases()[-1].serial, Outcome.FALSE))
    told = [sent.command for sent in home.of(Commanded)]
    assert {order.device for order in told} == {NODE.id}
    assert not shown(home)
    home.put(Closed(home.cases()[-1].serial, Outcome.FALSE))
    assert len(list(home.of(Commanded))) == len(told)


def test_who_wakes_by_the_siren_does_not_silence_it() -> None:
    home = Home(*ALL, SIREN)
    home.live()
    home.wait(7 * HOUR + 55 * MINUTE)
    home.see("smoke", Phenomenon.SMOKE, True)
    home.live()
    assert home.state(INACTIVITY) is AlarmState.NORMAL
    assert shown(home)["siren:siren"] is Signal.HAZARD


def test_a_call_that_is_taken_or_taken_back_does_not_silence_the_siren() -> None:
    home = Home(*ALL, SIREN)
    home.see("smoke", Phenomenon.SMOKE, True)
    home.see("node", Phenomenon.SOS, True)
    call = home.cases()[-1].serial
    home.wait(10 * SECOND)
    home.press(Press.LONG)
    home.put(Taken(call, "kim"))
    home.put(Closed(call, Outcome.FALSE))
    assert shown(home)["siren:siren"] is Signal.HAZARD


def test_a_taken_hazard_is_silent_and_another_one_is_not() -> None:
    home = Home(*ALL, SIREN)
    home.see("smoke", Phenomenon.SMOKE, True)
    home.put(Taken(home.cases()[-1].serial, "kim"))
    assert shown(home) == {"node:light": Signal.TAKEN, "node:buzzer": Signal.TAKEN}
    home.see("leak", Phenomenon.LEAK, True)
    home.wait(MINUTE)
    assert shown(home)["siren:siren"] is Signal.HAZARD
    assert shown(home)["node:light"] is Signal.HAZARD


def test_a_prompt_comes_back_when_the_danger_is_over() -> None:
    home = Home()
    home.live()
    home.wait(7 * HOUR + 51 * MINUTE)
    home.see("smoke", Phenomenon.SMOKE, True)
    assert shown(home)["node:light"] is Signal.HAZARD
    home.see("smoke", Phenomenon.SMOKE, False)
    home.wait(3 * MINUTE)
    assert shown(home)["node:light"] is Signal.PROMPT


def test_a_prompt_is_not_hidden_by_a_case_that_is_taken() -> None:
    home = Home()
    home.live()
    home.see("leak", Phenomenon.LEAK, True)
    home.wait(MINUTE)
    home.put(Taken(home.cases()[-1].serial, "kim"))
    home.wait(7 * HOUR + 54 * MINUTE)
    assert shown(home) == {"node:light": Signal.PROMPT, "node:buzzer": Signal.PROMPT}


def test_a_caller_whose_button_has_no_light_is_answered_by_the_others() -> None:
    pendant = device("pendant", Phenomenon.SOS)
    home = Home(*ALL, pendant, LAMP)
    home.see("pendant", Phenomenon.SOS, True)
    assert shown(home).keys() == {"node:light", "node:buzzer", "lamp:light"}
    assert set(shown(home).values()) == {Signal.SOS_SENT}


def test_taken_is_shown_until_the_case_is_closed() -> None:
    home = Home()
    home.see("node", Phenomenon.SOS, True)
    home.put(Taken(home.cases()[-1].serial, "kim"))
    home.wait(HOUR)
    assert set(shown(home).values()) == {Signal.TAKEN}
    home.put(Closed(home.cases()[-1].serial, Outcome.REAL))
    assert not shown(home)


def test_a_restart_in_the_middle_of_a_prompt_asks_again_and_then_ends_it() -> None:
    home = Home()
    home.live()
    home.wait(7 * HOUR + 51 * MINUTE)
    before = len(list(home.of(Commanded)))
    home.restart(MINUTE)
    again = [sent.command.signal for sent in home.of(Commanded)][before:]
    assert again == [Signal.PROMPT, Signal.PROMPT]
    home.press()
    assert not shown(home)


def test_a_restart_while_a_danger_stands_sounds_the_siren_again() -> None:
    home = Home(*ALL, SIREN)
    home.see("smoke", Phenomenon.SMOKE, True)
    before = len(list(home.of(Commanded)))
    home.restart(MINUTE)
    again = list(home.of(Commanded))[before:]
    assert (DeviceId("siren"), Signal.HAZARD) in {
        (sent.command.device, sent.command.signal) for sent in again
    }


def test_commands_that_a_restart_interrupted_are_nobodys_fault() -> None:
    home = Home()
    home.answers = False
    home.see("node", Phenomenon.SOS, True)
    home.put(Taken(home.cases()[-1].serial, "kim"))
    home.put(Closed(home.cases()[-1].serial, Outcome.FALSE))
    home.restart(HOUR)
    assert not home.engine.state.commands
    home.wait(MINUTE)
    assert AlarmKind.COMMAND_FAILED not in {case.alarm.kind for case in home.cases()}


def test_nobody_was_asked_where_every_command_failed() -> None:
    home = Home()
    home.answers = False
    home.live()
    home.wait(8 * HOUR + MINUTE)
    (case,) = (case for case in home.cases() if case.alarm == INACTIVITY)
    said = [each.say for each in case.explanation]
    assert Say.PROMPT_IMPOSSIBLE in said
    assert Say.PROMPT_UNANSWERED not in said


def test_one_device_that_was_asked_is_enough() -> None:
    home = Home(*ALL, LAMP)
    home.answers = False
    home.live()
    home.wait(7 * HOUR + 50 * MINUTE + SECOND)
    for sent in list(home.of(Commanded)):
        refusal = None if sent.command.device == LAMP.id else Refusal.UNREACHABLE
        home.put(CommandResult(sent.command.id, refusal))
    home.wait(10 * MINUTE)
    (case,) = (case for case in home.cases() if case.alarm == INACTIVITY)
    assert Say.PROMPT_UNANSWERED in [each.say for each in case.explanation]


def test_a_home_without_sirens_by_its_rulebook_keeps_still() -> None:
    book = PRESETS[Preset.LIVING_ALONE]
    home = Home(
        KETTLE, LEAK, SMOKE, NODE, book=replace(book, hazard=replace(book.hazard, siren=False))
    )
    home.see("smoke", Phenomenon.SMOKE, True)
    home.wait(MINUTE)
    assert not shown(home)
