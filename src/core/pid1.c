// The supervisor's loop: wait for a signal, an exit, a word of the manager; answer; never leave but by the ordered stop.
#define _GNU_SOURCE
#include "pid1.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "core.h"
#include "text.h"

int64_t now;
int loop_fd = -1;
bool is_pid1;
uint64_t instance;
char **base_environment;

static int signals_fd = -1;

static void read_clock(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  now = (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

bool loop_watch(int fd, enum source source, uint32_t slot, uint32_t generation, uint32_t events, bool known) {
  struct epoll_event event = {
      .events = events,
      .data.u64 = (uint64_t)source << 56 | (uint64_t)(generation & 0xffffff) << 32 | slot,
  };
  return epoll_ctl(loop_fd, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event) == 0;
}

// Descriptors 0-2 are open and blocking, nothing else is inherited; the core's own are closed on exec.
static bool prepare_descriptors(void) {
  for (int fd = 0; fd <= 2; fd++) {
    int flags = fcntl(fd, F_GETFL);
    // The lowest free number is the closed one.
    if (flags < 0 && open("/dev/null", O_RDWR | O_NOCTTY) != fd) return false;
    // Somebody before us may have left it non-blocking, and every service would inherit that.
    if (flags >= 0 && (flags & O_NONBLOCK)) (void)fcntl(fd, F_SETFL, flags & ~O_NONBLOCK);
  }
  if (syscall(SYS_close_range, 3u, ~0u, 0u) != 0)
    for (int fd = 3; fd < 1024; fd++) (void)close(fd);
  return true;
}

// All signals, 32 and 33 of the C library's threads and the real-time ones included, come by descriptor.
static bool prepare_signals(void) {
  uint64_t all = ~0ull;
  if (syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, NULL, sizeof all) != 0) return false;
  // An inherited SIG_IGN on SIGCHLD would have the kernel reap without telling.
  if (signal(SIGCHLD, SIG_DFL) == SIG_ERR) return false;
  signals_fd = (int)syscall(SYS_signalfd4, -1, &all, sizeof all, SFD_CLOEXEC | SFD_NONBLOCK);
  return signals_fd >= 0 && loop_watch(signals_fd, SOURCE_SIGNALS, 0, 0, EPOLLIN, false);
}

static void read_signals(void) {
  struct signalfd_siginfo info[32];
  ssize_t length;
  while ((length = read(signals_fd, info, sizeof info)) > 0)
    for (size_t i = 0; i < (size_t)length / sizeof *info; i++) {
      int signal = (int)info[i].ssi_signo;
      if (signal == SIGCHLD || signal == SIGPIPE) continue;
      signal_received(signal, (pid_t)info[i].ssi_pid, (uid_t)info[i].ssi_uid);
    }
}


static void notify_ready(struct child *child) {
  char bytes[256];
  ssize_t length = read(child->notify_fd, bytes, sizeof bytes);
  if (length < 0 && (errno == EAGAIN || errno == EINTR)) return;
  // A newline says ready (s6's convention); the end without one says that it never will be.
  if (length > 0 && !memchr(bytes, '\n', (size_t)length)) return;
  close(child->notify_fd);
  child->notify_fd = -1;
  if (length <= 0) return;
  child->notified = true;
  child->unsent = true;
  tell_child(child);
}

static void pipe_ready(struct logpipe *pipe) {
  if (relay_active() && !pipe->waiting) {
    relay_pipe(pipe);
    return;
  }
  if (manager.ready && pipe->handed) pipe->waiting = TELL("readable", pipe->tag);
  if (!pipe->waiting) untold = true;
}

static void dispatch(const struct epoll_event *event) {
  uint32_t slot = (uint32_t)event->data.u64, generation = (uint32_t)(event->data.u64 >> 32) & 0xffffff;
  enum source source = (enum source)(event->data.u64 >> 56);
  struct child *child = NULL;
  struct logpipe *pipe = NULL;
  if (source == SOURCE_EXEC || source == SOURCE_NOTIFY) {
    child = child_at(slot);
    // The record may have gone, and its slot been taken anew, within this very turn.
    if (!child || (child->generation & 0xffffff) != generation) return;
  }
  if (source == SOURCE_PIPE) {
    pipe = pipe_at(slot);
    if (!pipe || (pipe->generation & 0xffffff) != generation) return;
  }
  switch (source) {
    case SOURCE_SIGNALS: return read_signals();
    case SOURCE_CHANNEL:
      if (event->events & EPOLLOUT) manager_flush();
      if (event->events & ~(uint32_t)EPOLLOUT) manager_readable();
      return;
    case SOURCE_HANDLES: return handover_acknowledged();
    case SOURCE_LISTENER: return listener_ready();
    case SOURCE_EXEC: return child->exec_fd >= 0 ? child_executed(child) : (void)0;
    case SOURCE_NOTIFY: return child->notify_fd >= 0 ? notify_ready(child) : (void)0;
    case SOURCE_PIPE: return pipe_ready(pipe);
  }
}

// When a manager that has not taken over since its start is given up.
static int64_t unready_deadline(void) {
  return manager.pid && !manager.ready ? manager.started_at + FACT_PATIENCE : NEVER;
}

static int timeout(void) {
  int64_t next = manager.start_at;
  int64_t fact = facts_oldest();
  if (fact != NEVER && manager.ready && fact + FACT_PATIENCE < next) next = fact + FACT_PATIENCE;
  if (unready_deadline() < next) next = unready_deadline();
  if (stop_deadline() < next) next = stop_deadline();
  if (relay_deadline() < next) next = relay_deadline();
  if (next == NEVER) return -1;
  return next <= now ? 0 : next - now > 3600000 ? 3600000 : (int)(next - now);
}

static void due(void) {
  if (manager.start_at <= now) manager_start();
  int64_t fact = facts_oldest();
  if (manager.ready && fact != NEVER && fact + FACT_PATIENCE <= now) manager_kill("it has not answered for 30 s");
  if (unready_deadline() <= now) {
    manager_kill("it has not taken over for 30 s");
    manager.started_at = now;
  }
  if (stop_deadline() <= now) stop_due();
  if (relay_deadline() <= now) relay_due();
  if (untold) tell_records();
}

int pid1_main(char **arguments, char **environment) {
  base_environment = environment;
  is_pid1 = getpid() == 1;
  if (!prepare_descriptors()) return 111;
  spawn_init();
  // As PID 1 every orphan is ours; elsewhere we ask for those of our descendants.
  if (!is_pid1 && prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0) say("cannot become a child subreaper: %s", strerror(errno));
  uint32_t random = 0;
  if (getrandom(&random, sizeof random, GRND_NONBLOCK) != sizeof random) random = (uint32_t)getpid() ^ (uint32_t)time(NULL);
  instance = (uint64_t)(random & 0x3fffffff) | 0x40000000;
  loop_fd = epoll_create1(EPOLL_CLOEXEC);
  if (loop_fd < 0 || !prepare_signals()) {
    say("cannot start: no descriptors for the signals: %s", strerror(errno));
    return 111;
  }
  read_clock();
  manager_init(arguments);
  bool more = false;
  for (;;) {
    struct epoll_event events[128];
    manager_flush();
    int count = epoll_wait(loop_fd, events, 128, more ? 0 : timeout());
    read_clock();
    for (int i = 0; i < count; i++) dispatch(&events[i]);
    more = reap();
    due();
  }
}
