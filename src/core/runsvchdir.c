// runsvchdir: makes another set of services the current one, in Debian's layout. Words and codes are the original's.
// What is not: at no moment is `current` missing. The original moves it away before it puts the new link there.
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runit-text.h"
#include "runsvdir.h"

#define DIRECTORY "/etc/runit/runsvdir"

static const char *program;

#define FAIL(...) (runit_tell(program, ": fatal: ", __VA_ARGS__, "\n", NULL), 111)

static bool vacate(const char *name) {
  return unlink(name) == 0 || errno == ENOENT;
}

// Puts the link `current.new` in the place of `current`, and what that led to behind `previous`.
static int exchange(void) {
  char target[PATH_MAX];
  ssize_t length = readlink("current", target, sizeof target - 1);
  if (length < 0 && errno != EINVAL) return FAIL("unable to copy: current to ", "previous", ": ", runit_error(errno));
  if (length < 0) {
    // A directory itself: it can only be moved.
    if (!vacate("previous")) return FAIL("unable to unlink: ", "previous", ": ", runit_error(errno));
    if (rename("current", "previous") != 0) return FAIL("unable to copy: current to ", "previous", ": ", runit_error(errno));
    if (rename("current.new", "current") == 0) return 0;
    int error = errno;
    if (rename("previous", "current") != 0)
      runit_tell(program, ": warning: unable to move previous back to ", "current", ": ", runit_error(errno), "\n", NULL);
    return FAIL("unable to move: current.new to ", "current", ": ", runit_error(error));
  }
  target[length] = '\0';
  struct stat file;
  if (lstat("previous", &file) == 0 && S_ISDIR(file.st_mode)) return FAIL("unable to unlink: ", "previous", ": ", runit_error(EISDIR));
  if (!vacate("previous.new")) return FAIL("unable to unlink: ", "previous.new", ": ", runit_error(errno));
  if (symlink(target, "previous.new") != 0) return FAIL("unable to create: previous.new -> ", target, ": ", runit_error(errno));
  if (rename("current.new", "current") != 0) return FAIL("unable to move: current.new to ", "current", ": ", runit_error(errno));
  if (rename("previous.new", "previous") != 0) return FAIL("unable to copy: current to ", "previous", ": ", runit_error(errno));
  return 0;
}

int runsvchdir_main(char **argv) {
  struct stat wanted, current;
  const char *name = argv[1];
  program = argv[0];
  if (!name) {
    runit_tell("usage: ", program, " dir\n\n", NULL);
    return 1;
  }
  if (*name == '.') return FAIL(name, ": must not start with a dot.");
  if (chdir(DIRECTORY) != 0) return FAIL("unable to chdir: ", DIRECTORY, ": ", runit_error(errno));
  if (stat(name, &wanted) != 0) {
    if (errno == ENOENT) return FAIL(name, ": ", runit_error(errno));
    return FAIL("unable to stat: ", name, ": ", runit_error(errno));
  }
  // Without a colon, as the original says it.
  if (!S_ISDIR(wanted.st_mode)) return FAIL(name, "not a directory.");
  if (stat("current", &current) != 0) return FAIL("unable to stat: current: ", runit_error(errno));
  if (wanted.st_dev == current.st_dev && wanted.st_ino == current.st_ino) {
    runit_tell("runsvchdir: ", name, ": current.\n", NULL);
    return 0;
  }
  // The link `previous` is about to lead to where we come from; what is meant is where it leads now.
  char previous[PATH_MAX];
  ssize_t length = strcmp(name, "previous") == 0 ? readlink(name, previous, sizeof previous - 1) : -1;
  if (length >= 0) previous[length] = '\0';
  if (!vacate("current.new")) return FAIL("unable to unlink: current.new: ", runit_error(errno));
  if (symlink(length >= 0 ? previous : name, "current.new") != 0) return FAIL("unable to create: current.new -> ", name, ": ", runit_error(errno));
  int code = exchange();
  if (code == 0) runit_tell("runsvchdir: ", name, ": now current.\n", NULL);
  return code;
}
