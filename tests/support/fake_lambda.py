"""The Lambda Invoke API on a loopback port: what it is asked, and what a test lets it say."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit


@dataclass(frozen=True, slots=True)
class Asked:
    """One request."""

    function: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer."""

    body: bytes = b"null"
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


def returning(value: Any) -> Reply:
    """Answer as a function that returned."""
    headers = {"X-Amz-Executed-Version": "$LATEST"}
    return Reply(json.dumps(value).encode(), headers=headers)


def failing(payload: Any) -> Reply:
    """Answer as a function that raised, or died."""
    return Reply(
        json.dumps(payload).encode(), headers={"X-Amz-Function-Error": "Unhandled"}
    )


def refusing(status: int, code: str, message: str = "No.") -> Reply:
    """Answer as the service that refuses."""
    body = json.dumps({"Message": message, "Type": "User"}).encode()
    return Reply(body, status, {"x-amzn-ErrorType": code})


class _Server(ThreadingHTTPServer):
    """Lets hundreds of callers knock at once."""

    request_queue_size = 512


class FakeLambda:
    """What is asked, and what is answered; `hold` keeps every answer back."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.answer: Callable[[Asked], Reply] = lambda _asked: returning("done")
        self.gate = threading.Event()
        self.gate.set()
        self.most_at_once = 0
        self.endpoint = ""
        self._now = 0
        self._lock = threading.Lock()

    def hold(self) -> None:
        """Keep every answer back until `let_go`."""
        self.gate.clear()

    def let_go(self) -> None:
        """Answer everything."""
        self.gate.set()

    def take(self, asked: Asked) -> Reply:
        """Answer one request; on its thread."""
        with self._lock:
            self.asked.append(asked)
            self._now += 1
            self.most_at_once = max(self.most_at_once, self._now)
        self.gate.wait(60)
        reply = self.answer(asked)
        with self._lock:
            self._now -= 1
        return reply


@contextlib.contextmanager
def fake_lambda() -> Iterator[FakeLambda]:
    """Serve until the block ends."""
    fake = FakeLambda()
    server = _Server(("127.0.0.1", 0), _handler(fake))
    server.daemon_threads = True
    fake.endpoint = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield fake
    finally:
        fake.let_go()
        server.shutdown()
        thread.join()
        server.server_close()


def _handler(fake: FakeLambda) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            parts = urlsplit(self.path)
            length = int(self.headers.get("content-length", 0))
            asked = Asked(
                function=unquote(parts.path.split("/")[3]),
                query=parse_qs(parts.query),
                headers={k.lower(): v for k, v in self.headers.items()},
                body=self.rfile.read(length),
            )
            reply = fake.take(asked)
            with contextlib.suppress(OSError):  # whoever asked may be gone
                self._answer(reply)

        def _answer(self, reply: Reply) -> None:
            self.send_response(reply.status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(reply.body)))
            self.send_header("x-amzn-RequestId", "r-1")
            for name, text in reply.headers.items():
                self.send_header(name, text)
            self.end_headers()
            self.wfile.write(reply.body)

        def log_message(self, *_: object) -> None:
            return

    return Handler
