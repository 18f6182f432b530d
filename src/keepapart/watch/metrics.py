"""The metrics of a watch, by the names and with the gauges of `report.prometheus`."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from keepapart import __version__
from keepapart.auditing.outcome import OUTCOMES
from keepapart.report.prometheus import HELP
from keepapart.watch.loop import Watch
from keepapart.watch.webhooks import Webhooks


class Metrics(Collector):
    """What Prometheus scrapes of a watch and its process."""

    def __init__(self, watch: Watch, webhooks: Webhooks) -> None:
        self._watch, self._webhooks = watch, webhooks
        self._registry = CollectorRegistry()
        self._registry.register(self)
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)

    def written(self, accept: str) -> tuple[bytes, str]:
        """Return all metrics in the format that whoever asks accepts, and the type of that."""
        encoder, kind = choose_encoder(accept)
        return encoder(self._registry), kind

    def collect(self) -> Iterator[Metric]:
        """Yield each metric.

        What was found stands as long as nothing newer is, but that the cluster `survives`: that has its time.
        """
        watch = self._watch
        yield _gauge("build_info", [((("version", __version__),), 1.0)])
        audits = CounterMetricFamily(
            "keepapart_audits", HELP["audits_total"][1], labels=("cluster", "outcome")
        )
        for outcome in OUTCOMES.values():
            audits.add_metric((watch.cluster, outcome), watch.outcomes[outcome])
        yield audits
        for metric, value in (("moves", watch.moves), ("datagrams_sent", watch.sent)):
            counted = CounterMetricFamily(
                f"keepapart_{metric}", HELP[f"{metric}_total"][1], labels=("cluster",)
            )
            counted.add_metric((watch.cluster,), value)
            yield counted
        deliveries = CounterMetricFamily(
            "keepapart_webhook_deliveries", "Deliveries of news to webhooks, by outcome.", labels=("outcome",)
        )
        for outcome, count in self._webhooks.outcomes.items():
            deliveries.add_metric((outcome,), count)
        yield deliveries
        found: dict[str, list[tuple[tuple[tuple[str, str], ...], float]]] = {}
        if watch.seen:
            for (metric, labels), value in watch.seen.found["samples"]:
                known = metric != "survives" or watch.known
                found.setdefault(metric, []).append((tuple(map(tuple, labels)), value if known else 0.0))
        for metric, samples in found.items():
            yield _gauge(metric, samples)


def _gauge(metric: str, samples: list[tuple[tuple[tuple[str, str], ...], float]]) -> Metric:
    names = tuple(name for name, _ in samples[0][0])
    family = GaugeMetricFamily(f"keepapart_{metric}", HELP[metric][1], labels=names)
    for labels, value in samples:
        family.add_metric(tuple(_readable(text) for _, text in labels), value)
    return family


def _readable(text: str) -> str:
    """Return what UTF-8 can write: a name that came from bytes that are none has marks in their place."""
    return text.encode("utf-8", "replace").decode()
