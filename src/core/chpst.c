#define _GNU_SOURCE
#include "chpst.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "path-exec.h"
#include "runit-text.h"

extern char **environ;

#define FATAL "chpst: fatal: "

void chpst_fail(const char *what) {
  runit_tell(FATAL, what, ": ", runit_error(errno), "\n", NULL);
  _exit(111);
}

void chpst_fail_on(const char *what, const char *subject) {
  runit_tell(FATAL, what, ": ", subject, ": ", runit_error(errno), "\n", NULL);
  _exit(111);
}

void chpst_refuse(const char *what, const char *subject) {
  runit_tell(FATAL, what, ": ", subject, "\n", NULL);
  _exit(111);
}

void chpst_no_memory(void) {
  runit_tell(FATAL "out of memory.\n", NULL);
  _exit(111);
}

static void change_root(const char *root) {
  if (chdir(root) != 0) chpst_fail_on("unable to change directory", root);
  if (chroot(".") != 0) chpst_fail("unable to change root directory");
}

static void change_nice(int increment) {
  errno = 0;
  if (nice(increment) == -1 && errno) chpst_fail("unable to set nice level");
}

static void close_streams(unsigned closed) {
  static const char *const sentences[] = {"unable to close stdin", "unable to close stdout", "unable to close stderr"};
  for (int fd = 0; fd < 3; fd++)
    if (closed & 1u << fd && close(fd) != 0) chpst_fail(sentences[fd]);
}

void change_run(const struct change *change) {
  static const int passed[] = {ENOENT, EACCES, EPERM, EISDIR, 0};
  // A leader of a group cannot; it has what it asks for.
  if (change->session) (void)setsid();
  if (change->env_dir) change_environment(change->env_dir, change->env_dir_whole, change->verbose);
  if (change->root) change_root(change->root);
  if (change->directory && chdir(change->directory) != 0) chpst_fail_on("unable to change directory", change->directory);
  if (change->nice) change_nice(change->nice);
  if (change->env_user) change_account_variables(change->env_user, change->plain_account);
  if (change->user) change_identity(change->user, change->plain_account);
  if (change->lock) change_lock(change);
  close_streams(change->closed);
  change_limits(change->limits);
  const char *file = change->words[0], *path = getenv("PATH");
  if (change->argv0) change->words[0] = (char *)change->argv0;
  path_execute(file, change->words, environment(), path ? path : "/bin:/usr/bin", passed);
  chpst_fail_on("unable to run", change->words[0]);
}
