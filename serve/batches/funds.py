"""Money for one sheet at a time: priced by the service, held in the purse, and passed on as the request's own limit."""

from __future__ import annotations

from dataclasses import replace

from serve.batches.bodies import read_body
from serve.batches.gateway import Gateway
from serve.batches.items import Item
from serve.batches.plan import Sheet
from serve.batches.purse import Purse
from serve.errors import InvalidRequestError, ServiceError
from serve.route_schemas import RouteDecision


class Funds:
    """Reserves what a sheet may cost. Without a ceiling nothing is priced and nothing limited."""

    def __init__(self, purse: Purse, gateway: Gateway) -> None:
        self._purse = purse
        self._gateway = gateway
        self._priced: tuple[Item, float, float] | None = None

    async def reserve(self, sheet: Sheet) -> Sheet | None:
        """The sheet with its limit, or None where the ceiling leaves too little for it.

        A request is expected to cost what its first candidate does. Where there is more, enough for the dearest one is
        held, so that it can fall back; what is held is the request's `max_cost`, so that it cannot cost more. What
        cannot be priced is not sent: the sheet says why.

        Raises:
            ConnectionError: nobody answers any more.
        """
        if sheet.resumed and sheet.line.allowed is not None:
            # It counts as spent since the run that sent it, also where this one has no ceiling.
            self._purse.reopen(sheet.line.allowed)
            return replace(sheet, reserved=sheet.line.allowed)
        if not self._purse.limited:
            return sheet
        try:
            least, most = await self._prices(sheet)
        except ServiceError as error:
            return _unpriced(sheet, error)
        # Under a key that was used, only the very same request is answered: it goes out without a limit again.
        reserved = self._purse.reserve(most if sheet.resumed else least, most)
        if reserved is None:
            return None
        if sheet.resumed:
            return replace(sheet, reserved=reserved)
        wishes = {**sheet.line.wishes, "max_cost": reserved}
        return replace(sheet, reserved=reserved, line=sheet.line.model_copy(update={"wishes": wishes}))

    async def _prices(self, sheet: Sheet) -> tuple[float, float]:
        """US dollars that the item is expected to cost, and what it costs where the dearest model has to answer."""
        if self._priced is None or self._priced[0] is not sheet.item:
            self._priced = (sheet.item, *await self._estimate(sheet))
        return self._priced[1], self._priced[2]

    async def _estimate(self, sheet: Sheet) -> tuple[float, float]:
        decision = await self._gateway.decide(read_body(sheet.item.prompt, sheet.item.options, {}))
        costs = [each.cost_usd for each in decision.candidates if each.taken and each.cost_usd is not None]
        if not costs:
            raise _unanswerable(decision)
        return costs[0], max(costs)


def _unpriced(sheet: Sheet, error: ServiceError) -> Sheet:
    """Only what is refused is known to cost nothing; after any other failure it might be drawn at any price."""
    if not isinstance(error, InvalidRequestError):
        message = f"not sent, for what it would cost is not known: {error}"
        return replace(sheet, unpriced=ServiceError(message, code=error.code))
    # Refused by now, what was sent before may have an answer that is kept under its key.
    return sheet if sheet.resumed else replace(sheet, unpriced=error)


def _unanswerable(decision: RouteDecision) -> InvalidRequestError:
    reasons = "; ".join(f"{each.model}: {each.reason}" for each in decision.candidates)
    return InvalidRequestError(f"no model can draw this: {reasons}")
