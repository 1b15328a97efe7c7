#define _GNU_SOURCE
#include "title.h"

#include <fcntl.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

// "log: " stays.
#define FIXED 5
#define DOT_EVERY 900000
// Reads at a time: whoever writes without end stops nothing else.
#define TURN_READS 16

int title_fd = -1;
static char *text;
static size_t length;
static int64_t dot_at;

bool title_begin(char *argument) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return false;
  bool moved = dup2(ends[1], 2) == 2;
  (void)close(ends[1]);
  // The writing end is everybody's standard error and waits; only we do not.
  if (!moved || fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0) return false;
  title_fd = ends[0];
  text = argument + FIXED;
  length = strlen(text);
  return true;
}

static void scroll(const char *bytes, size_t count) {
  if (count > length) bytes += count - length, count = length;
  memmove(text, text + count, length - count);
  memcpy(text + length - count, bytes, count);
}

void title_read(void) {
  char buffer[4096];
  ssize_t count;
  for (int reads = 0; reads < TURN_READS && (count = read(title_fd, buffer, sizeof buffer)) > 0; reads++) {
    size_t kept = 0;
    // A NUL would end the argument.
    for (ssize_t i = 0; i < count; i++)
      if (buffer[i]) buffer[kept++] = buffer[i];
    scroll(buffer, kept);
  }
}

int64_t title_deadline(int64_t now) {
  if (title_fd < 0) return INT64_MAX;
  if (!dot_at) dot_at = now + DOT_EVERY;
  return dot_at;
}

void title_dot(int64_t now) {
  scroll(".", 1);
  dot_at = now + DOT_EVERY;
}

unsigned title_keep(void) {
  if (title_fd < 0) return 3;
  if (title_fd != 3 && dup3(title_fd, 3, O_CLOEXEC) == 3) title_fd = 3;
  return title_fd == 3 ? 4 : 3;
}

void title_rename(char **argv, const char *name) {
  (void)prctl(PR_SET_NAME, name, 0, 0, 0);
  char **last = argv;
  while (last[1]) last++;
  char *end = *last + strlen(*last), *rest = argv[0] + strlen(argv[0]);
  size_t room = strlen(argv[0]), used = strlen(name);
  // The words stand one behind the other in memory; a longer name has no place.
  if (used > room) return;
  memcpy(argv[0], name, used);
  memmove(argv[0] + used, rest, (size_t)(end - rest));
  memset(end - (room - used), 0, room - used);
  if (text) text -= room - used;
}
