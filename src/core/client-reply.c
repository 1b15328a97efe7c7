/* The thin client's reply: frames from the manager to our own output, by plain copying. */
#define _GNU_SOURCE
#include "client-parts.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static char input[65536];

/* A reply as it is read: lines of JSON, and behind some of them raw bytes for one of our outputs. */
struct reply {
  int fd;
  size_t begin, end; /* what of `input` is not used yet */
  int *came;         /* something was printed */
};

/* Reads more, once there is more: 1, or an end. Notices when nobody reads our output any more, as tail does. */
static int fill(struct reply *reply) {
  if (reply->begin == reply->end)
    reply->begin = reply->end = 0;
  for (;;) {
    struct pollfd both[2] = {{.fd = reply->fd, .events = POLLIN}, {.fd = 1, .events = 0}};
    if (poll(both, 2, -1) < 0) {
      if (errno == EINTR)
        continue;
      return LOST;
    }
    /* A pipe says ERR, a socket or a terminal HUP. */
    if (both[0].revents == 0 && (both[1].revents & (POLLERR | POLLHUP)))
      return NO_READER;
    if (both[0].revents == 0) {
      /* An output that is not open says so for ever; then only the socket is worth waiting for. */
      both[1].fd = -1;
      if (poll(both, 1, -1) < 0 && errno != EINTR)
        return LOST;
    }
    ssize_t size = recv(reply->fd, input + reply->end, sizeof input - reply->end, 0);
    if (size > 0) {
      reply->end += (size_t)size;
      return 1;
    }
    if (size == 0 || (errno != EINTR && errno != EAGAIN))
      return LOST;
  }
}

/* The next line without its newline, ended by a 0; its length, or an end. A line as long as the buffer is none of ours. */
static int next_line(struct reply *reply, char **line) {
  for (;;) {
    char *begin = input + reply->begin;
    char *newline = memchr(begin, '\n', reply->end - reply->begin);
    if (newline != NULL) {
      *newline = 0;
      *line = begin;
      reply->begin += (size_t)(newline - begin) + 1;
      return (int)(newline - begin);
    }
    if (reply->begin > 0) {
      memmove(input, begin, reply->end - reply->begin);
      reply->end -= reply->begin;
      reply->begin = 0;
    }
    if (reply->end == sizeof input)
      return GARBLED;
    int got = fill(reply);
    if (got < 0)
      return got;
  }
}

/* Copies `left` raw bytes to the descriptor; 0, or an end. */
static int copy(struct reply *reply, int to, unsigned long left) {
  while (left > 0) {
    size_t here = reply->end - reply->begin;
    if (here == 0) {
      int got = fill(reply);
      if (got < 0)
        return got;
      continue;
    }
    if (here > left)
      here = left;
    if (client_write(to, input + reply->begin, here) < 0)
      return errno == EPIPE ? NO_READER : NOT_WRITTEN;
    reply->begin += here;
    left -= here;
    *reply->came = 1;
  }
  return 0;
}

/* The number in `{"name":N}`; -1 if the line is not that. */
static long number_in(const char *line, const char *name) {
  const size_t length = strlen(name);
  char *end;
  if (strncmp(line, "{\"", 2) != 0 || strncmp(line + 2, name, length) != 0 || strncmp(line + 2 + length, "\":", 2) != 0)
    return -1;
  line += length + 4;
  if (*line < '0' || *line > '9')
    return -1;
  errno = 0;
  long number = strtol(line, &end, 10);
  return errno == 0 && strcmp(end, "}") == 0 ? number : -1;
}

int client_receive(int fd, int *came) {
  struct reply reply = {.fd = fd, .came = came};
  for (;;) {
    char *line;
    int length = next_line(&reply, &line);
    if (length < 0)
      return length;
    long code = number_in(line, "exit");
    if (code >= 0)
      return (int)(code & 0xff);
    long size = number_in(line, "out");
    const int to = size >= 0 ? 1 : 2;
    if (size < 0)
      size = number_in(line, "err");
    if (size < 0) {
      /* A refusal of the whole connection: its sentence is in there. */
      client_complain(FAILED, "the manager says: %.1000s", line);
      return FAILED;
    }
    int end = copy(&reply, to, (unsigned long)size);
    if (end < 0)
      return end;
  }
}
