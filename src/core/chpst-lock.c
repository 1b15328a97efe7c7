#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "chpst.h"

static void give_up(const struct change *change, const char *what) {
  if (change->lock_optional) _exit(0);
  chpst_fail_on(what, change->lock);
}

// The descriptor stays open in the program, which so holds the lock for as long as it lives.
void change_lock(const struct change *change) {
  int fd = open(change->lock, O_WRONLY | O_NONBLOCK | O_APPEND | O_CREAT, 0600);
  if (fd < 0) give_up(change, "unable to open lock");
  if (flock(fd, LOCK_EX | (change->lock_waits ? 0 : LOCK_NB)) != 0) give_up(change, "unable to lock");
}
