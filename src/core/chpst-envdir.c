#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "chpst.h"
#include "runit-text.h"

// The kernel's own, which no libc names.
struct entry {
  uint64_t inode;
  int64_t offset;
  unsigned short length;
  unsigned char type;
  char name[];
};

// A value, grown as needed. Beyond VALUE_MOST no kernel takes it, so what follows is not even read.
#define VALUE_MOST (4u << 20)
static char *value;
static size_t room;

// Takes in what was read of the first line; true once there is its end. Blanks count only if something follows them.
static bool take(const char *data, size_t got, size_t *length, size_t *end) {
  const char *newline = memchr(data, '\n', got);
  size_t part = newline ? (size_t)(newline - data) : got;
  if (*length + part + 1 > room) {
    room = 2 * (*length + part + 1);
    if (!(value = realloc(value, room))) chpst_no_memory();
  }
  for (size_t i = 0; i < part; i++) {
    if (data[i] != ' ' && data[i] != '\t') *end = *length + 1;
    value[(*length)++] = data[i] ? data[i] : '\n';
  }
  return newline || *length > VALUE_MOST;
}

// 1: the value is there; 0: the file is empty, or has gone; -1: it cannot be read.
static int read_value(const char *file) {
  int fd = open(file, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) return errno == ENOENT ? 0 : -1;
  char data[4096];
  size_t length = 0, end = 0;
  ssize_t got;
  bool any = false, done = false;
  while (!done && ((got = read(fd, data, sizeof data)) > 0 || (got < 0 && errno == EINTR))) {
    if (got < 0) continue;
    any = true;
    done = take(data, (size_t)got, &length, &end);
  }
  int error = errno;
  close(fd);
  errno = error;
  if (any) value[end] = '\0';
  return got < 0 ? -1 : any;
}

static void take_file(const char *directory, const char *file, bool whole, bool verbose) {
  int got = read_value(file);
  if (got < 0 && errno == EISDIR && !whole) {
    if (verbose) runit_tell("chpst: warning: unable to read ", directory, "/", file, ": ", runit_error(errno), "\n", NULL);
    return;
  }
  if (got < 0) {
    runit_tell("chpst: fatal: unable to read ", directory, "/", file, ": ", runit_error(errno), "\n", NULL);
    _exit(111);
  }
  if (!environment_put(file, got > 0 ? value : NULL)) chpst_no_memory();
}

void change_environment(const char *directory, bool whole, bool verbose) {
  static union {
    struct entry first;
    char bytes[32768];
  } names;
  int back = open(".", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (back < 0) chpst_fail("unable to open current working directory");
  if (chdir(directory) != 0) chpst_fail_on("unable to switch to directory", directory);
  int fd = open(".", O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_DIRECTORY);
  if (fd < 0) chpst_fail_on("unable to open directory", directory);
  long got;
  while ((got = syscall(SYS_getdents64, fd, &names, sizeof names)) > 0) {
    for (const char *at = names.bytes; at < names.bytes + got; at += ((const struct entry *)at)->length) {
      const struct entry *entry = (const struct entry *)at;
      if (entry->name[0] != '.') take_file(directory, entry->name, whole, verbose);
    }
  }
  if (got < 0) chpst_fail_on("unable to read directory", directory);
  close(fd);
  if (fchdir(back) != 0) chpst_fail("unable to switch to starting directory");
  close(back);
}
