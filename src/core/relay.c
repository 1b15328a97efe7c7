// Copies the log pipes to standard error by whole lines while no manager reads them, so that no service blocks on its
// output and no line is lost. A line is consumed only once it is written: what we could not write stays in its pipe.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "core.h"
#include "text.h"

// A manager usually comes back sooner than this (ms), and then prints the lines itself.
#define RELAY_AFTER 2000
#define RETRY_AFTER 20
// What a pipe takes as one piece (PIPE_BUF, less a newline that we add): no other writer's bytes come between.
#define PIECE 4095
// In one turn of the loop, from one pipe.
#define TURN_BYTES 65536
#define FINISH_PATIENCE 200

static bool active;
static int64_t retry_at = NEVER;
static int scratch[2] = {-1, -1};

bool relay_active(void) {
  return active && !manager.ready;
}

int64_t relay_deadline(void) {
  if (manager.ready) return NEVER;
  if (active) return retry_at;
  return pipe_slots > 0 ? manager.lost_at + RELAY_AFTER : NEVER;
}

// A look at what the pipe holds without taking it: tee(2) copies references into a pipe of our own.
static ssize_t peek(int fd, char *buffer, size_t size) {
  if (scratch[0] < 0 && pipe2(scratch, O_CLOEXEC | O_NONBLOCK) != 0) return -1;
  ssize_t length = tee(fd, scratch[1], size, SPLICE_F_NONBLOCK);
  if (length <= 0) return -1;
  return read(scratch[0], buffer, (size_t)length);
}

static bool consume(int fd, size_t length) {
  char gone[PIECE];
  while (length > 0) {
    ssize_t taken = read(fd, gone, length < sizeof gone ? length : sizeof gone);
    if (taken <= 0 && errno == EINTR) continue;
    if (taken <= 0) return false;
    length -= (size_t)taken;
  }
  return true;
}

// The end of the last whole line in these bytes; a line longer than a piece is cut, for want of a place to keep it.
static size_t whole_lines(const char *buffer, size_t length, bool last) {
  const char *newline = memrchr(buffer, '\n', length);
  if (newline) return (size_t)(newline - buffer) + 1;
  return last || length == PIECE ? length : 0;
}

// False once standard error takes no more.
static bool copy(struct logpipe *pipe, bool last) {
  char buffer[PIECE + 1];
  for (size_t done = 0; done < TURN_BYTES;) {
    ssize_t length = peek(pipe->read_fd, buffer, PIECE);
    if (length <= 0) return true;
    size_t take = (size_t)length;
    if (pipe->skip) {
      const char *newline = memchr(buffer, '\n', take);
      if (newline) take = (size_t)(newline - buffer) + 1;
      if (!consume(pipe->read_fd, take)) return true;
      pipe->skip = !newline;
      if (pipe->lost >= 0) pipe->lost += (long long)take;
      continue;
    }
    take = whole_lines(buffer, take, last);
    if (take == 0) return true;
    size_t written_size = take;
    if (buffer[take - 1] != '\n') buffer[written_size++] = '\n';
    ssize_t written = write_error(buffer, written_size);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0 && errno == EAGAIN) return false;
    // Nobody is there to read it at all: then it is taken away, or the service would wait for ever.
    if (written < 0 && pipe->lost >= 0) pipe->lost += (long long)take;
    if (written > 0 && (size_t)written < take) take = (size_t)written;
    if (!consume(pipe->read_fd, take)) return true;
    done += take;
  }
  retry_at = now;
  return true;
}

void relay_pipe(struct logpipe *pipe) {
  if (!pipe->handed) return;
  if (!copy(pipe, false)) retry_at = now + RETRY_AFTER;
}

static void relay_all(bool last) {
  retry_at = NEVER;
  for (uint32_t slot = 0; slot < pipe_slots; slot++) {
    struct logpipe *pipe = pipe_at(slot);
    if (!pipe || (!pipe->handed && !last)) continue;
    if (!copy(pipe, last)) {
      retry_at = now + RETRY_AFTER;
      return;
    }
  }
}

void relay_begin(void) {
  active = true;
  // It is begun again when this one has died.
  if (manager.ready) return;
  for (uint32_t slot = 0; slot < pipe_slots; slot++) {
    struct logpipe *pipe = pipe_at(slot);
    // Edge-triggered: an unfinished line that stays in its pipe does not wake us again and again.
    if (pipe && pipe->handed)
      (void)loop_watch(pipe->read_fd, SOURCE_PIPE, pipe->slot, pipe->generation, EPOLLIN | EPOLLET, true);
  }
  relay_all(false);
}

void relay_due(void) {
  if (!active) {
    relay_begin();
    return;
  }
  relay_all(false);
}

void relay_end(void) {
  active = false;
  retry_at = NEVER;
}

void relay_finish(void) {
  struct pollfd room = {.fd = 2, .events = POLLOUT};
  const int64_t end = now + FINISH_PATIENCE;
  for (; now < end; read_clock()) {
    relay_all(true);
    if (retry_at == NEVER) return;
    if (retry_at > now) (void)poll(&room, 1, RETRY_AFTER);
  }
}
