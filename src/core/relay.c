// Copies the log pipes to standard error by whole lines while no manager reads them, so that no service blocks on its
// output and no line is lost. Only whole lines are taken from a pipe: the rest of one waits there for whoever is next.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "core.h"
#include "text.h"

// A manager usually comes back sooner than this (ms), and then prints the lines itself.
#define RELAY_AFTER 2000
#define RETRY_AFTER 20
// What a pipe usually holds, and so the longest line that is kept whole.
#define LOOK 65536
// In one turn of the loop, from one pipe.
#define TURN_BYTES 65536
// How long standard error may take nothing (ms) before what is left for it is given up.
#define FINISH_PATIENCE 200

static bool active;
static int64_t retry_at = NEVER;
static int scratch[2] = {-1, -1};
// Taken from a pipe and not written yet; whole lines, with room for the mark of a cut.
static char out[LOOK + 2];
static size_t out_at, out_end;

bool relay_active(void) {
  return active && !manager.ready;
}

int64_t relay_deadline(void) {
  if (out_at < out_end) return retry_at;
  if (manager.ready) return NEVER;
  if (active) return retry_at;
  return pipe_slots > 0 ? manager.lost_at + RELAY_AFTER : NEVER;
}

// As many whole lines as a pipe takes as one piece, so that no other writer's bytes come between; or one longer line.
static size_t next_piece(const char *data, size_t length) {
  if (length <= PIPE_BUF) return length;
  const char *newline = memrchr(data, '\n', PIPE_BUF);
  if (!newline) newline = memchr(data + PIPE_BUF, '\n', length - PIPE_BUF);
  return newline ? (size_t)(newline - data) + 1 : length;
}

// True once all that was taken is written.
static bool flush(void) {
  while (out_at < out_end) {
    size_t piece = next_piece(out + out_at, out_end - out_at);
    ssize_t written = write_error(out + out_at, piece);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0 && errno == EAGAIN) return false;
    // Nobody is there to read it at all: then it is dropped, or the service would wait for ever.
    out_at += written > 0 ? (size_t)written : piece;
  }
  return true;
}

// A look at what the pipe holds without taking it: tee(2) copies references into a pipe of our own.
static ssize_t peek(int fd, char *buffer, size_t size) {
  if (scratch[0] < 0 && pipe2(scratch, O_CLOEXEC | O_NONBLOCK) != 0) return -1;
  ssize_t length = tee(fd, scratch[1], size, SPLICE_F_NONBLOCK);
  if (length <= 0) return -1;
  return read(scratch[0], buffer, (size_t)length);
}

static bool consume(int fd, size_t length) {
  char gone[4096];
  while (length > 0) {
    ssize_t taken = read(fd, gone, length < sizeof gone ? length : sizeof gone);
    if (taken < 0 && errno == EINTR) continue;
    if (taken <= 0) return false;
    length -= (size_t)taken;
  }
  return true;
}

// How much must be seen of the pipe for the rest of an unfinished line to be still to come. To be asked before the
// look, for its writer goes on meanwhile; a writer that must wait for room cannot finish the line.
static size_t content(const struct logpipe *pipe) {
  int held = 0;
  struct pollfd room = {.fd = pipe->write_fd, .events = POLLOUT};
  if (pipe->write_fd >= 0 && poll(&room, 1, 0) == 0) return SIZE_MAX;
  return ioctl(pipe->read_fd, FIONREAD, &held) == 0 ? (size_t)held : 0;
}

// Drops the tail of a line whose start a dead manager had; false if it must stay.
static bool skip_tail(struct logpipe *pipe, size_t length) {
  // This one was told in its hello to skip, and would skip a line more.
  if (manager.pid) return false;
  const char *newline = memchr(out, '\n', length);
  if (newline) length = (size_t)(newline - out) + 1;
  if (!consume(pipe->read_fd, length)) return false;
  pipe->skip = !newline;
  pipe->lost += (long long)length;
  return true;
}

// False once standard error takes no more.
static bool copy(struct logpipe *pipe, bool last) {
  for (size_t done = 0; done < TURN_BYTES;) {
    if (!flush()) return false;
    size_t held = content(pipe);
    ssize_t length = peek(pipe->read_fd, out, LOOK);
    if (length <= 0) return true;
    if (pipe->skip) {
      if (!skip_tail(pipe, (size_t)length)) return true;
      continue;
    }
    const char *newline = memrchr(out, '\n', (size_t)length);
    size_t take = newline ? (size_t)(newline - out) + 1 : (size_t)length;
    if (!newline && !last && take >= held) return true;
    if (!consume(pipe->read_fd, take)) return true;
    done += take;
    out_at = 0;
    out_end = take;
    // Marked as the manager marks a line that goes on in another piece.
    if (!newline && !last) out[out_end++] = '\\';
    if (!newline) out[out_end++] = '\n';
  }
  if (!flush()) return false;
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
  // It still reads: called again when it is dead.
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
  if (!flush()) retry_at = now + RETRY_AFTER;
  else if (manager.ready) retry_at = NEVER;
  else if (active) relay_all(false);
  else relay_begin();
}

void relay_manager_died(void) {
  if (active) relay_begin();
}

void relay_end(void) {
  active = false;
  // What was taken is still ours to write.
  retry_at = flush() ? NEVER : now + RETRY_AFTER;
}

void relay_finish(void) {
  struct pollfd room = {.fd = 2, .events = POLLOUT};
  for (int waited = 0; waited <= FINISH_PATIENCE; waited += RETRY_AFTER) {
    size_t before = out_at;
    do {
      read_clock();
      relay_all(true);
      // However slow, it is being read.
      if (out_at != before) waited = 0;
      before = out_at;
    } while (retry_at <= now);
    if (retry_at == NEVER) return;
    if (retry_at > now) (void)poll(&room, 1, RETRY_AFTER);
  }
}
