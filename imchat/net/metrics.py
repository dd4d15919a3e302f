"""What a process tells of itself, for Prometheus: read when it is asked for, on the reactor's thread.

Whoever measures keeps plain numbers and knows nothing of this; functions that are added here turn them into metrics.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import accumulate

from prometheus_client import CollectorRegistry, Metric, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.web.http import Request as HttpRequest
from twisted.web.resource import Resource
from twisted.web.server import Request, Site

from imchat.domain.histogram import Histogram

PATH = b"metrics"
TIMEOUT = 30.0
"""Seconds for a request to arrive, and of silence after which a connection is closed."""

Labels = Mapping[str, str]
Collect = Callable[[], Iterable[Metric]]

_log = Logger()


def gauge(name: str, text: str, rows: Iterable[tuple[Labels, float]]) -> Metric:
    """A number that goes up and down. ``rows``: the values by their labels, which are the same for all."""
    rows = list(rows)
    return _filled(GaugeMetricFamily(name, text, labels=_names(rows)), rows)


def counter(name: str, text: str, rows: Iterable[tuple[Labels, float]]) -> Metric:
    """A number that only grows while the process lives; ``_total`` is appended to its name."""
    rows = list(rows)
    return _filled(CounterMetricFamily(name, text, labels=_names(rows)), rows)


def histogram(name: str, text: str, rows: Iterable[tuple[Labels, Histogram]]) -> Metric:
    """How often a number was how large."""
    rows = list(rows)
    family = HistogramMetricFamily(name, text, labels=_names(rows))
    for labels, one in rows:
        bounds = [*(f"{bound:g}" for bound in one.bounds), "+Inf"]
        family.add_metric(list(labels.values()), list(zip(bounds, accumulate(one.counts), strict=True)), one.total)
    return family


def _names(rows: list[tuple[Labels, float]] | list[tuple[Labels, Histogram]]) -> list[str]:
    return list(rows[0][0]) if rows else []


def _filled(family: GaugeMetricFamily | CounterMetricFamily, rows: list[tuple[Labels, float]]) -> Metric:
    for labels, value in rows:
        family.add_metric(list(labels.values()), value)
    return family


class _Source(Collector):
    def __init__(self, collect: Collect) -> None:
        self._collect = collect

    def collect(self) -> Iterator[Metric]:
        """prometheus_client: the metrics now. One source's fault leaves the others their say."""
        try:
            yield from list(self._collect())
        except Exception:
            _log.failure("metrics could not be gathered")


class Metrics:
    """The metrics of one process; CPU, memory and open files are among them."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)

    def add(self, collect: Collect) -> None:
        """Add a function that returns metrics as they are when it is called."""
        self._registry.register(_Source(collect))

    def text(self, accept: str = "") -> tuple[bytes, str]:
        """All metrics as they are now.

        Args:
            accept: What the reader understands, as in HTTP.

        Returns:
            The text and its media type.
        """
        encode, media_type = choose_encoder(accept)
        return encode(self._registry), media_type


class _Page(Resource):
    isLeaf = True

    def __init__(self, metrics: Metrics) -> None:
        super().__init__()
        self._metrics = metrics

    def render_GET(self, request: Request) -> bytes:
        """Twisted: somebody reads the metrics."""
        body, media_type = self._metrics.text(request.getHeader("accept") or "")
        request.setHeader("content-type", media_type)
        return body


class _BodilessRequest(Request):
    """Nobody has anything to send here: what comes all the same is thrown away as it comes."""

    def gotLength(self, length: int | None) -> None:
        """Twisted: the headers are in."""
        self.content = io.BytesIO()

    def handleContentChunk(self, data: bytes) -> None:
        """Twisted: a part of the body is in."""


class MetricsSite(Site):
    """Serves metrics under ``/metrics``; writes no access log.

    Args:
        metrics: What to serve.
        clock: For time-outs.
    """

    requestFactory = _BodilessRequest
    noisy = False
    displayTracebacks = False

    def __init__(self, metrics: Metrics, clock: IReactorTime) -> None:
        root = Resource()
        root.putChild(PATH, _Page(metrics))
        super().__init__(root, timeout=TIMEOUT, parsePOSTFormSubmission=False, reactor=clock)

    def startFactory(self) -> None:
        """Twisted: the first listener is open. There is no log file to open."""

    def stopFactory(self) -> None:
        """Twisted: the last listener is closed."""

    def log(self, request: HttpRequest) -> None:
        """Twisted: a request is done."""
