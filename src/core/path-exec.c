#define _GNU_SOURCE
#include "path-exec.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

static bool is_passed(const int *passed) {
  while (*passed && *passed != errno) passed++;
  return *passed;
}

void path_execute(const char *file, char **argv, char **envp, const char *path, const int *passed) {
  size_t length = strlen(file);
  if (strchr(file, '/')) {
    execve(file, argv, envp);
    return;
  }
  char candidate[4096];
  int worst = ENOENT;
  for (const char *dir = path;; dir = strchr(dir, ':') + 1) {
    size_t dir_length = strcspn(dir, ":");
    if (dir_length + length + 3 <= sizeof candidate) {
      memcpy(candidate, dir_length > 0 ? dir : ".", dir_length > 0 ? dir_length : 1);
      size_t end = dir_length > 0 ? dir_length : 1;
      candidate[end] = '/';
      memcpy(candidate + end + 1, file, length + 1);
      execve(candidate, argv, envp);
    } else {
      errno = ENAMETOOLONG;
    }
    if (!is_passed(passed)) return;
    if (errno != ENOENT && errno != ENOTDIR) worst = errno;
    if (!dir[dir_length]) break;
  }
  errno = worst;
}
