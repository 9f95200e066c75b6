"""What botocore would send, as far as it is the same in every request: found out from botocore itself.

So endpoint, headers and the region to sign for stay its decision, with all that its configuration knows of dual stacks,
FIPS and the like. Where it would do anything else than one signed POST of JSON over a plain way, it is left to do it.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

_PROBE = "ReceiveMessage"
_PROBED = {"QueueUrl": "https://queue", "MaxNumberOfMessages": 1}

_TARGET = "x-amz-target"
# Not signed, because proxies may change it.
_AGENT = "user-agent"

_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Form:
    """headers: to be signed, with the host, by names in lower case. target: what comes before the name of an action.

    bundle: the certificates to trust, None where nothing is encrypted.
    """

    host: str
    port: int
    headers: dict[str, str]
    user_agent: str
    target: str
    region: str
    service: str
    bundle: str | None


def find_form(session: Any, client: Any) -> Form | None:
    """Return the form of a client's requests; None where they have to be left to botocore. Sends nothing."""
    try:
        return _read(session, client, _would_send(client))
    except (KeyError, ValueError, TypeError, AttributeError, ImportError):
        # Another version of botocore, with other words for it.
        return None


def _would_send(client: Any) -> dict[str, Any]:
    """Have botocore prepare a request, and keep it from sending it."""
    from botocore.awsrequest import AWSResponse

    prepared: list[dict[str, Any]] = []

    def instead(params: dict[str, Any], **_: Any) -> tuple[Any, dict[str, Any]]:
        prepared.append(params)
        return AWSResponse(params["url"], 200, {}, None), {}

    event = f"before-call.sqs.{_PROBE}"
    client.meta.events.register_last(event, instead)
    try:
        client.receive_message(**_PROBED)
    finally:
        client.meta.events.unregister(event, instead)
    return prepared[0]


def _read(session: Any, client: Any, request: dict[str, Any]) -> Form | None:
    url = urlsplit(request["url"])
    headers = {name.lower(): str(value) for name, value in request["headers"].items()}
    target, dot, action = headers.pop(_TARGET).partition(".")
    signing = request["context"].get("signing") or {}
    is_usual = (
        (request["method"], action, json.loads(request["body"])) == ("POST", _PROBE, _PROBED)
        and (url.path or "/", url.query, url.username) == ("/", "", None)
        and url.scheme in _PORTS
        and client.meta.config.signature_version == "v4"
        and request["context"].get("auth_type") in (None, "v4")
        and "aws.auth#sigv4" in (request["context"].get("auth_options") or ["aws.auth#sigv4"])
        and set(signing) <= {"region", "signing_name"}
        and client.meta.config.client_cert is None
        and not _proxies(client, request["url"])
    )
    if not is_usual or url.hostname is None:
        return None
    port = url.port or _PORTS[url.scheme]
    name = f"[{url.hostname}]" if ":" in url.hostname else url.hostname
    headers["host"] = name if port == _PORTS[url.scheme] else f"{name}:{port}"
    return Form(
        url.hostname,
        port,
        headers,
        headers.pop(_AGENT),
        target + dot,
        signing.get("region", client.meta.region_name),
        signing.get("signing_name", client.meta.service_model.signing_name),
        _bundle(session) if url.scheme == "https" else None,
    )


def _proxies(client: Any, url: str) -> object:
    from botocore.utils import get_environ_proxies

    return client.meta.config.proxies or get_environ_proxies(url)


def _bundle(session: Any) -> str:
    from botocore.httpsession import get_cert_path

    told = session.get_config_variable("ca_bundle") or os.environ.get("REQUESTS_CA_BUNDLE")
    return str(told or get_cert_path(True))
