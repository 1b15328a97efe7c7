// Opening what is in a supervise directory, where anybody may have left anything: nothing here waits for somebody, or follows
// a link but that of the directory itself.
#define _GNU_SOURCE
#include "supervise-open.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core.h"

// As readlink(2) fills it; a longer target is refused.
#define TARGET_MAX 4096
// These descriptors are a courtesy to others: they leave more of the last ones free than services have to.
#define RESERVED_FDS 64

const char *supervise_step_name(enum supervise_step step) {
  static const char names[][10] = {"memory", "directory", "lock", "control", "ok"};
  return names[step];
}

static bool is_at(int fd, mode_t type) {
  struct stat file;
  return fstat(fd, &file) == 0 && (file.st_mode & S_IFMT) == type;
}

// Few are left: those below are for services. The kernel gives the lowest number that is free.
bool supervise_scarce(int fd) {
  if (!is_reserved(fd, RESERVED_FDS)) return false;
  errno = EMFILE;
  return true;
}

static int open_directory(const char *path, bool makes) {
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
static int open_file(int directory, const char *name, mode_t type, int flags) {
  for (int try = 0; try < 2; try++) {
    struct stat file;
    if (type == S_IFIFO && mkfifoat(directory, name, 0600) != 0 && errno != EEXIST) return -1;
    bool there = fstatat(directory, name, &file, AT_SYMLINK_NOFOLLOW) == 0;
    if (!there || (file.st_mode & S_IFMT) == type) {
      // It never waits, and never follows a link that has come meanwhile.
      int fd = openat(directory, name, flags | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY, 0600);
      if (fd < 0) return -1;
      if (is_at(fd, type) && !supervise_scarce(fd)) return fd;
      int error = is_at(fd, type) ? EMFILE : EEXIST;
      close(fd);
      return errno = error, -1;
    }
    if (unlinkat(directory, name, 0) != 0) return -1;
  }
  return errno = EEXIST, -1;
}

int supervise_lock(const char *path, bool makes, int *fd, struct lock_file *file, enum supervise_step *step) {
  struct stat found;
  *step = STEP_OF_DIRECTORY;
  *fd = -1;
  int error = 0, directory = open_directory(path, makes);
  if (directory < 0) return errno;
  *step = STEP_OF_LOCK;
  *fd = open_file(directory, "lock", S_IFREG, O_RDWR | (makes ? O_CREAT : 0));
  if (*fd < 0 || flock(*fd, LOCK_EX | LOCK_NB) != 0 || fstat(*fd, &found) != 0) error = errno;
  close(directory);
  if (!error) *file = (struct lock_file){found.st_dev, found.st_ino};
  else if (*fd >= 0) close(*fd), *fd = -1;
  return error;
}

int supervise_fifos(const char *path, const struct lock_file *lock, int fds[2], enum supervise_step *step) {
  struct stat found;
  *step = STEP_OF_DIRECTORY;
  int error = 0, directory = open_directory(path, false);
  if (directory < 0) return errno;
  // The directory may be another one by now: its control would be somebody else's.
  if (fstatat(directory, "lock", &found, AT_SYMLINK_NOFOLLOW) != 0) error = errno;
  else if (found.st_dev != lock->device || found.st_ino != lock->inode) error = ESTALE;
  else *step = STEP_OF_CONTROL;
  // For writing too, so that the end of its last writer is no end of the fifo.
  if (!error && (fds[0] = open_file(directory, "control", S_IFIFO, O_RDWR)) < 0) error = errno;
  else if (!error) *step = STEP_OF_OK;
  if (!error && (fds[1] = open_file(directory, "ok", S_IFIFO, O_RDONLY)) < 0) {
    error = errno;
    close(fds[0]);
  }
  close(directory);
  return error;
}
