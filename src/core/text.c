#define _GNU_SOURCE
#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "error-file.h"

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
  if (error_file_is_used()) return error_file_write(data, length);
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

size_t end_line(char *line, size_t size, size_t length, const char *format, va_list arguments) {
  int more = vsnprintf(line + length, size - length - 1, format, arguments);
  if (more > 0) length += (size_t)more;
  if (length > size - 2) length = size - 2;
  line[length++] = '\n';
  return length;
}

void say(const char *format, ...) {
  char line[1024] = "upkeep: ";
  va_list arguments;
  va_start(arguments, format);
  size_t length = end_line(line, sizeof line, strlen(line), format, arguments);
  va_end(arguments);
  for (size_t i = 0; i < length - 1; i++)
    if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f) line[i] = '?';
  // A message that nobody can take is lost: nothing here may wait for a reader.
  (void)!write_error(line, length);
}
