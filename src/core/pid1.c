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
#include "error-file.h"
#include "errand.h"
#include "slots.h"
#include "text.h"
#include "title.h"

int64_t now;
int loop_fd = -1;
bool is_pid1;
uint64_t instance;
char **base_environment;
pid_t pid1_face;

static int signals_fd = -1;
// Some child may have died. A look at them costs the more the more live, so there must be a reason for one.
static bool reap_wanted = true;

void read_clock(void) {
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

void loop_close(int *fd) {
  if (*fd < 0) return;
  (void)epoll_ctl(loop_fd, EPOLL_CTL_DEL, *fd, NULL);
  close(*fd);
  *fd = -1;
}

void streams_block(void) {
  for (int fd = 0; fd <= 2; fd++) {
    int flags = fcntl(fd, F_GETFL);
    if (flags >= 0 && (flags & O_NONBLOCK)) (void)fcntl(fd, F_SETFL, flags & ~O_NONBLOCK);
  }
}

bool streams_open(void) {
  for (int fd = 0; fd <= 2; fd++)
    // The lowest free number is the closed one.
    if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR | O_NOCTTY) != fd) return false;
  return true;
}

// Descriptors 0-2 are open and blocking, nothing else is inherited; the core's own are closed on exec.
static bool prepare_descriptors(void) {
  if (!streams_open()) return false;
  streams_block();
  unsigned first = title_keep();
  if (syscall(SYS_close_range, first, ~0u, 0u) != 0)
    for (unsigned fd = first; fd < 1024; fd++) (void)close((int)fd);
  return true;
}

// All signals, 32 and 33 of the C library's threads and the real-time ones included, come by descriptor.
static bool prepare_signals(void) {
  uint64_t all = ~0ull;
  if (syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, NULL, sizeof all) != 0) return false;
  // For the children; and an inherited SIG_IGN on SIGCHLD would have the kernel reap without telling.
  spawn_reset_dispositions();
  signals_fd = (int)syscall(SYS_signalfd4, -1, &all, sizeof all, SFD_CLOEXEC | SFD_NONBLOCK);
  return signals_fd >= 0 && loop_watch(signals_fd, SOURCE_SIGNALS, 0, 0, EPOLLIN, false);
}

// Our face has gone, if there was one: what is said in its arguments is now said in ours.
static bool prepare_face(void) {
  if (pid1_face) {
    if (prctl(PR_SET_PDEATHSIG, SIGNAL_FACE_GONE, 0, 0, 0) != 0) return false;
    if (getppid() == pid1_face) return true;
    (void)kill(getpid(), SIGNAL_FACE_GONE);
  }
  return title_fd < 0 || loop_watch(title_fd, SOURCE_TITLE, 0, 0, EPOLLIN, false);
}

static void face_gone(void) {
  pid1_face = 0;
  if (title_fd >= 0) (void)loop_watch(title_fd, SOURCE_TITLE, 0, 0, EPOLLIN, false);
}

static void read_signals(void) {
  // Once a turn: whoever sends them without end stops nothing else.
  struct signalfd_siginfo info[32];
  ssize_t length = read(signals_fd, info, sizeof info);
  for (ssize_t i = 0; i < length / (ssize_t)sizeof *info; i++) {
    int signal = (int)info[i].ssi_signo;
    reap_wanted |= signal == SIGCHLD;
    if (signal == SIGCHLD || signal == SIGPIPE) continue;
    if (signal == SIGNAL_FACE_GONE && pid1_face && getppid() != pid1_face) face_gone();
    signal_received(signal, (pid_t)info[i].ssi_pid, (uid_t)info[i].ssi_uid);
  }
}

static void child_ready(enum source source, uint32_t slot, uint32_t generation) {
  struct child *child = child_at(slot);
  // The record may have gone, and its slot been taken anew, within this very turn.
  if (!child || (child->generation & 0xffffff) != generation) return;
  if (source == SOURCE_EXEC && child->exec_fd >= 0) child_executed(child, false);
  if (source == SOURCE_NOTIFY && child->notify_fd >= 0) child_notified(child);
}

static void pipe_ready(uint32_t slot, uint32_t generation) {
  struct logpipe *pipe = pipe_at(slot);
  if (!pipe || (pipe->generation & 0xffffff) != generation) return;
  if (relay_active() && !pipe->waiting) return relay_pipe(pipe);
  // Untold, it is armed and told again by whatever makes room for it.
  if (manager.ready && pipe->handed) pipe->waiting = TELL("readable", pipe->tag);
}

static void dispatch(const struct epoll_event *event) {
  uint32_t slot = (uint32_t)event->data.u64, generation = (uint32_t)(event->data.u64 >> 32) & 0xffffff;
  enum source source = (enum source)(event->data.u64 >> 56);
  switch (source) {
    case SOURCE_SIGNALS: return read_signals();
    case SOURCE_CHANNEL:
      if (event->events & EPOLLOUT) manager_flush();
      if (event->events & ~(uint32_t)EPOLLOUT) manager_readable();
      return;
    case SOURCE_HANDLES: return handover_acknowledged();
    case SOURCE_LISTENER: return listener_ready();
    case SOURCE_EXEC:
    case SOURCE_NOTIFY: return child_ready(source, slot, generation);
    case SOURCE_PIPE: return pipe_ready(slot, generation);
    case SOURCE_CONTROL: return control_ready(slot, generation);
    case SOURCE_ERRAND: return errand_ready(slot);
    case SOURCE_TITLE: return title_read();
  }
}

// While a face lives it is the one who shows the title.
static int64_t dot_deadline(void) {
  return pid1_face ? NEVER : title_deadline(now);
}

static int timeout(void) {
  const int64_t deadlines[] = {manager.start_at, manager_deadline(), stop_deadline(), relay_deadline(), handover_deadline(), inscribe_deadline(), errand_deadline(), dot_deadline()};
  int64_t next = NEVER;
  for (size_t i = 0; i < sizeof deadlines / sizeof *deadlines; i++)
    if (deadlines[i] < next) next = deadlines[i];
  if (next == NEVER) return -1;
  return next <= now ? 0 : next - now > 3600000 ? 3600000 : (int)(next - now);
}

static void due(void) {
  if (manager.start_at <= now) manager_start();
  if (manager_deadline() <= now) manager_overdue();
  if (stop_deadline() <= now) stop_due();
  if (relay_deadline() <= now) relay_due();
  if (handover_deadline() <= now) handover_go_on();
  if (inscribe_deadline() <= now) inscribe_due();
  if (errand_deadline() <= now) errand_due();
  if (dot_deadline() <= now) title_dot(now);
  tell_untold();
}

int pid1_main(char **arguments, char **environment) {
  base_environment = environment;
  is_pid1 = getpid() == 1;
  if (!prepare_descriptors()) {
    say("cannot start: a standard stream is closed, and /dev/null cannot be opened for it: %s", strerror(errno));
    return 111;
  }
  error_file_init();
  spawn_init();
  // As PID 1 every orphan is ours; elsewhere we ask for those of our descendants.
  if (!is_pid1 && prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0) say("cannot become a child subreaper: %s", strerror(errno));
  uint32_t random = 0;
  if (getrandom(&random, sizeof random, GRND_NONBLOCK) != sizeof random) random = (uint32_t)getpid() ^ (uint32_t)time(NULL);
  instance = (uint64_t)(random & 0x3fffffff) | 0x40000000;
  loop_fd = epoll_create1(EPOLL_CLOEXEC);
  if (loop_fd < 0 || !prepare_signals() || !prepare_face()) {
    say("cannot start: no descriptors for the signals: %s", strerror(errno));
    return 111;
  }
  memory_init();
  slots_init();
  read_clock();
  manager_init(arguments);
  bool more = false;
  for (;;) {
    struct epoll_event events[128];
    inscribe_go_on();
    errand_go_on();
    manager_flush();
    int count = epoll_wait(loop_fd, events, 128, more ? 0 : timeout());
    read_clock();
    for (int i = 0; i < count; i++) dispatch(&events[i]);
    // What a process has written is told before its end: this look at the pipes came after the reap.
    if (exits_new) exits_tell();
    exits_new = false;
    // Alone it also wants to know when there is nobody left.
    if (reap_wanted || stop_alone()) reap_wanted = reap();
    more = reap_wanted || exits_new;
    due();
  }
}
