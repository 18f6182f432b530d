"""Units, alert rules, the dashboard and the container file: taken by the tools that they are for."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml

from keepapart.cli import VERBS
from keepapart.report.prometheus import HELP

EXAMPLES = Path(__file__).parents[2] / "examples"
RULES = EXAMPLES / "prometheus" / "keepapart.rules.yml"
TESTS = EXAMPLES / "prometheus" / "keepapart.rules.test.yml"
DASHBOARD = json.loads((EXAMPLES / "grafana" / "keepapart.json").read_text(encoding="utf-8"))
METRICS = {f"keepapart_{name}" for name in HELP} | {"keepapart_webhook_deliveries_total"}
UNITS = sorted((EXAMPLES / "systemd").glob("*.service"))


def run(*command: str) -> None:
    """Run a tool that must be content; skip where it isn't installed."""
    if not shutil.which(command[0]):
        pytest.skip(f"no {command[0]} here")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_systemd_takes_each_unit_and_finds_it_safe(unit: Path, tmp_path: Path) -> None:
    """Nothing is wrong with it, and its exposure is at most 2.0 of 10."""
    shutil.copy(unit, tmp_path)
    run("systemd-analyze", "--man=no", "--recursive-errors=yes", "verify", str(tmp_path / unit.name))
    run("systemd-analyze", "security", "--offline=true", "--threshold=20", str(unit))


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_a_unit_lets_a_lease_be_found_dead(unit: Path) -> None:
    """Who holds a lease is known by the boot's id, which a `/proc` of processes alone doesn't have."""
    assert "ProcSubset=" not in unit.read_text(encoding="utf-8")


def test_promtool_takes_the_rules_and_their_tests() -> None:
    """The rules are some, and fire where they are to."""
    run("promtool", "check", "rules", str(RULES))
    run("promtool", "test", "rules", str(TESTS))


def test_each_alert_has_a_test_that_it_fires_and_one_that_it_does_not() -> None:
    """KeepapartDown is the one that another test's silence shows."""
    alerts = {
        rule["alert"] for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]
    }
    cases = [case for test in yaml.safe_load(TESTS.read_text())["tests"] for case in test["alert_rule_test"]]
    assert {case["alertname"] for case in cases if case["exp_alerts"]} == alerts
    assert {case["alertname"] for case in cases if not case["exp_alerts"]} == alerts


def expressions() -> Iterator[str]:
    """Yield every query: of the rules, and of the dashboard with its variables filled in."""
    for group in yaml.safe_load(RULES.read_text())["groups"]:
        yield from (rule["expr"] for rule in group["rules"])
    for panel in DASHBOARD["panels"]:
        yield from (target["expr"].replace("$cluster", "orders") for target in panel["targets"])


@pytest.mark.parametrize("expression", list(expressions()))
def test_every_query_parses_and_asks_for_metrics_that_there_are(expression: str) -> None:
    """By a parser of PromQL; a metric that was renamed would be missed here."""
    promql_parser.parse(expression)
    assert set(re.findall(r"keepapart_\w+", expression)) <= METRICS


def test_the_dashboard_is_whole() -> None:
    """It can be imported anywhere: its data source is a variable; every panel has that, and its own place."""
    assert (DASHBOARD["uid"], DASHBOARD["schemaVersion"] >= 36) == ("keepapart", True)
    variables = {variable["name"] for variable in DASHBOARD["templating"]["list"]}
    assert variables == {"DS_PROMETHEUS", "cluster"}
    panels: list[dict[str, Any]] = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    squares: set[tuple[int, int]] = set()
    for panel in panels:
        assert panel["title"]
        assert panel["datasource"]["uid"] == "${DS_PROMETHEUS}"
        at = panel["gridPos"]
        covered = {
            (x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])
        }
        assert not covered & squares
        assert at["x"] + at["w"] <= 24
        squares |= covered


def test_the_container_runs_a_verb_as_nobody() -> None:
    """Not as root, ended by the signal that ends it cleanly, and by a verb that there is."""
    lines = (EXAMPLES / "container" / "Containerfile").read_text(encoding="utf-8").splitlines()
    said = dict(line.split(" ", 1) for line in lines if re.match("[A-Z]+ ", line))
    assert json.loads(said["CMD"])[0] in VERBS
    assert said["USER"] not in ("0", "root")
    assert said["STOPSIGNAL"] == "SIGTERM"
