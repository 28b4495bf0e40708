"""Asks a worker or a service over HTTP whether it is healthy, or ready."""

import http.client

from deploy.embedded.ports import HOST


def health_problem(port: int) -> str:
    """Why a worker is unhealthy, in its own words or because it does not answer; empty where it is healthy.

    A worker that does not listen yet counts as healthy. Takes about two seconds at most.
    """
    connection = http.client.HTTPConnection(HOST, port, timeout=1)
    try:
        connection.request("GET", "/health")
        answer = connection.getresponse()
        return "" if answer.status == http.HTTPStatus.OK else answer.read(1000).decode(errors="replace").strip()
    except ConnectionRefusedError:
        return ""
    except (OSError, http.client.HTTPException):
        return "its /health does not answer"
    finally:
        connection.close()


def is_ready(port: int) -> bool:
    """Whether a service says that it is ready. Takes about two seconds at most."""
    connection = http.client.HTTPConnection(HOST, port, timeout=1)
    try:
        connection.request("GET", "/ready")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
