"""Measure the live protocol on a server of its own: see README.md."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from statistics import quantiles
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.typing import Subprotocol

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
from services.threadhub_process import ThreadHubProcess  # noqa: E402  # needs the path

PEOPLE = 120
OF_ONE = 18
ITEM = 30_000


class Bench:
    """A server with many people, each with a key."""

    def __init__(self, server: ThreadHubProcess) -> None:
        self.server = server
        self.keys = json.loads(server.command("shell", "-v0", "-c", MAKE_PEOPLE))
        self.api = server.client("admin")
        self.admin_key = self.api.headers["X-Api-Key"]
        self.pid = int(self.facts()["pid"])

    def new_thread(self) -> str:
        return str(self.api.post("/threads", json={}).raise_for_status().json()["thread_id"])

    def run(self, thread: str, **values: Any) -> None:
        body = {"assistant_id": "ticks", "input": values}
        self.api.post(f"/threads/{thread}/runs", json=body).raise_for_status()

    def memory(self) -> int:
        pages = Path(f"/proc/{self.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    def worked(self) -> float:
        """Return the seconds of processor time that the server has used."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def facts(self) -> dict[str, Any]:
        (message,) = self.api.get("/live", params={"topic": "health"}).json()
        return dict(message["data"])

    def open(self, key: str) -> connect:
        return connect(
            f"ws://127.0.0.1:{self.server.port}/ws/v1/stream",
            additional_headers={"X-Api-Key": key},
            subprotocols=[Subprotocol("threadhub.v1")],
            max_size=None,
            open_timeout=60,
            ping_interval=None,
            compression=None,
        )

    def key_of(self, number: int) -> str:
        return str(self.keys[number // OF_ONE % len(self.keys)])


MAKE_PEOPLE = f"""
import json
from django.conf import settings
# Nobody signs in with these passwords, and good hashes take their time.
settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
from django.contrib.auth import get_user_model
from threadhub.kernel import clock
from threadhub.kernel.people import accounts, keys
found = []
for number in range({PEOPLE}):
    user, _ = accounts.ensure(username=f"p{{number}}", is_staff=True, is_superuser=False)
    found.append(keys.create(user=user, name="", now=clock.now()))
print(json.dumps(found))
"""


async def say(socket: ClientConnection, kind: str, **fields: Any) -> None:
    await socket.send(json.dumps({"type": kind, **fields}))


async def greet(socket: ClientConnection, topic: str = "") -> None:
    await say(socket, "hello", v=1)
    await socket.recv()
    if topic:
        await say(socket, "sub", topic=topic)
        await socket.recv()


async def latency(bench: Bench, *, sockets: int, events: int) -> list[str]:
    """Row 14: one thread at 20 events a second, watched by everybody."""
    thread = bench.new_thread()
    share(bench, thread)
    ready = asyncio.Semaphore(0)
    watching = [
        asyncio.ensure_future(watch(bench, bench.key_of(number), thread, ready))
        for number in range(sockets)
    ]
    for _ in range(sockets):
        await ready.acquire()
    before, begun = bench.worked(), time.monotonic()
    await asyncio.to_thread(bench.run, thread, count=events, pause=0.05)
    seen = await asyncio.gather(*watching)
    share_of_core = (bench.worked() - before) / (time.monotonic() - begun)
    cuts = quantiles([delay for delays in seen for delay in delays], n=100)
    complete = sum(len(delays) == events for delays in seen)
    row = f"| 14 latency | {sockets} sockets x 20 events/s, {events} events | "
    times = f"p50 {cuts[49] * 1000:.0f} ms, p99 {cuts[98] * 1000:.0f} ms"
    told = f"{complete} of {sockets} saw every event"
    return [f"{row}{times}; {told}; {share_of_core:.0%} of a core |"]


async def watch(bench: Bench, key: str, thread: str, ready: asyncio.Semaphore) -> list[float]:
    """Return how long each of the run's own events took to arrive."""
    topic, delays, acked, is_over = f"thread:{thread}", list[float](), 0, False
    async with bench.open(key) as socket:
        await greet(socket, topic)
        ready.release()
        while not is_over:
            message = json.loads(await asyncio.wait_for(socket.recv(), 120))
            now = time.time()
            for item in message.get("items", ()):
                is_over = is_over or item["kind"] == "run.success"
                if item["kind"] == "custom":
                    delays.append(now - datetime.fromisoformat(item["ts"]).timestamp())
            if message.get("to", 0) - acked >= 50:
                acked = message["to"]
                await say(socket, "ack", topic=topic, seq=acked)
    return delays


def share(bench: Bench, thread: str) -> None:
    bench.server.command("shell", "-v0", "-c", SHARE.format(thread=thread))


SHARE = """
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from threadhub.kernel import clock
from threadhub.kernel.rbac import grants
from threads_app.models import Thread
admin = get_user_model().objects.get(username="admin")
group, _ = Group.objects.get_or_create(name="bench")
people = get_user_model().objects
group.user_set.set(people.filter(username__regex="^p[0-9]"))
thread = Thread.objects.get(public_id="{thread}")
grants.grant(role="viewer", to=group, on=thread, actor=admin, now=clock.now())
"""


async def comings(bench: Bench, *, total: int, together: int) -> list[str]:
    """Row 12: sockets that come and go leave nothing."""

    async def one(number: int) -> bool:
        try:
            async with bench.open(bench.key_of(number)) as socket:
                await greet(socket, "inbox")
                return True
        except (OSError, TimeoutError, WebSocketException):
            return False

    done = sum(await asyncio.gather(*[one(number) for number in range(together)]))
    await settled(bench)
    before, begun = bench.memory(), time.monotonic()
    for start in range(0, total, together):
        done += sum(await asyncio.gather(*[one(n) for n in range(min(together, total - start))]))
    seconds = time.monotonic() - begun
    await settled(bench)
    after, facts = bench.memory(), bench.facts()
    row = f"| 12 comings | {total} connects, {together} at once, after a wave of {together} | "
    return [
        f"{row}{done - together} greeted, {total / seconds:.0f}/s; left: {facts['sockets']} "
        f"sockets, {facts['topics']} topics; RSS {before / 2**20:.0f} -> {after / 2**20:.0f} MiB "
        f"({(after - before) / before:+.1%}) |"
    ]


async def settled(bench: Bench) -> None:
    for _ in range(100):
        if not (await asyncio.to_thread(bench.facts))["sockets"]:
            break
        await asyncio.sleep(0.1)
    await asyncio.sleep(2)


async def idle(bench: Bench, *, sockets: int, seconds: float) -> list[str]:
    """Row 12: what an idle socket costs."""
    before = bench.memory()
    opened: list[ClientConnection] = []
    for start in range(0, sockets, 100):
        batch = [bench.open(bench.key_of(n)) for n in range(start, min(start + 100, sockets))]
        opened += await asyncio.gather(*batch)
        await asyncio.gather(*[greet(socket) for socket in opened[start:]])
    beat = asyncio.ensure_future(beating(opened))
    await asyncio.sleep(seconds)
    each = (bench.memory() - before) / sockets / 1024
    alive = (await asyncio.to_thread(bench.facts))["sockets"]
    beat.cancel()
    await asyncio.gather(*[socket.close() for socket in opened])
    await settled(bench)
    row = f"| 12 idle | {sockets} sockets for {seconds:.0f} s | "
    return [row + f"{each:.1f} KiB each, {alive} alive at the end |"]


async def beating(opened: list[ClientConnection]) -> None:
    while True:
        await asyncio.sleep(20)
        for socket in opened:
            await say(socket, "ping")


async def slow(bench: Bench, *, megabytes: int) -> list[str]:
    """Row 15: a client that never reads, beside one that does."""
    count = megabytes * 1_000_000 // ITEM
    await flood(bench, 100, None)
    alone, _ = await flood(bench, count, None)
    async with bench.open(bench.admin_key) as deaf:
        beside, seen = await flood(bench, count, deaf)
        await asyncio.sleep(40)
        deaf.transport.resume_reading()
        code = await ending(deaf)
    row = f"| 15 slow reader | {count} items of {ITEM} bytes | "
    return [
        f"{row}peak {alone / 2**20:+.1f} MiB without, {beside / 2**20:+.1f} MiB with it; "
        f"closed with {code}; the other saw {seen} of {count} |"
    ]


async def flood(bench: Bench, count: int, deaf: ClientConnection | None) -> tuple[int, int]:
    """Return how much the server grows while one client reads everything, and what it saw."""
    thread = bench.new_thread()
    topic, ready = f"thread:{thread}", asyncio.Event()
    if deaf is not None:
        await say(deaf, "hello", v=1)
        await say(deaf, "sub", topic=topic)
        deaf.transport.pause_reading()
    reading = asyncio.ensure_future(read(bench, topic, ready))
    await ready.wait()
    before = peak = bench.memory()
    await asyncio.to_thread(bench.run, thread, count=count, size=ITEM, pause=0.03)
    while not reading.done():
        await asyncio.sleep(0.1)
        peak = max(peak, bench.memory())
    return peak - before, reading.result()


async def read(bench: Bench, topic: str, ready: asyncio.Event) -> int:
    seen = 0
    async with bench.open(bench.admin_key) as socket:
        await greet(socket, topic)
        ready.set()
        while True:
            message = json.loads(await socket.recv())
            items = message.get("items", ())
            seen += sum(item["kind"] == "custom" for item in items)
            await say(socket, "ack", topic=topic, seq=message.get("to", message.get("seq", 0)))
            # A resync may have passed over the end.
            run = (message.get("data") or {}).get("run") or {}
            if run.get("status") == "success" or any(one["kind"] == "run.success" for one in items):
                return seen


async def ending(socket: ClientConnection) -> int:
    try:
        while True:
            await asyncio.wait_for(socket.recv(), 30)
    except ConnectionClosed as closed:
        return closed.rcvd.code if closed.rcvd else 0


@contextmanager
def serving() -> Iterator[Bench]:
    with tempfile.TemporaryDirectory(prefix="threadhub-live-") as folder:
        project = Path(__file__).parent / "project" / "langgraph.json"
        server = ThreadHubProcess(var=Path(folder) / "var", project=project)
        server.start()
        try:
            yield Bench(server)
        finally:
            server.kill()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", default=["latency", "comings", "idle", "slow"])
    parser.add_argument("--connects", type=int, default=10_000)
    parser.add_argument("--sockets", type=int, default=100)
    parser.add_argument("--idle-seconds", type=float, default=60)
    asked = parser.parse_args()
    parts: dict[str, Callable[[Bench], Awaitable[list[str]]]] = {
        "latency": lambda bench: latency(bench, sockets=asked.sockets, events=400),
        "comings": lambda bench: comings(bench, total=asked.connects, together=1000),
        "idle": lambda bench: idle(bench, sockets=2000, seconds=asked.idle_seconds),
        "slow": lambda bench: slow(bench, megabytes=60),
    }
    print("| row | load | result |\n|---|---|---|")
    for name in asked.parts:
        with serving() as bench:
            for line in asyncio.run(parts[name](bench)):  # type: ignore[arg-type]
                print(line, flush=True)
    print(f"\nload average {os.getloadavg()[0]:.1f}, {time.strftime('%Y-%m-%d')}")


if __name__ == "__main__":
    try:
        main()
    except httpx.HTTPError as error:
        sys.exit(f"The server did not answer: {error}")
