// Standard error that is a file on a disk. A disk may not answer, poll(2) does not tell, and whoever writes then waits for
// ever: so a child writes, and is waited for a moment only. As long as it has not ended, nothing else is written.
#define _GNU_SOURCE
#include "error-file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "slots.h"

// So long (ms) may a line take that others come after in their order.
#define PATIENCE 100

static bool used;
// It was not waited for any more, and has what it was given.
static pid_t writer;

void error_file_init(void) {
  struct stat file;
  used = fstat(2, &file) == 0 && S_ISREG(file.st_mode);
}

bool error_file_is_used(void) {
  return used;
}

bool error_file_ended(pid_t pid) {
  if (pid != writer) return false;
  writer = 0;
  return true;
}

// In the child: no end of a service's pipe may be kept open by it.
static _Noreturn void put(int end, const char *data, size_t length) {
  slots_be_ours();
  if (dup2(end, 3) == 3) (void)syscall(SYS_close_range, 4u, ~0u, 0u);
  ssize_t written = write(2, data, length);
  _exit(written < 0 ? errno : (size_t)written < length ? ENOSPC : 0);
}

ssize_t error_file_write(const char *data, size_t length) {
  int ends[2], status = 0;
  bool ended = false;
  pid_t pid = -1;
  if (!writer && pipe2(ends, O_CLOEXEC) == 0) {
    pid = fork();
    if (pid == 0) put(ends[1], data, length);
    close(ends[1]);
    struct pollfd end = {.fd = ends[0], .events = POLLIN};
    if (pid > 0) ended = poll(&end, 1, PATIENCE) == 1;
    close(ends[0]);
  }
  if (pid < 0) return errno = EAGAIN, -1;
  if (!ended) writer = pid;
  else if (waitpid(pid, &status, 0) == pid && status != 0) return errno = WIFEXITED(status) ? WEXITSTATUS(status) : EIO, -1;
  return (ssize_t)length;
}
