"""`/healthz`: the process answers. `/readyz`: it can do its work."""

from __future__ import annotations

from fastapi import APIRouter, Response

from serve.readiness import read_readiness
from serve.schemas import Health, Readiness
from serve.service import ServiceDep

router = APIRouter(tags=["operation"])


@router.get("/healthz", summary="Liveness")
async def healthz() -> Health:
    """Always 200 while the process answers."""
    return Health()


@router.get("/readyz", summary="Readiness", responses={503: {"model": Readiness}})
async def readyz(service: ServiceDep, response: Response) -> Readiness:
    """503 until there is a classifier and a provider that can be called; warns of routes that are dying."""
    readiness = read_readiness(service)
    response.status_code = 200 if readiness.status == "ready" else 503
    return readiness
