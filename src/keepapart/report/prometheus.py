"""An audit as metrics, for a textfile collector of Prometheus: no daemon, one file a cluster.

1. The file is replaced whole, by a rename: whoever reads it reads the one or the other.
2. Counters go on from what the file held. Gauges are of the last audit that succeeded, and its time tells how
   old they are; a failed one changes counters only.
3. Unknown is never safe: what isn't known to survive doesn't.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from keepapart import __version__
from keepapart.auditing.assessment import Assessment
from keepapart.auditing.outcome import OUTCOMES
from keepapart.domains.risk import losses
from keepapart.errors import OperationError
from keepapart.files import replace_text

PLACED = 1_000  # members, of more there is no series each
HELP = {  # of each metric: its type, and what it is
    "build_info": ("gauge", "Which keepapart wrote this."),
    "audits_total": ("counter", "Audits, by what they ended with."),
    "moves_total": ("counter", "Members found on another host than before."),
    "datagrams_sent_total": ("counter", "Datagrams that nodes were told to send, to count hops."),
    "audit_last_success_timestamp_seconds": ("gauge", "When the last audit that succeeded was made."),
    "audit_duration_seconds": ("gauge", "How long it took."),
    "pairs": ("gauge", "Pairs of members, by verdict."),
    "instances": ("gauge", "Members: on a known host, on none, not reached, or down."),
    "domains": ("gauge", "Fault domains that are known, by level."),
    "domain_members_max": ("gauge", "Members that one domain may take at the most, by level."),
    "survives": ("gauge", "Whether the cluster survives the loss of any one domain; unknown is 0."),
    "quorum_margin": ("gauge", "Members left above the need after the worst loss; negative: quorum is lost."),
    "label_conflicts": (
        "gauge",
        "Facts of members that sources state in two ways, or that are measured otherwise.",
    ),
    "placement_info": ("gauge", "Where each member is."),
}

Series = tuple[str, tuple[tuple[str, str], ...]]  # a metric without its prefix, and its labels
Samples = dict[Series, float]


def write_metrics(
    path: str | Path,
    audit: Assessment | None,
    cluster: str,
    outcome: str,
    *,
    seconds: float = 0.0,
    moved: int = 0,
    sent: int = 0,
) -> None:
    """Write what an audit found, or that it failed where there is none. Raises `OperationError` for the path.

    `outcome` is a word of `auditing.outcome.OUTCOMES`, `seconds` how long the audit took, `moved` how many
    members had moved, `sent` how many datagrams it took.
    """
    path = Path(path)
    try:
        held = read(path.read_text(encoding="utf-8")) if path.exists() else {}
        counters: Samples = {_audits(cluster, one): 0.0 for one in OUTCOMES.values()}
        counters |= {_moves(cluster): 0.0, _sent(cluster): 0.0}
        counters |= {series: value for series, value in held.items() if HELP[series[0]][0] == "counter"}
        counters[_audits(cluster, outcome)] += 1
        counters[_moves(cluster)] += moved
        counters[_sent(cluster)] += sent
        gauges = {series: value for series, value in held.items() if HELP[series[0]][0] == "gauge"}
        if audit:
            gauges = dict(samples(audit, seconds))
        gauges[("build_info", (("version", __version__),))] = 1.0
        replace_text(path, text({**counters, **gauges}))
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise OperationError(f"{path}: the metrics can't be written there: {why}") from None


def _audits(cluster: str, outcome: str) -> Series:
    return "audits_total", (("cluster", cluster), ("outcome", outcome))


def _moves(cluster: str) -> Series:
    return "moves_total", (("cluster", cluster),)


def _sent(cluster: str) -> Series:
    return "datagrams_sent_total", (("cluster", cluster),)


def samples(audit: Assessment, seconds: float) -> Iterator[tuple[Series, float]]:
    """Yield the gauges of an audit."""
    cluster = ("cluster", audit.cluster)

    def of(metric: str, value: float, **labels: str) -> tuple[Series, float]:
        return (metric, (cluster, *labels.items())), float(value)

    yield of("audit_last_success_timestamp_seconds", audit.at)
    yield of("audit_duration_seconds", seconds)
    for verdict, count in audit.counts.items():
        yield of("pairs", count, verdict=verdict)
    hosts = audit.domains.of("host")
    states = [
        "down" if not i.running else "placed" if host else "lost" if i.id in audit.lost else "unplaced"
        for i, host in zip(audit.instances, hosts, strict=True)
    ]
    for state in ("placed", "unplaced", "lost", "down"):
        yield of("instances", states.count(state), state=state)
    for level, found in audit.domains.levels.items():
        yield of("domains", len(found), level=level)
    risk = audit.risk
    most = {"host": risk.most, **{level: 0 for level in audit.domains.levels if level != "host"}}
    survives = dict.fromkeys(most, risk.quorate) | {"host": risk.survives is True}
    for loss in losses(audit.domains, risk):
        most[loss.level] = max(most[loss.level], loss.most)
        survives[loss.level] = survives[loss.level] and loss.survives is True
    for level, members in most.items():
        yield of("domain_members_max", members, level=level)
        yield of("survives", survives[level], level=level)
        yield of("quorum_margin", risk.running - members - risk.need, level=level)
    yield of("label_conflicts", len(audit.differences))
    racks = audit.domains.of("rack")
    if len(hosts) <= PLACED:
        for instance, host, rack in zip(audit.instances, hosts, racks, strict=True):
            yield of("placement_info", 1, instance_id=instance.id, host=host or "", rack=rack or "")


def text(found: Mapping[Series, float]) -> str:
    """Write samples in the text format, each metric with its help and type."""
    lines = []
    for metric, (kind, what) in HELP.items():
        of_metric = [(labels, value) for (name, labels), value in found.items() if name == metric]
        if of_metric:
            name = f"keepapart_{metric}"
            lines += [f"# HELP {name} {what}", f"# TYPE {name} {kind}"]
            lines += [f"{name}{{{_labels(labels)}}} {value:.17g}" for labels, value in of_metric]
    return "\n".join(lines) + "\n"


def read(text: str) -> Samples:
    """Read back what `text` wrote; other lines are passed over."""
    found: Samples = {}
    for line in text.split("\n"):
        match = re.fullmatch(r'keepapart_(\w+)\{((?:\w+="(?:[^"\\]|\\.)*",?)*)\} (\S+)', line)
        if match and match[1] in HELP and match[1] != "build_info":
            with suppress(ValueError):
                labels = re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', match[2])
                found[match[1], tuple((name, _unescaped(value)) for name, value in labels)] = float(match[3])
    return found


def _labels(labels: Iterable[tuple[str, str]]) -> str:
    return ",".join(f'{name}="{_escaped(value)}"' for name, value in labels)


def _escaped(value: str) -> str:
    written = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return written.encode("utf-8", "replace").decode()


def _unescaped(value: str) -> str:
    return re.sub(r"\\(.)", lambda found: "\n" if found[1] == "n" else found[1], value)
