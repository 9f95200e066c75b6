/* The worker of the benchmark: says when its first instruction ran, when a signal reached it, and when it ended.

   child exits    one line, then the end
   child serves   one line a signal; SIGUSR2 ends it

   A line is a word, nanoseconds of CLOCK_MONOTONIC and the pid. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void say(const char *word)
{
    struct timespec now;
    char line[80];
    int length;

    clock_gettime(CLOCK_MONOTONIC, &now);
    length = snprintf(line, sizeof line, "%s %lld%09ld %d\n", word, (long long)now.tv_sec, now.tv_nsec, (int)getpid());
    if (write(STDOUT_FILENO, line, length) != length)
        _exit(1);
}

static void heard(int number)
{
    if (number == SIGUSR2) {
        say("exit");
        _exit(0);
    }
    say(number == SIGTERM ? "TERM" : "USR1");
}

int main(int argc, char **argv)
{
    struct sigaction action;
    static const int numbers[] = {SIGTERM, SIGUSR1, SIGUSR2};

    if (argc == 2 && strcmp(argv[1], "exits") == 0) {
        say("start");
        return 0;
    }
    memset(&action, 0, sizeof action);
    action.sa_handler = heard;
    /* One at a time, so that their lines do not mix. */
    sigfillset(&action.sa_mask);
    for (unsigned i = 0; i < sizeof numbers / sizeof *numbers; i++)
        sigaction(numbers[i], &action, NULL);
    say("start");
    for (;;)
        pause();
}
