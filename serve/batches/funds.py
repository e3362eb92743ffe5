"""Money for one sheet at a time: priced by the service, held in the purse, and passed on as the request's own limit."""

from __future__ import annotations

from dataclasses import replace

from serve.batches.bodies import read_body
from serve.batches.gateway import Gateway
from serve.batches.items import Item
from serve.batches.plan import Sheet
from serve.batches.purse import Purse
from serve.errors import ServiceError


class Funds:
    """Reserves what a sheet may cost. Without a ceiling nothing is priced and nothing limited."""

    def __init__(self, purse: Purse, gateway: Gateway) -> None:
        self._purse = purse
        self._gateway = gateway
        self._priced: tuple[Item, float, float] | None = None

    async def reserve(self, sheet: Sheet) -> Sheet | None:
        """The sheet with its limit, or None where the ceiling leaves too little for it.

        A request is expected to cost what its first candidate does. Where there is more, enough for the dearest one is
        held, so that it can fall back; what is held is the request's `max_cost`, so that it cannot cost more.

        Raises:
            ConnectionError: nobody answers any more.
        """
        if sheet.resumed and sheet.line.allowed is not None:
            # It counts as spent since the run that sent it, also where this one has no ceiling.
            self._purse.reopen(sheet.line.allowed)
            return replace(sheet, reserved=sheet.line.allowed)
        if not self._purse.limited:
            return sheet
        least, most = await self._prices(sheet)
        # Under a key that was used, only the very same request is answered: it goes out without a limit again.
        reserved = self._purse.reserve(most if sheet.resumed else least, most)
        if reserved is None:
            return None
        if sheet.resumed or not most:
            return replace(sheet, reserved=reserved)
        wishes = {**sheet.line.wishes, "max_cost": reserved}
        return replace(sheet, reserved=reserved, line=sheet.line.model_copy(update={"wishes": wishes}))

    async def _prices(self, sheet: Sheet) -> tuple[float, float]:
        """US dollars that the item is expected to cost, and what it costs where the dearest model has to answer."""
        if self._priced is None or self._priced[0] is not sheet.item:
            self._priced = (sheet.item, *await self._estimate(sheet))
        return self._priced[1], self._priced[2]

    async def _estimate(self, sheet: Sheet) -> tuple[float, float]:
        try:
            decision = await self._gateway.decide(read_body(sheet.item.prompt, sheet.item.options, {}))
        except ServiceError:
            return 0.0, 0.0  # nobody can draw it: drawing it says why, and costs nothing
        costs = [each.cost_usd for each in decision.candidates if each.taken and each.cost_usd is not None]
        return (costs[0], max(costs)) if costs else (0.0, 0.0)
