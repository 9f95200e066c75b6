"""What the supervisor has answered to the holds that ask before their job begins.

A supervisor that let a question time out is not asked again until it has said something: one wait in vain is enough.
"""

from __future__ import annotations

# Stands where an answer will be; compared by identity.
NOT_YET = "not yet"


class Answers:
    """By a hold's number: why it was no, or None where it was yes."""

    def __init__(self) -> None:
        self._answers: dict[int, str | None] = {}
        self._was_in_vain = False

    @property
    def can_be_had(self) -> bool:
        """Whether it is worth waiting for one."""
        return not self._was_in_vain

    def heard(self) -> None:
        """Take that the supervisor has said something."""
        self._was_in_vain = False

    def expect(self, number: int) -> None:
        """Begin to wait for one."""
        self._answers[number] = NOT_YET

    def is_open(self, number: int) -> bool:
        """Whether one is waited for, or was not taken."""
        return number in self._answers

    def is_there(self, number: int) -> bool:
        """Whether one has come."""
        return self._answers.get(number) is not NOT_YET

    def note(self, number: int, answer: str | None) -> bool:
        """Take one; whether anybody waits for it."""
        if self.is_there(number):
            return False
        self._answers[number] = answer
        return True

    def take(self, number: int) -> str | None:
        """End the wait. Why it was no; None where it was yes or did not come."""
        answer = self._answers.pop(number, None)
        if answer is NOT_YET:
            self._was_in_vain = True
            return None
        return answer

    def forget(self, number: int) -> None:
        """Take that nobody wants to know any more."""
        self._answers.pop(number, None)
