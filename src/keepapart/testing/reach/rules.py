"""What every way in keeps; see `reach.NodeGroup` and `reach.Transport`."""

from __future__ import annotations

import asyncio
import struct
from itertools import chain
from math import isfinite

from keepapart.errors import ConfigError
from keepapart.reach import NodeGroup, Roster
from keepapart.testing.reach.under_test import (
    SAMPLES,
    SETTLE,
    SOCKETS,
    TransportRule,
    TransportUnderTest,
    counted,
    skipped,
)

NOWHERE = "nowhere"  # the id of an instance that no way leads to
MOMENTS = (0.0, 0.02, 0.05, 0.1, 0.2)  # seconds until an opening is cancelled
TCP_PORT = 9  # to climb to; open or closed
STRANGER = "a stranger"  # the id of a member that is reached in another way


async def opens_a_node_on_each(it: TransportUnderTest) -> None:
    """`open` starts a node on each instance and tells the ports that it receives on, one a flow at most."""
    async with it.group() as group:
        ports = await group.open(0, SOCKETS)
        assert sorted(ports) == it.ids, f"open: {it.ids} are wanted, not {sorted(ports)}; lost: {group.lost}"
        assert not group.lost, f"open: nobody is lost, not {group.lost}"
        for name, own in ports.items():
            assert 0 < len(own) <= SOCKETS, f"{name}: 1 to {SOCKETS} ports are wanted, not {own}"
            odd = [port for port in own if type(port) is not int or not 0 < port < 65536]
            assert not odd, f"{name}: {odd} are no ports"


async def receives_on_the_port_that_is_asked_for(it: TransportUnderTest) -> None:
    """With a port, that is the only one; once the node is closed, it is free again."""
    if not it.port:
        skipped("`port` is not given")
    for _ in range(2):
        async with it.group() as group:
            ports = await group.open(it.port, SOCKETS)
            wanted = {name: [it.port] for name in it.ids}
            assert ports == wanted, f"open: {wanted} is wanted, not {ports}; lost are {group.lost}"


async def counts_hops_between_all(it: TransportUnderTest) -> None:
    """After a batch each node reports a byte a sample and sender, and none of its own."""
    async with it.group() as group:
        roster = await it.started(group)
        found = await it.measured(group, roster)
        assert sorted(found) == it.ids, f"report: {it.ids} are wanted, not {sorted(found)}"
        for at, name in enumerate(it.ids):
            size = SAMPLES * len(it.ids)
            assert len(found[name]) == size, f"{name}: {size} bytes are wanted, not {len(found[name])}"
            missing = [by for by, hops in counted(found, it.ids, name).items() if not hops]
            assert not missing, f"{name}: nothing came from {missing}"
            own = found[name][at :: len(it.ids)]
            assert not any(own), f"{name}: counts hops to itself: {list(own)}"
        assert not group.lost, f"report: nobody is lost, not {group.lost}"


async def turns_to_a_new_batch(it: TransportUnderTest) -> None:
    """`begin` starts the counts anew, for the samples from `first` on."""
    async with it.group() as group:
        roster = await it.started(group)
        for first in (0, SAMPLES):
            found = await it.measured(group, roster, first)
            for name in it.ids:
                missing = [by for by, hops in counted(found, it.ids, name).items() if not hops]
                assert not missing, f"{name}: nothing came from {missing} in the batch from {first} on"
        await group.begin(2 * SAMPLES, 1)
        found = await group.report(0.0)
        sizes = {name: len(row) for name, row in found.items()}
        wanted = dict.fromkeys(it.ids, len(it.ids))
        assert sizes == wanted, f"report of one sample: bytes of {wanted} are wanted, not {sizes}"
        if not it.computes:
            assert not any(chain(*found.values())), f"nothing was sent in this batch, yet {found}"


async def sends_what_it_is_asked_for_alone(it: TransportUnderTest) -> None:
    """A node sends the samples that are wanted of it, to whom they are wanted, and nothing else."""
    if it.computes:
        skipped("nothing is sent where hops are computed")
    by, to = it.ids[:2]
    async with it.group() as group:
        await it.started(group)
        await group.begin(0, SAMPLES)
        found: dict[str, bytes] = {}
        for _ in range(SAMPLES):
            await group.send({by: [(1, [it.ids.index(to)])]})
            found = dict(await group.report(SETTLE))
            if any(found[to]):
                break
        heard = {(name, at) for name, row in found.items() for at, hops in enumerate(row) if hops}
        wanted = {(to, len(it.ids) + it.ids.index(by))}
        assert heard == wanted, f"sample 1 from {by} to {to} alone was wanted, not {heard}"


async def takes_part_with_those_reached_otherwise(it: TransportUnderTest) -> None:
    """A roster may hold members of other groups: nothing is reported by them, and rows have their place."""
    async with it.group() as group:
        ports = await group.open(0, SOCKETS)
        ids = [STRANGER, *it.ids]
        places = [(it.addresses[it.ids[0]], [9]), *((it.addresses[i], list(ports[i])) for i in it.ids)]
        await group.join(Roster(ids, places), it.key)
        await group.begin(0, 1)
        others = list(range(1, len(ids)))
        await group.send({name: [(0, [to for to in others if ids[to] != name])] for name in it.ids})
        found = await group.report(SETTLE)
        assert sorted(found) == it.ids, f"report: {it.ids} are wanted, not {sorted(found)}"
        for name, row in found.items():
            assert len(row) == len(ids), f"{name}: {len(ids)} bytes are wanted, not {len(row)}"
            assert not row[0], f"{name}: the stranger sent nothing, yet {row[0]} hops are counted"


async def climbs_to_the_addresses_that_are_wanted(it: TransportUnderTest) -> None:
    """`climb` counts hops to each address wanted of a node, and watchers say of each token if it arrived."""
    by, to = it.ids[:2]
    async with it.group() as group:
        await it.started(group)
        for means, port in (("icmp", 0), ("tcp", TCP_PORT)):
            await group.watch(means, [to])
            found = await group.climb(means, port, {by: [it.addresses[to]] * 2})
            assert list(found) == [by], f"climb: {by} is wanted, not {list(found)}"
            climbed = [type(hops) is int and hops >= 0 and type(token) is str for hops, token in found[by]]
            assert climbed == [True, True], f"climb by {means}: two counts are wanted, not {found[by]}"
            tokens = [token for hops, token in found[by] if hops and token]
            arrived = await group.arrived(port, {to: tokens})
            assert arrived.keys() <= {to}, f"arrived: {to} is asked, not {sorted(arrived)}"
            for said in arrived.values():
                answers = [type(yes) is bool for yes in said]
                assert answers == [True] * len(tokens), (
                    f"arrived: {len(tokens)} answers are wanted, not {said}"
                )
            await group.leave()
        assert not group.lost, f"nobody is lost, not {group.lost}"


async def tells_what_it_may_beside_the_counts(it: TransportUnderTest) -> None:
    """What nodes see of machines, routes, routers and times is in the form that is said, or left out."""
    by, to = it.ids[:2]
    async with it.group() as group:
        roster = await it.started(group)
        await it.measured(group, roster)
        for name, told in (await group.guests()).items():
            assert name in it.ids, f"guests: {it.ids} are asked, not {name}"
            odd = {key: text for key, text in told.items() if type(text) is not str}
            assert not odd, f"guests: texts are wanted of {name}, not {odd}"
        number = it.ids.index(to)
        for name, (own, ways) in (await group.surroundings({by: [number]})).items():
            assert name == by, f"surroundings: {by} is asked, not {name}"
            assert type(own) is bool and len(ways) <= 1, f"surroundings: not {(own, ways)}"
        steps = [(it.addresses[to], roster.places[number][1][0], distance) for distance in (1, 2)]
        for again in (False, True):
            routers = await group.routers({by: steps}, again)
            assert routers.keys() <= {by}, f"routers: {by} is asked, not {sorted(routers)}"
            for step, address, times in chain(*routers.values()):
                seen = 0 <= step < len(steps) and bool(address) and times > 0
                assert seen, f"routers: {(step, address, times)} was not asked for"
        await group.listen()
        for name, row in (await group.times(SETTLE)).items():
            assert len(row) == 8 * len(it.ids), f"{name}: doubles for {len(it.ids)} are wanted"
            seconds = struct.unpack(f"<{len(it.ids)}d", row)
            odd_times = [each for each in seconds if not isfinite(each) or each < 0]
            assert not odd_times, f"times of {name}: {odd_times} are no seconds"
        assert not group.lost, f"nobody is lost who may stay silent, not {group.lost}"


async def loses_what_no_way_leads_to(it: TransportUnderTest) -> None:
    """An instance without a way in is lost with a reason of one line; the others go on without it."""
    if it.nowhere is None:
        skipped("`nowhere` is not given")
    async with it.group({**it.wheres, NOWHERE: it.nowhere}) as group:
        roster = await it.started(group)
        _lost(group, NOWHERE)
        found = await it.measured(group, roster)
        assert sorted(found) == it.ids, f"report: {it.ids} are wanted, not {sorted(found)}"


async def refuses_what_can_not_be_meant(it: TransportUnderTest) -> None:
    """A way in that can't be meant is a `ConfigError`, before anything is opened."""
    if it.meaningless is None:
        skipped("`meaningless` is not given")
    transport = it.open()
    try:
        it.nodes(transport, {NOWHERE: it.meaningless})
    except ConfigError:
        return
    finally:
        await transport.close()
    raise AssertionError(f"group: ConfigError is wanted of {it.meaningless!r}")


async def goes_on_without_a_node_that_died(it: TransportUnderTest) -> None:
    """A node that dies in a round is lost, or silent from then on, and stops nobody."""
    if it.die is None:
        skipped("`die` is not given")
    dead, *others = it.ids
    async with it.group() as group:
        roster = await it.started(group)
        await it.measured(group, roster)
        it.die(group, dead)
        found = dict(await it.measured(group, roster, SAMPLES, dead))
        if dead in group.lost:
            _lost(group, dead)
            assert dead not in found, f"report: {dead} is lost, and reports"
        silent = not any(found.pop(dead, b""))
        assert silent, f"report: {dead} is dead, and has received something"
        assert sorted(found) == others, f"report: {others} are wanted, not {sorted(found)}"
        for name in others:
            heard = counted(found, it.ids, name)
            assert not heard[dead], f"{name}: {dead} is dead, and has sent something"
            missing = [by for by in others if by != name and not heard[by]]
            assert not missing, f"{name}: nothing came from {missing}, though another died"
        to = others[0]
        rest = [name for name in it.ids if name != to]
        await group.watch("icmp", [to, dead])
        await group.climb("icmp", 0, {name: [it.addresses[to]] for name in rest})
        await group.arrived(0, {name: [] for name in (to, dead)})
        await group.leave()
        await group.guests()
        await group.surroundings({name: [it.ids.index(to)] for name in rest})
        await group.routers({name: [(it.addresses[to], 9, 1)] for name in rest})
        await group.listen()
        await group.times(SETTLE)
        assert group.lost.keys() <= {dead}, f"nobody else is lost, not {group.lost}"


async def leaves_nothing_behind(it: TransportUnderTest) -> None:
    """Whenever it is closed, nothing of a node stays; `close` may be repeated."""
    running = it.running or skipped("`running` is not given")
    before = list(running())
    async with it.group() as group:
        roster = await it.started(group)
        await it.measured(group, roster)
    await it.gone(before)
    async with it.group() as group:
        await group.open(0, SOCKETS)
        await group.close()
    await it.gone(before)
    async with it.group():
        pass  # never opened
    await it.gone(before)


async def leaves_nothing_behind_when_interrupted(it: TransportUnderTest) -> None:
    """An opening that is cancelled at whatever moment, as by Ctrl-C, leaves no node either."""
    running = it.running or skipped("`running` is not given")
    before = list(running())
    for seconds in MOMENTS:
        async with it.group() as group:
            opening = asyncio.ensure_future(group.open(0, SOCKETS))
            await asyncio.sleep(seconds)
            opening.cancel()
            await asyncio.gather(opening, return_exceptions=True)
        await it.gone(before)


async def serves_one_round_after_another(it: TransportUnderTest) -> None:
    """What a way in keeps open serves the next round as well as the first."""
    transport = it.open()
    try:
        for _ in range(2):
            group = it.nodes(transport)
            try:
                found = await it.measured(group, await it.started(group))
            finally:
                await group.close()
            assert sorted(found) == it.ids, f"report: {it.ids} are wanted, not {sorted(found)}"
            assert not group.lost, f"nobody is lost, not {group.lost}"
    finally:
        await transport.close()


def _lost(group: NodeGroup, name: str) -> None:
    assert name in group.lost, f"{name} is wanted among the lost, not {group.lost}"
    why = group.lost[name]
    assert why and why.isprintable(), f"lost: a reason of one line is wanted of {name}, not {why!r}"


TRANSPORT_RULES: tuple[TransportRule, ...] = (
    opens_a_node_on_each,
    receives_on_the_port_that_is_asked_for,
    counts_hops_between_all,
    turns_to_a_new_batch,
    sends_what_it_is_asked_for_alone,
    takes_part_with_those_reached_otherwise,
    climbs_to_the_addresses_that_are_wanted,
    tells_what_it_may_beside_the_counts,
    loses_what_no_way_leads_to,
    refuses_what_can_not_be_meant,
    goes_on_without_a_node_that_died,
    leaves_nothing_behind,
    leaves_nothing_behind_when_interrupted,
    serves_one_round_after_another,
)
