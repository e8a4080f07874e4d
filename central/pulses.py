"""The last heartbeat of each gateway: known in memory at once, written down now and then."""

from dataclasses import replace
from datetime import datetime
from functools import partial

from central.cases import GatewayRow, StoreFailing
from central.database import Database
from central.sql import gateways
from central.sql.gateways import Pulse
from protocol.heartbeat import Heartbeat


class Pulses:
    """What gateways last said of themselves, over what the database has of an earlier run."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._last: dict[str, Pulse] = {}
        self._unwritten: set[str] = set()

    def heard(self, gateway: str, heartbeat: Heartbeat, interval_s: int, now: datetime) -> None:
        """Remember a heartbeat and the interval that it was answered with. In memory."""
        self._last[gateway] = Pulse(
            heard_at=now,
            interval_s=interval_s,
            outbox_depth=heartbeat.outbox_depth,
            time_trusted=heartbeat.time_trusted,
            version=heartbeat.version,
        )
        self._unwritten.add(gateway)

    async def keep(self) -> None:
        """Write down those since the last time.

        Raises:
            StoreFailing: nothing could be made durable; they are tried again the next time.

        """
        unwritten, self._unwritten = self._unwritten, set()
        if not unwritten:
            return
        pulses = [(gateway, self._last[gateway]) for gateway in sorted(unwritten)]
        try:
            await self._database.change(partial(gateways.keep_pulses, pulses=pulses))
        except StoreFailing:
            self._unwritten |= unwritten
            raise

    def onto(self, row: GatewayRow) -> GatewayRow:
        """A gateway's row with its newest heartbeat."""
        pulse = self._last.get(row.gateway)
        if pulse is None:
            return row
        return replace(
            row,
            last_heartbeat=pulse.heard_at,
            interval_s=pulse.interval_s,
            outbox_depth=pulse.outbox_depth,
            time_trusted=pulse.time_trusted,
            version=pulse.version,
        )
