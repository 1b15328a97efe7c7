// Collecting the dead, ours and adopted ones, and signalling processes that no spawn of ours knows.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core.h"
#include "error-file.h"
#include "errand.h"

// A pass ends after this many, so that a storm of orphans cannot starve the loop.
#define REAPS_PER_PASS 256
// Of so many orphans of a pass the manager is told more than the count.
#define ORPHANS_TOLD 32

// Reaped since the newest manager's hello and not told yet: it may have counted them among the living by then.
static long long untold_orphans;

static void tell_orphans(long long count, char details[][64], int told) {
  const char *fields[2 + ORPHANS_TOLD] = {"orphans"};
  struct decimal total = decimal(count);
  fields[1] = total.text;
  for (int i = 0; i < told; i++) fields[2 + i] = details[i];
  if (!manager.ready || !tell(2 + told, fields)) untold_orphans += count;
}

void orphans_tell(void) {
  if (untold_orphans > 0 && TELL("orphans", decimal(untold_orphans).text)) untold_orphans = 0;
}

void orphans_forget(void) {
  untold_orphans = 0;
}

static void child_exited(struct child *child, int status) {
  // A failed exec is no exit.
  if (child->failed) return child_failed(child);
  if (child->notify_fd >= 0) child_notified(child);
  child_release_pid(child);
  exit_received(child, status);
}

bool reap(void) {
  long long orphans = 0;
  int told = 0;
  char details[ORPHANS_TOLD][64];
  int pass = 0;
  for (; pass < REAPS_PER_PASS; pass++) {
    siginfo_t info = {0};
    // A look first, while it is still a zombie: its session is readable and its pid is nobody else's.
    if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0) {
      if (errno == EINTR) continue;
      if (errno == ECHILD) stop_childless();
      break;
    }
    pid_t pid = info.si_pid;
    if (pid == 0) break;
    struct child *child = child_by_pid(pid);
    pid_t session = child || pid == manager.pid ? 0 : getsid(pid);
    int status = 0;
    // What its pipes say comes before the exit.
    if (child && child->exec_fd >= 0) child_executed(child, true);
    if (wait4(pid, &status, WNOHANG, NULL) != pid) break;
    if (child) {
      child_exited(child, status);
    } else if (pid == manager.pid) {
      manager_died(status);
    } else if (!inscribe_ended(pid) && !errand_ended(pid) && !error_file_ended(pid) && !manager_abandoned(pid)) {
      orphans++;
      if (told < ORPHANS_TOLD)
        snprintf(details[told++], sizeof *details, "%d:%d:%d:%d", (int)pid, (int)session,
                 WIFSIGNALED(status) ? -1 : WEXITSTATUS(status), WIFSIGNALED(status) ? WTERMSIG(status) : 0);
    }
  }
  if (orphans) tell_orphans(orphans, details, told);
  return pass == REAPS_PER_PASS;
}

struct stat_line {
  char text[1024];
};

// A field of /proc/PID/stat, from the third on; NULL where it cannot be read.
static const char *stat_field(pid_t pid, int wanted, struct stat_line *line) {
  char path[40];
  snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return NULL;
  ssize_t length = read(fd, line->text, sizeof line->text - 1);
  close(fd);
  if (length <= 0) return NULL;
  line->text[length] = '\0';
  // The name in parentheses may hold anything, parentheses and spaces too; fields count from behind the last one.
  const char *field = strrchr(line->text, ')');
  for (int number = 2; field && number < wanted; number++) field = strchr(field + 1, ' ');
  return field;
}

unsigned long long start_time(pid_t pid) {
  struct stat_line line;
  const char *field = stat_field(pid, 22, &line);
  return field ? strtoull(field + 1, NULL, 10) : 0;
}

bool has_executed(pid_t pid) {
  struct stat_line line;
  // PF_FORKNOEXEC of linux/sched.h, in field 9: the kernel takes it away once there is no way back from an exec.
  const char *field = stat_field(pid, 9, &line);
  return !field || !(strtoull(field + 1, NULL, 10) & 0x40);
}

int stray_signal(pid_t pid, unsigned long long start, int signal) {
  int fd = (int)syscall(SYS_pidfd_open, pid, 0);
  // EPERM: an old container runtime's filter for calls that it does not know.
  if (fd < 0 && errno != ENOSYS && errno != EPERM) return errno;
  int result = ESRCH;
  // The descriptor holds this very process; if its start time fits, no reuse of the number can come between.
  if (start_time(pid) == start) result = (fd >= 0 ? (int)syscall(SYS_pidfd_send_signal, fd, signal, NULL, 0) : kill(pid, signal)) ? errno : 0;
  if (fd >= 0) close(fd);
  return result;
}

void everyone_signal(int signal) {
  if (is_pid1) {
    (void)kill(-1, signal);
    return;
  }
  for (uint32_t slot = 0; slot < child_slots; slot++) {
    struct child *child = child_at(slot);
    if (child) child->doubtful = true;
    if (child && !child->exited && kill(-child->pid, signal) != 0) (void)kill(child->pid, signal);
  }
  // Our children and the adopted ones: none of them is reaped while we read, so no number can be another's.
  char path[64], text[4096];
  snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return;
  // One read brings a page at most, and may end within a number.
  pid_t pid = 0;
  for (ssize_t length; (length = read(fd, text, sizeof text)) > 0;)
    for (ssize_t i = 0; i < length; i++) {
      if (text[i] >= '0' && text[i] <= '9') {
        pid = pid * 10 + (text[i] - '0');
        continue;
      }
      if (pid > 1 && !child_by_pid(pid)) (void)kill(pid, signal);
      pid = 0;
    }
  close(fd);
}
