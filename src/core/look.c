// A look at a path before anything runs. A child looks: where its file system never answers we would else be a PID 1 that can
// not even be told to end.
#define _GNU_SOURCE
#include "look.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

// A disk that sleeps has answered by then (ms).
#define PATIENCE 1000

static struct look see(const char *path) {
  struct stat file;
  struct look look = {.answers = true};
  look.is_there = stat(path, &file) == 0;
  look.is_directory = look.is_there && S_ISDIR(file.st_mode);
  if (look.is_there && !look.is_directory) look.error = ENOTDIR;
  else if (!look.is_there || access(path, R_OK | X_OK) != 0) look.error = errno;
  return look;
}

struct look look_at(const char *path) {
  int answer[2];
  if (pipe2(answer, O_CLOEXEC) != 0) return see(path);
  pid_t pid = fork();
  if (pid == 0) {
    struct look look = see(path);
    (void)!write(answer[1], &look, sizeof look);
    _exit(0);
  }
  (void)close(answer[1]);
  struct look look = {0};
  if (pid > 0) {
    struct pollfd told = {answer[0], POLLIN, 0};
    while (poll(&told, 1, PATIENCE) < 0 && errno == EINTR) continue;
    if (told.revents == 0 || read(answer[0], &look, sizeof look) != (ssize_t)sizeof look) {
      // Not waited for: whoever reaps everything will find it.
      look = (struct look){0};
      (void)kill(pid, SIGKILL);
    } else
      while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) continue;
  }
  (void)close(answer[0]);
  return pid < 0 ? see(path) : look;
}
