"""The API and its description agree: whatever the description allows or forbids is tried against the real server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings

import supervisor.adapters.http_api as package
from supervisor.adapters.http_api.holds import LONGEST_WAIT_SECONDS
from tests.conformance.api_client import Served, served

TOKEN = "sesame"

# Of what the description allows, a wait of a minute is too long to be tried.
SHORT_WAIT_SECONDS = 0.01

# A stream has no end; it has tests of its own.
ENDLESS = "/v1/events"


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Served]:
    token = tmp_path / "token"
    token.write_text(TOKEN)
    with served(tmp_path, token_file=token) as it:
        yield it


SHIPPED = Path(str(package.__file__)).with_name("openapi.json")

SCHEMA = schemathesis.openapi.from_path(SHIPPED).exclude(path=ENDLESS)


@SCHEMA.parametrize()
@settings(
    max_examples=25,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_the_server_does_what_its_description_says(case: schemathesis.Case, api: Served) -> None:
    """Statuses, bodies, headers and refusals are those that are described, for good requests and for bad ones."""
    with suppress(KeyError, TypeError, ValueError):
        if 0 < float(case.query["wait"]) <= LONGEST_WAIT_SECONDS:
            case.query["wait"] = SHORT_WAIT_SECONDS
    case.call_and_validate(base_url=api.tcp, headers={"Authorization": f"Bearer {TOKEN}"})


def test_the_description_is_the_one_that_is_shipped(api: Served) -> None:
    """It lies beside the code, and is served as it lies there."""
    assert api.ask("GET", "/v1/openapi.json").body == SHIPPED.read_bytes()


def test_every_path_of_the_description_is_there(api: Served) -> None:
    """And answers the methods that are described, and no others."""
    paths = json.loads(api.ask("GET", "/v1/openapi.json").body)["paths"]
    for path, operations in paths.items():
        allowed = set(api.ask("OPTIONS", path.replace("{id}", "1")).headers["Allow"].split(", "))
        described = {method.upper() for method in operations if method != "parameters"}
        assert allowed - {"OPTIONS", "HEAD"} == described
