"""The receiver does what its OpenAPI document says, whatever schemathesis makes up."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings

from connectors.portal.access import digest_of
from connectors.portal.limits import Limits
from connectors.portal.openapi import document
from tests.connectors.portal.conftest import KEY, Make
from tests.connectors.portal.messages import sender
from tests.thorough import IS_THOROUGH


@pytest.fixture
def api(make: Make) -> Iterator[Any]:
    """The document as schemathesis reads it of a receiver that takes any number of logins."""
    app = make(sender(api_keys=(digest_of(KEY),)), limits=Limits(logins=1_000_000)).app
    logging.disable(logging.INFO)
    yield schemathesis.openapi.from_asgi("/openapi.json", app)
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("path", [path for path, methods in document()["paths"].items() if "post" in methods])
def test_every_answer_is_one_that_the_document_names(api: Any, path: str) -> None:
    @given(api[path]["POST"].as_strategy())
    @settings(max_examples=300 if IS_THOROUGH else 15, suppress_health_check=list(HealthCheck), deadline=None)
    def check(case: Any) -> None:
        case.call_and_validate(headers={"X-Api-Key": KEY})

    check()
