"""How near 50 requests in flight come to what a provider's latency allows.

``explain_all`` through Inspect and the client of OpenAI, against a server on this machine that
answers every request after two seconds, in a process of its own that ends with the benchmark. The
limit is n * latency / 50 seconds. Without a model: the loop against a bare one that keeps the same
records.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np

from tacit.base.errors import UserError
from tacit.explanations.chat_explainer import ChatExplainer
from tacit.explanations.exhibits import Excerpt, Exhibits, Piece
from tacit.explanations.explanation import Explainer, Explanation
from tacit.explanations.ledger import Ledger
from tacit.explanations.ledger_records import explained_key, record_of
from tacit.explanations.working import explain_all
from tacit.models.chat import ChatModel

IN_FLIGHT, LATENCY_SECONDS, REQUESTS = 50, 2.0, 500
FEATURES_WITHOUT_MODEL = 1_000
ASKED = 0.85
"""Share of the limit that is asked for."""


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer the requests of one connection as an OpenAI-compatible server does."""
    body = json.dumps(
        {
            "id": "stub",
            "object": "chat.completion",
            "created": 0,
            "model": "stub",
            "choices": [
                {
                    "index": 0,
                    "finish_reason": "stop",
                    "message": {"role": "assistant", "content": '{"explanation": "words"}'},
                }
            ],
            "usage": {"prompt_tokens": 900, "completion_tokens": 9, "total_tokens": 909},
        }
    ).encode()
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            length = int(head.partition("content-length:")[2].partition("\r\n")[0])
            await reader.readexactly(length)
            await asyncio.sleep(LATENCY_SECONDS)
            writer.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                + f"Content-Length: {len(body)}\r\n\r\n".encode()
                + body
            )
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


def serve(told: Connection) -> None:
    """Serve until the process is ended, on a free port of the loopback address."""

    async def forever() -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", 0, backlog=256)
        told.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(forever())


@contextmanager
def served() -> Generator[str, None, None]:
    """Run the server in a process of its own; yield its address."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=serve, args=(theirs,), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{ours.recv()}/v1"
    finally:
        process.terminate()
        process.join()


def exhibits(feature: int) -> Exhibits:
    """Return five fragments of 64 tokens, as the published protocol shows them."""
    tokens = tuple(f" word{number}" for number in range(64))
    values = np.zeros(64, dtype=np.float32)
    values[feature % 64] = 1
    numbers = np.arange(64)
    shown = tuple(
        Excerpt(
            piece=Piece(tokens=tokens, ids=numbers, rows=numbers),
            values=values,
            known=np.ones(64, dtype=bool),
            fragment=fragment,
            kind="top",
        )
        for fragment in range(5)
    )
    return Exhibits(
        feature=feature,
        dictionary="benchmark",
        shown=shown,
        learned=shown,
        scored=(),
        largest=1.0,
        num_active=20,
        num_fragments=100,
    )


class Fixed(Explainer):
    """Says the same of every feature, at once."""

    name, version = "fixed", "1"

    async def explain(self, exhibits: Exhibits) -> Explanation:
        """Return it."""
        return Explanation(
            feature=exhibits.feature,
            dictionary=exhibits.dictionary,
            explainer=self.name,
            version=self.version,
            text="words",
        )


def chat_seconds(address: str, folder: Path) -> float:
    """Return how long the requests take, the first ones' connections included."""
    chat = ChatModel(
        name="openai-api/stub/stub",
        base_url=address,
        options={"api_key": "none"},
        max_connections=IN_FLIGHT,
    )
    ledger = Ledger(folder / "chat.jsonl")

    async def work() -> float:
        began = time.perf_counter()
        await explain_all(
            range(REQUESTS), exhibits, ChatExplainer(chat), ledger, at_once=IN_FLIGHT
        )
        seconds = time.perf_counter() - began
        await chat.close()
        return seconds

    seconds = asyncio.run(work())
    kinds = [record["kind"] for record in ledger.records.values()]
    assert kinds == ["explanation"] * REQUESTS, "an answer is missing"
    return seconds


def seconds_without_model(folder: Path) -> tuple[float, float]:
    """Return how long the loop takes, and how long a bare one with the same records."""
    explainer = Fixed()
    ledger, bare = Ledger(folder / "ours.jsonl"), Ledger(folder / "bare.jsonl")
    features = range(FEATURES_WITHOUT_MODEL)
    began = time.perf_counter()
    asyncio.run(explain_all(features, exhibits, explainer, ledger))
    ours = time.perf_counter() - began

    async def plainly() -> None:
        for feature in features:
            said = await explainer.explain(exhibits(feature))
            key = explained_key(explainer, feature)
            await asyncio.to_thread(bare.append, key, record_of(said))

    began = time.perf_counter()
    asyncio.run(plainly())
    return ours, time.perf_counter() - began


def main() -> None:
    """Print the share of the limit, and what the loop costs without a model."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            with served() as address:
                seconds = chat_seconds(address, Path(folder))
        except UserError as error:  # the client of OpenAI is not a part of Inspect
            print(f"Chat models: not measured: {error}")
        else:
            limit = REQUESTS * LATENCY_SECONDS / IN_FLIGHT
            print(
                f"Chat models: {REQUESTS} explanations, {IN_FLIGHT} in flight, latency "
                f"{LATENCY_SECONDS} s: {seconds:.1f} s, {limit / seconds:.0%} of the limit "
                f"{limit:.0f} s ({ASKED:.0%} asked); load {os.getloadavg()[0]:.1f}"
            )
        ours, bare = seconds_without_model(Path(folder))
        print(
            f"Without a model: {FEATURES_WITHOUT_MODEL:,} features in {ours:.2f} s, "
            f"{ours / bare:.2f} times a bare loop that keeps the same records"
        )


if __name__ == "__main__":
    main()
