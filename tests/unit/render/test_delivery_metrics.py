"""The metrics of deliveries, as a scraper reads them."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from supervisor.core.delivery.measured import JOB_BUCKETS, POLL_BUCKETS, Measured, Spread
from supervisor.core.delivery.view import DeliveriesView, QueueView
from supervisor.render.delivery_metrics import DeliveryMetrics, cumulative

VIEW = DeliveriesView(
    app_ready=True,
    slots=5,
    phases={"delivering": 2},
    ended={"deleted": 7, "given back": 1},
    received=10,
    possible_duplicates=1,
    queues=(QueueView("jobs", 1, 0, None),),
)
MEASURED = Measured(
    polls={("jobs", "messages"): 4, ("jobs", "nothing"): 9},
    outcomes={"200": 7, "connection refused": 1},
    bytes=120,
    poll_seconds=Spread((1, *(0 for _ in POLL_BUCKETS)), 0.005),
    job_seconds=Spread((*(0 for _ in JOB_BUCKETS), 2), 9000.0),
)


def samples() -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(DeliveryMetrics(VIEW, MEASURED))
    families = text_string_to_metric_families(generate_latest(registry).decode())
    return {
        (sample.name.removeprefix("ecs_supervisor_"), tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


def test_each_number_has_its_metric() -> None:
    """What stands, what has ended and how, what the app has said, and how long polls and jobs took."""
    found = samples()
    assert found["app_ready", ()] == 1
    assert found["delivery_slots", ()] == 5
    assert found["deliveries", (("phase", "delivering"),)] == 2
    assert found["messages_received_total", ()] == 10
    assert found["deliveries_ended_total", (("because", "given back"),)] == 1
    assert found["possible_duplicates_total", ()] == 1
    assert found["delivery_outcomes_total", (("outcome", "200"),)] == 7
    assert found["delivery_bytes_total", ()] == 120
    assert found["polls_total", (("outcome", "nothing"), ("queue", "jobs"))] == 9
    assert found["polls_waiting", (("queue", "jobs"),)] == 1
    assert found["poll_seconds_bucket", (("le", "0.01"),)] == 1
    assert found["poll_seconds_count", ()] == 1
    assert found["delivery_seconds_bucket", (("le", "7200.0"),)] == 0
    assert found["delivery_seconds_sum", ()] == 9000.0


def test_buckets_are_cumulative() -> None:
    """Each has all that took less."""
    assert cumulative((0.5, 1.0), (1, 0, 2)) == [("0.5", 1.0), ("1.0", 1.0), ("+Inf", 3.0)]
