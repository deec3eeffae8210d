"""One hook: where an event is sent, and in which form."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from rldoctor.errors import UsageError

# Seconds that a hook may take.
_TIMEOUT = 10.0
# Discord takes 2,000 characters, Slack more.
_LONGEST = 1_900
_FORMS = ("slack", "discord", "json")
_HOSTS = {"hooks.slack.com": "slack", "discord.com": "discord", "discordapp.com": "discord"}
Payload = Mapping[str, str | int | float | None]


@dataclass(frozen=True)
class Hook:
    """Where events go.

    Attributes:
        kind: ``webhook``, ``command`` or ``desktop``.
        form: Of a webhook's body: ``slack``, ``discord`` or ``json``.
        target: The URL, which may be a secret and is not shown, or the command.
    """

    kind: str
    form: str = "json"
    target: str = field(default="", repr=False)

    @property
    def name(self) -> str:
        """What it is called in messages: never more of a URL than its host."""
        if self.kind == "webhook":
            return f"{self.form} webhook at {urlsplit(self.target).hostname}"
        return f"command {shlex.split(self.target)[0]}" if self.kind == "command" else "desktop"

    def send(self, text: str, payload: Payload) -> None:
        """Send an event.

        Raises:
            OSError, ValueError, subprocess.SubprocessError: It could not be delivered.
        """
        if self.kind == "webhook":
            self._post(text, payload)
        elif self.kind == "command":
            # A line for each event, where they are added to a file.
            _run(shlex.split(self.target), (json.dumps({"text": text, **payload}) + "\n").encode())
        else:
            # A text that begins with a dash is no option.
            _run(["notify-send", "--", "rldoctor", text], b"")

    def _post(self, text: str, payload: Payload) -> None:
        short = text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
        body: Mapping[str, object] = {"text": text, **payload}
        if self.form == "slack":
            # A run's name is no markup. Source: api.slack.com, "Formatting text for app surfaces".
            body = {"text": short.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")}
        elif self.form == "discord":
            body = {"content": short, "allowed_mentions": {"parse": []}}
        request = urllib.request.Request(  # parse() lets only http and https through
            self.target,
            json.dumps(body).encode(),
            {"Content-Type": "application/json", "User-Agent": "rldoctor"},
        )
        with urllib.request.build_opener(_NoRedirects).open(request, timeout=_TIMEOUT):
            pass


def _run(words: Sequence[str], content: bytes) -> None:
    """Run a command: what it prints is not for the terminal, and what it leaves running is not waited for."""
    unheard = subprocess.DEVNULL
    subprocess.run(words, input=content, stdout=unheard, stderr=unheard, timeout=_TIMEOUT, check=True)


def why(error: Exception) -> str:
    """Return why an event was not delivered, as the rest of a sentence that begins with the hook; never its URL."""
    if isinstance(error, subprocess.CalledProcessError):
        return f"ended with exit code {error.returncode}"
    if isinstance(error, urllib.error.HTTPError):
        return f"answered {error.code}"
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(reason, TimeoutError | subprocess.TimeoutExpired):
        return f"took longer than {_TIMEOUT:g} s"
    told = reason.strerror if isinstance(reason, OSError) else None
    return f"could not be reached: {told or type(reason).__name__}"


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: an event goes where the user said, and nowhere else."""

    def redirect_request(self, *_: object) -> None:
        """Refuse."""


def parse(text: str) -> Hook:
    """Return the hook that an option such as ``--notify`` names.

    Args:
        text: ``desktop``; a URL, with ``slack+``, ``discord+`` or ``json+`` in front of it where its host does not say
            the form; or a command, which gets the event as JSON on standard input.

    Raises:
        UsageError: It is none of these.
    """
    stated, plus, rest = text.partition("+")
    form, url = (stated, rest) if plus and stated in _FORMS else ("", text)
    if "://" in url:
        try:
            parts = urlsplit(url)
            host = parts.hostname or ""
        except ValueError:
            parts, host = None, ""
        if parts is None or parts.scheme not in ("http", "https") or not host:
            raise UsageError("A webhook is an http or https URL.", "Write it as https://host/path.")
        return Hook("webhook", form or _HOSTS.get(host, "json"), url)
    if text == "desktop":
        if shutil.which("notify-send") is None:
            raise UsageError("notify-send is not installed.", "Install libnotify-bin, or name a command or a webhook.")
        return Hook("desktop")
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise UsageError(f"The command {text!r} cannot be read: {error}.", "Close its quotation marks.") from None
    if not words or shutil.which(words[0]) is None:
        raise UsageError(f"There is no command {words[0] if words else ''!r}.", "Name a command, a URL, or desktop.")
    return Hook("command", target=text)
