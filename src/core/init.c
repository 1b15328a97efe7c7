// The one loop of init mode: wait for a signal, hand it on or reap, until the child is dead.
#define _GNU_SOURCE
#include "init.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "init-signal.h"
#include "init-sweep.h"

#define BIT SIGNAL_BIT
#define JOB_STOPS (BIT(SIGTSTP) | BIT(SIGTTIN) | BIT(SIGTTOU))
// What asks a program to end, from runtimes, power failures and systemd's halt. INT and QUIT mean other things as well
// (an editor's Ctrl-C, a JVM's thread dump): nothing is killed for not ending on them.
#define STOPS (BIT(SIGTERM) | BIT(SIGPWR) | BIT(SIGNAL_RTMIN + 3))

static struct init_inherited inherited;
static uint64_t collected;
static pid_t child;
static int child_code;   // -1 while it lives
static bool childless;
static uint64_t handed_off;  // signals to be swallowed once
static int64_t deliver_at, kill_at;
static siginfo_t held;
static bool sweeping, kills;

struct init init_plan(const struct init_face *face) {
  struct init init = {.face = face, .grace = INIT_NEVER, .drain = INIT_NEVER};
  memset(init.rewrite, INIT_AS_IT_IS, sizeof init.rewrite);
  return init;
}

void init_begin(struct init *init) {
  // Blocked, a signal waits for us even if it is ignored; and a fault of our own still ends us, which a handler would not.
  collected = ~init->left_alone;
  inherited = (struct init_inherited){.mask = set_mask(collected), .terminal = -1, .directory = -1, .pid = getpid()};
  // Ignored, it would never come, and the dead would leave no code.
  inherited.chld = signal(SIGCHLD, SIG_DFL);
  bool foreground = init->place == PLACE_GROUP;
  inherited.ttin = signal(SIGTTIN, foreground ? SIG_IGN : SIG_DFL);
  inherited.ttou = signal(SIGTTOU, foreground ? SIG_IGN : SIG_DFL);
  collected &= ~(BIT(SIGKILL) | BIT(SIGSTOP));
  if (init->place == PLACE_FOREGROUND)
    for (int fd = 0; fd < 3 && inherited.terminal < 0; fd++)
      if (tcgetpgrp(fd) >= 0) inherited.terminal = fd;
}

// The place that a session of the child's needs: our terminal is given up, and our directory with it.
static void step_aside(struct init *init) {
  if (init->place == PLACE_SESSION) {
    int error = ioctl(0, TIOCNOTTY) < 0 ? errno : 0;
    bool led = error == 0 && getsid(0) == getpid();
    // The kernel tells the session's foreground group, us, that its terminal is gone.
    if (led) handed_off = BIT(SIGHUP) | BIT(SIGCONT);
    init->face->tell(INIT_DETACHED, error, led);
  }
  if (!init->leaves_directory) return;
  // Before the fork, so that nobody can find us in the old one any more once the child runs.
  inherited.directory = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (inherited.directory >= 0 && (fchdir(inherited.directory) < 0 || chdir("/") < 0)) {
    (void)close(inherited.directory);
    inherited.directory = -1;
  }
}

static int spawn_child(struct init *init, char **argv) {
  child = fork();
  if (child == 0) init_child(init, &inherited, argv);
  if (child < 0) return init->face->cannot("fork", errno);
  init->face->tell(INIT_SPAWNED, child, 0);
  if (inherited.directory >= 0) (void)close(inherited.directory);
  else if (init->leaves_directory) (void)!chdir("/");
  inherited.directory = -1;
  return -1;
}

// 0, or the code to leave with.
static int forward(struct init *init, int number, const siginfo_t *info) {
  int sent = number;
  if (init->rewrite[number] != INIT_AS_IT_IS) {
    sent = init->rewrite[number];
    init->face->tell(INIT_TRANSLATED, number, sent);
  }
  if (sent == 0) {
    init->face->tell(INIT_DROPPED, number, 0);
    return 0;
  }
  bool stops = (STOPS & BIT(number)) || (STOPS & BIT(sent));
  if (stops) {
    init->stop_signal = sent;
    if (init->grace >= 0 && kill_at == NEVER) kill_at = clock_now() + init->grace;
  }
  int error = hand_on(child, sent, info, init->to_group, child_code >= 0);
  if (error == ESRCH) init->face->tell(INIT_CHILD_GONE, 0, 0);
  else if (error) {
    init->face->tell(INIT_NOT_SENT, error, 0);
    if (init->quits_unsent) return 1;
  }
  init->face->tell(INIT_FORWARDED, sent, 0);
  return 0;
}

static void give_terminal(pid_t group, pid_t from) {
  if (inherited.terminal >= 0 && tcgetpgrp(inherited.terminal) == from) (void)tcsetpgrp(inherited.terminal, group);
}

// The shell that runs us sees us stopped where it would see the command stopped. The kernel decides whether that can be:
// where nobody could resume us, the stop has no effect, and the command goes on.
static void stop_with_child(int number) {
  give_terminal(getpgrp(), child);
  (void)kill(getpid(), number);
  uint64_t before = set_mask(collected & ~BIT(number));
  (void)set_mask(before);
  siginfo_t info;
  // One CONT for the child, from the shell or from us.
  bool resumed = next_signal(BIT(SIGCONT), &info, 0) == SIGCONT;
  give_terminal(child, getpgrp());
  // It would only ask for the terminal again, which it cannot have, and so on for ever.
  if (!resumed && number != SIGTSTP && tcgetpgrp(inherited.terminal) != child) return;
  (void)kill(-child, SIGCONT);
}

static bool follows_stops(const struct init *init) {
  return init->place == PLACE_FOREGROUND && inherited.terminal >= 0 && inherited.pid != 1;
}

static void reap(struct init *init) {
  int status, options = WNOHANG | (follows_stops(init) ? WUNTRACED : 0);
  pid_t pid;
  while ((pid = waitpid(-1, &status, options)) > 0) {
    if (WIFSTOPPED(status)) {
      if (pid == child && (JOB_STOPS & BIT(WSTOPSIG(status)))) stop_with_child(WSTOPSIG(status));
      continue;
    }
    init->face->tell(INIT_REAPED, pid, status);
    if (pid != child) continue;
    child_code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    if (init->forgiven[child_code / 64] >> child_code % 64 & 1) child_code = 0;
    const siginfo_t own = {0};
    if (init->ends_group) (void)forward(init, SIGTERM, &own);
    init->face->tell(INIT_ENDED, child_code, status);
    if (init->place == PLACE_FOREGROUND) give_terminal(getpgrp(), child);
    if (!init->reaps_always && !init->wait_all) return;
  }
  childless = pid < 0 && errno == ECHILD;
  init->face->tell(childless ? INIT_CHILDLESS : INIT_NONE_DEAD, 0, 0);
}

// 0, or the code to leave with.
static int received(struct init *init, int number, siginfo_t *info) {
  init->face->tell(INIT_RECEIVED, number, 0);
  if (handed_off & BIT(number)) {
    handed_off &= ~BIT(number);
    init->face->tell(INIT_HANDED_OFF, number, 0);
    return 0;
  }
  if (number == SIGCHLD) return 0;
  if (sweeping || child == 0) {
    if ((STOPS | BIT(SIGINT) | BIT(SIGQUIT)) & BIT(number)) {
      init->stop_signal = number;
      if (sweeping) kill_at = clock_now();
    }
    return 0;
  }
  if (number == SIGCONT && follows_stops(init)) give_terminal(child, getpgrp());
  // Held back once; a second one is in earnest.
  if (number == SIGTERM && init->drain >= 0 && init->stop_signal == 0 && deliver_at == NEVER) {
    held = *info;
    deliver_at = clock_now() + init->drain;
    return 0;
  }
  if (number == SIGTERM) deliver_at = NEVER;
  int code = forward(init, number, info);
  if (init->suspends && (JOB_STOPS & BIT(number))) {
    init->face->tell(INIT_SUSPENDING, 0, 0);
    (void)kill(getpid(), SIGSTOP);
  }
  return code;
}

static void overdue(struct init *init) {
  if (deliver_at == NEVER && kill_at == NEVER) return;
  int64_t now = clock_now();
  if (deliver_at <= now) {
    deliver_at = NEVER;
    (void)forward(init, SIGTERM, &held);
  }
  if (kill_at > now) return;
  if (!kills) init->face->tell(INIT_KILLING, sweeping, 0);
  kills = true;
  if (sweeping) {
    kill_at = now + SWEEP_AGAIN;
    sweep(SIGKILL);
  } else {
    kill_at = NEVER;
    if (!init->to_group || kill(-child, SIGKILL) != 0) (void)kill(child, SIGKILL);
  }
}

// The child is dead, or there was none: what is left gets TERM, and KILL after the grace.
static void begin_sweep(const struct init *init) {
  sweeping = true;
  kills = false;
  deliver_at = NEVER;
  kill_at = clock_now() + (init->grace >= 0 ? init->grace : SWEEP_GRACE);
  sweep(SIGTERM);
}

int init_run(struct init *init, char **argv) {
  child = 0;
  child_code = -1;
  sweeping = kills = childless = false;
  deliver_at = kill_at = NEVER;
  if (argv) {
    step_aside(init);
    int code = spawn_child(init, argv);
    if (code >= 0) return code;
  }
  for (;;) {
    siginfo_t info;
    int number = next_signal(collected, &info, deliver_at < kill_at ? deliver_at : kill_at);
    int code = number ? received(init, number, &info) : 0;
    if (code) return code;
    if (number == SIGCHLD || (number && init->reaps_always)) reap(init);
    overdue(init);
    bool over = child ? child_code >= 0 : init->stop_signal != 0;
    if (!over) continue;
    if (child_code < 0) child_code = 0;
    if (init->wait_all && !sweeping) {
      begin_sweep(init);
      reap(init);
    }
    if (init->wait_all && !childless) continue;
    init->face->tell(INIT_LEAVING, child_code, 0);
    return child_code;
  }
}
