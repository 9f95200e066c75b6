"""A refusal as a document (RFC 9457): what happened, why it matters, and what to do, for whoever wrote the client."""

from __future__ import annotations

import json
from http import HTTPStatus

CONTENT_TYPE = "application/problem+json"

_TYPE = "urn:ecs-supervisor:problem:"

# How soon to try again what was refused for want of room.
RETRY_SECONDS = 1


class ProblemError(Exception):
    """kind: the stable name, of which the document's type is made. errors: everything that is wrong, where that is several.

    headers: what the status calls for besides, such as Allow.
    """

    def __init__(
        self,
        status: int,
        kind: str,
        detail: str,
        fix: str,
        errors: tuple[str, ...] = (),
        headers: tuple[tuple[str, str], ...] = (),
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.headers = headers
        self._document = {
            "type": f"{_TYPE}{kind}",
            "title": HTTPStatus(status).phrase,
            "status": status,
            "detail": detail,
            "fix": fix,
        }
        if errors:
            self._document["errors"] = list(errors)

    def body(self) -> bytes:
        return json.dumps(self._document).encode()


def malformed(detail: str, fix: str, errors: tuple[str, ...] = ()) -> ProblemError:
    return ProblemError(400, "malformed", detail, fix, errors)


def not_found(path: str) -> ProblemError:
    return ProblemError(404, "not-found", f"there is nothing at {path}", "see /v1/openapi.json")


def wrong_method(path: str, allowed: str) -> ProblemError:
    detail = f"{path} answers {allowed} only"
    return ProblemError(405, "wrong-method", detail, "see /v1/openapi.json", headers=(("Allow", allowed),))


def crowded(detail: str, fix: str = "try again in a moment") -> ProblemError:
    return ProblemError(429, "crowded", detail, fix, headers=(("Retry-After", str(RETRY_SECONDS)),))


def too_late(so: str = "") -> ProblemError:
    """Say that the deciding thread has not answered. so: what that means for what was asked."""
    detail = f"the supervisor has not answered in time{so}"
    fix = "ask again: what was said may have been taken in all the same, and to say it twice changes nothing"
    return ProblemError(503, "no-answer", detail, fix, headers=(("Retry-After", str(RETRY_SECONDS)),))


def defect() -> ProblemError:
    return ProblemError(
        500, "defect", "a defect of ecs-supervisor", "report it, with the supervisor's log of this moment"
    )
