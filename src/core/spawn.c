#define _GNU_SOURCE
#include "spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "path-exec.h"
#include "slots.h"

// Where the environment has none: never the current directory.
#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

static struct rlimit inherited_nofile;

const char *spawn_step_name(enum spawn_step step) {
  static const char *const names[] = {
#define X(name) #name,
      SPAWN_STEPS(X)
#undef X
  };
  return (size_t)step < sizeof names / sizeof *names ? names[step] : "unknown";
}

void spawn_init(void) {
  if (getrlimit(RLIMIT_NOFILE, &inherited_nofile) != 0) inherited_nofile = (struct rlimit){1024, 1024};
  struct rlimit all = {inherited_nofile.rlim_max, inherited_nofile.rlim_max};
  // Refused is no harm: then we have as many as we were given.
  (void)setrlimit(RLIMIT_NOFILE, &all);
}

void spawn_reset_dispositions(void) {
  // The kernel's sigaction: handler, flags, restorer, mask; zero is SIG_DFL.
  struct {
    void *handler;
    unsigned long flags;
    void *restorer;
    uint64_t mask;
  } action = {0};
  for (int signal = 1; signal <= 64; signal++) (void)syscall(SYS_rt_sigaction, signal, &action, NULL, sizeof action.mask);
}

static void clear_mask(void) {
  uint64_t none = 0;
  (void)syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, NULL, sizeof none);
}

static _Noreturn void fail(int report, enum spawn_step step) {
  struct spawn_failure failure = {step, errno};
  // Eight bytes into an empty pipe: whole or, if the core is gone, of no interest.
  ssize_t ignored = write(report, &failure, sizeof failure);
  (void)ignored;
  _exit(127);
}

static bool is_target(const struct spawn *spawn, int fd) {
  for (size_t i = 0; i < spawn->fd_count; i++)
    if (spawn->fds[i].to == fd) return true;
  return false;
}

// Puts each descriptor in its place. Sources stay above all targets, so that no move overwrites one still wanted.
static bool place_descriptors(const struct spawn *spawn, int *report) {
  int above = 3;
  for (size_t i = 0; i < spawn->fd_count; i++)
    if (spawn->fds[i].to >= above) above = spawn->fds[i].to + 1;
  if (*report < above && (*report = fcntl(*report, F_DUPFD_CLOEXEC, above)) < 0) return false;
  int sources[SPAWN_FDS_MAX];
  for (size_t i = 0; i < spawn->fd_count; i++) {
    const struct spawn_fd *fd = &spawn->fds[i];
    if (fd->from == fd->to) continue;
    sources[i] = fd->from < 0 ? open("/dev/null", O_RDWR | O_CLOEXEC | O_NOCTTY) : fd->from;
    if (sources[i] < 0) return false;
    if (sources[i] < above && (sources[i] = fcntl(sources[i], F_DUPFD_CLOEXEC, above)) < 0) return false;
  }
  for (size_t i = 0; i < spawn->fd_count; i++) {
    const struct spawn_fd *fd = &spawn->fds[i];
    // One that is in its place by chance is closed on exec as all of ours are.
    if ((fd->from == fd->to ? fcntl(fd->to, F_SETFD, 0) : dup2(sources[i], fd->to)) < 0) return false;
  }
  // The exec would close the rest; but one that hangs would hold the ends of other services' pipes for as long.
  for (int fd = 3; fd < above; fd++)
    if (!is_target(spawn, fd)) (void)close(fd);
  (void)syscall(SYS_close_range, (unsigned)above, (unsigned)*report - 1, 0u);
  (void)syscall(SYS_close_range, (unsigned)*report + 1, ~0u, 0u);
  return true;
}

static bool set_limit(const struct spawn_limit *given) {
  struct rlimit limit = given->limit, now;
  if (given->keeps_hard) {
    if (getrlimit(given->resource, &now) != 0) return false;
    limit.rlim_max = now.rlim_max;
    if (limit.rlim_cur > limit.rlim_max) limit.rlim_cur = limit.rlim_max;
  }
  return setrlimit(given->resource, &limit) == 0;
}

static bool set_limits(const struct spawn *spawn) {
  if (setrlimit(RLIMIT_NOFILE, &inherited_nofile) != 0) return false;
  for (size_t i = 0; i < spawn->limit_count; i++)
    if (!set_limit(&spawn->limits[i])) return false;
  struct rlimit mark;
  // Without effect on Linux since 2.4, inherited by all descendants, readable by all: it tells whose a process is.
  if (spawn->mark && getrlimit(RLIMIT_LOCKS, &mark) == 0 && mark.rlim_max >= spawn->mark) {
    mark.rlim_cur = spawn->mark;
    (void)setrlimit(RLIMIT_LOCKS, &mark);
  }
  return true;
}

// Job control wants a group that the terminal knows: Ctrl-C then reaches it, and no one else.
static bool take_foreground(void) {
  if (setpgid(0, 0) != 0) return false;
  // From the background it would stop us; all signals are blocked here, and blocked is as good as ignored.
  (void)tcsetpgrp(0, getpgrp());
  return true;
}

// The descriptor stays open in the program. Opened as whom the program runs as: its path may lead through directories
// of his, where root would create whatever he likes. Who waits says so, once, in his own output.
static bool take_lock(const struct spawn *spawn) {
  static const char waiting[] = "upkeep: waiting for the lock ";
  int fd = open(spawn->lock, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | O_NOCTTY, 0600);
  if (fd < 0) return false;
  if (flock(fd, LOCK_EX | LOCK_NB) == 0) return true;
  if (errno != EWOULDBLOCK || !spawn->lock_waits) return false;
  const struct iovec line[] = {{(void *)waiting, sizeof waiting - 1}, {(void *)spawn->lock, strlen(spawn->lock)}, {(void *)"\n", 1}};
  (void)!writev(2, line, sizeof line / sizeof *line);
  while (flock(fd, LOCK_EX) != 0)
    if (errno != EINTR) return false;
  return true;
}

// Only async-signal-safe calls from here on. Limits, priority, root and directory come before the identity: they may
// need root.
static _Noreturn void become(const struct spawn *spawn, int report) {
  if (spawn->session ? setsid() < 0 : !take_foreground()) fail(report, STEP_session);
  clear_mask();
  if (!place_descriptors(spawn, &report)) fail(report, STEP_descriptors);
  if (!set_limits(spawn)) fail(report, STEP_limits);
  if (spawn->set_nice && setpriority(PRIO_PROCESS, 0, spawn->nice) != 0) fail(report, STEP_nice);
  if (spawn->set_umask) umask(spawn->umask);
  if (spawn->root && (chdir(spawn->root) != 0 || chroot(".") != 0)) fail(report, STEP_root);
  if (spawn->set_groups && setgroups(spawn->group_count, spawn->groups) != 0) fail(report, STEP_groups);
  if (spawn->set_group && setresgid(spawn->gid, spawn->gid, spawn->gid) != 0) fail(report, STEP_groups);
  // With root's eyes first: a service may live in a directory that its user cannot search; then with the user's own.
  bool there = !spawn->dir || chdir(spawn->dir) == 0;
  if (spawn->set_user && setresuid(spawn->uid, spawn->uid, spawn->uid) != 0) fail(report, STEP_user);
  if (!there && chdir(spawn->dir) != 0) fail(report, STEP_directory);
  if (spawn->no_new_privs && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) fail(report, STEP_privileges);
  // After the change of identity, which clears it.
  if (spawn->death_signal && prctl(PR_SET_PDEATHSIG, spawn->death_signal, 0, 0, 0) != 0) fail(report, STEP_privileges);
  if (spawn->lock && !take_lock(spawn)) fail(report, STEP_lock_file);
  for (int fd = 0; fd < 3; fd++)
    if (spawn->closed & 1u << fd) (void)close(fd);
  static const int passed[] = {ENOENT, EACCES, ENOTDIR, ENAMETOOLONG, 0};
  // In a PATH no name would be the directories themselves.
  errno = ENOENT;
  if (*spawn->file) path_execute(spawn->file, spawn->argv, spawn->envp, spawn->path ? spawn->path : DEFAULT_PATH, passed);
  fail(report, STEP_exec);
}

// Where the child has a table of its own it says so by one byte, and what has failed follows.
static _Noreturn void begin(const struct spawn *spawn, int report, bool shares) {
  if (shares && !slots_part()) {
    // In one piece: after the first byte the slot may be another child's at any moment.
    const struct spawn_failure failure = {STEP_descriptors, errno};
    char words[1 + sizeof failure] = {0};
    memcpy(words + 1, &failure, sizeof failure);
    (void)!write(report, words, sizeof words);
    _exit(127);
  }
  if (shares) (void)!write(report, "", 1);
  become(spawn, report);
}

pid_t spawn_start(struct spawn *spawn, int *exec_fd, struct spawn_failure *failure) {
  int report[2];
  if (pipe2(report, O_CLOEXEC | O_NONBLOCK) != 0) {
    *failure = (struct spawn_failure){STEP_pipe, errno};
    return -1;
  }
  bool shares = spawn->shares && slots_lend(spawn, report);
  // The C library's fork has no word for it; nothing of what it does besides matters to a child that only makes system calls.
  pid_t pid = shares ? (pid_t)syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0) : fork();
  if (pid == 0) begin(spawn, report[1], shares);
  int error = errno;
  if (!shares) close(report[1]);
  else if (pid < 0) slots_return(report[0]);
  if (pid < 0) {
    close(report[0]);
    *failure = (struct spawn_failure){STEP_fork, error};
    return -1;
  }
  *exec_fd = report[0];
  return pid;
}

enum spawn_outcome spawn_outcome(int exec_fd, bool ended, struct spawn_failure *failure) {
  for (;;) {
    char words[1 + sizeof *failure];
    ssize_t length = read(exec_fd, words, sizeof words);
    if (length < 0 && errno == EINTR) continue;
    if (length < 0 && errno == EAGAIN && !ended) return SPAWN_UNKNOWN;
    // An odd length begins with the byte that says that the slots are free.
    if (length != (ssize_t)sizeof *failure) slots_return(exec_fd);
    if (length == 1) continue;
    if (length < (ssize_t)sizeof *failure) return SPAWN_EXECUTED;
    memcpy(failure, words + length - (ssize_t)sizeof *failure, sizeof *failure);
    return SPAWN_FAILED;
  }
}
