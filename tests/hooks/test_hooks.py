"""Hooks against a server on this machine: what is sent, how often, and what is not."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from rldoctor.errors import UsageError
from rldoctor.hooks.hook import Hook, parse
from rldoctor.hooks.notifier import Notifier

TEXT = "rldoctor: runs/a: sick, <policy> & @everyone"


@pytest.fixture
def server() -> Iterator[Any]:
    received: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.path.startswith("/away"):
                self.send_response(302)
                self.send_header("Location", "/here")
                self.end_headers()
                return
            received.append((self.path, json.loads(body)))
            self.send_response(500 if self.path == "/broken" else 200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as http:
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        http.received, http.url = received, f"http://127.0.0.1:{http.server_port}"  # type: ignore[attr-defined]
        yield http
        http.shutdown()


def test_each_form_of_a_webhook(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_TOKEN", "hunter2")
    for form in ("", "slack+", "discord+"):
        parse(f"{form}{server.url}/hook?token=t").send(TEXT, {"run": "runs/a", "step": 10})
    (_, plain), (_, slack), (_, discord) = server.received
    assert plain == {"text": TEXT, "run": "runs/a", "step": 10}
    assert slack == {"text": "rldoctor: runs/a: sick, &lt;policy&gt; &amp; @everyone"}
    assert discord == {"content": TEXT, "allowed_mentions": {"parse": []}}
    assert "hunter2" not in json.dumps(server.received)


def test_the_host_says_the_form() -> None:
    assert parse("https://hooks.slack.com/services/T/B/X").form == "slack"
    assert parse("https://discord.com/api/webhooks/1/x").form == "discord"
    assert parse("https://example.org/x").form == "json"


def test_a_url_is_a_secret(server: Any, caplog: Any) -> None:
    hook = parse(f"{server.url}/broken?token=hunter2")
    assert "hunter2" not in repr(hook) + hook.name
    notifier = Notifier([parse(f"{server.url}/broken"), parse("http://127.0.0.1:9/hunter2")])
    notifier.notify("a", "sick", TEXT, {})
    notifier.close()
    assert len(caplog.records) == 2 and "hunter2" not in caplog.text


def test_no_redirect_is_followed(server: Any) -> None:
    with pytest.raises(OSError):
        parse(f"{server.url}/away").send(TEXT, {})
    assert server.received == []


def test_each_event_is_sent_once_and_not_too_often(server: Any) -> None:
    now = [0.0]
    notifier = Notifier([parse(f"{server.url}/x")], cool_down=60, clock=lambda: now[0])
    assert notifier.notify("a", "suspect", "first", {})
    assert not notifier.notify("a", "suspect", "first", {})
    assert not notifier.notify("a", "suspect", "too soon", {})
    assert notifier.notify("b", "suspect", "another run", {})
    assert notifier.notify("a", "sick", "worse", {})
    assert notifier.notify("a", "sick", "killed", {"state": "killed"})
    now[0] = 61.0
    assert notifier.notify("a", "sick", "later", {})
    notifier.close()
    assert [body["text"] for _, body in server.received] == ["first", "another run", "worse", "killed", "later"]


def test_a_hook_that_hangs_keeps_nobody_waiting() -> None:
    hangs, begun = threading.Event(), threading.Event()

    class Hanging(Hook):
        def send(self, *_: Any) -> None:
            begun.set()
            hangs.wait()

    notifier = Notifier([Hanging("command", target="x")], cool_down=0)
    sent = [notifier.notify(f"{i}", "sick", f"{i}", {}) for i in range(100)]
    # What comes on top of what can wait is dropped.
    assert begun.wait(5) and 64 <= sum(sent) <= 66
    hangs.set()
    notifier.close()


def test_a_hook_that_hangs_holds_up_no_other(server: Any) -> None:
    hangs = threading.Event()

    class Hanging(Hook):
        def send(self, *_: Any) -> None:
            hangs.wait()

    notifier = Notifier([Hanging("command", target="x"), parse(f"{server.url}/x")])
    notifier.notify("a", "suspect", "first", {})
    notifier.notify("a", "sick", "second", {})
    notifier.close(timeout=0.2)
    assert [body["text"] for _, body in server.received] == ["first", "second"]
    hangs.set()


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("{url}/broken", "json webhook at 127.0.0.1 answered 500."),
        ("http://127.0.0.1:9/hunter2", "json webhook at 127.0.0.1 could not be reached: Connection refused."),
        ("http://127.0.0.1/hunter2 x", "json webhook at 127.0.0.1 could not be reached: InvalidURL."),
        ("false", "command false ended with exit code 1."),
    ],
)
def test_what_was_not_delivered_is_said_with_its_reason_and_ends_no_delivery(
    target: str, expected: str, server: Any, caplog: Any
) -> None:
    notifier = Notifier([parse(target.format(url=server.url))], cool_down=0)
    notifier.notify("a", "sick", "first", {})
    notifier.notify("a", "sick", "second", {})
    notifier.close()
    assert [record.getMessage() for record in caplog.records] == [f"The {expected}"]


def test_a_command_gets_the_event_on_standard_input(tmp_path: Any) -> None:
    code = "import sys; open(sys.argv[1], 'w').write(sys.stdin.read())"
    parse(f'{sys.executable} -c "{code}" {tmp_path}/got').send(TEXT, {"run": "a; rm -rf /"})
    assert json.loads((tmp_path / "got").read_text()) == {"text": TEXT, "run": "a; rm -rf /"}


@pytest.mark.parametrize(
    "text", ["", "no-such-command-here", "'open", "ftp://x/y", "https://", "slack+file:///etc/passwd"]
)
def test_what_is_no_hook_is_refused_and_not_repeated_where_it_may_be_secret(text: str) -> None:
    with pytest.raises(UsageError):
        parse(text)
