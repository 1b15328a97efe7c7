// A fork copies the table of all descriptors and the child closes them again one by one, which for thousands of log pipes
// takes longer than the start itself. So a child is made within our own table (CLONE_FILES), and its first call gives it
// one that holds the lowest numbers only. What it is to have lies there, in one of a few groups of slots, until it says
// that it is on its own.
#define _GNU_SOURCE
#include "slots.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core.h"

#define GROUPS 8
// Standard streams, the notification and the report.
#define WIDTH 5
// With fewer descriptors than this a copy of all costs little, and these would be missed.
#define FILES_MIN 1024
// linux/close_range.h, which older C libraries do not have.
#define UNSHARE 2u

static struct group {
  int slots[WIDTH];
  int report;  // our end of it; -1 is free
} groups[GROUPS];
// What lies in a slot that is free.
static int filler = -1;
static unsigned above;

void slots_init(void) {
  struct rlimit files;
  if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur < FILES_MIN) return;
  // Closes nothing, but tells whether the kernel, or who filters calls to it, knows how.
  if (syscall(SYS_close_range, ~0u, ~0u, UNSHARE) != 0) return;
  int fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  for (int i = 0; i < GROUPS; i++) {
    groups[i].report = -1;
    for (int k = 0; k < WIDTH; k++) {
      int slot = fcntl(fd, F_DUPFD_CLOEXEC, 3);
      if (slot < 0) return;
      groups[i].slots[k] = slot;
      if ((unsigned)slot >= above) above = (unsigned)slot + 1;
    }
  }
  filler = fd;
}

static void empty(struct group *group) {
  for (int k = 0; k < WIDTH; k++)
    // Refused (the limit may have been lowered meanwhile) it must be empty all the same: somebody waits for its end.
    if (dup3(filler, group->slots[k], O_CLOEXEC) < 0) (void)close(group->slots[k]);
  group->report = -1;
}

static struct group *free_group(void) {
  for (int i = 0; i < GROUPS; i++)
    if (groups[i].report < 0) return &groups[i];
  // Of many starts at once nobody has looked yet at what the first ones said.
  for (int i = 0; i < GROUPS; i++) {
    char word;
    if (read(groups[i].report, &word, 1) != 1) continue;
    empty(&groups[i]);
    return &groups[i];
  }
  return NULL;
}

bool slots_lend(struct spawn *spawn, int report[2]) {
  struct group *group = filler < 0 || spawn->fd_count >= WIDTH ? NULL : free_group();
  if (!group) return false;
  int used = 0, moved = 0;
  while (used < (int)spawn->fd_count) {
    int from = spawn->fds[used].from;
    // The standard streams are below the slots.
    if (from > 2 && dup3(from, group->slots[used], O_CLOEXEC) < 0) break;
    used++;
  }
  if (used == (int)spawn->fd_count && dup3(report[1], group->slots[used], O_CLOEXEC) >= 0) {
    for (; moved < used; moved++)
      if (spawn->fds[moved].from > 2) spawn->fds[moved].from = group->slots[moved];
    close(report[1]);
    report[1] = group->slots[used];
    group->report = report[0];
    return true;
  }
  empty(group);
  return false;
}

bool slots_part(void) {
  return syscall(SYS_close_range, above, ~0u, UNSHARE) == 0;
}

void slots_be_ours(void) {
  struct rlimit mark;
  if (getrlimit(RLIMIT_LOCKS, &mark) == 0 && mark.rlim_max >= instance << 32) {
    mark.rlim_cur = instance << 32;
    (void)setrlimit(RLIMIT_LOCKS, &mark);
  }
  (void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
}

pid_t slots_fork(void) {
  pid_t pid = filler < 0 ? fork() : (pid_t)syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0);
  if (pid == 0 && filler >= 0 && syscall(SYS_close_range, 0u, ~0u, UNSHARE) != 0) _exit(1);
  if (pid == 0) slots_be_ours();
  return pid;
}

pid_t slots_fork_with(int fd) {
  pid_t pid = fork();
  if (pid != 0) return pid;
  slots_be_ours();
  // Where the kernel does not know how, it has them all until it ends.
  (void)syscall(SYS_close_range, 0u, (unsigned)fd - 1, 0u);
  (void)syscall(SYS_close_range, (unsigned)fd + 1, ~0u, 0u);
  return pid;
}

void slots_return(int report) {
  for (int i = 0; filler >= 0 && i < GROUPS; i++)
    if (groups[i].report == report) return empty(&groups[i]);
}
