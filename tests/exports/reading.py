"""What a consumer reads in each format: the place of each instance, as the text has it."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import tomllib
from collections.abc import Callable, Mapping

import yaml

Texts = Mapping[str, str]
Places = dict[str, str]  # by instance, or by its address


def each(pattern: str) -> Callable[[Texts], Places]:
    """Return what reads a file of each instance: the one match in it."""

    def read(texts: Texts) -> Places:
        found: Places = {}
        for name, text in texts.items():
            (place,) = re.findall(pattern, text, re.MULTILINE)
            found[name] = place
        return found

    return read


def table(texts: Texts) -> Places:
    """Read lines of an address and a path."""
    return dict(line.split() for line in texts[""].splitlines())


def slurm(texts: Texts) -> Places:
    """Read the switch of each node."""
    switches = re.findall(r"^SwitchName=(\S+) Nodes=(\S+)$", texts[""], re.MULTILINE)
    return {node: name for name, nodes in switches for node in nodes.split(",")}


def script(texts: Texts) -> Places:
    """Run a script as the NameNode would, for every address in it."""
    addresses = re.findall(r"^    ([0-9.]+)\)", texts[""], re.MULTILINE)
    done = subprocess.run(
        ["sh", "-s", *addresses], input=texts[""], capture_output=True, text=True, check=True
    )
    return dict(zip(addresses, done.stdout.splitlines(), strict=True))


def hooks(texts: Texts) -> Places:
    """Run each instance's program."""
    said = {
        name: subprocess.run(["sh", "-s"], input=text, capture_output=True, text=True, check=True).stdout
        for name, text in texts.items()
    }
    return each(r"chassis=(\S+)")(said)


def ansible(texts: Texts) -> Places:
    """Read the group of each host."""
    groups = json.loads(texts[""])["all"]["children"]
    return {host: name for name, group in groups.items() for host in group["hosts"]}


READERS: dict[str, Callable[[Texts], Places]] = {
    "ansible": ansible,
    "cassandra": each(r"^rack=(.*)$"),
    "ceph": each(r"^crush_location = .*chassis=(\S+)"),
    "ceph-hook": hooks,
    "cockroachdb": each(r"^--locality=(.*)$"),
    "elasticsearch": lambda texts: {
        name: next(iter(yaml.safe_load(text).values())) for name, text in texts.items()
    },
    "file-sd": lambda texts: {
        one["labels"]["instance_id"]: next(v for k, v in one["labels"].items() if k.startswith("physical_"))
        for one in json.loads(texts[""])
    },
    "garage": lambda texts: dict(re.findall(r"^assign (\S+) (\S+)$", texts[""], re.MULTILINE)),
    "hdfs": table,
    "hdfs-nodegroup": table,
    "hdfs-script": script,
    "json": lambda texts: {
        one["id"]: one["domain"] for one in json.loads(texts[""])["instances"] if one["domain"]
    },
    "kafka": each(r"^broker\.rack=(.*)$"),
    "kubernetes": lambda texts: {
        node["metadata"]["name"]: value
        for node in yaml.safe_load_all(texts[""])
        for value in node["metadata"]["labels"].values()
    },
    "mongodb": lambda texts: dict(re.findall(r'^  "([^"]+)": "([^"]+)",', texts[""], re.MULTILINE)),
    "nats": each(r'^server_tags: \["\w+:(.*)"\]$'),
    "nfd": each(r"^topology\.keepapart\.io/\w+=(.*)$"),
    "nomad": each(r'^    \w+ = "(.*)"$'),
    "rabbitmq": each(r"^node_tags\.\w+ = (.*)$"),
    "redpanda": lambda texts: {n: yaml.safe_load(text)["redpanda"]["rack"] for n, text in texts.items()},
    "seaweedfs": each(r"-rack=(\S+)"),
    "slurm": slurm,
    "tikv": lambda texts: {
        name: json.dumps(tomllib.loads(text)["server"]["labels"]) for name, text in texts.items()
    },
    "tsv": lambda texts: {
        row["id"]: row["domain"]
        for row in csv.DictReader(texts[""].splitlines(), delimiter="\t")
        if row["domain"]
    },
}
