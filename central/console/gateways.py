"""All gateways: which of them is heard, and which is not."""

from starlette.responses import Response

from central.console.desk import GATEWAYS, Desk
from central.console.visits import Visit
from central.store import Store


class Gateways:
    """The page of the gateways."""

    def __init__(self, store: Store, desk: Desk) -> None:
        self._store = store
        self._desk = desk

    async def page(self, visit: Visit) -> Response:
        """Silent ones first, then by the home's name."""
        rows = sorted(await self._store.gateways(), key=lambda row: not row.silent)
        context = {"gateways": rows, "silent": sum(row.silent for row in rows)}
        return await self._desk.page("gateways.html", visit, GATEWAYS.name, context)
