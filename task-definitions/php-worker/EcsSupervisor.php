<?php

/**
 * Holds for a worker in PHP, with the extensions pcntl and posix; README.md shows the loop around it.
 * ECS_SUPERVISOR_API is http://127.0.0.1:8126; without it nothing is asked and everything is allowed.
 */
final class EcsSupervisor
{
    private const TTL = 60, REFRESH = 15; // seconds: a hold ends by itself unless it is put again
    private const PATIENCE = 10; // so long a silent supervisor is waited for, at the start and after it was there; then we go on without
    private bool $stopping = false;
    private int $heard;

    public function __construct()
    {
        $this->heard = hrtime(true);
        pcntl_async_signals(true);
        pcntl_signal(SIGTERM, fn () => $this->stopping = true);
    }

    /** Wait until new work is welcome; false when this worker is to end. */
    public function welcome(): bool
    {
        for ($wait = ''; !$this->stopping && !$this->allowed($status = $this->ask('GET', "/v1/accepting$wait")); $wait = '?was=false&wait=2') {
            $status === 0 && sleep(1);
        }
        return !$this->stopping;
    }

    /** Hold the task while $work runs; false if it must not begin, and has to go back to its queue. */
    public function held(string $about, callable $work): bool
    {
        $path = '/v1/holds/' . bin2hex(random_bytes(16));
        $hold = ['about' => $about, 'ttl' => self::TTL];
        if (!$this->allowed($this->ask('PUT', $path, $hold + ['wait' => 15]))) {
            return false;
        }
        $refresher = $this->refresher($path, $hold);
        try {
            $work();
        } finally {
            $refresher > 0 && posix_kill($refresher, SIGTERM) && pcntl_waitpid($refresher, $status);
            $this->ask('DELETE', $path);
        }
        return true;
    }

    /** A process that puts the hold again, for as long as we live. It ends by SIGKILL: your connections are not its to close. */
    private function refresher(string $path, array $hold): int
    {
        [$parent, $mask] = [getmypid(), []];
        pcntl_sigprocmask(SIG_BLOCK, [SIGTERM], $mask);
        if (($child = pcntl_fork()) === 0) {
            while (pcntl_sigtimedwait([SIGTERM], $info, self::REFRESH) !== SIGTERM && posix_getppid() === $parent) {
                $this->ask('PUT', $path, $hold);
            }
            posix_kill(getmypid(), SIGKILL);
        }
        pcntl_sigprocmask(SIG_SETMASK, $mask);
        return $child;
    }

    /** The status of the answer; 0 for none. */
    private function ask(string $method, string $path, ?array $body = null): int
    {
        if (!($api = getenv('ECS_SUPERVISOR_API'))) {
            return 200;
        }
        $http = ['method' => $method, 'header' => 'Content-Type: application/json', 'timeout' => ($body['wait'] ?? 0) + 5, 'ignore_errors' => true, 'follow_location' => 0];
        $body && $http['content'] = json_encode($body, JSON_INVALID_UTF8_SUBSTITUTE);
        if (!($answer = @fopen($api . $path, 'r', false, stream_context_create(['http' => $http])))) {
            return 0;
        }
        $this->heard = hrtime(true);
        return (int) explode(' ', stream_get_meta_data($answer)['wrapper_data'][0])[1];
    }

    private function allowed(int $status): bool
    {
        return $status === 0 ? hrtime(true) - $this->heard >= self::PATIENCE * 1e9 : !in_array($status, [409, 503], true);
    }
}
