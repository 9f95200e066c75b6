<?php

// A worker that takes its jobs from a directory. $argv[1]: the client.

require $argv[1];

$queue = getenv('QUEUE');

function record(string $what, string $job): void
{
    $line = ['t' => hrtime(true) / 1e9, 'job' => $job, 'what' => $what, 'task' => getenv('EMULATOR_TASK') ?: '0', 'pid' => getmypid()];
    file_put_contents(getenv('RECORDS'), json_encode($line) . "\n", FILE_APPEND);
}

function fetched(string $queue): ?string
{
    foreach (scandir("$queue/waiting") as $job) {
        if ($job[0] !== '.' && @rename("$queue/waiting/$job", "$queue/taken/$job")) {
            return $job;
        }
    }
    return null;
}

$supervisor = new EcsSupervisor();
while ($supervisor->welcome()) {
    if (($job = fetched($queue)) === null) {
        usleep(100_000);
        continue;
    }
    $done = $supervisor->held($job, function () use ($queue, $job) {
        record('start', $job);
        // A signal ends a sleep before its time.
        $until = hrtime(true) + 1e9 * (float) file_get_contents("$queue/taken/$job");
        while (($left = $until - hrtime(true)) > 0) {
            usleep((int) ($left / 1000) + 1);
        }
        record('end', $job);
        unlink("$queue/taken/$job");
    });
    $done || rename("$queue/taken/$job", "$queue/waiting/$job");
}
