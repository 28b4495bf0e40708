"""Fuzzing of the embedded ClickHouse server: a real process, hostile clients, and well-behaved ones beside them.

The server lives on, answers every other client right, changes nothing it should not, shows no row of an insert that it
has not acknowledged, and holds no more at the end than it did once it was warm.
"""

import itertools
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from clickhouse_driver.errors import Error
from msgspec import Struct

from chaos.fuzz.findings import Finding, Fuzzed, Progress, chance_of, described
from chaos.fuzz.protocol_conversations import Conversation, conversation, end, hello, query
from chaos.fuzz.server_answers import KILLED
from chaos.fuzz.server_clients import Sessions, closing_client, first_byte
from chaos.fuzz.server_process import HOST, SECONDS, Pulse, Serving
from deploy.embedded.clickhouse.server import CONNECTION_LIMIT

TARGET = "server"
CLIENTS = 4
CHECKED_EVERY = 200
"""Inputs of one client between two looks at the tables."""
WARM = 0.25
"""The share of inputs after which the server is warm."""
MEMORY_SLACK, MEMORY_AN_INPUT = 192 << 20, 1 << 10
THREADS_SLACK = 200
FILES_SLACK = 3 * THREADS_SLACK
"""What it may hold more at the end than when it was warm: the engine's pools fill up late, and each of their threads
keeps three files of `/proc` open. A leak of one for every hundred inputs still shows in a hundred thousand."""
_EVERY = 200


def fuzz_server(seed: int, inputs: int, on_progress: Progress | None = None, first: int = 0) -> Fuzzed:
    """Try so many inputs, from number `first` on, against a new server; it stops early where the server dies."""
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder, Serving(Path(folder) / "data", CLIENTS) as serving:
        run = _Run(serving, seed, on_progress)
        warm_up = int(inputs * WARM)
        run.hammer(first, warm_up)
        warm = serving.rested()
        run.hammer(first + warm_up, inputs - warm_up)
        if serving.alive():
            most = _most(warm, inputs)
            run.note(-1, _grown(most, serving.rested(most)))
            run.crowd()
            # The stacks of hundreds of threads stay with the allocator, so memory is not asked for once more.
            rested = serving.rested(most)
            run.note(-1, _grown(most, Pulse(0, rested.threads, rested.files)))
            run.note(-1, [f"temporary files are left: {names[:5]}" for names in [serving.left_over()] if names])
            run.note(-1, serving.stop())
        run.note(-1, serving.log_problems())
        run.blame(Path(folder))
        return run.fuzzed


def _most(warm: Pulse, inputs: int) -> Pulse:
    memory = warm.memory + MEMORY_SLACK + MEMORY_AN_INPUT * inputs
    return Pulse(memory, warm.threads + THREADS_SLACK, warm.files + FILES_SLACK)


def _grown(most: Pulse, last: Pulse) -> list[str]:
    return [
        f"the server holds {name} = {getattr(last, name)} once all clients are gone, {getattr(most, name)} were allowed"
        for name in Pulse.__struct_fields__
        if getattr(last, name) > getattr(most, name)
    ]


class _Sink(Struct):
    """A table of one client's inserts: rows acknowledged, whether any insert was killed and may be there or not."""

    table: str
    rows: int = 0
    uncertain: bool = False


class _Run:
    """Clients that share the numbers of inputs between them, and what they find."""

    def __init__(self, serving: Serving, seed: int, on_progress: Progress | None) -> None:
        self.fuzzed = Fuzzed()
        self._serving = serving
        self._seed = seed
        self._on_progress = on_progress
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._at_work: dict[int, int] = {}
        self._suspects: list[int] = []
        self._sinks = [_Sink(serving.sink(number)) for number in range(CLIENTS)]

    def note(self, number: int, problems: list[str], content: bytes = b"") -> None:
        """Take findings down."""
        with self._lock:
            self.fuzzed.findings += [Finding(TARGET, self._seed, number, problem, content) for problem in problems]

    def hammer(self, first: int, inputs: int) -> None:
        """Let all clients work off these inputs, beside a well-behaved client and a slow one."""
        numbers = itertools.count(first)
        clients = [
            threading.Thread(target=self._client, args=(number, numbers, first + inputs), daemon=True)
            for number in range(CLIENTS)
        ]
        others = [threading.Thread(target=work, daemon=True) for work in (self._bystander, self._slow)]
        self._stop.clear()
        for thread in (*clients, *others):
            thread.start()
        try:
            for thread in clients:
                thread.join()
        finally:
            self._stop.set()
            for thread in (*clients, *others):
                thread.join(SECONDS)

    def _client(self, place: int, numbers: Iterator[int], last: int) -> None:
        session = Sessions(self._serving.port)
        since: list[int] = []
        try:
            while not self._stop.is_set() and self._serving.alive():
                with self._lock:
                    number = next(numbers)
                if number >= last:
                    break
                self._at_work[place] = number
                made = conversation(chance_of(self._seed, number), self._sinks[place].table)
                self.note(number, self._try(made, session, self._sinks[place]), made.content)
                del self._at_work[place]
                since.append(number)
                self._count(made)
                if len(since) == CHECKED_EVERY:
                    self._check(place, since)
                    since = []
            if self._serving.alive():
                self._check(place, since)
            else:
                self._suspects += [*self._at_work.values()]
        except Exception as error:
            self.note(-1, [f"after inputs {since[-5:]}: {described(error)}"])
        finally:
            session.close()

    def _count(self, made: Conversation) -> None:
        with self._lock:
            self.fuzzed.inputs += 1
            self.fuzzed.outcomes[made.kind] += 1
            if self._on_progress and self.fuzzed.inputs % _EVERY == 0:
                self._on_progress(self.fuzzed.inputs)

    def _try(self, made: Conversation, sessions: Sessions, sink: _Sink) -> list[str]:
        """Say it to the server; what is wrong with the answer."""
        try:
            answer = sessions.send(made)
        except TimeoutError:
            return [f"{made.kind}: no answer, and no end of the connection, within {SECONDS:.0f} seconds"]
        except OSError:
            # The server disconnected while the client was still sending; its answer is lost.
            sink.uncertain = True
            return []
        sink.rows += answer.written if made.hello else 0
        sink.uncertain = sink.uncertain or KILLED in answer.codes or made.hangs_up
        with self._lock:
            self.fuzzed.outcomes["exception" if answer.codes else "answer" if answer.packets else "hang-up"] += 1
        return [f"{made.kind}: {answer.wrong}"] if answer.wrong else []

    def _check(self, place: int, since: list[int]) -> None:
        """Look at the tables; a difference is of one of the inputs since the last look."""
        sink = self._sinks[place]
        with closing_client(self._serving) as client:
            problems = self._serving.unharmed(client)
            (rows,) = client.execute(f"SELECT count() FROM {sink.table}")[0]  # noqa: S608  # a constant
        if rows < sink.rows or (rows > sink.rows and not sink.uncertain):
            problems.append(f"{sink.rows} rows were acknowledged in {sink.table}, {rows} are there")
        sink.rows, sink.uncertain = rows, False
        self.note(-1, [f"between inputs {since[0]} and {since[-1]}: {problem}" for problem in problems if since])

    def _bystander(self) -> None:
        """A client that minds its own business: what it inserts is there at once, what it reads is right."""
        try:
            with closing_client(self._serving) as client:
                (kept,) = client.execute("SELECT count() FROM fuzz.kept")[0]
                while not self._stop.wait(0.02):
                    client.execute("INSERT INTO fuzz.kept VALUES", [("x" * 50,)] * 10)
                    kept += 10
                    seen = client.execute("SELECT count(), uniqExact(s) FROM fuzz.kept")
                    slept = client.execute("SELECT sum(sleepEachRow(0.02)), count() FROM numbers(8)")
                    if (seen, slept) != ([(kept, 1)], [(0, 8)]):
                        self.note(-1, [f"another client reads {seen} and {slept} where {kept} rows and 8 must be"])
        except (Error, EOFError, OSError) as error:
            if self._serving.alive():
                self.note(
                    -1,
                    [f"another client is disturbed around inputs {sorted(self._at_work.values())}: {described(error)}"],
                )

    def _slow(self) -> None:
        """Clients that send a valid query a byte at a time."""
        whole = b"".join([*hello(), *query("SELECT 1"), *end()])
        peers = [socket.create_connection((HOST, self._serving.port), SECONDS) for _ in range(10)]
        for place in itertools.count():
            if self._stop.wait(0.1):
                break
            with suppress(OSError):
                peers[place % len(peers)].sendall(whole[place // len(peers) : place // len(peers) + 1])
        for peer in peers:
            peer.close()

    def crowd(self) -> None:
        """More connections than the server takes, twice; it turns away the rest and has room again afterwards."""
        for _ in range(2):
            peers = []
            for _ in range(CONNECTION_LIMIT + 100):
                peer = socket.create_connection((HOST, self._serving.port), SECONDS)
                peers.append(peer)
                with suppress(OSError):
                    peer.sendall(b"".join(hello()))
            answered = sum(bool(first_byte(peer)) for peer in peers)
            for peer in peers:
                peer.close()
            if not CONNECTION_LIMIT // 2 <= answered <= CONNECTION_LIMIT:
                self.note(-1, [f"of {len(peers)} connections {answered} are answered, {CONNECTION_LIMIT} is the limit"])
            deadline = time.monotonic() + SECONDS
            while True:
                try:
                    with closing_client(self._serving) as client:
                        self.note(-1, self._serving.unharmed(client))
                    break
                except (Error, EOFError, OSError) as error:
                    if time.monotonic() > deadline:
                        self.note(-1, [f"no client is served after a crowd has disconnected: {described(error)}"])
                        return

    def blame(self, folder: Path) -> None:
        """Where the server died, try the inputs that were under way one by one."""
        if self._serving.process.poll() in (None, 0):
            return
        code = self._serving.process.poll()
        suspects = sorted(set(self._suspects))
        for number in suspects:
            with Serving(folder / f"blame-{number}", 1) as serving:
                run = _Run(serving, self._seed, None)
                run.hammer(number, 1)
                if not serving.alive():
                    made = conversation(chance_of(self._seed, number), serving.sink(0))
                    self.note(number, [f"the server dies of it, with {serving.process.poll()}"], made.content)
                    return
        self.note(-1, [f"the server died with {code} during one of the inputs {suspects}, of none of them alone"])
