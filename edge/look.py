"""`ongi devices scan`, `watch` and `identify`: what a technician does beside a device.

Each ends by Ctrl-C, by itself, or when whoever reads a pipe has seen enough.
"""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator, Callable, Collection, Coroutine, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from rich.console import Console, RenderableType
from rich.live import Live

from edge.around import Around, AroundScreen, sighting_json
from edge.caller import Caller, called
from edge.control_wire import News
from edge.said import SaidScreen, said_json
from edge.status import Status
from rules.air import Reception, Sighting
from rules.command import Refusal
from rules.errors import ConfigError, FrameError, LinkLost, phrase
from rules.events import Commanded, CommandEnded, LivenessChanged
from rules.inputs import Identify
from rules.observation import DeviceId, Observation
from rules.signals import COMMAND_WITHIN
from texts import N_, Translator

_DRAWN_EVERY_S: Final = 0.5
_ASKED_EVERY_S: Final = 60.0
"How devices are received is asked for anew."
_ANSWERED_WITHIN_S: Final = COMMAND_WITHIN.total_seconds() + 5.0

_CAME_OF_IT: Final = {
    Refusal.UNREACHABLE: N_("{device} in {room}: not reached. Is it powered, and near enough?"),
    Refusal.UNSUPPORTED: N_(
        "{device} in {room}: it cannot show itself; its firmware may be too old."
    ),
    Refusal.EXPIRED: N_("{device} in {room}: no answer in time. It may show itself all the same."),
    Refusal.REFUSED: N_("{device} in {room}: its driver has too much to do; try again."),
}


@dataclass(frozen=True, slots=True)
class Shown:
    """How it is to be shown."""

    say: Translator
    for_: timedelta
    as_json: bool = False


@dataclass(frozen=True, slots=True)
class _Time:
    """The gateway's, from a steady clock of this process."""

    now: datetime
    at_s: float

    def at(self, at_s: float) -> datetime:
        return self.now + timedelta(seconds=at_s - self.at_s)


# -------------------------------------------------------------------------------------- scan


async def scan(path: Path, shown: Shown) -> None:
    """Show who is about, until it is time or somebody ends it.

    Raises:
        LinkLost: the gateway is gone.
        ConfigError: there is no driver that could hear anybody.

    """
    _end_on_sigterm()
    async with called(path) as gateway:
        status = await gateway.status()
        _see_that_somebody_listens(status)
        around = Around(await gateway.devices())
        screen = AroundScreen(shown.say, ZoneInfo(status.about.timezone))
        begin_s = asyncio.get_running_loop().time()
        time = _Time(status.now, begin_s)

        def line(seen: Sighting, at_s: float) -> None:
            device = None if seen.device is None else around.devices.get(seen.device)
            if shown.as_json:
                _print(json.dumps(sighting_json(seen, device, time.at(at_s)), ensure_ascii=False))
            else:
                _print(screen.line(seen, device, time.at(at_s)))

        if shown.as_json or not sys.stdout.isatty():
            await _sighted(gateway, shown.for_, line)
            return
        await _draw_while(
            lambda at_s: screen.table(around, at_s, at_s - begin_s),
            _sighted(gateway, shown.for_, around.take),
        )


async def _draw_while(
    drawn: Callable[[float], RenderableType], lasts: Coroutine[None, None, None]
) -> None:
    """Keep a picture up to date for as long as something lasts; the last one stays."""
    loop = asyncio.get_running_loop()
    failed: OSError | FrameError | None = None
    with Live(console=_console(), auto_refresh=False, vertical_overflow="crop") as live:

        async def draw() -> None:
            while True:
                live.update(drawn(loop.time()), refresh=True)
                await asyncio.sleep(_DRAWN_EVERY_S)

        async with asyncio.TaskGroup() as tasks:
            drawing = tasks.create_task(draw(), name="screen")
            try:
                await lasts
            except (OSError, FrameError) as error:
                failed = error  # Raised here it would come wrapped in a group.
            finally:
                drawing.cancel()
    if failed is not None:
        raise failed


async def _sighted(
    gateway: Caller, for_: timedelta, take: Callable[[Sighting, float], None]
) -> None:
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(for_.total_seconds()), aclosing(gateway.scan()) as sightings:
            async for seen in sightings:
                take(seen, loop.time())
    except TimeoutError:
        return
    raise LinkLost("the gateway hung up")


def _see_that_somebody_listens(status: Status) -> None:
    if not any(driver.connected for driver in status.plumbing.drivers):
        raise ConfigError(
            "ongi status",
            phrase("no radio driver is connected to the gateway"),
            phrase("start it: systemctl start ongi-driver-ble"),
        )


# -------------------------------------------------------------------------------------- watch


async def watch(path: Path, ids: Sequence[str], shown: Shown) -> None:
    """Show what the home's devices say, until it is time or somebody ends it.

    Raises:
        LinkLost: the gateway is gone.
        ConfigError: a device that is meant is none of the home's.

    """
    _end_on_sigterm()
    async with called(path) as watching, called(path) as asking:
        status = await asking.status()
        rooms = {each.id: each.room for each in status.devices}
        wanted = _wanted(ids, rooms)
        screen = SaidScreen(shown.say, ZoneInfo(status.about.timezone), rooms)
        received = _received(status)
        time, console = asyncio.get_running_loop().time, _console()
        plain = not sys.stdout.isatty()

        def told(news: Observation | LivenessChanged) -> None:
            reception = received.get(news.device)
            if shown.as_json:
                told = said_json(news, rooms.get(news.device, ""), reception)
                _print(json.dumps(told, ensure_ascii=False))
            elif plain:
                _print(screen.line(news, reception).plain)
            else:
                console.print(screen.line(news, reception, console.width))

        asked_s = time()
        try:
            async with (
                asyncio.timeout(shown.for_.total_seconds()),
                aclosing(watching.watch(observations=True)) as all_news,
            ):
                async for news in all_news:
                    if not isinstance(news, Observation | LivenessChanged):
                        continue
                    if news.device not in wanted:
                        continue
                    if time() - asked_s > _ASKED_EVERY_S:
                        asked_s = time()
                        received = _received(await asking.status())
                    told(news)
        except TimeoutError:
            return
    raise LinkLost("the gateway hung up")


def _received(status: Status) -> dict[DeviceId, Reception]:
    return {each.id: each.reception for each in status.devices if each.reception is not None}


def _wanted(ids: Sequence[str], known: Collection[DeviceId]) -> frozenset[DeviceId]:
    """The devices that are meant.

    Raises:
        ConfigError: one of them is none of the home's.

    """
    for id_ in ids:
        if id_ not in known:
            raise ConfigError(
                id_,
                phrase("no device of this name"),
                phrase("`ongi devices list` shows them"),
            )
    return frozenset(map(DeviceId, ids)) or frozenset(known)


# ----------------------------------------------------------------------------------- identify


async def identify(path: Path, id_: DeviceId, say: Translator) -> bool:
    """Have a device show itself, and tell what came of it; whether it does.

    Raises:
        RequestRefused: it cannot, or is not to be disturbed now.
        LinkLost: the gateway is gone.

    """
    async with called(path) as watching, called(path) as asking:
        devices = {each.id: each for each in await asking.devices()}
        async with aclosing(watching.watch()) as news:
            await anext(news)  # From here on nothing is missed.
            events = await asking.put(Identify(id_))
            number = next(each.command.id for each in events if isinstance(each, Commanded))
            try:
                async with asyncio.timeout(_ANSWERED_WITHIN_S):
                    ended = await _end_of(number, news)
            except TimeoutError as error:
                raise LinkLost("the gateway does not answer") from error
    words = {"device": id_, "room": devices[id_].room}
    if ended.ok:
        _print(say.text("{device} in {room}: it shows itself for some seconds.", **words))
        return True
    print(say.text(_CAME_OF_IT[ended.why or Refusal.EXPIRED], **words), file=sys.stderr)
    return False


async def _end_of(number: int, news: AsyncIterator[News]) -> CommandEnded:
    async for one in news:
        if isinstance(one, CommandEnded) and one.id == number:
            return one
    raise LinkLost("the gateway hung up")


# ---------------------------------------------------------------------------- what they share


def _console() -> Console:
    return Console(markup=False, emoji=False, highlight=False)


def _print(line: str) -> None:
    # Whoever reads a pipe reads each line as it comes.
    print(line, flush=True)


def _end_on_sigterm() -> None:
    """Leave the terminal as it was found."""
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
