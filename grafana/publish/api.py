"""Grafana's HTTP API through the package grafana_api, which is no longer maintained and is therefore only used here."""

import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import requests
from grafana_api.grafana_api import GrafanaAPI, GrafanaClientError, GrafanaException

from grafana.publish.errors import ChangedMeanwhile, GrafanaAway, NotAllowed, PublishError, Refused
from schemas.connection import Secret

_TIMEOUT_SECONDS = 15.0
_PAUSES = (0.5, 1.0, 2.0, 4.0)
"""Before each further try of what a busy or restarting server did not answer."""
_BUSY = 429
_EDITABLE = {"X-Disable-Provenance": "true"}
"""Or Grafana locks what is published against its own editor."""


class Api:
    """The API of one Grafana as one account; a request names its path below `/api`.

    What a server failed at (5xx), or did not answer in time, is tried again a few times: all requests of ours may be
    repeated. Raises GrafanaAway, NotAllowed, ChangedMeanwhile or Refused.
    """

    def __init__(self, url: str, token: Secret, pause: Callable[[float], None] = time.sleep) -> None:
        self._url = url
        self._pause = pause
        at = urlsplit(url)
        host = f"[{at.hostname}]" if ":" in (at.hostname or "") else at.hostname
        prefix = at.path.strip("/")
        self._api = GrafanaAPI(
            token.reveal(),
            host=host,
            port=at.port,
            url_path_prefix=f"{prefix}/" if prefix else "",
            protocol=at.scheme,
            timeout=_TIMEOUT_SECONDS,
        )
        self._status = 0
        self._api.s.hooks["response"].append(self._answered)

    def read(self, path: str) -> Any:
        """What is there; None where nothing is."""
        try:
            return self._ask("GET", path, None)
        except _Missing:
            return None

    def write(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Send it, and the answer; None where there is none."""
        return self._ask(method, path, body)

    def close(self) -> None:
        """Let go of the connections."""
        self._api.s.close()

    def _ask(self, method: str, path: str, body: Mapping[str, Any] | None) -> Any:
        for pause in (*_PAUSES, None):
            try:
                return self._once(method, path, body)
            except (GrafanaException, requests.ConnectionError, requests.Timeout) as error:
                if pause is None or not _may_pass(error):
                    raise self._explained(error, method, path) from error
                self._pause(pause)
        raise AssertionError("the last try returns or raises")

    def _once(self, method: str, path: str, body: Mapping[str, Any] | None) -> Any:
        try:
            return getattr(self._api, method)(path, json=body, headers=_EDITABLE)
        except requests.JSONDecodeError as error:
            # The package reads every answer as JSON, also one that has no body.
            if self._status == requests.codes.no_content:
                return None
            raise GrafanaAway(f"{self._url} answers with something that is no JSON: is it a Grafana?") from error

    def _answered(self, response: requests.Response, **_: object) -> None:
        self._status = response.status_code

    def _explained(self, error: Exception, method: str, path: str) -> PublishError:
        if not isinstance(error, GrafanaException):
            return GrafanaAway(
                f"Grafana at {self._url} does not answer ({type(error).__name__}): is DOSSIER_GRAFANA right?"
            )
        said = error.response.get("message") if isinstance(error.response, dict) else error.response
        text = " ".join(str(said).split())[:500]
        match error.status_code:
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
        return Refused(f"Grafana does not take it: {text} ({method} {path})")


class _Missing(PublishError):
    """There is no such thing, or no such route."""


def _may_pass(error: Exception) -> bool:
    return not isinstance(error, GrafanaClientError) or error.status_code == _BUSY
