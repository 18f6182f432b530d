"""What particular consumers ask for: paths equally deep, levels that nest, an end to what is old."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keepapart.auditing.assess import Audit
from keepapart.errors import UnknownError, UsageError
from keepapart.exports import DomainsDocument, formats, map_of, renamed
from tests.exports.test_safety import audits
from tests.report.audits import audit_of

FORMATS = formats()
RACKS = map_of(audit_of(((0, 0), (0, 1), (1, 0))))


def names(*hosts: str) -> DomainsDocument:
    """Return a map of instances whose hosts are called so."""
    facts = [{"host": host, "platform": "p", "project": "q"} for host in hosts]
    found = map_of(audit_of([(0, k) for k in range(len(hosts))], facts=facts))
    called = {domain.name: host for domain, host in zip(found.domains, hosts, strict=True)}
    return renamed(found, {old: new for old, new in called.items() if old != new}, {})


@pytest.mark.parametrize("name", ["hdfs", "hdfs-nodegroup"])
@given(found=audits(), unknown=st.sampled_from(["refuse", "merge"]))
@settings(deadline=None, max_examples=40)
def test_hdfs_paths_are_equally_deep_without_white_space(name: str, found: Audit, unknown: str) -> None:
    """HDFS refuses a DataNode whose path is deeper than another's, and takes a space for an end."""
    try:
        text = FORMATS[name].render(map_of(found, "host", unknown))[""]  # type: ignore[arg-type]
    except UnknownError:
        return
    lines = [line.split(" ") for line in text.splitlines()]
    assert all(len(line) == 2 and line[1].startswith("/") for line in lines)
    assert len({line[1].count("/") for line in lines}) == 1
    if name == "hdfs-nodegroup":
        assert all(line[1].count("/") == 2 for line in lines)


def test_hdfs_s_script_knows_an_address_that_it_doesn_t_have(tmp_path: Path) -> None:
    """A line for each argument, a hundred at a time; others are in the default rack, as deep as all."""
    script = tmp_path / "topology.sh"
    script.write_text(FORMATS["hdfs-script"].render(RACKS)[""])
    addresses = ["10.0.0.1", "10.0.0.3", "192.0.2.1", "a b", "*"] * 20
    done = subprocess.run(["sh", script, *addresses], capture_output=True, text=True, check=True)
    default = "/default-rack/default-host"
    assert done.stdout.splitlines() == ["/rack-1/host-1", "/rack-2/host-3", default, default, default] * 20


def test_a_level_above_is_told_only_where_it_is_true_of_all() -> None:
    """Where a domain spans two racks, or an instance has none, nobody's rack is told."""
    assert "rack=rack-1,host=host-1" in FORMATS["cockroachdb"].render(RACKS)["web-1"]
    spanning = map_of(audit_of(((0, 0), (0, 1), (1, 0)), missing=[(0, 2)]), "host", "merge")
    assert FORMATS["cockroachdb"].render(spanning)["web-2"] == "--locality=host=host-of-web-1\n"


def test_a_feature_file_ends_by_itself() -> None:
    """The labels of Node Feature Discovery expire so many hours after the audit."""
    found = map_of(audit_of(((0, 0), (0, 1)), at=3_600.0))
    text = FORMATS["nfd"].render(found, {"hours": "2"})["web-1"]
    assert "# +expiry-time=1970-01-01T03:00:00Z\ntopology.keepapart.io/host=host-1\n" in text
    with pytest.raises(UsageError, match="a number of hours is wanted, not 'x'"):
        FORMATS["nfd"].render(found, {"hours": "x"})
    with pytest.raises(UsageError, match="outside"):
        FORMATS["nfd"].render(found, {"key": "topology.kubernetes.io/zone"})


def test_the_key_follows_the_level() -> None:
    """A label of racks isn't called as one of hosts."""
    found = map_of(audit_of(((0, 0), (0, 1), (1, 0))), "rack")
    assert '"topology.keepapart.io/rack": "rack-1"' in FORMATS["kubernetes"].render(found)[""]
    assert "node.attr.physical_rack" in FORMATS["elasticsearch"].render(found)["web-1"]


def test_names_that_begin_with_a_digit_are_groups_of_ansible() -> None:
    """Hashes of hosts, as OpenStack has them, make groups without a renaming."""
    text = FORMATS["ansible"].render(names("7f3a9", "b-2"))[""]
    assert re.findall(r'^      "(\w+)": \{"hosts"', text, re.M) == ["_7f3a9", "b_2"]
    with pytest.raises(UsageError, match="'all' can't be a name there"):
        FORMATS["ansible"].render(names("all"))


def test_what_a_consumer_takes_for_its_syntax_is_refused() -> None:
    """A name never ends up as two, or as another setting."""
    for name, bad in {
        "kafka": "a\\b",
        "cockroachdb": "a,b=c",
        "rabbitmq": "a\nb",
        "nats": "Host-1",
        "slurm": "a,b",
        "ceph": "a b",
        "kubernetes": "-a",
        "tikv": "a b",
        "seaweedfs": "a b",
        "garage": "$(a)",
        "hdfs": "a/b",
    }.items():
        level = FORMATS[name].row.levels[0]
        found = names(bad) if level == "host" else map_of(audit_of([(0, 0)]), level)
        if level != "host":
            found = renamed(found, {found.domains[0].name: bad}, {})
        with pytest.raises(UsageError, match="can't be a name there"):
            FORMATS[name].render(found)


def test_nomad_s_templates_are_quoted() -> None:
    """What HCL would evaluate is text."""
    assert 'host = "$${a}"' in FORMATS["nomad"].render(names("${a}"))["web-1"]
