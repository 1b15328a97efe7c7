// What the core does by itself when it is told to stop and nobody does it: TERM all, and at the end of the budget KILL.
#define _GNU_SOURCE
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core.h"
#include "text.h"

// A manager that has not answered a stop signal for this long (ms) is not in charge any more.
#define ANSWER_PATIENCE 1000
// A new manager is given this long (ms) to go on with a stop that a dead one had begun.
#define SUCCESSOR_PATIENCE 2000
// After the budget; the ordered stop's own KILL comes before ours.
#define KILL_MARGIN 500
// A second stop signal within this time is the same one twice: npm, terminals and runtimes send it to a group and to us.
#define SECOND_SIGNAL 500
// Between one KILL of everybody and the next (a fork may slip through), and how many before we leave whatever lives.
#define KILL_AGAIN 100
#define KILLS_MAX 20
// For the killed manager and the last zombies (ms).
#define LEAVE_PATIENCE 100

#define BIT(signal) (1ull << ((signal)-1))

// TERM, INT, QUIT, PWR, and RTMIN+3 of systemd's and podman's halt.
uint64_t stop_signals = BIT(15) | BIT(2) | BIT(3) | BIT(30) | BIT(37);
static int64_t stop_budget = 9000;

static int64_t asked_at = NEVER, begun_at = NEVER, kill_at = NEVER;
static bool alone;
static int kills;

bool stop_alone(void) {
  return alone;
}

static void be_alone(void) {
  alone = true;
  manager.start_at = NEVER;
  relay_begin();
}

static void take_over(void) {
  be_alone();
  say("stopping without the manager, which does not answer: every process gets TERM, and KILL when the budget is over");
  if (manager.pid) (void)kill(manager.pid, SIGKILL);
  everyone_signal(SIGTERM);
  everyone_signal(SIGCONT);
}

void stop_begun(void) {
  if (begun_at != NEVER) return;
  begun_at = now;
  kill_at = begun_at + stop_budget + KILL_MARGIN;
}

void stop_budget_is(int64_t budget) {
  stop_budget = budget;
  // A stop may be asked for before there is a manager that has read how long it may take.
  if (begun_at != NEVER && !alone) kill_at = begun_at + stop_budget + KILL_MARGIN;
}

void stop_requested(void) {
  stop_begun();
  if (alone) {
    if (now - asked_at >= SECOND_SIGNAL) kill_at = now;
    return;
  }
  // From the first one that waits: repeating it does not put off the answer.
  if (!signal_unanswered()) asked_at = now;
}

// When a stop that has begun is taken out of the manager's hands; NEVER while it goes on with it.
static int64_t answer_deadline(void) {
  if (alone || kill_at == NEVER) return NEVER;
  // One that has become a stop signal only since it came has not asked for one.
  if (asked_at != NEVER && signal_unanswered()) return asked_at + ANSWER_PATIENCE;
  return manager.ready ? NEVER : manager.lost_at + SUCCESSOR_PATIENCE;
}

int64_t stop_deadline(void) {
  int64_t answer = answer_deadline();
  return answer < kill_at ? answer : kill_at;
}

void stop_due(void) {
  if (answer_deadline() <= now) take_over();
  if (kill_at > now) return;
  if (kills == 0) say("the stop's budget of %lld ms is over: killing whatever lives", (long long)stop_budget);
  if (!alone) be_alone();
  everyone_signal(SIGKILL);
  kill_at = now + KILL_AGAIN;
  // A process that KILL does not end hangs in the kernel; it ends with us or never.
  if (++kills > KILLS_MAX) leave(111);
}

void stop_childless(void) {
  if (alone) leave(111);
}

_Noreturn void leave(int code) {
  if (alone) relay_finish();
  if (manager.pid) (void)kill(manager.pid, SIGKILL);
  // A namespace dies with its init; elsewhere nothing of ours is to be seen once we are gone.
  const struct timespec moment = {.tv_nsec = 1000000};
  for (int i = 0; !is_pid1 && i < LEAVE_PATIENCE; i++) {
    pid_t pid;
    while ((pid = waitpid(-1, NULL, WNOHANG)) > 0) continue;
    if (pid < 0) break;
    (void)nanosleep(&moment, NULL);
  }
  _exit(code);
}
