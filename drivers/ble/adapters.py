"""All adapters of the machine, each with a scanner of its own, supervised by its `Keeper`.

Time here is the event loop's: a radio is silent in real seconds, whatever the process's clock
says. An adapter is known by its address: pulled out and put in again it may have another name, and
its old one may be another's. Its troubles are told under the name that it had at first, which is
its own for as long as it is known: so no adapter ends what was told of another. It is not told of
by its address: a later run must end what an earlier one told, and knows all names that there may
have been, but no addresses.
"""

import asyncio
import logging
import math
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from typing import Final

from bleak.backends.scanner import AdvertisementData
from habluetooth import BluetoothManager

from drivers.ble.bus import ADAPTERS_MAX, Adapter, Bus, Table
from drivers.ble.keeper import Keeper, Policy, RadioState, Step
from drivers.ble.manager import RADIO_ERRORS
from drivers.ble.scanner import LocalScanner

_log = logging.getLogger(__name__)

_NAMED_EVER: Final = 4
"hci0 to hci3: names that an earlier run may have told of."


@dataclass(slots=True)
class _Kept:
    """An adapter that was there once."""

    name: str
    "At present, or at last."
    place: str
    "What it is told of by: a name like those, of which no other is told."
    keeper: Keeper
    adapter: Adapter | None = None
    scanner: LocalScanner | None = None
    forget: Callable[[], None] | None = None
    "Takes the scanner from the library's list, and its timer from the loop."
    woken: asyncio.Event = field(default_factory=asyncio.Event)
    told: RadioState | None = None


class Adapters:
    """Listens on whatever adapters there are, for as long as it runs."""

    def __init__(
        self,
        manager: BluetoothManager,
        policy: Policy,
        tap: Callable[[str, str, AdvertisementData], tuple[bool, bool]],
        tell: Callable[[RadioState], None],
    ) -> None:
        """Scanners are made for `manager`.

        Args:
            manager: the library's, made ready.
            policy: how long to wait for what.
            tap: takes source, sender and advert; whether it is in a format that is listened for,
                and whether the library is to know of it.
            tell: is told of troubles as they come and go.

        """
        self._manager = manager
        self._policy = policy
        self._tap = tap
        self._tell = tell
        self._bus = Bus(policy, self._switched_off)
        self._kept: dict[str, _Kept] = {}
        self._group: asyncio.TaskGroup | None = None
        self._survey_s = -math.inf

    def survey(self, until_s: float) -> None:
        """Hear everybody until then, by the event loop's clock, and go back to the home's own."""
        self._survey_s = until_s
        for kept in self._kept.values():
            kept.keeper.survey(until_s)
            kept.woken.set()

    def name(self, source: str) -> str:
        """What an adapter is called, by its address: hci0 or so."""
        kept = self._kept.get(source)
        return source if kept is None else kept.name

    async def run(self) -> None:
        """Listen until cancelled."""
        loop = asyncio.get_running_loop()
        async with asyncio.TaskGroup() as group:
            self._group = group
            # Until there is one: that there is none is a fault, and the usual one has this name.
            self._keep("", "hci0", "hci0", loop.time())
            await self._bus.watch(self._changed)

    def _switched_off(self, name: str) -> None:
        """Somebody has, or the kernel; when it was a keeper of ours, it does not mind."""
        for kept in self._kept.values():
            if kept.adapter is not None and kept.name == name:
                kept.keeper.doubted()
                kept.woken.set()

    def _changed(self, table: Table) -> None:
        """Take over which adapters there are."""
        at_s = asyncio.get_running_loop().time()
        if table and (nobody := self._kept.pop("", None)) is not None:
            self._first(table, nobody)
        for address, kept in self._kept.items():
            now = table.get(address)
            if kept.adapter is not None and kept.adapter != now:
                _log.info("%s (%s) is gone", kept.name, address)
                kept.keeper.left(at_s)
                kept.adapter = None
                kept.woken.set()
        for address, adapter in table.items():
            known = self._kept.get(address) or self._newcomer(table, adapter, at_s)
            if known is not None and known.adapter is None:
                self._appeared(known, adapter, at_s)

    def _first(self, table: Table, nobody: _Kept) -> None:
        """Adapters are there for the first time: what is not among them is not missed."""
        nobody.woken.set()
        present = {adapter.name for adapter in table.values()}
        names = {f"hci{index}" for index in range(_NAMED_EVER)} - present
        if nobody.told is not None:
            names.add(nobody.told.radio)
        for name in sorted(names):
            self._tell(RadioState(name, None))

    def _newcomer(self, table: Table, adapter: Adapter, at_s: float) -> _Kept | None:
        """Keep an adapter that was not there before; None: there are too many."""
        away = {one: kept for one, kept in self._kept.items() if one not in table}
        # In its place, most likely, for it has been given its name: that one is replaced.
        names = [one for one, kept in away.items() if kept.name == adapter.name]
        place = adapter.name
        if names:
            place = self._dismiss(names[0]).place
        elif len(self._kept) >= ADAPTERS_MAX:
            if not away:
                return None
            replaced = self._dismiss(next(iter(away)))
            self._tell(RadioState(replaced.place, None))
        taken = {kept.place for kept in self._kept.values()}
        places = (place, *(f"hci{index}" for index in range(ADAPTERS_MAX)))
        free = next(one for one in places if one not in taken)
        return self._keep(adapter.address, adapter.name, free, at_s)

    def _dismiss(self, address: str) -> _Kept:
        kept = self._kept.pop(address)
        _log.info("%s (%s) is not waited for any more", kept.name, address)
        kept.woken.set()
        return kept

    def _keep(self, address: str, name: str, place: str, at_s: float) -> _Kept:
        assert self._group is not None
        kept = self._kept[address] = _Kept(name, place, Keeper(self._policy, at_s))
        kept.keeper.survey(self._survey_s)
        self._group.create_task(self._care(address, kept), name=f"care for {name}")
        return kept

    def _appeared(self, kept: _Kept, adapter: Adapter, at_s: float) -> None:
        _log.info("%s (%s) is there, passive: %s", adapter.name, adapter.address, adapter.passive)
        kept.adapter = adapter
        kept.keeper.appeared(at_s, passive=adapter.passive)
        kept.name = adapter.name
        kept.woken.set()

    # --------------------------------------------------------------------------- one adapter

    async def _care(self, address: str, kept: _Kept) -> None:
        """Do what its keeper says."""
        loop = asyncio.get_running_loop()
        try:
            while self._kept.get(address) is kept:
                kept.woken.clear()
                step = kept.keeper.next(loop.time())
                self._tell_of(kept, loop.time())
                if step is Step.WAIT:
                    deadline_s = kept.keeper.deadline()
                    with suppress(TimeoutError):
                        async with asyncio.timeout_at(min(deadline_s, loop.time() + 3600)):
                            await kept.woken.wait()
                else:
                    await self._carry_out(step, kept)
        finally:
            await self._stop(kept)

    async def _carry_out(self, step: Step, kept: _Kept) -> None:
        keeper, loop = kept.keeper, asyncio.get_running_loop()
        # A probe is everyday in a quiet home, switching off and on is not.
        level = logging.INFO if step is Step.CYCLE else logging.DEBUG
        _log.log(level, "%s: %s", kept.name, step.name.lower())
        await self._stop(kept)
        try:
            async with asyncio.timeout(self._policy.start_s):
                if kept.adapter is None:
                    keeper.failed(loop.time())
                elif step is Step.CYCLE:
                    await self._bus.power_cycle(kept.adapter.name)
                    keeper.cycled(loop.time())
                else:
                    active = keeper.active or step is Step.PROBE
                    await self._start(kept, kept.adapter, active=active)
                    keeper.started(loop.time())
        except RADIO_ERRORS as error:
            _log.info("%s: %s: %r", kept.name, step.name.lower(), error)
            keeper.failed(loop.time())

    async def _start(self, kept: _Kept, adapter: Adapter, *, active: bool) -> None:
        time, heard, woken = asyncio.get_running_loop().time, kept.keeper.heard, kept.woken

        def tap(source: str, address: str, advertisement: AdvertisementData) -> tuple[bool, bool]:
            ours, connectable = self._tap(source, address, advertisement)
            if heard(time(), ours=ours):
                woken.set()
            return ours, connectable

        scanner = LocalScanner(adapter.name, adapter.address, tap, active=active)
        with ExitStack() as undo:
            undo.callback(scanner.async_setup())  # It has a timer that keeps it alive.
            undo.callback(self._manager.async_register_scanner(scanner))
            await scanner.async_start()
            kept.scanner, kept.forget = scanner, undo.pop_all().close

    async def _stop(self, kept: _Kept) -> None:
        scanner, kept.scanner = kept.scanner, None
        forget, kept.forget = kept.forget, None
        if forget is not None:
            forget()
        if scanner is not None:
            try:
                async with asyncio.timeout(self._policy.start_s):
                    await scanner.async_stop()
            except RADIO_ERRORS as error:
                # Of what is gone already.
                _log.debug("%s: stop: %r", kept.name, error)

    def _tell_of(self, kept: _Kept, at_s: float) -> None:
        """Tell of what is wrong and of its end.

        What an earlier run may have told is over when the adapter is heard for the first time.
        """
        keeper = kept.keeper
        state = RadioState(kept.place, keeper.trouble, keeper.lasting(at_s), kept.name)
        certain = kept.told is not None or keeper.trouble is not None or keeper.heard_any
        if certain and state != kept.told:
            kept.told = state
            self._tell(state)
