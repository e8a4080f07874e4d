"""Faults listed in a file, and what is refused of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rules.errors import ConfigError
from sim.faults import file
from sim.faults.drawn import Profile, drawn
from sim.faults.fault import Fault, FaultKind
from sim.homes.dwelling import ROOMS, Installed, dwelling
from texts import Language, translator


@dataclass(frozen=True)
class Home:
    number: int
    installed: Sequence[Installed]


HOMES = [Home(number, dwelling(Random(number), ROOMS["en"])) for number in (1, 2)]
DAYS = 60

GOOD = """\
# Two of them.
[[fault]]
kind = "uplink-down"
home = 1
at = "3 d 4 h"
for = "30 d"

[[fault]]
kind = "center-restored"
at = "90 min"
for = "10 min"

[[fault]]
kind = "frame-loss"
home = 2
device = "kettle"
at = "0 s"
for = "1 h 30 s"
amount = 0.25

[[fault]]
kind = "clock-jump"
home = 2
at = "1 d"
for = "1 h"
amount = "-14 d"
"""


def parse(text: str) -> tuple[Fault, ...]:
    return file.parse(text, "storm.toml", HOMES, DAYS)


def refused(text: str) -> str:
    with pytest.raises(ConfigError) as error:
        parse(text)
    # It can be said in Korean, too.
    korean = translator(Language.KO)
    assert korean.said(error.value.right)
    return str(error.value)


def test_a_file_of_faults() -> None:
    assert parse(GOOD) == (
        Fault(1, FaultKind.UPLINK_DOWN, 1, timedelta(days=3, hours=4), timedelta(days=30)),
        Fault(
            2,
            FaultKind.CENTER_RESTORED,
            None,
            timedelta(minutes=90),
            timedelta(minutes=10),
            3_600.0,
        ),
        Fault(
            3,
            FaultKind.FRAME_LOSS,
            2,
            timedelta(),
            timedelta(hours=1, seconds=30),
            0.25,
            HOMES[0].installed[0].device.id,
        ),
        Fault(4, FaultKind.CLOCK_JUMP, 2, timedelta(days=1), timedelta(hours=1), -14 * 86_400.0),
    )


def test_an_empty_file_has_no_faults() -> None:
    assert parse("") == ()
    assert parse("# nothing\n") == ()


def test_drawn_faults_can_be_written_and_read_again() -> None:
    faults = drawn(Profile.STORM, 41, HOMES, DAYS)
    assert parse(file.write(faults)) == faults


def block(**keys: str) -> str:
    """One fault with some keys written otherwise, an empty one left out; it begins on line 3."""
    lines = {"kind": '"frame-loss"', "home": "1", "at": '"1 d"', "for": '"1 h"', "amount": "0.5"}
    lines |= {key.rstrip("_"): value for key, value in keys.items()}
    written = [f"{key} = {value}" for key, value in lines.items() if value]
    return "\n".join(["# faults", "", "[[fault]]", *written])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            block(kind='"frame-los"'),
            "storm.toml: line 4: kind: found 'frame-los'; did you mean 'frame-loss'? one of ",
        ),
        (block(kind="7"), "storm.toml: line 4: kind: found 7; one of frame-loss, duplicates, "),
        (block(kind=""), "storm.toml: line 3: kind: found nothing; it is needed"),
        (block(at=""), "storm.toml: line 3: at: found nothing; it is needed"),
        (block(for_=""), "storm.toml: line 3: for: found nothing; it is needed"),
        (
            block(home="3"),
            "storm.toml: line 5: home: found 3; name one of the homes 1, 2",
        ),
        (block(home='"1"'), "storm.toml: line 5: home: found '1'; name one of the homes 1, 2"),
        (block(home="true"), "storm.toml: line 5: home: found True; name one of the homes 1, 2"),
        (block(home=""), "storm.toml: line 3: home: found nothing; name one of the homes 1, 2"),
        (
            block(kind='"center-killed"', amount=""),
            "storm.toml: line 5: home: found 1; leave it out: center-killed is of the center",
        ),
        (
            block(kind='"center-killed"', amount="", home="", device='"kettle"'),
            "storm.toml: line 7: device: found 'kettle'; leave it out: center-killed is of the",
        ),
        (
            block(at='"-3 d"'),
            "storm.toml: line 6: at: found '-3 d'; write a span from 0 s to 60 d, such as",
        ),
        (block(at="3"), "storm.toml: line 6: at: found 3; write a span from 0 s to 60 d, such"),
        (
            block(at='"3 d 400 d"'),
            "storm.toml: line 6: at: found '400 d'; write a span from 0 s to 60 d",
        ),
        (
            block(at='"59 d 59 d"'),
            "storm.toml: line 6: at: found '59 d 59 d'; write a span from 0 s to 60 d",
        ),
        (
            block(at='"3 d 4 weeks"'),
            "storm.toml: line 6: at: found the unit 'weeks'; write a span from 0 s to 60 d",
        ),
        (
            block(for_='"-1 h"'),
            "storm.toml: line 7: for: found '-1 h'; write a span from 1 s to 60 d",
        ),
        (
            block(for_='"0 d 0 h"'),
            "storm.toml: line 7: for: found '0 d 0 h'; write a span from 1 s to 60 d",
        ),
        (
            block(at='"59 d"', for_='"2 d 3 min"'),
            "storm.toml: line 7: for: found an end after 61 d 3 min; let it end within the 60 d",
        ),
        (
            block(amount=""),
            "storm.toml: line 3: amount: found nothing; write the share of the frames, from 0",
        ),
        (
            block(amount="1.5"),
            "storm.toml: line 8: amount: found 1.5; write the share of the frames, from 0.001 ",
        ),
        (
            block(amount="-0.1"),
            "storm.toml: line 8: amount: found -0.1; write the share of the",
        ),
        (
            block(amount="nan"),
            "storm.toml: line 8: amount: found nan; write the share of the",
        ),
        (
            block(amount="true"),
            "storm.toml: line 8: amount: found True; write the share of the",
        ),
        (
            block(amount='"1 h"'),
            "storm.toml: line 8: amount: found '1 h'; write the share of the",
        ),
        (
            block(kind='"uplink-down"'),
            "storm.toml: line 8: amount: found 0.5; leave it out: uplink-down has none",
        ),
        (
            block(kind='"power-cut"', amount="1.5"),
            "storm.toml: line 8: amount: found 1.5; write the number of that write, a whole",
        ),
        (
            block(kind='"clock-jump"', amount="0"),
            "storm.toml: line 8: amount: found 0; write the seconds forward (back below 0), from",
        ),
        (
            block(kind='"delay"', amount='"1 h"'),
            "storm.toml: line 8: amount: found '1 h'; write a span from 0.1 s to 10 min",
        ),
        (
            block(kind='"dead-sensor"', amount=""),
            "storm.toml: line 3: device: found nothing; name one of the devices kettle, ",
        ),
        (
            block(device='"kettel"'),
            "storm.toml: line 9: device: found 'kettel'; did you mean 'kettle'? name one of the",
        ),
        (
            block(kind='"false-zero"', amount="", device='"front-door"'),
            "storm.toml: line 8: device: found 'front-door'; name one of the devices kettle, ",
        ),
        (
            block(kind='"disk-full"', amount="", device='"kettle"'),
            "storm.toml: line 8: device: found 'kettle'; leave it out: disk-full is of a whole",
        ),
        (
            block(until='"2 d"'),
            "storm.toml: line 9: until: found an unknown key; known: kind, home, at, for, amount",
        ),
        ("[faults]\n", "storm.toml: line 1: faults: found an unknown key; did you mean 'fault'?"),
        ("\nseed = 1\n", "storm.toml: line 2: seed: found an unknown key; known: fault"),
        (
            '\n[fault]\nkind = "delay"\n',
            "storm.toml: line 2: fault: found {'kind': 'delay'}; begin each fault with [[fault]]",
        ),
        ("\n\nfault = 3", "storm.toml: line 3: fault: found 3; begin each fault with [[fault]]"),
        ("fault = [3]", "storm.toml: fault 1: fault: found 3; write an object: {...}"),
        (
            'fault = [{kind = "delay"}]',
            "storm.toml: fault 1: at: found nothing; it is needed",
        ),
        ("# one\nkind = = 3\n", "storm.toml: line 2: found no TOML (Invalid value"),
        ("[" * 5_000, "storm.toml"),
        ("a = " + "[" * 50_000, "storm.toml: found no TOML"),
        ("a = " + "9" * 5_000, "storm.toml: found no TOML"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(text: str, message: str) -> None:
    assert refused(text).startswith(message)


def test_a_second_block_has_its_own_lines() -> None:
    text = GOOD.replace("amount = 0.25", "amount = 25")
    assert refused(text).startswith("storm.toml: line 19: amount: found 25;")


def test_blocks_inside_of_texts_are_none() -> None:
    text = '[[fault]]\nkind = """\n[[fault]]\n"""\n'
    assert refused(text).startswith("storm.toml: line 1: at: found nothing")


def test_a_file_is_read_from_the_disk(tmp_path: Path) -> None:
    path = tmp_path / "storm.toml"
    path.write_text(GOOD, encoding="utf-8-sig")
    assert file.read(path, HOMES, DAYS) == parse(GOOD)


def test_unreadable_files_are_named(tmp_path: Path) -> None:
    def message(path: Path) -> str:
        with pytest.raises(ConfigError) as error:
            file.read(path, HOMES, DAYS)
        return str(error.value)

    missing = tmp_path / "strom"
    right = "name a file of faults, or one of none, calm and storm"
    assert message(missing) == f"{missing}: found no such file; {right}"
    assert message(tmp_path) == f"{tmp_path}: found is a directory; a readable file"
    latin = tmp_path / "latin.toml"
    latin.write_bytes(b"# one\n# gr\xfc\xdfe\n")
    assert message(latin).startswith(f"{latin}: line 2: found bytes that are no UTF-8;")


_SPANS = st.sampled_from(['"1 d"', '"3 d 4 h"', '"-1 h"', '"61 d"', '"1 x"', "7", "[]", '""'])
_BLOCKS = st.fixed_dictionaries(
    {},
    optional={
        "kind": st.sampled_from([f'"{kind}"' for kind in FaultKind] + ["1", '"x"']),
        "home": st.sampled_from(["1", "2", "3", "-1", "1.0", "true", '"1"']),
        "at": _SPANS,
        "for": _SPANS,
        "amount": st.one_of(
            st.floats().map(str), st.integers().map(str), _SPANS, st.just("10e400")
        ),
        "device": st.sampled_from(['"kettle"', '"front-door"', '"x"', "1"]),
        "more": st.just("{}"),
    },
)


@given(
    st.one_of(
        st.text(),
        st.text(alphabet="[]=\"'\n faultkindhome.0123456789-{},#\\"),
        st.lists(_BLOCKS, max_size=4).map(
            lambda blocks: "\n".join(
                "\n".join(["[[fault]]", *(f"{key} = {value}" for key, value in one.items())])
                for one in blocks
            )
        ),
    )
)
@example("'fault'.a = 1\n'''")
@example("[[fault.x]]")
def test_any_text_gives_faults_or_a_config_error(text: str) -> None:
    try:
        faults = parse(text)
    except ConfigError:
        return
    assert parse(file.write(faults)) == faults
