"""A home in the field keeps its evidence as production does; the replay raises what it raised."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from edge.evidence_export import Export, Head, dumped
from edge.evidence_files import EvidenceFiles
from edge.evidence_history import history
from edge.evidence_log import EvidenceLog, Standing
from rules.device import Liveness
from rules.engine import Engine
from rules.events import Commanded, Escalated, Event
from rules.inputs import Boot, CommandResult, DeviceChanged, Input, Tick
from rules.observation import Observation, Phenomenon
from rules.rulebook import Inactivity, Rulebook
from sim.homes.act import Act
from sim.homes.population import SimulatedHome, home
from sim.replay.options import START as MIDNIGHT
from tests.sim.replay.door import main

START = MIDNIGHT.astimezone(UTC)
DAYS = 8
SIX_HOURS = Rulebook(inactivity=Inactivity(limits=(timedelta(hours=6),)))
DIES = START + timedelta(days=3)
"From then on the first device of the home is silent."


def _heard(lived: SimulatedHome) -> Iterator[Observation]:
    """What the home's devices say: each reports in time, and tells what happens."""
    devices = [one.device for one in lived.installed]
    due = {device.id: START for device in devices}
    every = {device.id: device.report_every for device in devices}
    for happening in lived.happenings():
        at = happening.at
        if (at - START) >= timedelta(days=DAYS):
            return
        while min(due.values()) <= at:
            device = min(due, key=lambda id_: due[id_])
            if device != devices[0].id or due[device] < DIES:
                yield Observation(device, Phenomenon.LINK_QUALITY, 90.0, due[device], due[device])
            due[device] += 0.93 * every[device]
        if isinstance(happening, Act) and (happening.device != devices[0].id or at < DIES):
            yield Observation(happening.device, happening.phenomenon, happening.value, at, at)


def _lived(lived: SimulatedHome, folder: Path) -> list[tuple[str, datetime]]:
    """Let the home's gateway decide and keep evidence; returns what it raised."""
    engine = Engine(SIX_HOURS)
    raised: list[tuple[str, datetime]] = []

    def standing() -> Standing:
        state = engine.state
        return Standing(
            tuple(heard.device for heard in state.devices.values()),
            state.trusted,
            {
                id_: heard.liveness
                for id_, heard in state.devices.items()
                if heard.liveness is not Liveness.LIVE
            },
        )

    log = EvidenceLog(EvidenceFiles(folder), standing)

    def put(item: Input, at: datetime) -> None:
        events: list[Event] = engine.handle(item, at)
        for event in events:
            log.tell(event)
            if isinstance(event, Escalated):
                raised.append((str(event.alarm), event.at))
        log.tend(at)
        for event in events:
            if isinstance(event, Commanded):
                put(CommandResult(event.command.id), at)

    put(Boot(1, timedelta(), trusted=True), START)
    put(DeviceChanged(tuple(one.device for one in lived.installed)), START)
    for seen in _heard(lived):
        while (due := engine.next_deadline()) is not None and due <= seen.result_time:
            put(Tick(), due)
        put(seen, seen.result_time)
    log.write(START + timedelta(days=DAYS))
    return raised


@pytest.mark.parametrize("number", [1, 2])
def test_the_rules_that_a_home_had_raise_what_they_raised_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], number: int
) -> None:
    lived = home(41, number, START, "rooms")
    raised = _lived(lived, tmp_path)
    found = history(tmp_path)
    head = Head(
        program="0",
        redacted=False,
        gateway=lived.gateway,
        zone=ZoneInfo("Asia/Seoul"),
        preset=lived.preset,
        book=SIX_HOURS,
        trusted=found.trusted,
        devices=found.devices,
    )
    path = tmp_path / "evidence.jsonl"
    path.write_bytes(dumped(Export(head, found.events)))
    rules = tmp_path / "new.toml"
    rules.write_text('[rules.inactivity]\nlimits = ["4 h"]\nprompt = false\n')
    arguments = [str(path), "--rules", str(rules), "--json", "--limit", "10000"]
    assert main(arguments) == 0
    told = json.loads(capsys.readouterr().out)
    again = [
        (one["alarm"], datetime.fromisoformat(one["old"]["at"]))
        for one in told["moments"]
        if one["old"] is not None
    ]
    assert {key.partition(":")[0] for key, _ in raised} >= {"inactivity", "device"}
    assert [key for key, _ in sorted(again)] == [key for key, _ in sorted(raised)]
    for (_, here), (_, there) in zip(sorted(again), sorted(raised), strict=True):
        assert abs(here - there) < timedelta(seconds=2)
    assert told["new"]["raised"]["inactivity"] > told["old"]["raised"]["inactivity"]
