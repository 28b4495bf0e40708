"""Grafana's HTTP API: requests as one account, tried again where that may help, and errors in Grafana's own words."""

import time
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import requests
from requests.auth import AuthBase

from grafana.publish.errors import ChangedMeanwhile, GrafanaAway, NotAllowed, PublishError, Refused
from schemas.connection import Secret
from streams.bounded import Answer, Unbounded, ask

_TIMEOUT_SECONDS = 15.0
"""For a whole request."""
_MOST_BYTES = 32 * 1024 * 1024
_PAUSES = (0.5, 1.0, 2.0, 4.0)
"""Before each further try of what a busy or restarting server did not answer."""
_BUSY = 429
_HEADERS = {
    "Content-Type": "application/json",
    # Or Grafana locks what is published against its own editor.
    "X-Disable-Provenance": "true",
}


class Api:
    """The API of one Grafana as one account; a request names its path below `/api`.

    What a server failed at (5xx), or did not answer in time, is tried again a few times: all requests of ours may be
    repeated. Raises GrafanaAway, NotAllowed, ChangedMeanwhile or Refused.
    """

    def __init__(self, url: str, token: Secret, pause: Callable[[float], None] = time.sleep) -> None:
        self._url = url.rstrip("/")
        self._pause = pause
        self._account = _Account(token)

    def read(self, path: str, form: Any) -> Any:
        """What is there, whole, once it has all that `form`, a type, asks for; None where nothing is."""
        try:
            found = self._ask("GET", path, None)
        except _Missing:
            return None
        try:
            msgspec.convert(found, form)
        except msgspec.ValidationError as error:
            raise GrafanaAway(f"{self._url} answers {path} otherwise than a Grafana does: {error}") from error
        return found

    def write(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> None:
        """Send it; what comes back is of no use."""
        self._ask(method, path, body)

    def _ask(self, method: str, path: str, body: Mapping[str, Any] | None) -> Any:
        for pause in (*_PAUSES, None):
            try:
                answer = self._once(method, path, body)
            except requests.RequestException as error:
                if pause is None or not isinstance(error, requests.ConnectionError | requests.Timeout):
                    raise self._away(error) from error
            else:
                if answer.status < 300:
                    return self._decoded(answer)
                if pause is None or not (answer.status >= 500 or answer.status == _BUSY):
                    raise self._explained(answer, method, path)
            self._pause(pause)
        raise AssertionError("the last try returns or raises")

    def _once(self, method: str, path: str, body: Mapping[str, Any] | None) -> Answer:
        return ask(
            method,
            f"{self._url}/api{path}",
            seconds=_TIMEOUT_SECONDS,
            most_bytes=_MOST_BYTES,
            body=None if body is None else msgspec.json.encode(body),
            headers=_HEADERS,
            auth=self._account,
        )

    def _decoded(self, answer: Answer) -> Any:
        if answer.status == requests.codes.no_content:
            return None
        try:
            return answer.json()
        except ValueError as error:
            raise GrafanaAway(f"{self._url} answers with something that {error}: is it a Grafana?") from error

    def _away(self, error: requests.RequestException) -> GrafanaAway:
        if isinstance(error, Unbounded):
            return GrafanaAway(f"{self._url} answers with something that {error}: is it a Grafana?")
        return GrafanaAway(
            f"Grafana at {self._url} does not answer ({type(error).__name__}): is DOSSIER_GRAFANA right?"
        )

    def _explained(self, answer: Answer, method: str, path: str) -> PublishError:
        text = _said(answer)
        match answer.status:
            case 401:
                return NotAllowed(
                    f"Grafana at {self._url} does not know this token ({text}): set DOSSIER_GRAFANA_TOKEN"
                )
            case 403:
                return NotAllowed(f"the token may not do this: {text} ({method} {path})")
            case 404:
                return _Missing(f"Grafana has no {path}: {text}")
            case 409 | 412:
                return ChangedMeanwhile(f"{text} ({method} {path}): publish again")
            case status if status >= 500:
                return GrafanaAway(f"Grafana at {self._url} fails with {status}: {text} ({method} {path})")
            case status if status < 400:
                return GrafanaAway(f"{self._url} points to {answer.location[:200]!r}: correct DOSSIER_GRAFANA")
        return Refused(f"Grafana does not take it: {text} ({method} {path})")


class _Account(AuthBase):
    """The token, also where the system has another account for this host."""

    def __init__(self, token: Secret) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token.reveal()}"
        return request


class _Missing(PublishError):
    """There is no such thing, or no such route."""


def _said(answer: Answer) -> str:
    try:
        found = answer.json()
    except ValueError:
        found = answer.body.decode(errors="replace")
    said = found.get("message") if isinstance(found, dict) else found
    return " ".join(str(said).split())[:500]
