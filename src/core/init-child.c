// The child's side of init mode, from the fork to the exec: its place, its signals, its words.
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "init.h"

// glibc's, where the environment has no PATH.
#define DEFAULT_PATH "/bin:/usr/bin"

extern char **environ;

// Executes, and where the kernel knows no such format has /bin/sh read the file.
static void execute(const char *file, char **argv) {
  execve(file, argv, environ);
  if (errno != ENOEXEC) return;
  size_t count = 0;
  while (argv[count]) count++;
  char **words = malloc((count + 3) * sizeof *words);
  if (!words) return;
  words[0] = (char *)"/bin/sh";
  words[1] = (char *)file;
  words[2] = NULL;
  if (count > 1) memcpy(words + 2, argv + 1, count * sizeof *words);
  execve(words[0], words, environ);
}

void execute_command(char **argv) {
  const char *file = argv[0];
  size_t length = strlen(file);
  errno = ENOENT;
  if (length == 0) return;
  if (strchr(file, '/')) {
    execute(file, argv);
    return;
  }
  errno = ENAMETOOLONG;
  if (length > NAME_MAX) return;
  const char *path = getenv("PATH");
  char candidate[PATH_MAX + NAME_MAX + 2];
  bool denied = false;
  for (const char *dir = path ? path : DEFAULT_PATH;; dir++) {
    size_t dir_length = strcspn(dir, ":");
    if (dir_length < PATH_MAX) {
      memcpy(candidate, dir, dir_length);
      candidate[dir_length] = '/';
      // An empty element is the current directory.
      memcpy(candidate + dir_length + (dir_length > 0), file, length + 1);
      execute(candidate, argv);
      if (errno == EACCES) denied = true;
      else if (errno != ENOENT && errno != ESTALE && errno != ENOTDIR && errno != ENODEV && errno != ETIMEDOUT) return;
    }
    dir += dir_length;
    if (!*dir) break;
  }
  if (denied) errno = EACCES;
}

static _Noreturn void give_up(const struct init *init, const char *step) {
  _exit(init->face->cannot(step, errno));
}

static void take_place(const struct init *init, const struct init_inherited *inherited) {
  if (init->place == PLACE_SESSION) {
    if (setsid() < 0) give_up(init, "setsid");
    if (ioctl(0, TIOCSCTTY, 0) < 0) init->face->tell(INIT_NO_TERMINAL, errno, 0);
    init->face->tell(INIT_IN_SESSION, 0, 0);
  }
  if (init->place == PLACE_HERE || init->place == PLACE_SESSION) return;
  pid_t group = getpgrp();
  if (setpgid(0, 0) < 0) give_up(init, "setpgid");
  // Done here and not in the parent: nested inits then take the terminal one after the other. TTOU is blocked or ignored.
  if (init->place == PLACE_FOREGROUND) {
    // In the background it was not ours to give.
    if (inherited->terminal >= 0 && tcgetpgrp(inherited->terminal) == group) (void)tcsetpgrp(inherited->terminal, getpgrp());
  } else if (tcsetpgrp(0, getpgrp()) < 0) {
    if (errno != ENOTTY && errno != ENXIO) give_up(init, "tcsetpgrp");
    init->face->tell(INIT_NO_TERMINAL, errno, 0);
  }
}

static void take_signals(const struct init *init, const struct init_inherited *inherited) {
  uint64_t mask = inherited->mask;
  if (init->fresh_signals) {
    // The libc's own two stay as they are.
    mask &= SIGNAL_BIT(32) | SIGNAL_BIT(33);
    for (int number = 1; number < 32; number++) (void)signal(number, SIG_DFL);
  } else {
    (void)signal(SIGCHLD, inherited->chld);
    (void)signal(SIGTTIN, inherited->ttin);
    (void)signal(SIGTTOU, inherited->ttou);
  }
  (void)syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, NULL, sizeof mask);
}

// Socket activation names the process that the descriptors are for: that was us.
static void take_listen_pid(const struct init_inherited *inherited) {
  static char entry[32];
  for (char **each = environ; *each; each++) {
    if (strncmp(*each, "LISTEN_PID=", 11) != 0 || atol(*each + 11) != inherited->pid) continue;
    snprintf(entry, sizeof entry, "LISTEN_PID=%d", (int)getpid());
    *each = entry;
  }
}

void init_child(const struct init *init, const struct init_inherited *inherited, char **argv) {
  if (inherited->directory >= 0) (void)!fchdir(inherited->directory);
  take_place(init, inherited);
  if (init->own_listen_pid) take_listen_pid(inherited);
  take_signals(init, inherited);
  execute_command(argv);
  _exit(init->face->cannot_execute(argv[0], errno));
}
