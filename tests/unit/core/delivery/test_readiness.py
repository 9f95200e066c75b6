"""Looking at the app instead of receiving for it."""

from __future__ import annotations

from supervisor.core.delivery.facts import (
    AppReady,
    AppUnready,
    DeliveryAnswered,
    DeliveryFailed,
    Failure,
    Returned,
)
from supervisor.core.delivery.orders import CheckApp, Delete, Deliver, Forget, Return
from tests.unit.core.playbook import at, told

from .script import JOBS, OPEN, SHUT, Script, brought, call, d, delivering, m, poll, ready


def refused(script: Script, number: int) -> Script:
    """Tell that the app has refused a message, and that it is back at the queue."""
    script = script >> DeliveryFailed(d(number), Failure.REFUSED) << told("app.not_ready")
    script = script << Return((call(number),), JOBS, 1) >> Returned((call(number),))
    return script << Forget(d(number)) << told("deliveries.handed_back")


def test_an_app_that_accepts_and_then_refuses_is_asked_less_and_less() -> None:
    """Only an answer to a message shows that it works: until then each try costs a message one receive."""
    script = refused(delivering(m(1)), 1) >> at(1) << CheckApp()
    script = script >> AppReady() << told("app.ready") << poll(2, 1) >> brought(2, m(2)) << Deliver(d(2))
    script = refused(script, 2) >> at(1.9)
    script = script >> at(3) << CheckApp() >> AppReady() << told("app.ready") << poll(3, 1)
    script = script >> brought(3, m(3)) << Deliver(d(3)) >> DeliveryAnswered(d(3), 200)
    script = script << told("delivery.done") << Delete(call(3), JOBS) << poll(4, 1)
    assert script.state.app.tries == 0


def test_a_healthy_app_is_looked_at_again_where_there_is_a_health_check() -> None:
    """In quiet times as well, so that no message has to find out."""
    script = ready(check_every=10.0) << poll(1) >> at(9) >> at(10) << CheckApp()
    script = script >> AppReady() >> at(20) << CheckApp() >> AppUnready("status 503")
    assert script << told("app.not_ready", why="status 503")


def test_nobody_looks_while_nothing_is_fetched() -> None:
    """Quiet, and on the way out, it does not matter."""
    script = ready(check_every=10.0) << poll(1) >> SHUT >> brought(1) >> at(1000)
    assert script >> OPEN << CheckApp() << poll(2)


def test_a_shell_that_watches_by_itself_is_believed() -> None:
    """A sign of life may come without having been asked for; a second no changes nothing."""
    script = ready() << poll(1) >> AppUnready("it is being restarted") << told("app.not_ready")
    assert script >> AppUnready("it is being restarted") >> AppReady() << told("app.ready")


def test_another_reason_why_it_is_not_ready_is_told_as_well() -> None:
    """While it starts nobody listens, and what is wrong with it may be what is found after that."""
    script = ready() << poll(1) >> AppUnready("refused") << told("app.not_ready", why="refused")
    script = script >> AppUnready("status 503") << told("app.not_ready", why="status 503")
    assert script >> AppUnready("status 503") >> AppReady() << told("app.ready")
