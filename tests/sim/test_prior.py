"""The prior is remade on purpose only."""

from pathlib import Path

import pytest

from rules import habits_prior_data
from sim import prior

FILE = Path(habits_prior_data.__file__)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--homes", "3"], "--out"),
        (["--days", "40"], "--out"),
        (["--homes", "1"], "from 2 to"),
        (["--homes", "1000000"], "from 2 to"),
        (["--days", "28"], "from 29 to"),
        (["--workers", "0"], "from 1 to"),
        (["--workers", "9999"], "from 1 to"),
    ],
)
def test_a_trial_needs_a_file_of_its_own_and_numbers_have_bounds(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = FILE.read_bytes()
    with pytest.raises(SystemExit) as stopped:
        prior.main(arguments)
    assert stopped.value.code == 2
    assert said in capsys.readouterr().err
    assert FILE.read_bytes() == before


def test_a_small_one_is_written_where_it_is_asked_for(tmp_path: Path) -> None:
    before = FILE.read_bytes()
    out = tmp_path / "small.py"
    assert prior.main(["--homes", "2", "--days", "30", "--workers", "1", "--out", str(out)]) == 0
    names: dict[str, object] = {}
    exec(compile(out.read_text(), out.name, "exec"), names)  # noqa: S102 -- what was just written
    assert names["PRICES"] == habits_prior_data.PRICES
    assert isinstance(names["ROOMS"], bytes)
    assert FILE.read_bytes() == before
