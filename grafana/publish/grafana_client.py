"""Grafana's HTTP API through the package grafana_api, which is no longer maintained and is therefore only used here."""

import time
from collections.abc import Callable, Mapping
from functools import partialmethod
from typing import Any
from urllib.parse import urlsplit

import msgspec
import requests
from grafana_api.grafana_api import GrafanaAPI, GrafanaClientError, GrafanaException
from requests.auth import AuthBase

from grafana.publish.errors import ChangedMeanwhile, GrafanaAway, NotAllowed, PublishError, Refused
from schemas.connection import Secret
from streams.http.client import Unbounded, ask

_TIMEOUT_SECONDS = 15.0
"""For a whole request."""
_MOST_BYTES = 32 * 1024 * 1024
_PAUSES = (0.5, 1.0, 2.0, 4.0)
"""Before each further try of what a busy or restarting server did not answer."""
_BUSY = 429
_EDITABLE = {"X-Disable-Provenance": "true"}
"""Or Grafana locks what is published against its own editor."""


class Api:
    """Requests to one Grafana, as one account.

    What a busy or restarting server does not answer is tried again for some seconds; then it raises GrafanaAway. It
    raises NotAllowed, Refused or ChangedMeanwhile where Grafana says so, with Grafana's words.
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
        self._api.s = _BoundedSession()

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
                return getattr(self._api, method)(path, json=body, headers=_EDITABLE)
            except (GrafanaException, requests.RequestException) as error:
                if pause is None or not _may_pass(error):
                    raise self._explained(error, method, path) from error
                self._pause(pause)
        raise AssertionError("the last try returns or raises")

    def _explained(self, error: Exception, method: str, path: str) -> PublishError:
        if isinstance(error, Unbounded | _NotGrafana):
            return GrafanaAway(f"{self._url} answers with something that {error}: is it a Grafana?")
        if isinstance(error, _Elsewhere):
            return GrafanaAway(f"{self._url} points to {str(error)[:200]!r}: correct DOSSIER_GRAFANA")
        if not isinstance(error, GrafanaException):
            return GrafanaAway(
                f"Grafana at {self._url} does not answer ({type(error).__name__}): is DOSSIER_GRAFANA right?"
            )
        text = " ".join(str(error.response.get("message")).split())[:500]
        match error.status_code:
            case 401:
                return NotAllowed(
                    f"Grafana at {self._url} does not know this token ({text}): set DOSSIER_GRAFANA_TOKEN"
                )
            case 403:
                return NotAllowed(f"this token may not do it ({text}; {method} {path}): use one of an administrator")
            case 404:
                return _Missing(f"Grafana knows nothing at {path} ({text})")
            case 412:
                return ChangedMeanwhile(f"{text} ({method} {path}): publish again")
            case status if status >= 500:
                return GrafanaAway(f"Grafana at {self._url} fails with {status}: {text} ({method} {path})")
        return Refused(f"Grafana does not take it: {text} ({method} {path})")


class _BoundedSession:
    """In place of the package's session: it does what the package asks of one, and no answer costs more than it may."""

    def _request(
        self,
        method: str,
        url: str,
        *,
        json: Mapping[str, Any] | None,
        headers: Mapping[str, str],
        auth: AuthBase,
        timeout: float,
        verify: bool,  # noqa: ARG002  # always: the package is never told otherwise
    ) -> requests.Response:
        answer = ask(
            method,
            url,
            seconds=timeout,
            most_bytes=_MOST_BYTES,
            body=None if json is None else msgspec.json.encode(json),
            headers={"Content-Type": "application/json", **headers},
            auth=auth,
        )
        if 300 <= answer.status < 400:
            raise _Elsewhere(answer.location)
        try:
            # The package reads every answer as JSON, also one that has no body.
            found = None if answer.status == requests.codes.no_content else answer.json()
        except ValueError as error:
            if answer.status < 400:
                raise _NotGrafana(str(error)) from error
            found = answer.body.decode(errors="replace")
        if answer.status >= 400 and not isinstance(found, dict):
            found = {"message": found}
        response = requests.Response()
        response.status_code = answer.status
        response._content = msgspec.json.encode(found)
        return response

    get = partialmethod(_request, "GET")
    post = partialmethod(_request, "POST")
    put = partialmethod(_request, "PUT")
    delete = partialmethod(_request, "DELETE")


class _Missing(PublishError):
    """There is no such thing, or no such route."""


class _Elsewhere(requests.RequestException):
    """The server points to another address, which is never followed."""


class _NotGrafana(requests.RequestException):
    """The answer is none that a Grafana gives."""


def _may_pass(error: Exception) -> bool:
    if isinstance(error, GrafanaException):
        return not isinstance(error, GrafanaClientError) or error.status_code == _BUSY
    return isinstance(error, requests.ConnectionError | requests.Timeout)
