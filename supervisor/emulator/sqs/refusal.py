"""What the stand-in says no with: a code of the JSON protocol, and the one that older clients know."""

from __future__ import annotations


class Refused(Exception):
    """code: as the service model names it. older: as the query protocol did, where that differs."""

    def __init__(self, code: str, text: str, older: str = "", status: int = 400) -> None:
        super().__init__(text)
        self.code = code
        self.text = text
        self.older = older or code
        self.status = status


def no_such_queue() -> Refused:
    return Refused(
        "QueueDoesNotExist",
        "The specified queue does not exist.",
        "AWS.SimpleQueueService.NonExistentQueue",
    )


def not_in_flight() -> Refused:
    return Refused(
        "MessageNotInflight",
        "The message referred to isn't in flight.",
        "AWS.SimpleQueueService.MessageNotInflight",
    )


def not_a_handle() -> Refused:
    return Refused("ReceiptHandleIsInvalid", "The input receipt handle is invalid.")


def expired_handle(handle: str) -> Refused:
    reason = "The receipt handle has expired."
    return Refused(
        "InvalidParameterValue", f"Value {handle} for parameter ReceiptHandle is invalid. Reason: {reason}"
    )


def too_long(seconds: float, most: float) -> Refused:
    reason = f"Total VisibilityTimeout for the message is beyond the limit [{most:g} seconds]"
    return Refused(
        "InvalidParameterValue",
        f"Value {seconds:g} for parameter VisibilityTimeout is invalid. Reason: {reason}",
    )


def over_limit() -> Refused:
    return Refused("OverLimit", "The maximum number of in flight messages is reached.")


def out_of_range(name: str, value: object) -> Refused:
    return Refused("InvalidParameterValue", f"Value {value} for parameter {name} is invalid.")
