// runsvdir and runsv: the supervisor under the words, codes and signals of runit's.
//
// TERM ends runsvdir at once while all that it has started runs on. So the process of that name is only a face: it forks
// a core that supervises, hands HUP and ALRM on to it, and ends as it does or when told to. As PID 1 there is no face:
// its end would be everybody's, and TERM is the ordered stop.
#define _GNU_SOURCE
#include "runsvdir.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "pid1.h"
#include "runit-text.h"
#include "title.h"

#define LOG_LEAST 7

static int64_t milliseconds(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

// The code that the core's end gives us, as a shell would have it; -1 while it lives.
static int end_of(pid_t core) {
  int status;
  pid_t ended = waitpid(core, &status, WNOHANG);
  if (ended == 0) return -1;
  if (ended < 0) return 111;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int face(pid_t core, int signals) {
  int code = -1;
  while (code < 0) {
    int64_t now = milliseconds(), dot = title_deadline(now);
    struct pollfd ready[] = {{.fd = signals, .events = POLLIN}, {.fd = title_fd, .events = POLLIN}};
    (void)poll(ready, 2, title_fd < 0 ? -1 : dot <= now ? 0 : (int)(dot - now));
    if (title_fd >= 0) title_read();
    if (dot <= now) title_dot(now);
    struct signalfd_siginfo info;
    while (code < 0 && read(signals, &info, sizeof info) == sizeof info) {
      if (info.ssi_signo == SIGTERM) return 0;
      if (info.ssi_signo == SIGCHLD) code = end_of(core);
      else (void)kill(core, (int)info.ssi_signo);
    }
  }
  return code;
}

// Begins the log in the argument if there is one; without it everything goes on.
static void begin_log(const char *directory, char *argument) {
  if (strlen(argument) < LOG_LEAST) runit_tell("runsvdir ", directory, ": warning: log must have at least seven characters.\n", NULL);
  else if (title_begin(argument)) return;
  else runit_tell("runsvdir ", directory, ": warning: unable to create pipe for log.\n", NULL);
  runit_tell("runsvdir ", directory, ": warning: log service disabled.\n", NULL);
}

static int usage(const char *program, const char *words) {
  runit_tell("usage: ", program, " ", words, "\n\n", NULL);
  return 1;
}

int runsvdir_main(char **argv) {
  char **words = argv + 1;
  // Only as the first word, as the original has it; whatever follows the letter counts for nothing.
  bool own_session = *words && strncmp(*words, "-P", 2) == 0;
  if (own_session || (*words && strncmp(*words, "--", 2) == 0)) words++;
  if (!words[0]) return usage(argv[0], "[-P] dir");
  // What is to be read in `ps` overwrites and moves the words.
  char *directory = strdup(words[0]);
  static char own_pid[16];
  char *manager[] = {(char *)"--as", (char *)"runsvdir", (char *)"--face", own_pid, (char *)"--dir", directory, NULL};
  if (!directory) return 111;
  if (words[1] && streams_open()) begin_log(directory, words[1]);
  bool is_face = getpid() != 1;
  snprintf(own_pid, sizeof own_pid, "%d", is_face ? (int)getpid() : 0);
  if (!is_face) return pid1_main(manager, environ);
  sigset_t signals, before;
  sigemptyset(&signals);
  sigaddset(&signals, SIGHUP), sigaddset(&signals, SIGALRM), sigaddset(&signals, SIGTERM), sigaddset(&signals, SIGCHLD);
  (void)signal(SIGCHLD, SIG_DFL);
  (void)sigprocmask(SIG_BLOCK, &signals, &before);
  int signals_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
  pid_t parent = getpid(), core = signals_fd < 0 ? -1 : fork();
  if (core < 0) {
    runit_tell("runsvdir ", directory, ": fatal: unable to fork: ", runit_error(errno), "\n", NULL);
    return 100;
  }
  if (core > 0) return face(core, signals_fd);
  (void)sigprocmask(SIG_SETMASK, &before, NULL);
  title_rename(argv, "upkeep");
  if (own_session) (void)setsid();
  pid1_face = parent;
  return pid1_main(manager, environ);
}

#define FATAL(...) (runit_tell("runsv ", directory, ": fatal: ", __VA_ARGS__, ": ", runit_error(errno), "\n", NULL), 111)

// Whether another supervisor holds the lock of this directory.
static bool is_locked(const char *directory, const char *file) {
  char path[4096];
  if (snprintf(path, sizeof path, "%s/%s", directory, file) >= (int)sizeof path) return false;
  int fd = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) return false;
  bool is = flock(fd, LOCK_EX | LOCK_NB) != 0;
  int error = errno;
  (void)close(fd);
  errno = error;
  return is;
}

int runsv_main(char **argv) {
  char *directory = argv[1];
  if (!directory || argv[2]) return usage(argv[0], "dir");
  struct stat file;
  if (stat(directory, &file) == 0 && !S_ISDIR(file.st_mode)) errno = ENOTDIR;
  else if (access(directory, X_OK) == 0) errno = 0;
  if (errno) return FATAL("unable to change to directory");
  if (is_locked(directory, "supervise/lock")) return FATAL("unable to lock supervise/lock");
  if (is_locked(directory, "log/supervise/lock")) return FATAL("unable to lock log/supervise/lock");
  char *words[] = {(char *)"--as", (char *)"runsv", (char *)"--dir", directory, NULL};
  return pid1_main(words, environ);
}
