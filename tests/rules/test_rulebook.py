import tomllib
from datetime import timedelta

import pytest

from rules.errors import ConfigError
from rules.rulebook import PRESETS, Preset, preset, rulebook

HOUR = timedelta(hours=1)


def read(text: str, base: Preset = Preset.LIVING_ALONE) -> object:
    return rulebook(base, tomllib.loads(text), "site.toml: rules")


def test_settings_lie_over_the_preset() -> None:
    book = rulebook(
        Preset.LIVING_ALONE,
        tomllib.loads('[inactivity]\nlimits = ["8 h", "12 h", "24 h"]\n[hazard]\nhigh = "33 °C"'),
        "site.toml: rules",
    )
    assert book.inactivity.limits == (8 * HOUR, 12 * HOUR, 24 * HOUR)
    assert book.hazard.high == 33.0
    assert book.hazard.low == PRESETS[Preset.LIVING_ALONE].hazard.low


@pytest.mark.parametrize(
    ("text", "where", "found", "right"),
    [
        ("[inactivty]", "rules.inactivty", "an unknown key", "did you mean 'inactivity'?"),
        ("[inactivity]\nlimit = 3", "rules.inactivity.limit", "an unknown key", "'limits'"),
        ('[inactivity]\nlimits = ["8 kg"]', "limits[0]", "the unit 'kg'", "s, min, h and d"),
        ('[inactivity]\nlimits = ["8"]', "limits[0]", "'8' without a unit", '"8 h"'),
        ('[inactivity]\nlimits = ["15"]', "limits[0]", "'15' without a unit", "s, min, h and d"),
        ('[inactivity]\nlimits = ["8,5h"]', "limits[0]", "'8,5h'", '"8 h"'),
        ('[left_on]\nheating_load = "150"', "heating_load", "'150' without a unit", "is W; write"),
        ('[left_on]\nheating_load = "1.5"', "heating_load", "'1.5' without a unit", '"3000 W"'),
        ('[left_on]\nheating_load = "1.5.0 W"', "heating_load", "'1.5.0 W'", '"3000 W"'),
        (f'[inactivity]\nlimits = ["{10**30} d"]', "limits[0]", f"{10**30} d", "30 min to 7 d"),
        (f'[hazard]\nhigh = "{"9" * 400} °C"', "hazard.high", "999", "from 25 to 50"),
        ('[inactivity]\nlimits = ["9 h", "8 h"]', "limits", "['9 h', '8 h']", "rising"),
        ('[inactivity]\nlimits = ["1 min"]', "limits[0]", "'1 min'", "from 30 min to 7 d"),
        ('[inactivity]\nprompt_wait = "1 h"\nlimits = ["1 h"]', "prompt_wait", "1 h", "shorter"),
        ('[hazard]\nhigh = "35 °F"', "hazard.high", "the unit '°F'", "the unit here is °C"),
        ("[hazard]\nhigh = 35", "hazard.high", "35", "with its unit"),
        ('[hazard]\nco_limit = "5000 ppm"', "hazard.co_limit", "'5000 ppm'", "30 to 1000"),
        ('[hazard]\nlow = "18 °C"\nhigh = "25 °C"\nsiren = "yes"', "siren", "'yes'", "true or"),
        ("[health]\nstale_after = 2.5", "health.stale_after", "2.5", "whole number"),
        ("[health]\ndead_after = 3", "health.dead_after", "3", "more than"),
        ("mains = 3", "rules.mains", "3", "[rules.mains]"),
        ("[evidence]\npets = true", "rules.evidence.pets", "an unknown key", "mean 'pet'?"),
        ('[evidence]\npet = "dog"', "rules.evidence.pet", "'dog'", "true or false"),
        ("[evidense]", "rules.evidense", "an unknown key", "did you mean 'evidence'?"),
    ],
)
def test_a_wrong_rulebook_says_where_what_and_what_would_be_right(
    text: str, where: str, found: str, right: str
) -> None:
    with pytest.raises(ConfigError) as refused:
        read(text)
    assert where in refused.value.where
    assert found in refused.value.found
    assert right in refused.value.right


def test_an_animal_is_a_setting_of_any_home_and_a_preset_of_one_kind() -> None:
    alone, beside = PRESETS[Preset.LIVING_ALONE], PRESETS[Preset.LIVING_ALONE_WITH_PET]
    assert not alone.evidence.pet
    assert read("[evidence]\npet = true") == beside
    two = rulebook(Preset.TWO_RESIDENTS, {"evidence": {"pet": True}}, "site.toml: rules")
    assert two.evidence.pet
    assert not two.away.enabled


def test_an_unknown_preset_names_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="living-alone, living-alone-high-risk"):
        preset("alone", "site.toml: site.preset")


@pytest.mark.parametrize("kind", list(Preset))
def test_every_preset_stands_by_itself(kind: Preset) -> None:
    assert rulebook(kind, {}, "site.toml: rules") == PRESETS[kind]
