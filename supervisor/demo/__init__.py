"""The parts of `ecs-supervisor demo`: one stream of jobs, two emulated services, and what became of every job."""
