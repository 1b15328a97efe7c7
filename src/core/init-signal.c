// Waiting for signals and sending them, as the kernel has them: a libc would hide some and lose what is queued with them.
#define _GNU_SOURCE
#include "init-signal.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "text.h"

// A queue that is full: how often to try again, after a millisecond each.
#define QUEUE_TRIES 50

int64_t clock_now(void) {
  struct timespec time;
  (void)clock_gettime(CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

uint64_t set_mask(uint64_t mask) {
  uint64_t before = 0;
  (void)syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, &before, sizeof mask);
  return before;
}

int next_signal(uint64_t set, siginfo_t *info, int64_t deadline) {
  struct timespec wait = {0};
  if (deadline != NEVER) {
    int64_t left = deadline - clock_now();
    if (left > 0) wait = (struct timespec){.tv_sec = left / 1000, .tv_nsec = left % 1000 * 1000000};
  }
  long number = syscall(SYS_rt_sigtimedwait, &set, info, deadline == NEVER ? NULL : &wait, sizeof set);
  // Refused (by a filter of system calls, say), it would be refused for ever.
  if (number < 0 && errno != EINTR && errno != EAGAIN) {
    say("cannot wait for signals: %s", strerror(errno));
    _exit(111);
  }
  return number > 0 ? (int)number : 0;
}

int hand_on(pid_t child, int number, const siginfo_t *info, bool to_group, bool dead) {
  // A reaped child's number may be another's already; its group's is not while somebody is in it.
  if (dead) return to_group && kill(-child, number) == 0 ? 0 : ESRCH;
  // With its value and its sender; only a queue's own error tells that it is full.
  if (!to_group && info->si_code == SI_QUEUE) {
    const struct timespec moment = {.tv_nsec = 1000000};
    for (int i = 0; i < QUEUE_TRIES; i++) {
      if (syscall(SYS_rt_sigqueueinfo, child, number, info) == 0) return 0;
      if (errno != EAGAIN) break;
      (void)nanosleep(&moment, NULL);
    }
  }
  if (to_group && kill(-child, number) == 0) return 0;
  // A child that does not lead its group yet, having only just been forked, still has the signal blocked: it waits there.
  if (to_group && errno != ESRCH) return errno;
  return kill(child, number) == 0 ? 0 : errno;
}
