"""The launcher: a center, a gateway and one home on one clock, and their story.

Nothing it starts knows that it is simulated: the processes run production code, the driver's
system bus is one of our own with a virtual bluetoothd on it, and the clock is shared.
"""

import asyncio
import signal

from rich.console import Console

from rules.errors import LinkLost
from sim.ble.bus import PrivateBus, private_bus
from sim.demo.folders import Folders
from sim.demo.plan import Plan
from sim.demo.prepare import check_ports, fresh
from sim.demo.story import Story
from sim.demo.telling import Telling
from sim.processes.children import Crew, Died
from texts import N_, Translator

_DIES_WITHIN_S = 5.0
"A process that hangs up is usually just dying, and then says why."


async def run(plan: Plan, say: Translator, console: Console) -> int:
    """Show a run until Ctrl-C or SIGTERM; the exit status.

    Raises:
        ConfigError: a folder or a port that cannot be used, or no dbus-daemon; nothing was
            started.

    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    check_ports(plan.asked.web_port, plan.asked.coap_port)
    with fresh(plan.asked.data) as folders:
        async with private_bus(folders.bluetooth) as bus:
            with Story(say, plan.zone, console) as story:
                _introduce(plan, story)
                telling = Telling(plan, folders, bus.address, say, story)
                why = await _live(telling, folders, bus, stop)
                if why is None:
                    telling.part()
                    return 0
                _report(why, folders, story)
                return 1


async def _live(
    telling: Telling, folders: Folders, bus: PrivateBus, stop: asyncio.Event
) -> Died | str | None:
    """Tell the story until `stop` is set; why it ended before, if it did."""
    async with asyncio.TaskGroup() as group:
        crew = Crew(folders.logs, group)
        told = group.create_task(_tell(telling, crew), name="story")
        stopping = group.create_task(stop.wait(), name="stop")
        bus_gone = group.create_task(bus.gone(), name="bus")
        ends = (told, stopping, bus_gone, crew.died)
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            if told.done() and not stopping.done():
                await asyncio.wait((crew.died, stopping), timeout=_DIES_WITHIN_S)
        finally:
            told.cancel()
            stopping.cancel()
            bus_gone.cancel()
            await crew.stop()
    if stop.is_set():
        return None
    if crew.died.done():
        return crew.died.result()
    return N_("The bus of the virtual Bluetooth has ended.") if told.cancelled() else told.result()


async def _tell(telling: Telling, crew: Crew) -> str:
    """Tell the story; returns only if it cannot go on, with the reason."""
    try:
        await telling.tell(crew)
    except LinkLost:
        return N_("The gateway does not answer any more.")
    except TimeoutError:
        return N_("A process did not get ready.")
    raise AssertionError("a story has no end")


def _report(why: Died | str, folders: Folders, story: Story) -> None:
    if isinstance(why, Died):
        story.say(
            "{name} ended by itself (status {status}); its last words:",
            name=why.name,
            status=why.status,
        )
        for line in why.tail:
            story.show(f"  {line}")
    else:
        story.say(why)
    story.say("All else is stopped. The whole log is in {folder}.", folder=folders.logs)


def _introduce(plan: Plan, story: Story) -> None:
    played = plan.played
    if played is None:
        story.say("One simulated home, its gateway and the center, on one accelerated clock.")
        return
    found = played.found
    story.say(
        "Recording {file}: {sensors} sensors, {events} events of people, {first} to {last}.",
        file=played.path.name,
        sensors=len(found.sensors),
        events=found.signs.total(),
        first=min(found.signs),
        last=max(found.signs),
    )
    for kind, count in sorted(found.unknown.items()):
        story.say("Left out: {count} rows of the unknown kind {kind}.", kind=kind, count=count)
    if played.short:
        story.say(
            "There are no 28 days before {day}: played from its start.", day=plan.day.isoformat()
        )
