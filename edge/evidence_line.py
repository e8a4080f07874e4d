"""One line of evidence: an event as JSON, with what a replay needs of it and no more.

The log on a gateway and the file that `ongi export` writes have the same lines; what each holds
stands in docs/protocol/evidence.md. Words that explain, rooms of cases and activity classes are
left out: a replay makes its own.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import TypeVar

from edge.evidence_fields import Fields, one_line
from rules.alarm import AlarmKey, Move
from rules.device import Device, EvidenceRole, Link, Liveness, Output, Use
from rules.errors import FrameError
from rules.events import (
    OUTSIDE,
    AlarmMoved,
    AwayBegan,
    AwayEnded,
    AwayReason,
    CaseClosed,
    CaseTaken,
    DevicesChanged,
    Escalated,
    LifeSeen,
    LivenessChanged,
    Outcome,
    Stage,
    Started,
    TimeMoved,
    Updated,
)
from rules.observation import BOOLEAN, DeviceId, Observation, Phenomenon, Press, Quality, Value

LINE_MAX = 1 << 20
"Bytes; far more than the devices of any home."
DEVICES_MAX = 1_000
_MILLISECOND = timedelta(milliseconds=1)
Kind = TypeVar("Kind", bound=Enum)


@dataclass(frozen=True, slots=True)
class Missed:
    """So many lines before `at` could not be written: the disk failed."""

    at: datetime
    lines: int


Evidence = (
    Observation
    | LifeSeen
    | LivenessChanged
    | DevicesChanged
    | Started
    | TimeMoved
    | AwayBegan
    | AwayEnded
    | AlarmMoved
    | Escalated
    | Updated
    | CaseTaken
    | CaseClosed
    | Missed
)
"""What lines tell. A `LifeSeen` is always one from outside. `Escalated` and `Updated` come without
explanation, room and activity."""


def moment(evidence: Evidence) -> datetime:
    """When the gateway took it in or decided it."""
    return evidence.result_time if isinstance(evidence, Observation) else evidence.at


def written(document: Mapping[str, object]) -> bytes:
    """A document on one line, without its end."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def encode(evidence: Evidence) -> dict[str, object]:
    """The document of a line."""
    return {"at": _written_moment(moment(evidence)), **_told(evidence)}


def _told(evidence: Evidence) -> dict[str, object]:  # noqa: C901, PLR0911, PLR0912 -- one case a kind
    match evidence:
        case Observation():
            return _seen(evidence)
        case LifeSeen(device=device):
            return {"is": "life", "source": one_line(device.removeprefix(OUTSIDE))}
        case LivenessChanged(device=device, liveness=liveness):
            return {"is": "liveness", "device": device, "liveness": liveness.value}
        case DevicesChanged(devices=devices):
            return {"is": "devices", "devices": [encode_device(device) for device in devices]}
        case Started(boot=boot, down=down):
            return {"is": "started", "boot": boot, "down_s": _seconds(down)}
        case TimeMoved(trusted=trusted, source=source, shift=shift):
            moved = {"trusted": trusted, "source": source, "shift_s": _seconds(shift)}
            return {"is": "time", **moved}
        case AwayBegan(reason=reason, until=until, who=who):
            ends = {} if until is None else {"until": _written_moment(until)}
            return {"is": "away", "reason": reason.value, **ends, **_if("by", one_line(who))}
        case AwayEnded():
            return {"is": "home"}
        case AlarmMoved(alarm=alarm, move=move, until=until):
            ends = {} if until is None else {"until": _written_moment(until)}
            return {"is": "alarm", "alarm": str(alarm), "move": move.value, **ends}
        case Escalated(serial=serial, alarm=alarm, level=level, drill=drill):
            case_ = {"serial": serial, "alarm": str(alarm), "level": level}
            return {"is": "escalated", **case_, **_if("drill", drill)}
        case Updated(serial=serial, refers=refers, alarm=alarm, stage=stage, level=level):
            case_ = {"serial": serial, "refers": refers, "alarm": str(alarm)}
            return {"is": "updated", **case_, "stage": stage.value, "level": level}
        case CaseTaken(serial=serial, by=by):
            return {"is": "taken", "serial": serial, **_if("by", one_line(by))}
        case CaseClosed(serial=serial, outcome=outcome):
            return {"is": "closed", "serial": serial, "outcome": outcome.value}
        case Missed(lines=lines):
            return {"is": "missed", "lines": lines}


def _seen(seen: Observation) -> dict[str, object]:
    value = seen.value.value if isinstance(seen.value, Press) else seen.value
    ago = seen.result_time - seen.phenomenon_time
    quality = "" if seen.quality is Quality.GOOD else seen.quality.value
    told = {"is": "seen", "device": seen.device, "what": seen.phenomenon.value, "value": value}
    late = {"ago_s": _seconds(ago)} if ago >= _MILLISECOND else {}
    return {**told, **late, **_if("quality", quality)}


def encode_device(device: Device) -> dict[str, object]:
    """A device; without address and model if they are empty."""
    return {
        "id": device.id,
        "link": device.link.value,
        **_if("address", device.address),
        **_if("model", device.model),
        "room": device.room,
        "phenomena": sorted(device.phenomena),
        "report_every_s": _seconds(device.report_every),
        "evidence": device.evidence.value,
        **_if("outputs", sorted(device.outputs)),
        **_if("outside_door", device.outside_door),
        **_if("mains", device.mains_powered),
        **_if("keyed", device.keyed),
        **_if("use", "" if device.use is None else device.use.value),
    }


def loaded(line: bytes) -> Mapping[str, object]:
    """The document on one line.

    Raises:
        FrameError: no JSON, or no object.

    """
    try:
        document = json.loads(line, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise FrameError(f"no JSON: {error!s:.80}") from error
    if not isinstance(document, dict):
        raise FrameError(f"{document!r:.40} where an object belongs")
    return document


def decode(document: Mapping[str, object]) -> Evidence:
    """The evidence of a document; its keys are checked strictly.

    Raises:
        FrameError: it tells nothing known, or tells it wrongly.

    """
    fields = Fields(document)
    at = fields.moment("at")
    told = _parsed(fields, fields.word("is"), at)
    fields.nothing_else()
    return told


def _parsed(fields: Fields, kind: str, at: datetime) -> Evidence:  # noqa: C901, PLR0911, PLR0912 -- one case a kind
    match kind:
        case "seen":
            return _observation(fields, at)
        case "life":
            outside = DeviceId(OUTSIDE + fields.word("source"))
            return LifeSeen(at, outside, Phenomenon.LIFE_SIGN, counted=True)
        case "liveness":
            return LivenessChanged(at, fields.device("device"), fields.one(Liveness, "liveness"))
        case "devices":
            return DevicesChanged(at, decode_devices(fields.needed("devices")))
        case "started":
            return Started(at, fields.count("boot"), fields.span("down_s"))
        case "time":
            trusted, source = fields.flag("trusted"), fields.word("source")
            return TimeMoved(at, trusted, source, fields.span("shift_s", back=True))
        case "away":
            until = fields.moment("until") if "until" in fields else None
            return AwayBegan(at, fields.one(AwayReason, "reason"), until, fields.word("by", ""))
        case "home":
            return AwayEnded(at)
        case "alarm":
            until = fields.moment("until") if "until" in fields else None
            return AlarmMoved(at, fields.alarm("alarm"), fields.one(Move, "move"), until)
        case "escalated":
            serial, alarm, level = _case(fields)
            drill = fields.flag("drill", default=False)
            return Escalated(at, serial, alarm, level, (), "", b"", drill)
        case "updated":
            serial, alarm, level = _case(fields)
            refers, stage = fields.count("refers"), fields.one(Stage, "stage")
            return Updated(at, serial, refers, alarm, stage, level, ())
        case "taken":
            return CaseTaken(at, fields.count("serial"), fields.word("by", ""))
        case "closed":
            return CaseClosed(at, fields.count("serial"), fields.one(Outcome, "outcome"))
        case "missed":
            return Missed(at, fields.count("lines"))
    raise FrameError(f"is: {kind!r:.40}, which nothing is")


def _observation(fields: Fields, at: datetime) -> Observation:
    what = fields.one(Phenomenon, "what")
    ago = fields.span("ago_s") if "ago_s" in fields else timedelta()
    quality = fields.one(Quality, "quality") if "quality" in fields else Quality.GOOD
    value: Value
    if what in BOOLEAN:
        value = fields.flag("value")
    elif what is Phenomenon.BUTTON:
        value = fields.one(Press, "value")
    else:
        value = fields.number("value")
    return Observation(fields.device("device"), what, value, at - ago, at, quality)


def _case(fields: Fields) -> tuple[int, AlarmKey, int]:
    return fields.count("serial"), fields.alarm("alarm"), fields.count("level")


def decode_devices(written: object) -> tuple[Device, ...]:
    """Devices; address and model are empty where they are not told.

    Raises:
        FrameError: no devices.

    """
    if not isinstance(written, list) or len(written) > DEVICES_MAX:
        raise FrameError(f"devices: {written!r:.40}, where a list belongs")
    devices = tuple(map(_device, written))
    if len({device.id for device in devices}) < len(devices):
        raise FrameError("devices: two of one name")
    return devices


def _device(written: object) -> Device:
    if not isinstance(written, dict):
        raise FrameError(f"devices: {written!r:.40}, where an object belongs")
    fields = Fields(written)
    device = Device(
        id=fields.device("id"),
        link=fields.one(Link, "link"),
        address=fields.word("address", ""),
        model=fields.word("model", ""),
        room=fields.word("room"),
        phenomena=_some(fields, "phenomena", Phenomenon),
        report_every=fields.span("report_every_s"),
        evidence=fields.one(EvidenceRole, "evidence"),
        outputs=_some(fields, "outputs", Output) if "outputs" in fields else frozenset(),
        outside_door=fields.flag("outside_door", default=False),
        mains_powered=fields.flag("mains", default=False),
        use=fields.one(Use, "use") if "use" in fields else None,
        keyed=fields.flag("keyed", default=False),
    )
    fields.nothing_else()
    if device.report_every < timedelta(seconds=1):
        raise FrameError(f"report_every_s: less than a second, at {device.id}")
    return device


def _some(fields: Fields, key: str, kind: type[Kind]) -> frozenset[Kind]:
    words = fields.needed(key)
    if not isinstance(words, list):
        raise FrameError(f"{key}: {words!r:.40}, where a list belongs")
    return frozenset(Fields({key: word}).one(kind, key) for word in words)


def _written_moment(moment: datetime) -> str:
    return moment.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def _seconds(span: timedelta) -> float:
    seconds = span.total_seconds()
    return int(seconds) if seconds.is_integer() else round(seconds, 3)


def _if(key: str, value: str | bool | list[str]) -> dict[str, object]:  # noqa: FBT001 -- a field of any kind
    """The field, where it says anything."""
    return {key: value} if value else {}


def _no_number(written: str) -> float:
    raise FrameError(f"{written}, which is no JSON")
