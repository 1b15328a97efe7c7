#define _GNU_SOURCE
#include "init.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "text.h"

#define BIT(signal) (1ull << ((signal)-1))

// The child is to find signals as we found them; a blocked SIGCHLD too.
static uint64_t inherited_mask;
static void (*inherited_chld)(int);

static _Noreturn void become(char **argv) {
  // A group of its own, in the foreground of the terminal if there is one: then Ctrl-C reaches it and not us twice.
  if (setpgid(0, 0) == 0 && isatty(0)) {
    (void)signal(SIGTTOU, SIG_IGN);
    (void)tcsetpgrp(0, getpgrp());
    (void)signal(SIGTTOU, SIG_DFL);
  }
  (void)signal(SIGCHLD, inherited_chld);
  (void)syscall(SYS_rt_sigprocmask, SIG_SETMASK, &inherited_mask, NULL, sizeof inherited_mask);
  execvp(argv[0], argv);
  int error = errno;
  if (error == ENOENT && strpbrk(argv[0], " &|;$<>"))
    say("cannot run '%s': there is no such file; a command line for a shell needs [\"sh\", \"-c\", \"...\"]", argv[0]);
  else
    say("cannot run %s: %s", argv[0], strerror(error));
  _exit(error == ENOENT || error == ENOTDIR ? 127 : 126);
}

int init_main(char **argv, char **environment) {
  (void)environment;
  uint64_t all = ~0ull;
  if (syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &inherited_mask, sizeof all) != 0) {
    say("cannot block signals: %s", strerror(errno));
    return 111;
  }
  inherited_chld = signal(SIGCHLD, SIG_DFL);
  if (getpid() != 1 && prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0) say("cannot become a child subreaper: %s", strerror(errno));
  pid_t child = fork();
  if (child == 0) become(argv);
  if (child < 0) {
    say("cannot start %s: %s", argv[0], strerror(errno));
    return 111;
  }
  uint64_t waited = all & ~(BIT(SIGKILL) | BIT(SIGSTOP));
  for (;;) {
    siginfo_t info;
    long number = syscall(SYS_rt_sigtimedwait, &waited, &info, NULL, sizeof waited);
    if (number < 0) continue;
    if (number != SIGCHLD) {
      (void)kill(child, (int)number);
      continue;
    }
    int status;
    for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
      if (pid != child) continue;
      return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    }
  }
}
