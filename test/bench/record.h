/* One line of the common stopwatch: what a measured program writes, in one atomic append, to the file RECORDS. */
#ifndef RECORD_H
#define RECORD_H
#include <stdint.h>

enum { RUNNING = 1, ORPHANS_REAPED = 2, SIGNALS_SENT = 3 };

struct record {
	int64_t at;      /* CLOCK_MONOTONIC, ns */
	int32_t pid;     /* as its own PID namespace counts */
	int32_t kind;
	int64_t took;    /* ORPHANS_REAPED: ns from the last death to the last reaping
	                    SIGNALS_SENT: ns of the median signal */
	int32_t waiting; /* ORPHANS_REAPED: the most that were dead and not reaped in one look */
	int32_t left;    /* ORPHANS_REAPED: never reaped before the limit */
};
#endif
