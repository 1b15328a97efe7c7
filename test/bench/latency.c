/*
 * How long a signal is on its way, as a service of PID 1: SIGNALS times one at a time, each sent only when the one
 * before has come. The median goes into the record.
 * Handed on (default): we send USR1 to our parent, the init, and wait for it. Straight (-DDIRECT): to a child of ours.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include "record.h"

#define SIGNALS 2001
#define WARM_UP 100

static int64_t now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static int64_t wait_for(const sigset_t *signals)
{
	int number;
	sigwait(signals, &number);
	return now();
}

#ifdef DIRECT
/* Notes when a signal came and sends one back. */
static pid_t answering(const sigset_t *signals, volatile int64_t *came)
{
	pid_t child = fork();
	if (child != 0)
		return child;
	for (;;) {
		*came = wait_for(signals);
		kill(getppid(), SIGUSR1);
	}
}
#endif

static int by_size(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

int main(void)
{
	static int64_t took[SIGNALS];
	sigset_t signals;
	sigemptyset(&signals);
	sigaddset(&signals, SIGUSR1);
	sigprocmask(SIG_BLOCK, &signals, NULL);
#ifdef DIRECT
	volatile int64_t *came = mmap(NULL, sizeof *came, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t target = answering(&signals, came);
#else
	pid_t target = getppid();
#endif
	for (int i = -WARM_UP; i < SIGNALS; i++) {
		int64_t sent = now();
		kill(target, SIGUSR1);
		int64_t at = wait_for(&signals);
#ifdef DIRECT
		at = *came;
#endif
		if (i >= 0)
			took[i] = at - sent;
	}
	qsort(took, SIGNALS, sizeof *took, by_size);
	struct record record = { .at = now(), .pid = getpid(), .kind = SIGNALS_SENT, .took = took[SIGNALS / 2] };
	int fd = open(RECORDS, O_WRONLY | O_APPEND);
	if (fd < 0 || write(fd, &record, sizeof record) != sizeof record)
		return 111;
	for (;;)
		pause();
}
