from datetime import timedelta

import pytest

from rules.models import FORGEABLE, MODELS, Format, Model, model_of
from rules.observation import Phenomenon


def test_names_are_found_in_upper_and_lower_case() -> None:
    for model in MODELS:
        assert model_of(model.name) is model_of(model.name.upper()) is model
    assert len({model.name.casefold() for model in MODELS}) == len(MODELS)
    assert model_of("plug node") is None


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_rows_fit_into_the_registry(model: Model) -> None:
    assert len(model.name) <= 60
    assert model.name.isprintable()
    assert timedelta(seconds=1) <= model.report_every <= timedelta(days=7)
    assert model.phenomena
    assert bool(model.library_name) == (model.format is Format.SWITCHBOT)


def test_nothing_that_can_be_forged_calls_for_help() -> None:
    for model in MODELS:
        if model.format in FORGEABLE:
            assert model.phenomena.isdisjoint({Phenomenon.SOS, Phenomenon.BUTTON})
