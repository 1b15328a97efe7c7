// The log directories of svlogd: opened, locked, and never root's where they are somebody else's.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "runit-text.h"
#include "svlogd.h"

// TAI64 counts from here; the 10 s of 1972 stand for the difference of today, as with runit.
#define TAI_EPOCH (4611686018427387904ull + 10)

static int open_directory(const char *name) {
  return open(name, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
}

// A log that root's svlogd has begun in here, put aside as svlogd puts aside one that it finds: its owner cannot go on
// with it.
static void put_aside_current(int directory) {
  char name[32];
  struct stat file;
  struct timespec time;
  if (fstatat(directory, "current", &file, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(file.st_mode)) return;
  if (file.st_uid == geteuid() || faccessat(directory, "current", W_OK, 0) == 0 || errno != EACCES) return;
  (void)clock_gettime(CLOCK_REALTIME, &time);
  snprintf(name, sizeof name, "@%016llx%08x.%c", TAI_EPOCH + (unsigned long long)time.tv_sec, (unsigned)time.tv_nsec,
           file.st_mode & S_IXUSR ? 's' : 'u');
  (void)renameat(directory, "current", directory, name);
}

// In a directory that an ordinary user owns a root process can be led anywhere, by links and by renaming.
bool log_take_user(struct log_program *program) {
  struct stat file = {0};
  if (geteuid() != 0) return true;
  for (size_t i = 0; i < program->count; i++) {
    struct log_directory *directory = &program->directories[i];
    struct stat here, lock;
    int fd = open_directory(directory->name);
    if (fd < 0) continue;
    bool found = fstat(fd, &here) == 0 && S_ISDIR(here.st_mode);
    if (found && !file.st_mode) file = here;
    // Taken while it still can be: only root may open it. Nothing is made, and no link is followed.
    if (found && here.st_uid != 0 && here.st_uid == file.st_uid) {
      directory->root_lock = openat(fd, "lock", O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
      if (directory->root_lock >= 0 && (fstat(directory->root_lock, &lock) != 0 || !S_ISREG(lock.st_mode) || lock.st_uid != 0)) {
        close(directory->root_lock);
        directory->root_lock = -1;
      }
    }
    close(fd);
  }
  if (!file.st_mode || file.st_uid == 0) return true;
  if (setgroups(1, &file.st_gid) != 0 || setgid(file.st_gid) != 0 || setuid(file.st_uid) != 0) {
    runit_tell("svlogd: fatal: unable to become the owner of the log directory: ", runit_error(errno), "\n", NULL);
    return false;
  }
  // The server of this user must be able to look into us.
  (void)prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
  return true;
}

static void fault(struct log_directory *directory, const char *what, int error) {
  if (directory->fd >= 0) close(directory->fd);
  directory->fd = directory->lock = -1;
  directory->fault = what;
  directory->error = error;
}

// The lock that is held already, if it is still the one of this directory.
static bool keep_lock(struct log_directory *directory, struct log_directory *held) {
  struct stat now, then;
  if (!held || held->fd < 0 || held->device != directory->device || held->inode != directory->inode) return false;
  if (fstatat(directory->fd, "lock", &now, 0) != 0 || fstat(held->lock, &then) != 0) return false;
  if (now.st_dev != then.st_dev || now.st_ino != then.st_ino) return false;
  directory->lock = held->lock;
  held->lock = -1;
  return true;
}

static void open_one(struct log_directory *directory, struct log_directory *held) {
  struct stat file;
  directory->fault = NULL;
  directory->lock = -1;
  directory->fd = open_directory(directory->name);
  if (directory->fd < 0) return fault(directory, "unable to open log directory: ", errno);
  if (fstat(directory->fd, &file) != 0) return fault(directory, "unable to change directory: ", errno);
  if (!S_ISDIR(file.st_mode)) return fault(directory, "unable to change directory: ", ENOTDIR);
  if (faccessat(directory->fd, ".", X_OK, AT_EACCESS) != 0) return fault(directory, "unable to change directory: ", errno);
  if (geteuid() == 0 && file.st_uid != 0) return fault(directory, "unable to write as root, the directory is another user's: ", EPERM);
  directory->device = file.st_dev;
  directory->inode = file.st_ino;
  if (keep_lock(directory, held)) return;
  if (directory->root_lock >= 0) {
    directory->lock = directory->root_lock;
    directory->root_lock = -1;
  } else {
    directory->lock = openat(directory->fd, "lock", O_WRONLY | O_NONBLOCK | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  }
  if (directory->lock < 0 || flock(directory->lock, LOCK_EX | LOCK_NB) != 0) {
    int error = errno;
    if (directory->lock >= 0) close(directory->lock);
    return fault(directory, "unable to lock directory: ", error);
  }
  put_aside_current(directory->fd);
}

size_t log_open(struct log_program *program, struct log_directory *old) {
  size_t usable = 0;
  for (size_t i = 0; i < program->count; i++) {
    struct log_directory *directory = &program->directories[i];
    if (old) old[i] = *directory;
    open_one(directory, old ? &old[i] : NULL);
    usable += directory->fd >= 0;
  }
  return usable;
}

void log_close(struct log_directory *directories, size_t count) {
  for (size_t i = 0; i < count; i++) {
    if (directories[i].fd >= 0) close(directories[i].fd);
    if (directories[i].lock >= 0) close(directories[i].lock);
  }
}

void log_tell_faults(const struct log_program *program) {
  for (size_t i = 0; i < program->count; i++) {
    const struct log_directory *directory = &program->directories[i];
    if (directory->fault)
      runit_tell("svlogd: warning: ", directory->fault, directory->name, ": ", runit_error(directory->error), "\n", NULL);
  }
}
