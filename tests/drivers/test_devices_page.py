"""What docs/devices.md says of known products, and its worked example."""

import io
import json
import re
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest

from drivers.ble import RawAdvert
from edge.arguments import parser
from edge.written import keyed_device
from rules import models
from rules.models import MODELS, Format, Model
from rules.observation import Phenomenon
from rules.wire import KeyedDevice
from tests.drivers.home import Ear, Sensor
from texts import Language, translator

ROOT = Path(__file__).parent.parent.parent
PAGES = ["devices.md", "devices.ko.md"]
FORMATS = {
    Format.BTHOME: "BTHome v2",
    Format.MIBEACON: "MiBeacon",
    Format.SWITCHBOT: "SwitchBot",
}


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text()


def example(text: str, language: str) -> str:
    (found,) = re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)
    assert isinstance(found, str)
    return found.strip()


@pytest.mark.parametrize("name", PAGES)
def test_the_table_of_known_products_is_the_programs(name: str) -> None:
    rows = re.findall(r"^\| (`.*?) \| (.*?) \| (.*?) \|", page(name), re.MULTILINE)
    told = {
        model: (format_, frozenset(re.findall("`(.*?)`", phenomena)))
        for models_, format_, phenomena in rows
        for model in re.findall("`(.*?)`", models_)
        if not model.startswith("--")
    }
    assert told == {
        model.name: (FORMATS[model.format], frozenset(each.value for each in model.phenomena))
        for model in MODELS
    }


@pytest.mark.parametrize("name", PAGES)
def test_the_example_is_a_row_a_frame_and_a_command_that_work(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    text = page(name)
    row: Model = eval(example(text, "python"), vars(models))  # noqa: S307 -- our own page
    assert row in MODELS
    vector: dict[str, Any] = json.loads(example(text, "json"))
    assert vector in json.loads((ROOT / "tests/vectors/mibeacon.json").read_text())["frames"]
    assert vector["model"] == row.name

    monkeypatch.setattr(sys, "stdin", io.StringIO(vector["key"] + "\n"))
    typed = shlex.split(example(text, "sh"))
    assert typed[0] == "ongi"
    entered = keyed_device(parser(translator(Language.EN)).parse_args(typed[1:]))
    assert entered.device.phenomena == row.phenomena
    assert entered.device.report_every == row.report_every
    assert entered.device.keyed

    assert heard(entered, vector["service_data"], tmp_path) == [(Phenomenon.SMOKE, True)]


def heard(entered: KeyedDevice, service_data: str, folder: Path) -> list[tuple[Phenomenon, Any]]:
    class Smoke(Sensor):
        @property
        def keyed(self) -> KeyedDevice:
            return entered

        def advert(
            self, service_data: bytes, at_us: int = 0, uuid16: int = 0xFE95, rssi_dbm: int = -60
        ) -> RawAdvert:
            return RawAdvert(entered.device.address, uuid16, service_data, rssi_dbm, at_us)

    sensor = Smoke("smoke", frozenset())
    return [*Ear(folder / "state", sensor).hears(sensor, bytes.fromhex(service_data))]
