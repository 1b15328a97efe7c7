// Opening what is in a supervise directory, where anybody may have left anything: nothing here waits, or follows a link
// but that of the directory itself.
#define _GNU_SOURCE
#include "supervise-open.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core.h"

// As readlink(2) fills it; a longer target is refused.
#define TARGET_MAX 4096
// These descriptors are a courtesy to others: they leave more of the last ones free than services have to.
#define RESERVED_FDS 64

static bool is_at(int fd, mode_t type) {
  struct stat file;
  return fstat(fd, &file) == 0 && (file.st_mode & S_IFMT) == type;
}

// Few are left: those below are for services. The kernel gives the lowest number that is free.
static bool is_scarce(int fd) {
  if (!is_reserved(fd, RESERVED_FDS)) return false;
  errno = EMFILE;
  return true;
}

int supervise_directory(const char *path, bool makes) {
  char target[TARGET_MAX];
  const char *slash = strrchr(path, '/');
  size_t parent = slash ? (size_t)(slash - path) : 0;
  if (!makes) return open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
  ssize_t length = readlink(path, target, sizeof target);
  if (length == (ssize_t)sizeof target || parent >= sizeof target) return errno = ENAMETOOLONG, -1;
  if (length < 0 && errno == ENOENT) {
    if (mkdir(path, 0700) != 0 && errno != EEXIST) return -1;
  } else if (length >= 0 && parent > 0) {
    char above[TARGET_MAX];
    target[length] = '\0';
    memcpy(above, path, parent);
    above[parent] = '\0';
    int from = open(above, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (from < 0) return -1;
    int made = mkdirat(from, target, 0700), error = errno;
    close(from);
    if (made != 0 && error != EEXIST) return errno = error, -1;
  }
  return open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

// What stands in the place of our own file and is none is taken away once; a directory is not.
int supervise_file(int directory, const char *name, mode_t type, int flags) {
  for (int try = 0; try < 2; try++) {
    struct stat file;
    if (type == S_IFIFO && mkfifoat(directory, name, 0600) != 0 && errno != EEXIST) return -1;
    bool there = fstatat(directory, name, &file, AT_SYMLINK_NOFOLLOW) == 0;
    if (!there || (file.st_mode & S_IFMT) == type) {
      // It never waits, and never follows a link that has come meanwhile.
      int fd = openat(directory, name, flags | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY, 0600);
      if (fd < 0) return -1;
      if (is_at(fd, type) && !is_scarce(fd)) return fd;
      int error = is_at(fd, type) ? EMFILE : EEXIST;
      close(fd);
      return errno = error, -1;
    }
    if (unlinkat(directory, name, 0) != 0) return -1;
  }
  return errno = EEXIST, -1;
}
