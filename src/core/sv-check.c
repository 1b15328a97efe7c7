// ./check of a service: run in its directory with standard output closed, as runit's sv does.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sv.h"

extern char **environ;

_Noreturn static void execute(const struct sv_place *place, const sigset_t *mask) {
  char *const words[] = {"./check", NULL};
  (void)close(1);
  (void)sigprocmask(SIG_SETMASK, mask, NULL);
  if (chdir(place->directory) == 0) execve("check", words, environ);
  // What cannot be run says nothing against the service.
  sv_warn("unable to run ", place->name, "/check", errno);
  _exit(0);
}

// Gives back its wait status; one that goes on beyond `until` is killed.
static int await(pid_t pid, const sigset_t *child, int64_t until) {
  int status;
  for (;;) {
    pid_t ended = waitpid(pid, &status, WNOHANG);
    if (ended == pid) return status;
    if (ended < 0 && errno != EINTR) return -1;
    int64_t left = until - sv_clock();
    if (left <= 0) break;
    struct timespec time = {.tv_sec = (time_t)(left / 1000), .tv_nsec = (long)(left % 1000) * 1000000};
    (void)sigtimedwait(child, NULL, &time);
  }
  (void)kill(pid, SIGKILL);
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) continue;
  return -1;
}

bool sv_check(const struct sv_place *place, int64_t until, bool *is_there) {
  char path[PATH_MAX];
  struct stat file;
  sigset_t child, before;
  int length = snprintf(path, sizeof path, "%s/check", place->directory);
  *is_there = length >= PATH_MAX || stat(path, &file) == 0;
  if (!*is_there && errno == ENOENT) return true;
  if (!*is_there) {
    *is_there = true;
    sv_warn("unable to stat ", place->name, "/check", errno);
    return false;
  }
  sv_flush();
  (void)sigemptyset(&child);
  (void)sigaddset(&child, SIGCHLD);
  (void)sigprocmask(SIG_BLOCK, &child, &before);
  // Ignored by our parent, its end would not be told.
  (void)signal(SIGCHLD, SIG_DFL);
  pid_t pid = fork();
  if (pid == 0) execute(place, &before);
  if (pid < 0) sv_warn("unable to fork for ", place->name, "/check", errno);
  int status = pid < 0 ? -1 : await(pid, &child, until);
  (void)sigprocmask(SIG_SETMASK, &before, NULL);
  // To runit's sv one that a signal has ended says yes; one that we have killed does not.
  return status >= 0 && WEXITSTATUS(status) == 0;
}
