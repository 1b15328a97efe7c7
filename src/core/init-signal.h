#ifndef INIT_SIGNAL_H
#define INIT_SIGNAL_H
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define NEVER INT64_MAX

// Milliseconds of CLOCK_MONOTONIC.
int64_t clock_now(void);
// Sets the kernel's signal mask of this thread; gives back the one before.
uint64_t set_mask(uint64_t mask);
// Number of a signal in `set`; 0 if none came until `deadline`, or if the wait was interrupted.
int next_signal(uint64_t set, siginfo_t *info, int64_t deadline);
// Sends a signal on to the child or its group, with what was queued with it; 0, or the errno. `dead`: it has been reaped.
int hand_on(pid_t child, int number, const siginfo_t *info, bool to_group, bool dead);
#endif
