"""A whole project, group by group: who is in which, what is said of each, and what comes first."""

from __future__ import annotations

import pytest

from keepapart.auditing.project import ProjectFinding, assess_groups
from keepapart.model import Instance, Source, Statement
from keepapart.settings import ClusterSettings, RiskSettings


def finding(by: str, *instances: Instance) -> ProjectFinding:
    """Judge the groups of these instances."""
    cluster = ClusterSettings(name="openstack")
    return assess_groups(instances, by, cluster=cluster, rates=RiskSettings(), at=0.0)


def of(
    name: str, host: str, group: str = "", project: str = "", state: str = "running", **tags: str
) -> Instance:
    """Return an instance on a host, in a server group."""
    facts = {"host": host, "group": group, "project": project}
    return Instance(name, state=state, tags=tags, facts={key: value for key, value in facts.items() if value})


def test_each_server_group_is_judged_by_itself() -> None:
    """Who shares a host within a group is told; who shares one with another group's is not."""
    found = finding(
        "group", of("a", "x", "g"), of("b", "x", "g"), of("c", "x", "h"), of("d", "y", "h"), of("e", "x")
    )
    assert [(group.name, list(group.ids)) for group in found.groups] == [("g", ["a", "b"]), ("h", ["c", "d"])]
    assert [list(group.shared) for group in found.groups] == [[("x", ["a", "b"])], []]
    assert [group.survives for group in found.groups] == [False, False]
    assert (found.size, found.ungrouped) == (5, 1)


def test_what_is_down_is_in_its_group_and_unknown() -> None:
    """A stopped member may start on any host: the group isn't well."""
    (group,) = finding(
        "group", of("a", "x", "g"), of("b", "", "g", state="stopped"), of("c", "y", "g")
    ).groups
    assert group.verdicts == {"separate": 1, "co-resident": 0, "unknown": 2}


def test_groups_of_one_name_in_two_projects_are_two() -> None:
    """A name means something within its project only."""
    found = finding("group", of("a", "x", "g", "p"), of("b", "x", "g", "q"))
    assert [group.name for group in found.groups] == ["g of p", "g of q"]


def test_a_label_says_which_group_it_is_too() -> None:
    """Whoever states a group puts the instance into it."""
    label = Statement(Source.LABEL, "the label", {"group": "g"})
    (group,) = finding("group", Instance("a", said=(label,)), of("b", "x", "g")).groups
    assert list(group.ids) == ["a", "b"]


@pytest.mark.parametrize(
    ("by", "names"),
    [("tag", ["role=db", "role=web", "urgent"]), ("tag:role", ["role=db", "role=web"]), ("tag:none", [])],
)
def test_a_tag_with_its_value_is_a_group(by: str, names: list[str]) -> None:
    """Every tag, or every value of one; a tag without a value is a group as well."""
    found = finding(by, of("a", "x", role="db", urgent=""), of("b", "y", role="web"))
    assert [group.name for group in found.groups] == names


def test_what_is_worst_comes_first() -> None:
    """Groups that share a host, then those with something unknown, then the others; large before small."""
    found = finding(
        "group",
        *(of(f"well-{n}", f"h{n}", "well") for n in range(3)),
        *(of(f"open-{n}", "", "open") for n in range(2)),
        *(of(f"bad-{n}", "x", "bad") for n in range(2)),
        *(of(f"worse-{n}", "x", "worse") for n in range(3)),
    )
    assert [group.name for group in found.groups] == ["worse", "bad", "open", "well"]


def test_many_are_judged_group_by_group() -> None:
    """Two thousand instances in five hundred groups, each apart in its own."""
    instances = [of(f"i-{n}", f"h-{n % 901}", f"g-{n // 4}", "p") for n in range(2_000)]
    found = finding("group", *instances)
    assert len(found.groups) == 500
    assert not any(group.shared for group in found.groups)
