#define _GNU_SOURCE
#include "init-sweep.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/types.h>
#include <unistd.h>

// Deeper trees are reached once their parents are gone and they have become our own children.
#define DEPTH_MAX 16

// Children before their parents: a parent that dies first would hand them to us, and we would look for them in vain.
static void signal_children(pid_t parent, int signal, int depth) {
  char path[64], text[512];
  snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)parent, (int)parent);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return;
  pid_t pid = 0;
  for (ssize_t length; (length = read(fd, text, sizeof text)) > 0;)
    for (ssize_t i = 0; i < length; i++) {
      if (text[i] >= '0' && text[i] <= '9') {
        pid = pid * 10 + text[i] - '0';
        continue;
      }
      if (pid > 1 && depth < DEPTH_MAX) signal_children(pid, signal, depth + 1);
      if (pid > 1) (void)kill(pid, signal);
      pid = 0;
    }
  (void)close(fd);
}

void sweep(int signal) {
  if (getpid() == 1) (void)kill(-1, signal);
  else signal_children(getpid(), signal, 0);
}
