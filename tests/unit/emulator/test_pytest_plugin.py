"""The fixtures work in a test suite that knows nothing of this one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

WORKER = """
import os, signal, sys, urllib.request
signal.signal(signal.SIGTERM, lambda *_: sys.exit(5))
url = os.environ["ECS_AGENT_URI"] + "/task-protection/v1/state"
body = b'{"ProtectionEnabled":true}'
urllib.request.urlopen(urllib.request.Request(url, body, method="PUT")).read()
print("busy", flush=True)
while True: signal.pause()
"""

SUITE = """
import json, os, pathlib, signal, sys, urllib.request
from supervisor.emulator.faults import Fault

WORKER = [sys.executable, str(pathlib.Path(__file__).with_name("worker.py"))]


def put(body):
    url = os.environ["ECS_AGENT_URI"] + "/task-protection/v1/state"
    return json.load(urllib.request.urlopen(urllib.request.Request(url, body, method="PUT")))


def test_refusal(ecs_agent, ecs_endpoint):
    ecs_agent.faults.next(Fault.DEPLOYMENT_BLOCKED)
    assert "failure" in put(b'{"ProtectionEnabled":true}')
    assert "protection" in put(b'{"ProtectionEnabled":true}')
    assert ecs_agent.is_protected(ecs_endpoint)
    assert [call.status for call in ecs_agent.protection_calls(ecs_endpoint)] == [200, 200]


def test_scale_in(ecs_agent, ecs_task):
    task = ecs_task(WORKER)
    task.wait_protected()
    task.wait_for_output("busy")
    task.scale_in()
    assert task.record.signalled_at is None
    ecs_agent.world.set_protection(task.task_id, False, None, ecs_agent.now())
    assert task.wait_stopped().exit_code == 5


def test_forced_stop(ecs_task):
    first = ecs_task(WORKER)
    second = ecs_task(WORKER, stop_timeout=0.3, stop_signal=signal.SIGWINCH)
    first.wait_for_output("busy")
    second.wait_for_output("busy")
    assert first.is_protected and second.is_protected
    second.stop()
    record = second.wait_stopped()
    assert (record.exit_code, record.killed) == (137, True)
    assert first.record.exited_at is None


def test_reports(ecs_task):
    task = ecs_task([sys.executable, "-c", "print('what it said')"])
    task.wait_for_output("what")
    task.wait_for_output("never", limit_seconds=0.2)
"""


def test_the_fixtures_serve_a_foreign_suite(tmp_path: Path) -> None:
    """Refusal, scale-in and kill pass; a wait in vain fails and shows what the container printed."""
    (tmp_path / "worker.py").write_text(WORKER)
    (tmp_path / "test_worker.py").write_text(SUITE)
    plugins = ["-p", "supervisor.emulator.pytest_plugin", "-p", "no:cacheprovider"]
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *plugins],
        cwd=tmp_path,
        # Plugins of this environment must not decide the outcome, nor load the fixtures a second time.
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": str(Path.cwd())},
        capture_output=True,
        text=True,
        timeout=18,
        check=False,
    )
    assert "1 failed, 3 passed" in result.stdout, result.stdout + result.stderr
    assert "did not print 'never' within 0.2 s" in result.stdout
    assert "what it said" in result.stdout
