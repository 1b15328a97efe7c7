#define _GNU_SOURCE
#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

// O_NONBLOCK belongs to the open file, which every service shares: so it is never set on standard error itself. A pipe
// or a terminal is opened once more, through /proc; where that is refused, poll(2) tells of room first.
static int own_error(void) {
  static int fd = -2;
  struct stat file;
  if (fd == -2) {
    fd = -1;
    if (fstat(2, &file) == 0 && (S_ISFIFO(file.st_mode) || S_ISCHR(file.st_mode)))
      fd = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
  }
  return fd;
}

ssize_t write_error(const char *data, size_t length) {
  int fd = own_error();
  if (fd >= 0) return write(fd, data, length);
  ssize_t sent = send(2, data, length, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent >= 0 || errno != ENOTSOCK) return sent;
  struct pollfd room = {.fd = 2, .events = POLLOUT};
  // Room is told of by the page; and where nobody reads any more, the write says so.
  if (poll(&room, 1, 0) == 1 && (room.revents & (POLLOUT | POLLERR))) return write(2, data, length < PIPE_BUF ? length : PIPE_BUF);
  errno = EAGAIN;
  return -1;
}

void say(const char *format, ...) {
  char line[1024];
  int length = snprintf(line, sizeof line, "upkeep: ");
  va_list arguments;
  va_start(arguments, format);
  int more = vsnprintf(line + length, sizeof line - (size_t)length, format, arguments);
  va_end(arguments);
  if (more < 0) return;
  length += more;
  if (length > (int)sizeof line - 2) length = (int)sizeof line - 2;
  for (int i = 0; i < length; i++)
    if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f) line[i] = '?';
  line[length++] = '\n';
  // A message that nobody can take is lost: nothing here may wait for a reader.
  (void)!write_error(line, (size_t)length);
}
