/*
 * Makes orphans for PID 1 to reap, and times the reaping from inside the PID namespace.
 * As a stream (default): ORPHANS double forks one after the other, each orphan dead at once.
 * As a burst (-DBURST): ORPHANS orphans that already are PID 1's children, released to die together.
 * An orphan counts as waiting from the moment it leaves (it says so in shared memory) until its pid is free.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "record.h"

#define LIMIT_NS 8000000000LL

struct orphan {
	volatile int64_t left_at; /* 0: still alive */
	volatile pid_t pid;
};

static struct orphan *orphans;
static int open_list[ORPHANS], open_count, most_waiting;

static int64_t now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void rest(long ns)
{
	nanosleep(&(struct timespec){ .tv_nsec = ns }, NULL);
}

/* Drops the reaped from the list and notes how many are dead but not reaped. */
static void look(void)
{
	int kept = 0, waiting = 0;
	for (int i = 0; i < open_count; i++) {
		struct orphan *one = &orphans[open_list[i]];
		if (one->left_at && kill(one->pid, 0) < 0 && errno == ESRCH)
			continue;
		waiting += one->left_at != 0;
		open_list[kept++] = open_list[i];
	}
	open_count = kept;
	if (waiting > most_waiting)
		most_waiting = waiting;
}

static pid_t child(void)
{
	pid_t pid;
	while ((pid = fork()) < 0 && errno == EAGAIN)
		rest(1000000);
	if (pid < 0)
		_exit(111);
	return pid;
}

static void leave(int index)
{
	orphans[index].left_at = now();
	_exit(0);
}

#ifdef BURST
static void make(void)
{
	int gate[2];
	if (pipe(gate) < 0)
		_exit(111);
	pid_t middle = child();
	if (middle == 0) {
		for (int i = 0; i < ORPHANS; i++) {
			pid_t pid = child();
			if (pid == 0) {
				char byte;
				close(gate[1]);
				while (read(gate[0], &byte, 1) < 0)
					;
				leave(i);
			}
			orphans[i].pid = pid;
		}
		_exit(0);
	}
	waitpid(middle, NULL, 0);
	for (open_count = 0; open_count < ORPHANS; open_count++)
		open_list[open_count] = open_count;
	rest(300000000);
	close(gate[1]);
}
#else
static void make(void)
{
	for (int i = 0, next_look = 16; i < ORPHANS; i++) {
		pid_t middle = child();
		if (middle == 0) {
			pid_t pid = child();
			if (pid == 0)
				leave(i);
			orphans[i].pid = pid;
			_exit(0);
		}
		waitpid(middle, NULL, 0);
		open_list[open_count++] = i;
		if (i < next_look)
			continue;
		look();
		/* A look costs a call for each: rarer when many wait, so that looking does not become the load. */
		next_look = i + (open_count > 128 ? open_count / 8 : 16);
	}
}
#endif

int main(void)
{
	orphans = mmap(NULL, ORPHANS * sizeof *orphans, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (orphans == MAP_FAILED)
		return 111;
	make();
	int64_t began = now(), last = 0, gone;
	for (;;) {
		look();
		gone = now();
		if (open_count == 0 || gone - began > LIMIT_NS)
			break;
		if (open_count > 64)
			rest(200000); /* leave the processors to the reaper; near the end look without a pause */
	}
	for (int i = 0; i < ORPHANS; i++)
		if (orphans[i].left_at > last)
			last = orphans[i].left_at;
	struct record record = {
		.at = now(),
		.pid = getpid(),
		.kind = ORPHANS_REAPED,
		.took = gone - last,
		.waiting = most_waiting,
		.left = open_count,
	};
	int fd = open(RECORDS, O_WRONLY | O_APPEND | O_CLOEXEC);
	if (write(fd, &record, sizeof record) < 0)
		return 111;
	for (;;)
		pause();
}
