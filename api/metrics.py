"""`GET /metrics`: the figures in the text form of Prometheus.

The engine counts in plain numbers; Prometheus's own objects are made while a scrape is
answered, and only then. What the database is asked for is asked once per some seconds,
however many scrape.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import psycopg
import structlog
from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector
from psycopg_pool import PoolTimeout

from api.figures import COUNTERS, GAUGES, SPREADS, Sources, Spread
from api.http import Receive, Scope, Send, headers_of, respond, respond_json
from api.measures import RequestMeasures
from engine.engine import Engine
from scheduler.clock import Clock
from scheduler.histogram import Histogram
from storage.connections import Connections
from storage.gauges import Gauges, read_gauges

log = structlog.get_logger(__name__)

PREFIX: Final = "stepwell_"
_FRESH_SECONDS: Final = 5.0
# Counting may take a twentieth of a database's time, and less than a scraper waits.
_FRESH_PER_SECOND: Final = 20
_PATIENCE_SECONDS: Final = 8.0
_NOT_ALLOWED: Final = b'{"message":"Method not allowed"}'
_ELSEWHERE: Final = (
    b'{"message":"Several engine processes share this port, and each has figures of its'
    b' own: start with --metrics-port N, and scrape N, N + 1 and so on."}'
)


class GaugeReader:
    """Reads the installation's figures: the longer that takes, the more seldom."""

    def __init__(self, connections: Connections, clock: Clock) -> None:
        """Take where to read."""
        self._connections = connections
        self._clock = clock
        self._fresh_until = float("-inf")
        self._found: Gauges | None = None
        self._one_at_a_time = asyncio.Lock()

    async def read(self) -> Gauges | None:
        """Return figures that are fresh enough; None where they cannot be read."""
        async with self._one_at_a_time:
            begun = self._clock.monotonic()
            if begun >= self._fresh_until:
                self._found = await self._try_to_read()
                ended = self._clock.monotonic()
                pause = max(_FRESH_SECONDS, _FRESH_PER_SECOND * (ended - begun))
                self._fresh_until = ended + pause
            return self._found

    async def _try_to_read(self) -> Gauges | None:
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                return await read_gauges(self._connections, self._clock.now())
        except (psycopg.Error, PoolTimeout, OSError) as error:
            log.warning("figures of the installation not read", error=repr(error))
            return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Metrics:
    """The ASGI application for `/metrics`.

    With a `port` it answers there only: behind a port that is shared, each scrape would
    meet another process, and its counters would seem to jump.
    """

    engine: Engine
    requests: RequestMeasures
    worker_answers: Mapping[tuple[str, str], int]
    stalls: Histogram
    gauges: GaugeReader
    port: int | None = None

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Answer a scrape."""
        if scope["method"] not in ("GET", "HEAD"):
            await respond_json(send, 405, _NOT_ALLOWED)
            return
        if self.port is not None and self.port != scope["server"][1]:
            await respond_json(send, 404, _ELSEWHERE)
            return
        sources = Sources(
            engine=self.engine,
            requests=self.requests,
            worker_answers=self.worker_answers,
            stalls=self.stalls,
            gauges=await self.gauges.read(),
        )
        accept = headers_of(scope).get(b"accept", b"").decode("latin-1")
        encoder, media_type = choose_encoder(accept)
        body = encoder(_registry(sources))
        headers = [
            (b"content-type", media_type.encode()),
            (b"content-length", b"%d" % len(body)),
            (b"cache-control", b"no-store"),
        ]
        await respond(send, 200, body, headers)


def _registry(sources: Sources) -> CollectorRegistry:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Figures(sources))
    ProcessCollector(registry=registry)
    return registry


class _Figures(Collector):
    """The figures of one scrape, as Prometheus's library takes them."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources

    def describe(self) -> Iterable[Metric]:
        """Say nothing ahead: what there is shows in `collect`."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Read every figure."""
        families = (
            *((CounterMetricFamily, figure) for figure in COUNTERS),
            *((GaugeMetricFamily, figure) for figure in GAUGES),
        )
        for family, figure in families:
            metric = family(PREFIX + figure.name, figure.about, labels=figure.labels)
            for labels, number in figure.read(self._sources):
                metric.add_metric(labels, number)
            yield metric
        for spread in SPREADS:
            yield _histogram(spread, self._sources)


def _histogram(spread: Spread, sources: Sources) -> Metric:
    metric = HistogramMetricFamily(
        PREFIX + spread.name, spread.about, labels=spread.labels
    )
    for labels, found in spread.read(sources):
        metric.add_metric(labels, list(_buckets(found)), found.sum)
    return metric


def _buckets(found: Histogram) -> Iterator[tuple[str, float]]:
    seen = 0
    for bound, count in zip(found.bounds, found.counts, strict=False):
        seen += count
        yield str(bound), seen
    yield "+Inf", found.count
