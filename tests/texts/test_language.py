"""Which of our languages a reader asks for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from texts import Language, preferred


@pytest.mark.parametrize(
    ("asked", "language"),
    [
        ("", Language.KO),
        ("ko-KR,ko;q=0.9,en-US;q=0.8,en;q=0.7", Language.KO),
        ("en-US,en;q=0.9,ko;q=0.8", Language.EN),
        ("en;q=0.3, ko;q=0.8", Language.KO),
        ("fr-FR,fr;q=0.9,en;q=0.5", Language.EN),
        ("ko;q=0, en;q=0.1", Language.EN),
        ("fr, de", Language.KO),
        ("ko_KR.UTF-8", Language.KO),
        ("en_GB.UTF-8", Language.EN),
        ("C.UTF-8", Language.KO),
        ("english", Language.KO),
        ("en;q=...", Language.KO),
    ],
)
def test_the_first_of_ours_is_chosen_and_korean_otherwise(asked: str, language: Language) -> None:
    assert preferred(asked) is language


@given(st.text())
def test_any_header_gives_a_language(asked: str) -> None:
    assert preferred(asked) in Language
