"""Devices as the registry's JSON has them: written for a technician, read strictly."""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import fields
from datetime import timedelta
from enum import StrEnum
from typing import TypeVar

from rules.cases import DRILL_SCOPE
from rules.device import Device, EvidenceRole, Link, Output, Use
from rules.errors import ConfigError, meant, phrase
from rules.models import FORGEABLE, MODELS, model_of
from rules.observation import DeviceId, Phenomenon
from rules.quantity import format_span, span

KEY_BYTES = 16
"BTHome and Zigbee alike use AES-128."
ROOM_MAX = 40
_MODEL_MAX = 60
_ID_MAX = 64
_REPORT_LEAST = timedelta(seconds=1)
_REPORT_MOST = timedelta(days=7)

_TAKEN = frozenset({DRILL_SCOPE, DeviceId("uplink")})
"What the gateway's own alarms are about: a device of that name would share them."
_ID = re.compile(r"[a-z0-9]+(?:[-_.][a-z0-9]+)*")
_MAC = re.compile(r"[0-9A-F]{2}(?::[0-9A-F]{2}){5}")
_EUI64 = re.compile(r"[0-9A-F]{2}(?::[0-9A-F]{2}){7}")
_PORT = re.compile(r"[!-~]{1,100}")
_MAC_RIGHT = phrase("write a MAC in upper case, such as A4:C1:38:0B:1E:2F")
_ADDRESSES = {
    Link.BLE: (_MAC, _MAC_RIGHT),
    Link.VIDEO: (_MAC, _MAC_RIGHT),
    Link.ZIGBEE: (
        _EUI64,
        phrase("write an EUI-64 in upper case, such as 00:12:4B:00:24:C1:9A:7E"),
    ),
    Link.SERIAL: (_PORT, phrase("write the name of the port, without blanks")),
}
_SWITCHED = frozenset({Phenomenon.POWER_W, Phenomenon.RELAY_ON})
"By which a device tells that it is on."
_REQUIRED = ("id", "link", "address", "model", "room", "phenomena", "report_every")

Kind = TypeVar("Kind", bound=StrEnum)


def document(device: Device) -> dict[str, object]:
    """A device as JSON values; its contract in whole seconds, its use only if it has one."""
    return {
        "id": device.id,
        "link": device.link.value,
        "address": device.address,
        "model": device.model,
        "room": device.room,
        "phenomena": sorted(device.phenomena),
        "report_every": format_span(timedelta(seconds=math.ceil(device.report_every / _SECOND))),
        "evidence": device.evidence.value,
        "outputs": sorted(device.outputs),
        "outside_door": device.outside_door,
        "mains_powered": device.mains_powered,
        "keyed": device.keyed,
        # Left out where there is none, so that an older program reads it as well.
        **({} if device.use is None else {"use": device.use.value}),
    }


_SECOND = timedelta(seconds=1)


def device(written: object, where: str) -> Device:
    """The device of a document.

    Raises:
        ConfigError: an unknown or missing key, or a value that does not fit.

    """
    names = [each.name for each in fields(Device)]
    values = mapping(written, where)
    for key in values:
        known(key, names, f"{where}.{key}")
    for key in _REQUIRED:
        if key not in values:
            right = phrase("write the device's {key}", key=key)
            raise ConfigError(f"{where}.{key}", phrase("nothing"), right)
    link = one_of(Link, values["link"], f"{where}.link")
    phenomena = some_of(Phenomenon, values["phenomena"], f"{where}.phenomena")
    if not phenomena:
        right = phrase('name what it reports, such as ["{example}"]', example=Phenomenon.POWER_W)
        raise ConfigError(f"{where}.phenomena", phrase("nothing in the list"), right)
    evidence = values.get("evidence", EvidenceRole.HAND.value)
    found = Device(
        id=device_id(values["id"], f"{where}.id"),
        link=link,
        address=_address(link, values["address"], f"{where}.address"),
        model=text(values["model"], f"{where}.model", _MODEL_MAX),
        room=text(values["room"], f"{where}.room", ROOM_MAX),
        phenomena=phenomena,
        report_every=span(
            values["report_every"], f"{where}.report_every", _REPORT_LEAST, _REPORT_MOST
        ),
        evidence=one_of(EvidenceRole, evidence, f"{where}.evidence"),
        outputs=some_of(Output, values.get("outputs", []), f"{where}.outputs"),
        outside_door=_flag(values, "outside_door", where),
        mains_powered=_flag(values, "mains_powered", where),
        use=_use(values, phenomena, where),
        keyed=_flag(values, "keyed", where),
    )
    _not_forgeable(found, where)
    return found


def device_id(written: object, where: str) -> DeviceId:
    """A device's name.

    Raises:
        ConfigError: other characters, too long, or a name that the gateway uses itself.

    """
    if isinstance(written, str) and len(written) <= _ID_MAX and _ID.fullmatch(written):
        if written in _TAKEN:
            right = phrase("choose another name: the gateway uses it")
            raise ConfigError(where, shown(written), right)
        return DeviceId(written)
    right = phrase(
        "write lower-case letters, digits and hyphens, at most {most}: kitchen-plug", most=_ID_MAX
    )
    raise ConfigError(where, shown(written), right)


def key(written: object, where: str) -> bytes:
    """A link key.

    Raises:
        ConfigError: not 32 hex digits; the message does not repeat them.

    """
    right = phrase("write {count} hex digits", count=2 * KEY_BYTES)
    if not isinstance(written, str):
        raise ConfigError(where, phrase("no text"), right)
    if not re.fullmatch(r"[0-9a-fA-F]*", written):
        raise ConfigError(where, phrase("characters that are no hex digits"), right)
    if len(written) != 2 * KEY_BYTES:
        raise ConfigError(where, phrase("{count} digits", count=len(written)), right)
    return bytes.fromhex(written)


def mapping(written: object, where: str) -> Mapping[str, object]:
    """An object of JSON.

    Raises:
        ConfigError: something else.

    """
    if not isinstance(written, dict):
        raise ConfigError(where, shown(written), phrase("write an object: {...}"))
    return written


def known(name: str, names: Iterable[str], where: str) -> None:
    """Refuse a key that nobody reads.

    Raises:
        ConfigError: it is none of `names`.

    """
    names = list(names)
    if name not in names:
        right = phrase("known: {names}", names=", ".join(names))
        raise ConfigError(where, phrase("an unknown key"), meant(name, names, right))


def text(written: object, where: str, longest: int) -> str:
    """Words on one line.

    Raises:
        ConfigError: no text, none in it, or too much.

    """
    if isinstance(written, str) and written.isprintable() and 0 < len(written.strip()) <= longest:
        return written.strip()
    right = phrase("write a text of 1 to {longest} characters", longest=longest)
    raise ConfigError(where, shown(written), right)


def one_of(kind: type[Kind], written: object, where: str) -> Kind:
    """A word of a vocabulary.

    Raises:
        ConfigError: another word.

    """
    words = [word.value for word in kind]
    if not isinstance(written, str) or written not in words:
        right = phrase("one of {names}", names=", ".join(words))
        raise ConfigError(where, shown(written), meant(written, words, right))
    return kind(written)


def some_of(kind: type[Kind], written: object, where: str) -> frozenset[Kind]:
    """Words of a vocabulary.

    Raises:
        ConfigError: no list, another word, or one twice.

    """
    if not isinstance(written, list):
        raise ConfigError(where, shown(written), phrase("write a list: [...]"))
    words = [one_of(kind, word, f"{where}[{n}]") for n, word in enumerate(written)]
    for word in words:
        if words.count(word) > 1:
            found = phrase("{word} twice", word=repr(word.value))
            raise ConfigError(where, found, phrase("write it once"))
    return frozenset(words)


def shown(written: object) -> str:
    """What was found, cut to the length of a line."""
    found = repr(written)
    return found if len(found) <= 60 else f"{found[:57]}..."


def _not_forgeable(device: Device, where: str) -> None:
    """Refuse to let a call for help or a relay hang on adverts that anybody nearby can make up."""
    model = model_of(device.model)
    if device.link is not Link.BLE or model is None or model.format not in FORGEABLE:
        return
    right = phrase("leave it out: anybody nearby can imitate a {model}", model=model.name)
    if Phenomenon.SOS in device.phenomena:
        raise ConfigError(f"{where}.phenomena", repr(Phenomenon.SOS.value), right)
    if Output.RELAY in device.outputs:
        raise ConfigError(f"{where}.outputs", repr(Output.RELAY.value), right)
    if device.keyed:
        right = phrase("write false: a {model} encrypts nothing", model=model.name)
        raise ConfigError(f"{where}.keyed", "true", right)


def obeying(device: Device, where: str) -> None:
    """Refuse outputs of a Bluetooth device that takes no commands which it can tell from others'.

    Raises:
        ConfigError: its model has no such output, or it has no key.

    """
    if device.link is not Link.BLE or not device.outputs:
        return
    model = model_of(device.model)
    able = frozenset() if model is None else model.outputs
    if unable := sorted(device.outputs - able):
        right = phrase(
            "leave it out: over Bluetooth only these take commands that nobody can forge: {names}",
            names=", ".join(sorted(one.name for one in MODELS if one.outputs)),
        )
        if able:
            right = phrase("one of {names}", names=", ".join(sorted(able)))
        raise ConfigError(
            f"{where}.outputs", ", ".join(repr(output.value) for output in unable), right
        )
    if not device.keyed:
        right = phrase("write its link key: commands are proven with it")
        raise ConfigError(f"{where}.key", phrase("nothing"), right)


def _address(link: Link, written: object, where: str) -> str:
    pattern, right = _ADDRESSES[link]
    if isinstance(written, str) and pattern.fullmatch(written):
        return written
    raise ConfigError(where, shown(written), right)


def _use(values: Mapping[str, object], phenomena: frozenset[Phenomenon], where: str) -> Use | None:
    if "use" not in values:
        return None
    use = one_of(Use, values["use"], f"{where}.use")
    if phenomena.isdisjoint(_SWITCHED):
        right = phrase("leave it out: only what reports power_w or relay_on can have a use")
        raise ConfigError(f"{where}.use", shown(use.value), right)
    return use


def _flag(values: Mapping[str, object], name: str, where: str) -> bool:
    written = values.get(name, False)
    if isinstance(written, bool):
        return written
    raise ConfigError(f"{where}.{name}", shown(written), phrase("write true or false"))
