"""Which device is which: shown on demand, and never in place of what an alarm shows."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.alarm import AlarmKey, AlarmKind
from rules.command import Refusal, Signal
from rules.device import Device, Output
from rules.events import Commanded, CommandEnded, Outcome
from rules.identify import refusal_to_identify
from rules.inputs import Closed, CommandResult, Identify
from rules.observation import DeviceId, Phenomenon
from rules.signals import COMMAND_WITHIN
from tests.rules.home import ALL, KETTLE, NODE, Home, device

SECOND = timedelta(seconds=1)
LAMP = device("lamp", outputs=(Output.LIGHT,))
SPEAKER = device("speaker", outputs=(Output.VOICE,))
SIREN = device("siren", outputs=(Output.SIREN,))
PLUG = device("plug", Phenomenon.POWER_W, outputs=(Output.RELAY,))


def home_with(*answers: bool) -> Home:
    home = Home(*ALL, LAMP, SPEAKER, SIREN, PLUG)
    home.answers = all(answers)
    return home


def why_not(home: Home, name: str) -> str | None:
    return refusal_to_identify(home.engine.state, DeviceId(name))


@pytest.mark.parametrize(
    ("asked", "output"),
    [(NODE, Output.LIGHT), (LAMP, Output.LIGHT), (SPEAKER, Output.VOICE)],
)
def test_a_device_shows_itself_by_its_least_disturbing_output(
    asked: Device, output: Output
) -> None:
    home = home_with()
    assert why_not(home, asked.id) is None
    (event,) = home.put(Identify(asked.id))
    assert isinstance(event, Commanded)
    assert (event.command.output, event.command.signal) == (output, Signal.IDENTIFY)
    assert event.command.expires == home.now + COMMAND_WITHIN
    home.wait(20 * SECOND)
    assert len(home.commands()) == 1, "it ends by itself, and nothing is told off"


@pytest.mark.parametrize("name", ["nobody", KETTLE.id, SIREN.id, PLUG.id])
def test_what_cannot_show_itself_is_refused_and_left_alone(name: str) -> None:
    home = home_with()
    assert why_not(home, name)
    assert home.put(Identify(DeviceId(name))) == []


def test_what_an_alarm_shows_is_not_disturbed() -> None:
    home = home_with()
    home.see("smoke", Phenomenon.SMOKE, True)
    before = home.commands()
    for each in (NODE, LAMP, SPEAKER):
        if each.outputs & {Output.LIGHT, Output.VOICE}:
            assert why_not(home, each.id)
            assert home.put(Identify(each.id)) == []
    assert home.commands() == before
    home.put(Closed(home.cases()[-1].serial, Outcome.FALSE))
    assert why_not(home, LAMP.id) is None


def test_an_alarm_takes_the_place_of_what_is_shown_to_a_technician() -> None:
    home = home_with()
    home.put(Identify(NODE.id))
    home.see("smoke", Phenomenon.SMOKE, True)
    assert f"node:light:{Signal.HAZARD}" in home.commands()


def test_a_second_one_waits_for_the_answer_to_the_first() -> None:
    home = home_with(False)
    home.put(Identify(LAMP.id))
    assert why_not(home, LAMP.id)
    assert home.put(Identify(LAMP.id)) == []
    assert why_not(home, NODE.id) is None
    home.wait(COMMAND_WITHIN)
    assert why_not(home, LAMP.id) is None


@pytest.mark.parametrize("why", [*Refusal, None])
def test_what_came_of_it_is_told_and_is_no_fault(why: Refusal | None) -> None:
    home = home_with(False)
    (event,) = home.put(Identify(LAMP.id))
    assert isinstance(event, Commanded)
    ended = CommandEnded(home.now, event.command.id, ok=why is None, why=why)
    assert home.put(CommandResult(event.command.id, why)) == [ended]
    assert not home.engine.state.alarm(AlarmKey(AlarmKind.COMMAND_FAILED, LAMP.id)).present


def test_without_an_answer_in_time_it_has_expired() -> None:
    home = home_with(False)
    home.put(Identify(LAMP.id))
    home.wait(COMMAND_WITHIN)
    (ended,) = home.of(CommandEnded)
    assert (ended.ok, ended.why) == (False, Refusal.EXPIRED)
    assert not home.cases()


def test_one_that_shows_itself_is_reached_again() -> None:
    home = home_with()
    failed = AlarmKey(AlarmKind.COMMAND_FAILED, LAMP.id)
    home.answers = False
    home.see("smoke", Phenomenon.SMOKE, True)
    home.put(Closed(home.cases()[-1].serial, Outcome.FALSE))
    home.wait(COMMAND_WITHIN)
    assert home.engine.state.alarm(failed).present
    home.answers = True
    home.put(Identify(LAMP.id))
    assert not home.engine.state.alarm(failed).present


def test_its_command_survives_a_restart_with_its_number_used() -> None:
    home = home_with()
    (first,) = home.put(Identify(LAMP.id))
    home.restart(SECOND)
    (second,) = home.put(Identify(LAMP.id))
    assert isinstance(first, Commanded)
    assert isinstance(second, Commanded)
    assert second.command.id > first.command.id


Act = tuple[str, str]
ACTS = st.sampled_from(
    [
        *(("identify", each.id) for each in (NODE, LAMP, SPEAKER, SIREN, KETTLE)),
        *(("smoke", "on"), ("smoke", "off"), ("help", ""), ("close", ""), ("answer", "")),
        *(("refuse", ""), ("wait", ""), ("restart", "")),
    ]
)


def act(home: Home, what: Act) -> None:
    open_ = home.engine.state.commands
    match what:
        case "identify", device:
            home.put(Identify(DeviceId(device)))
        case "smoke", value:
            home.see("smoke", Phenomenon.SMOKE, value == "on")
        case "help", _:
            home.see("node", Phenomenon.SOS, True)
        case "close", _ if home.cases():
            home.put(Closed(home.cases()[-1].serial, Outcome.FALSE))
        case ("answer" | "refuse") as how, _ if open_:
            refusal = None if how == "answer" else Refusal.UNREACHABLE
            home.put(CommandResult(next(iter(open_)), refusal))
        case "wait", _:
            home.wait(4 * SECOND)
        case "restart", _:
            home.restart(SECOND)


@given(st.lists(ACTS, max_size=40))
def test_whatever_happens_no_alarm_is_disturbed_and_no_number_comes_twice(
    acts: list[Act],
) -> None:
    home = home_with(False)
    for what in acts:
        shown = {id_: dict(heard.shown) for id_, heard in home.engine.state.devices.items()}
        known = len(home.commands())
        act(home, what)
        new = [sent.command for sent in home.of(Commanded)][known:]
        for command in new:
            if command.signal is Signal.IDENTIFY:
                assert not shown[command.device]
                assert command.output in (Output.LIGHT, Output.BUZZER, Output.VOICE)
        if what[0] == "identify":
            assert {id_: heard.shown for id_, heard in home.engine.state.devices.items()} == shown
    numbers = [sent.command.id for sent in home.of(Commanded)]
    assert numbers == sorted(set(numbers))
