"""`site.toml` and the files beside it: read strictly, refused with what would be right."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.check import check
from edge.config import Site, problems
from edge.registry import Registry
from protocol.identity import new_identity
from rules.device import Device, EvidenceRole, Output, Use
from rules.errors import ConfigError, Phrase
from rules.observation import Phenomenon
from rules.rulebook import PRESETS, Preset
from tests.edge.peers import device

SITE = """
[site]
id = "seongdong-0042"
name = "성동구 42호"
preset = "living-alone-high-risk"
residents = 1

[center]
host = "192.0.2.7"
"""


def write(home: Path, text: str = SITE) -> Path:
    (home / "site.toml").write_text(text, encoding="utf-8")
    return home


def identify(home: Path, gateway: str = "seongdong-0042") -> None:
    (home / "keys").mkdir(mode=0o700, exist_ok=True)
    new_identity(gateway, b"\x01", lambda n: bytes(range(n))).save(home / "keys" / "uplink.toml")


def refusal(tmp_path: Path, text: str) -> ConfigError:
    with pytest.raises(ConfigError) as refused:
        Site.load(write(tmp_path, text))
    return refused.value


def test_a_site_is_read_with_the_rules_of_its_preset(tmp_path: Path) -> None:
    site = Site.load(write(tmp_path))
    assert site.id == "seongdong-0042"
    assert site.name == "성동구 42호"
    assert site.zone == ZoneInfo("Asia/Seoul")
    assert site.residents == 1
    assert (site.center_host, site.center_port) == ("192.0.2.7", 5683)
    assert site.book == PRESETS[Preset.LIVING_ALONE_HIGH_RISK]


def test_its_own_rules_stand_over_the_preset(tmp_path: Path) -> None:
    own = '[rules.inactivity]\nlimits = ["6 h", "10 h"]\nprompt_wait = "15 min"\n'
    site = Site.load(write(tmp_path, SITE + own))
    assert site.book.inactivity.limits == (timedelta(hours=6), timedelta(hours=10))
    assert site.book.inactivity.prompt_wait == timedelta(minutes=15)
    assert site.book.away == PRESETS[Preset.LIVING_ALONE_HIGH_RISK].away


@pytest.mark.parametrize(
    ("old", "new", "where", "right"),
    [
        ('"seongdong-0042"', '"x-"', "site.toml: site.id", "1 to 40 lower-case letters"),
        ('"seongdong-0042"', '"Seongdong"', "site.toml: site.id", "lower-case"),
        ('"seongdong-0042"', '"성동 42"', "site.toml: site.id", "digits, dots and hyphens"),
        ('"seongdong-0042"', "42", "site.toml: site.id", "letters"),
        ('name = "성동구 42호"', 'name = ""', "site.toml: site.name", "1 to 60 characters"),
        ('name = "성동구 42호"\n', "", "site.toml: site.name", "needed"),
        ("high-risk", "high-rsik", "site.toml: site.preset", "living-alone-high-risk"),
        ("residents = 1", "residents = 0", "site.toml: site.residents", "1 to 200"),
        ("residents = 1", "residents = true", "site.toml: site.residents", "whole number"),
        ("residents", "residnets", "site.toml: site.residnets", "did you mean 'residents'"),
        ("[center]", "[centre]", "site.toml: centre", "did you mean 'center'"),
        ("192.0.2.7", "192.0.2.700", "site.toml: center.host", "IP address"),
        ("192.0.2.7", "center example", "site.toml: center.host", "host name"),
        ('"192.0.2.7"', '"c"\nport = 70000', "site.toml: center.port", "1 to 65535"),
        ('"192.0.2.7"', '"c"\nport = "5683"', "site.toml: center.port", "whole number"),
        ("[site]", '[site]\ntimezone = "Asia/Soul"', "site.timezone", "'Asia/Seoul'"),
        ("[site]", "[site]\ntimezone = 9", "site.toml: site.timezone", "time zone"),
        ("[site]", '[site]\ntimezone = "../etc"', "site.toml: site.timezone", "time zone"),
        ("[center]", "[rules.inactvity]\n[center]", "rules.inactvity", "'inactivity'"),
        ("[center]", '[rules.hazard]\nhigh = "35 °F"\n[center]', "rules.hazard.high", "°C"),
        (SITE, "", "site.toml: [site]", "id, name"),
        (SITE, "site = 7", "site.toml: site", "object"),
    ],
)
def test_what_is_wrong_is_named_with_what_would_be_right(
    tmp_path: Path, old: str, new: str, where: str, right: str
) -> None:
    assert old in SITE
    error = refusal(tmp_path, SITE.replace(old, new, 1))
    assert where in error.where
    assert right in error.right


@pytest.mark.parametrize(
    "host", ["center.example.org", "center", "::1", "fe80::1%eth0", "2.7.org."]
)
def test_a_center_is_an_address_or_a_name(tmp_path: Path, host: str) -> None:
    assert Site.load(write(tmp_path, SITE.replace("192.0.2.7", host))).center_host == host


def test_what_is_no_toml_is_said_with_its_line(tmp_path: Path) -> None:
    assert "line 4" in refusal(tmp_path, SITE.replace('"성동구 42호"', "성동구")).found


def test_a_missing_or_unreadable_file_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        Site.load(tmp_path)
    (tmp_path / "site.toml").write_bytes(SITE.encode("euc-kr"))
    with pytest.raises(ConfigError, match="UTF-8"):
        Site.load(tmp_path)


def test_missing_files_are_said_alike_with_where_they_come_from(tmp_path: Path) -> None:
    site, keys = check(tmp_path).errors
    assert (site.where, keys.where) == (
        str(tmp_path / "site.toml"),
        str(tmp_path / "keys" / "uplink.toml"),
    )
    assert "docs/technician.md" in site.right
    assert "gateway enrol" in keys.right
    for error in (site, keys):
        assert isinstance(error.found, Phrase)
        assert error.found.template == "no such file"


def test_a_file_that_an_editor_marked_as_utf_8_is_read(tmp_path: Path) -> None:
    (tmp_path / "site.toml").write_bytes(b"\xef\xbb\xbf" + SITE.encode())
    assert Site.load(tmp_path).name == "성동구 42호"


def test_a_folder_whose_socket_could_have_no_name_is_found_before_the_start(
    tmp_path: Path,
) -> None:
    home = tmp_path / ("x" * 100)
    home.mkdir()
    report = check(home_with(home, KETTLE))
    assert ["shorter --home" in error.right for error in report.errors] == [True]


def test_what_the_system_says_comes_without_its_number(tmp_path: Path) -> None:
    (tmp_path / "site.toml").mkdir()
    (tmp_path / "keys" / "uplink.toml").mkdir(parents=True)
    said = [error.found for error in check(tmp_path).errors]
    assert said == ["is a directory", "is a directory"]


def test_all_that_is_wrong_with_a_site_is_told_at_once(tmp_path: Path) -> None:
    text = """
    [site]
    id = "X"
    nmae = "42"
    preset = "alone"
    residents = 500
    timezone = "Seoul"
    [center]
    host = "1.2.3"
    [rules.inactivity]
    limits = ["8 h", "6 h"]
    prompt = "yes"
    [rules.inactvity]
    enabled = false
    """
    found = {error.where.removeprefix("site.toml: ") for error in problems(write(tmp_path, text))}
    assert found == {
        "site.id",
        "site.nmae",
        "site.name",
        "site.preset",
        "site.residents",
        "site.timezone",
        "center.host",
        "rules.inactivity.limits",
        "rules.inactivity.prompt",
        "rules.inactvity",
    }


def test_values_that_contradict_each_other_are_told_once(tmp_path: Path) -> None:
    own = """
    [rules.inactivity]
    limits = ["1 h"]
    prompt_wait = "2 h"
    [rules.health]
    stale_after = 20
    """
    found = [error.where for error in problems(write(tmp_path, SITE + own))]
    assert found == [
        "site.toml: rules.inactivity.prompt_wait",
        "site.toml: rules.health.dead_after",
    ]


def test_a_site_in_order_has_no_problems(tmp_path: Path) -> None:
    assert problems(write(tmp_path)) == []


TOML = st.recursive(
    st.booleans() | st.integers(-9, 9**9) | st.sampled_from(["8 h", "x", "living-alone", ""]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["id", "limits", "inactivity", "prompt", "host", "port", "preset", "a.b"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(["site", "center", "rules", "x"]), TOML, max_size=4))
def test_any_tables_are_a_site_or_its_errors(tables: dict[str, object]) -> None:
    with suppress(ConfigError):
        Site.of(tables)


@given(st.dictionaries(st.sampled_from(["site", "center", "rules", "x"]), TOML, max_size=4))
def test_looking_for_all_errors_ends_and_finds_the_first(
    tmp_path_factory: pytest.TempPathFactory, tables: dict[str, object]
) -> None:
    home = write(tmp_path_factory.mktemp("site"), toml(tables))
    first: list[str] = []
    try:
        Site.load(home)
    except ConfigError as error:
        first = [error.where]
    found = [problem.where for problem in problems(home)]
    assert found[:1] == first
    assert len(found) == len(set(found))


def toml(tables: dict[str, object]) -> str:
    """The tables in TOML's inline form."""

    def inline(value: object) -> str:
        match value:
            case bool():
                return str(value).lower()
            case dict():
                return "{" + ", ".join(f'"{key}" = {inline(value[key])}' for key in value) + "}"
            case list():
                return "[" + ", ".join(map(inline, value)) + "]"
            case str():
                return f'"{value}"'
            case _:
                return str(value)

    return "".join(f"{name} = {inline(value)}\n" for name, value in tables.items())


# ---- all files of a home


def home_with(tmp_path: Path, *devices: Device, site: str = SITE) -> Path:
    home = write(tmp_path, site)
    identify(home)
    registry = Registry.load(home)
    for one in devices:
        registry.add_device(one, bytes(16) if one.keyed else None)
    return home


KETTLE = device("kettle", outputs=frozenset({Output.LIGHT}))
LAMP = device("lamp", Phenomenon.ILLUMINANCE_LX, outputs=frozenset({Output.LIGHT}))
SIREN = device("siren", Phenomenon.TAMPER, outputs=frozenset({Output.SIREN}))


@pytest.mark.parametrize("name", ["7", "seongdong.42", "a" * 40])
def test_every_name_that_the_center_gives_can_be_a_sites(tmp_path: Path, name: str) -> None:
    home = write(tmp_path, SITE.replace("seongdong-0042", name))
    identify(home, name)
    assert check(home).errors == ()


def test_a_home_in_order_has_neither_errors_nor_warnings(tmp_path: Path) -> None:
    report = check(home_with(tmp_path, KETTLE))
    assert report.errors == ()
    assert report.warnings == ()


def no_leak(home: Path) -> None:
    write(home, SITE.replace("living-alone-high-risk", "semi-basement"))


def no_kettle(home: Path) -> None:
    Registry.load(home).remove_device(KETTLE.id)


def open_key(home: Path) -> None:
    (home / "keys" / "uplink.toml").chmod(0o644)


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (no_leak, ["no leak sensor"]),
        (open_key, ["a file of keys that other users may read"]),
        (no_kettle, ["no device that shows life", "nothing that can ask the resident"]),
    ],
)
def test_what_a_home_lacks_is_a_warning(
    tmp_path: Path, change: Callable[[Path], None], found: list[str]
) -> None:
    home = home_with(tmp_path, KETTLE, SIREN)
    change(home)
    report = check(home)
    assert report.errors == ()
    assert [warning.found for warning in report.warnings] == found


def test_a_siren_is_nothing_to_ask_with(tmp_path: Path) -> None:
    plain = device("kettle")
    report = check(home_with(tmp_path, plain, SIREN))
    assert [warning.found for warning in report.warnings] == ["nothing that can ask the resident"]


def test_a_fridge_shows_no_life(tmp_path: Path) -> None:
    fridge = replace(KETTLE, evidence=EvidenceRole.NONE)
    report = check(home_with(tmp_path, fridge))
    assert [warning.found for warning in report.warnings] == ["no device that shows life"]


def test_motion_shows_no_life_where_an_animal_lives(tmp_path: Path) -> None:
    site = SITE.replace("living-alone-high-risk", "living-alone-with-pet")
    motion = replace(KETTLE, phenomena=frozenset({Phenomenon.MOTION}))
    (warning,) = check(home_with(tmp_path, motion, site=site)).warnings
    assert warning.found == "no device that shows life"
    assert "an animal lives there" in warning.right


def test_a_sensor_that_overlooks_the_animal_shows_life(tmp_path: Path) -> None:
    site = SITE + "[rules.evidence]\npet = true\n"
    person = EvidenceRole.PERSON
    motion = replace(KETTLE, phenomena=frozenset({Phenomenon.MOTION}), evidence=person)
    assert check(home_with(tmp_path, motion, site=site)).warnings == ()


@pytest.mark.parametrize(
    ("rules", "use", "found"),
    [
        ('[rules.eating]\nlimit = "36 h"\n', None, ["no device for cooking"]),
        ('[rules.eating]\nlimit = "48 h"\n', None, ["no device for cooking"]),
        ('[rules.eating]\nlimit = "36 h"\n', Use.LIGHT, ["no device for cooking"]),
        ('[rules.eating]\nlimit = "36 h"\n', Use.COOKING, []),
        ("[rules.eating]\nenabled = false\n", None, []),
        ('[rules.left_on]\nlight = "30 h"\n', None, ["no device for lighting"]),
        ('[rules.left_on]\nlight = "50 h"\n', Use.HEATING, ["no device for lighting"]),
        ('[rules.left_on]\nlight = "30 h"\n', Use.LIGHT, []),
        ('[rules.left_on]\nheating = "3 h"\n', None, ["no device for heating"]),
        ('[rules.left_on]\nheating = "3 h"\n', Use.COOKING, ["no device for heating"]),
        ('[rules.left_on]\ncooking = "1 h"\n', Use.HEATING, ["no device for cooking"]),
        (
            '[rules.left_on]\nheating = "3 h"\ncooking = "1 h"\nlight = "50 h"\n',
            Use.HEATING,
            ["no device for cooking", "no device for lighting"],
        ),
        ('[rules.left_on]\nheating_load = "150 W"\n', Use.LIGHT, ["no device for heating"]),
        ('[rules.left_on]\nheating_load = "150 W"\n', Use.COOKING, []),
        ("[rules.left_on]\nenabled = true\n", None, ["no device with a use"]),
        ("[rules.left_on]\nenabled = true\n", Use.LIGHT, []),
        ('[rules.left_on]\nenabled = false\nheating = "3 h"\n', None, []),
        ("", None, []),
    ],
)
def test_a_rule_of_a_use_wants_a_device_of_it(
    tmp_path: Path, rules: str, use: Use | None, found: list[str]
) -> None:
    home = home_with(tmp_path, replace(KETTLE, use=use), site=SITE + rules)
    warnings = check(home).warnings
    assert [each.found.partition(",")[0] for each in warnings] == found
    assert all('write "use"' in each.right for each in warnings)


NO_DOOR, NO_MOTION = "no outside door with contact_open", "no sensor that sees people move"
DOOR = replace(device("door", Phenomenon.CONTACT_OPEN), outside_door=True)
MOTION = device("motion", Phenomenon.MOTION)
WANDERING = "[rules.wandering]\nenabled = true\n"
PET = "[rules.evidence]\npet = true\n"


@pytest.mark.parametrize(
    ("devices", "rules", "found"),
    [
        ((KETTLE,), "", [NO_DOOR, NO_MOTION]),
        ((KETTLE, MOTION), "", [NO_DOOR]),
        ((KETTLE, MOTION, replace(DOOR, outside_door=False)), "", [NO_DOOR]),
        ((replace(KETTLE, outside_door=True), MOTION), "", [NO_DOOR]),
        ((KETTLE, DOOR), "", [NO_MOTION]),
        ((KETTLE, DOOR, replace(MOTION, evidence=EvidenceRole.NONE)), "", [NO_MOTION]),
        ((KETTLE, DOOR, MOTION), "", []),
        ((KETTLE, DOOR, MOTION), PET, [NO_MOTION]),
        ((KETTLE, DOOR, replace(MOTION, evidence=EvidenceRole.PERSON)), PET, []),
        ((KETTLE,), "[rules.wandering]\nenabled = false\n", []),
    ],
)
def test_wandering_wants_a_door_and_a_sensor_that_sees_who_is_back(
    tmp_path: Path, devices: tuple[Device, ...], rules: str, found: list[str]
) -> None:
    site = SITE.replace("living-alone-high-risk", "living-alone-dementia") + rules
    warnings = check(home_with(tmp_path, *devices, site=site)).warnings
    assert [warning.found for warning in warnings] == found
    assert all(("animal" in each.right) == (rules == PET) for each in warnings)


def test_wandering_that_the_site_itself_turns_on_wants_them_too(tmp_path: Path) -> None:
    warnings = check(home_with(tmp_path, KETTLE, site=SITE + WANDERING)).warnings
    assert [warning.found for warning in warnings] == [NO_DOOR, NO_MOTION]


@pytest.mark.parametrize(
    ("morning", "found"), [("true", ["no device that shows life"]), ("false", [])]
)
def test_a_morning_is_seen_by_what_shows_life(
    tmp_path: Path, morning: str, found: list[str]
) -> None:
    rules = f"[rules.inactivity]\nenabled = false\n[rules.morning]\nenabled = {morning}\n"
    report = check(home_with(tmp_path, LAMP, site=SITE + rules))
    assert [warning.found for warning in report.warnings] == found


def test_a_senior_center_needs_neither(tmp_path: Path) -> None:
    site = SITE.replace("living-alone-high-risk", "senior-center")
    assert check(home_with(tmp_path, site=site)).warnings == ()


def test_the_errors_of_all_files_are_told_at_once(tmp_path: Path) -> None:
    home = home_with(tmp_path, KETTLE, site=SITE.replace("residents = 1", "residents = -1"))
    (home / "registry.json").write_text('{"devices": {"1": {"id": "X"}}}')
    (home / "keys" / "uplink.toml").write_text("gateway = 7")
    files = [error.where.partition(":")[0].rpartition("/")[2] for error in check(home).errors]
    assert files == ["site.toml", "registry.json", "uplink.toml"]


def test_the_keys_of_another_home_are_refused(tmp_path: Path) -> None:
    home = write(tmp_path)
    identify(home, "seongdong-0043")
    (error,) = check(home).errors
    assert "seongdong-0043" in error.found
    assert "seongdong-0042" in error.right
