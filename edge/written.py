"""What a person wrote on the command line of a gateway, taken for what it means."""

import argparse
import sys
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from edge.devices import device, obeying
from edge.devices import key as link_key
from rules.alarm import AlarmKey, AlarmKind
from rules.device import Link
from rules.errors import ConfigError, phrase
from rules.models import Model, model_of
from rules.quantity import format_span
from rules.wire import KeyedDevice

_YEARS: Final = (2000, 2199)
"Of a moment that somebody means; at the edges of the calendar no zone can be reckoned with."


def keyed_device(options: argparse.Namespace) -> KeyedDevice:
    """The device of `ongi devices add`; its key is read from standard input where it is `-`.

    Raises:
        ConfigError: an option, named as in the registry, is wrong.

    """
    key = None
    if options.key is not None:
        written = sys.stdin.readline().strip() if options.key == "-" else options.key
        key = link_key(written, "--key")
    address = options.address
    model = model_of(options.model) if options.link == Link.BLE else None
    document = {
        "id": options.id,
        "link": options.link,
        "address": address if options.link == Link.SERIAL else address.upper(),
        "model": options.model,
        "room": options.room,
        "evidence": options.evidence,
        "outputs": _words(options.outputs),
        "outside_door": options.outside_door,
        "mains_powered": options.mains,
        "keyed": key is not None,
        # What is not said stands in the row of a known model; where there is none it is asked for.
        **({} if model is None else _of_model(model)),
        **({} if options.phenomena is None else {"phenomena": _words(options.phenomena)}),
        **({} if options.report_every is None else {"report_every": options.report_every}),
        **({} if options.use is None else {"use": options.use}),
    }
    added = device(document, "devices add")
    obeying(added, "devices add")
    return KeyedDevice(added, key)


def _of_model(model: Model) -> dict[str, object]:
    """What its row says of a product, as the registry writes it."""
    return {
        "model": model.name,
        "phenomena": sorted(model.phenomena),
        "report_every": format_span(model.report_every),
    }


def _words(written: str) -> list[str]:
    return [word.strip() for word in written.split(",") if word.strip()]


def moment(
    written: str, zone: ZoneInfo, where: str = "--until", *, dated: bool = False
) -> datetime:
    """A moment that somebody wrote; with `dated` a date alone stands for its first hour.

    Raises:
        ConfigError: it is none, or none that anybody means; `where` says who wrote it.

    """
    right = phrase('write a date and a time, such as "2026-12-01 18:00"')
    try:
        meant = datetime.fromisoformat(written)
    except ValueError as error:
        raise ConfigError(where, repr(written), right) from error
    if ":" not in written and not dated:
        found = phrase("{written}, without a time", written=repr(written))
        raise ConfigError(where, found, right)
    if not _YEARS[0] <= meant.year <= _YEARS[1]:
        found = phrase("{written}, a year that is not meant", written=repr(written))
        raise ConfigError(where, found, right)
    return meant.replace(tzinfo=zone) if meant.tzinfo is None else meant


def alarm(written: str) -> AlarmKey:
    """An alarm as `ongi status` names it.

    Raises:
        ConfigError: it is none.

    """
    try:
        return AlarmKey.read(written)
    except ValueError as error:
        kinds = ", ".join(kind.value for kind in AlarmKind)
        right = phrase(
            "as `ongi status` names it: a kind, or kind:device; kinds are {kinds}", kinds=kinds
        )
        raise ConfigError("ALARM", repr(written), right) from error
