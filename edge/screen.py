"""What `ongi` shows on a terminal: the gateway's status and its devices, as tables."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from types import MappingProxyType
from typing import Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from edge.listing import Column, Listing, Row, joined
from edge.status import AlarmStatus, DeviceStatus, Plumbing, Status
from edge.words import Strength, reading_in_words, reception_in_words
from rules.air import Reception
from rules.alarm import OPEN, AlarmState, Category
from rules.device import Device, Liveness
from rules.observation import DeviceId, Phenomenon
from texts import N_, Translator

_NONE_RECEIVED: Final[Mapping[DeviceId, Reception]] = MappingProxyType({})
_WITNESSES = {
    "center": N_("the center"),
    "ntp": N_("a time server (NTP)"),
    "rtc": N_("the clock chip (RTC)"),
}
"Whom the gateway believes the time."
_COLOURS = {
    Liveness.LIVE: "green",
    Liveness.STALE: "yellow",
    Liveness.DEAD: "red",
    Liveness.UNKNOWN: "dim",
}


@dataclass(frozen=True, slots=True)
class _Fact:
    """A line of the summary."""

    name: str
    words: tuple[str, ...]
    style: str = ""


class Screen:
    """Renders in one language, with the home's local times."""

    def __init__(self, say: Translator, zone: tzinfo) -> None:
        self._say = say
        self._zone = zone

    def status(self, status: Status) -> RenderableType:
        """All that `ongi status` shows."""
        _ = self._say.text
        parts: list[RenderableType] = [self._summary(status)]
        if status.alarms:
            parts.append(self._alarms(status.alarms, status.now))
        if status.devices:
            parts.append(self._heard(status.devices, status.now))
            parts += self._machines([each.id for each in status.devices if each.machine])
        else:
            parts.append(Text(_("No devices yet: ongi devices add"), style="yellow"))
        return Group(*parts)

    def devices(
        self,
        devices: Sequence[Device],
        machines: Sequence[DeviceId] = (),
        receptions: Mapping[DeviceId, Reception] = _NONE_RECEIVED,
    ) -> RenderableType:
        """All that `ongi devices list` shows; `machines` are those that show nothing else."""
        _ = self._say.text
        if not devices:
            return Text(_("No devices yet: ongi devices add"), style="yellow")
        used = any(device.use is not None for device in devices)
        columns = (
            Column(_("Device")),
            Column(_("Room"), words=True),
            Column(_("Model"), words=True),
            Column(_("Link")),
            Column(_("Address")),
            Column(_("Reports"), words=True),
            Column(_("Every")),
            *((Column(_("Use")),) if used else ()),
            *((Column(_("Reception"), words=True),) if receptions else ()),
        )
        rows = [
            self._entered(device, receptions.get(device.id), used=used, received=bool(receptions))
            for device in devices
        ]
        return Group(Listing(columns, rows), *self._machines(machines))

    def _entered(
        self, device: Device, reception: Reception | None, *, used: bool, received: bool
    ) -> Row:
        """A device as the registry has it."""
        _ = self._say.text
        use = "" if device.use is None else self._say.name(device.use)
        address = device.address + ("" if device.keyed else f" ({_('no key')})")
        reports = ", ".join(sorted(map(self._say.name, device.phenomena)))
        every = self._say.span(device.report_every)
        heard = self._reception(reception)
        return Row(
            (
                *(device.id, device.room, device.model, device.link.value, address, reports),
                every,
                *((use,) if used else ()),
                *((heard,) if received else ()),
            ),
            (_who(device.id, device.room), Text(address)),
            (
                joined(
                    device.model,
                    device.link.value,
                    f"{_('Every')} {every}",
                    use and f"{_('Use')} {use}",
                ),
                joined(reports, "" if reception is None else heard),
            ),
        )

    def _machines(self, ids: Sequence[DeviceId]) -> list[Text]:
        """A hint to the installer for each device that hides a silence, as it may seem a hand."""
        _ = self._say.text
        return [
            Text(
                _(
                    "{device}: it looks as if a machine switches itself there. If so, remove it"
                    " and enter it anew with --evidence none.",
                    device=id_,
                ),
                style="yellow",
            )
            for id_ in ids
        ]

    def _summary(self, status: Status) -> Table:
        table = Table.grid(padding=(0, 2))
        table.add_column(style="bold")
        table.add_column(overflow="fold")
        for row in (*self._home(status), *self._uplink(status), *self._parts(status.plumbing)):
            words = " · ".join(word for word in row.words if word)
            table.add_row(row.name, Text(words, style=row.style))
        return table

    def _home(self, status: Status) -> Iterator[_Fact]:
        _ = self._say.text
        about = status.about
        version = _("version {version}", version=about.version)
        yield _Fact(_("Home"), (about.name, about.id, version))
        now = self._at(status.now, None)
        if status.time_trusted:
            source = status.plumbing.time_source
            by = _("confirmed by {source}", source=_(_WITNESSES.get(source, source or "?")))
            yield _Fact(_("Time"), (now, by))
        else:
            yield _Fact(_("Time"), (now, _("not confirmed by anyone")), "yellow")
        yield _Fact(_("Sign of life"), tuple(self._life(status)))
        away = status.away
        if away is not None:
            words = [
                self._say.name(away.reason),
                _("since {at}", at=self._at(away.at, status.now)),
            ]
            if away.until is not None:
                words.append(_("until {at}", at=self._at(away.until, status.now)))
            yield _Fact(_("Away"), (*words, away.who), "yellow")

    def _parts(self, parts: Plumbing) -> Iterator[_Fact]:
        _ = self._say.text
        for driver in parts.drivers:
            yield _Fact(
                _("Driver {link}", link=driver.link.value),
                (
                    _("connected") if driver.connected else _("not connected"),
                    _("{n} refused", n=driver.refused) if driver.refused else "",
                    _("{n} dropped", n=driver.dropped) if driver.dropped else "",
                ),
                "" if driver.connected else "red",
            )
        if not parts.journal_durable:
            yield _Fact(_("Journal"), (_("the disk fails: working from memory"),), "red")
        for finding in parts.findings:
            yield _Fact(_("Found at start"), (finding,), "yellow")

    def _life(self, status: Status) -> Iterator[str]:
        _ = self._say.text
        if status.life is None:
            yield _("none seen yet")
        else:
            rooms = {device.id: device.room for device in status.devices}
            yield self._at(status.life.at, status.now)
            yield rooms.get(status.life.device, status.life.device)
            yield self._say.name(status.life.phenomenon)
        if status.alarm_time_if_silent is not None:
            at = self._at(status.alarm_time_if_silent, status.now)
            yield _("alarm at {at} if all stays silent", at=at)

    def _uplink(self, status: Status) -> Iterator[_Fact]:
        _ = self._say.text
        uplink = status.plumbing.uplink
        words = [_("has not answered yet")]
        if uplink.last_ok is not None:
            words = [_("answered {at}", at=self._at(uplink.last_ok, status.now))]
        if uplink.failures:
            words.append(_("{n} tries without an answer", n=uplink.failures))
        failing = uplink.failures > 0 or uplink.last_ok is None
        yield _Fact(_("Center"), (*words, uplink.last_error), "red" if failing else "")
        depth = status.plumbing.outbox_depth
        if depth:
            waiting = self._say.plural(
                "{n} message waits for the center", "{n} messages wait for the center", depth
            )
            yield _Fact(_("Outbox"), (waiting,), "yellow")

    def _alarms(self, alarms: Sequence[AlarmStatus], now: datetime) -> Listing:
        _ = self._say.text
        columns = (
            Column(_("Alarm"), words=True),
            Column(_("State"), words=True),
            Column(_("Since")),
            Column(_("Center")),
            Column(_("For shelve")),
        )
        return Listing(columns, [self._alarm(alarm, now) for alarm in alarms])

    def _alarm(self, alarm: AlarmStatus, now: datetime) -> Row:
        _ = self._say.text
        words = (
            self._say.name(alarm.key.kind),
            _("level {n}", n=alarm.level) if alarm.level > 1 else "",
            _("(drill)") if alarm.drill else "",
        )
        name, state, case = (
            " ".join(filter(None, words)),
            self._state(alarm, now),
            self._case(alarm),
        )
        # A case that is taken has stood no shorter for it.
        raised_at = alarm.raised_at if alarm.state in OPEN else None
        since = self._at(min(alarm.since, raised_at or alarm.since), now)
        return Row(
            (name, state, since, case, str(alarm.key)),
            (Text(name, style="bold"), state),
            (
                joined(f"{_('Since')} {since}", case and f"{_('Center')} {case}"),
                Text(f"{_('For shelve')} {alarm.key}"),
            ),
        )

    def _state(self, alarm: AlarmStatus, now: datetime) -> Text:
        words = self._say.name(alarm.state)
        if alarm.until is not None:
            words += " " + self._say.text("until {at}", at=self._at(alarm.until, now))
        danger = alarm.key.kind.category is Category.ESCALATION
        raised = alarm.state is AlarmState.RAISED
        return Text(words, style=("red" if danger else "yellow") if raised else "")

    def _case(self, alarm: AlarmStatus) -> str:
        if not alarm.serial or alarm.state in (AlarmState.PROMPTED, AlarmState.SHELVED):
            return ""
        return self._say.text("has it") if alarm.delivered else self._say.text("not reached yet")

    def _heard(self, devices: Sequence[DeviceStatus], now: datetime) -> Listing:
        _ = self._say.text
        received = any(device.reception is not None for device in devices)
        columns = (
            Column(_("Room"), words=True),
            Column(_("Device")),
            Column(_("State")),
            Column(_("Last heard")),
            Column(_("Battery")),
            Column(_("Says"), words=True),
            *((Column(_("Reception"), words=True),) if received else ()),
        )
        return Listing(columns, [self._told(device, now, received=received) for device in devices])

    def _told(self, device: DeviceStatus, now: datetime, *, received: bool) -> Row:
        """A device as it is heard."""
        state = Text(self._say.name(device.liveness), style=_COLOURS[device.liveness])
        at = self._at(device.last_seen, now)
        battery = "" if device.battery_pct is None else f"{device.battery_pct:.0f} %"
        says = ", ".join(
            reading_in_words(self._say, phenomenon, value)
            for phenomenon, value in sorted(device.readings.items())
            if phenomenon is not Phenomenon.BATTERY_PCT
        )
        reception = self._reception(device.reception)
        return Row(
            (
                *(device.room, device.id, state, at, battery, says),
                *((reception,) if received else ()),
            ),
            (
                _who(device.id, device.room),
                Text.assemble(state, "" if device.last_seen is None else f" {at}"),
            ),
            (
                joined(
                    battery and f"{self._say.text('Battery')} {battery}",
                    says,
                    "" if device.reception is None else reception,
                ),
            ),
        )

    def _reception(self, reception: Reception | None) -> Text:
        if reception is None:
            return Text("-")
        # A technician has to do something about it only where it is poor.
        style = "yellow" if reception.drowned else Strength.of(reception.rssi_dbm).colour
        return Text(
            reception_in_words(self._say, reception), style="" if style == "green" else style
        )

    def _at(self, at: datetime | None, now: datetime | None) -> str:
        return "-" if at is None else self._say.moment(at, self._zone, now)


def _who(device: DeviceId, room: str) -> Text:
    return Text.assemble((device, "bold"), f" · {room}")
