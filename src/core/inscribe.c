// The files of supervise directories, written in a child: a disk that is full, slow or hung is the child's trouble alone.
// One child at a time writes what has been asked for until then, in that order, and leaves an errno for each in shared
// memory. One that has come no further for a while is killed, and whoever waits behind it is told to ask again.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core.h"
#include "slots.h"

// So many directories are waited for at a time.
#define BATCH_MAX 256
#define BYTES_MAX (1u << 20)
// So long (ms) one directory may take.
#define PATIENCE 1000
// Killed, and still within a call of the kernel: as long as there are so many, nothing is written, and that is the answer.
#define STUCK_MAX 8
#define STATUS_SIZE 20

struct batch {
  struct queue text;  // number, path, pid, stat, status: five strings each
  int count;
};
static struct batch waiting = {.text.limit = BYTES_MAX}, written = {.text.limit = BYTES_MAX};

// The child's word of how far it is.
static struct progress {
  int done, errors[BATCH_MAX];
} *progress;
static pid_t scribe, stuck[STUCK_MAX];
static int seen;
static int64_t seen_at;

static void tell_written(const char *number, int error) {
  ANSWER("inscribed", number, decimal(error).text);
}

void request_inscribe(struct frame *frame) {
  size_t before = waiting.text.end - waiting.text.start;
  bool fits = strlen(frame->fields[4]) == 2 * STATUS_SIZE, ok = fits && waiting.count < BATCH_MAX;
  int error = !fits ? EINVAL : ok ? ENOMEM : EAGAIN;
  for (int i = 0; ok && i < 5; i++) ok = queue_append(&waiting.text, frame->fields[i], strlen(frame->fields[i]) + 1);
  if (ok) {
    waiting.count++;
    return;
  }
  waiting.text.end = waiting.text.start + before;
  tell_written(frame->fields[0], error);
}

// Only async-signal-safe calls from here on, in the child.
static int replace(int directory, const char *name, const char *fresh, const void *bytes, size_t length) {
  int fd = -1;
  // A new file or none: what somebody left there under this name is neither followed nor waited for.
  for (int try = 0; fd < 0 && try < 2; try++) {
    fd = openat(directory, fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (fd < 0 && (errno != EEXIST || unlinkat(directory, fresh, 0) != 0)) return errno;
  }
  if (fd < 0) return EEXIST;
  ssize_t count = length > 0 ? write(fd, bytes, length) : 0;
  int error = count < 0 ? errno : count < (ssize_t)length ? ENOSPC : 0;
  // EIO: what was written is renamed all the same, and read as it is.
  (void)close(fd);
  if (!error && renameat(directory, fresh, directory, name) != 0) error = errno;
  if (error) (void)unlinkat(directory, fresh, 0);
  return error;
}

static int nibble(char digit) {
  return digit >= 'a' ? digit - 'a' + 10 : digit - '0';
}

static int inscribe(const char *path, const char *pid, const char *stat, const char *hex) {
  char status[STATUS_SIZE];
  for (int i = 0; i < STATUS_SIZE; i++) status[i] = (char)(nibble(hex[2 * i]) << 4 | nibble(hex[2 * i + 1]));
  int directory = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) return errno;
  int error = replace(directory, "pid", "pid.new", pid, strlen(pid));
  if (!error) error = replace(directory, "stat", "stat.new", stat, strlen(stat));
  // Last: who sees it sees the others as they are.
  if (!error) error = replace(directory, "status", "status.new", status, sizeof status);
  (void)close(directory);
  return error;
}

static const char *next(const char *text) {
  return text + strlen(text) + 1;
}

static _Noreturn void write_all(void) {
  const char *number = written.text.data + written.text.start;
  for (int i = 0; i < written.count; i++) {
    const char *path = next(number), *pid = next(path), *stat = next(pid), *status = next(stat);
    progress->errors[i] = inscribe(path, pid, stat, status);
    __atomic_store_n(&progress->done, i + 1, __ATOMIC_RELEASE);
    number = next(status);
  }
  _exit(0);
}

static int done_now(void) {
  return __atomic_load_n(&progress->done, __ATOMIC_ACQUIRE);
}

// What has become of each: the first after those that are done has this error, and those behind it have that of the rest.
static void tell_batch(int done, int error, int rest) {
  const char *number = written.text.data + written.text.start;
  for (int i = 0; i < written.count; i++) {
    tell_written(number, i < done ? progress->errors[i] : i == done ? error : rest);
    for (int k = 0; k < 5; k++) number = next(number);
  }
  queue_clear(&written.text);
  written.count = 0;
}

static pid_t *stuck_place(pid_t pid) {
  for (int i = 0; i < STUCK_MAX; i++)
    if (stuck[i] == pid) return &stuck[i];
  return NULL;
}

void inscribe_go_on(void) {
  if (scribe || waiting.count == 0) return;
  const struct batch empty = written;
  written = waiting;
  waiting = empty;
  if (!stuck_place(0)) return tell_batch(0, ETIMEDOUT, ETIMEDOUT);
  if (!progress) {
    void *shared = mmap(NULL, sizeof *progress, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) return tell_batch(0, ENOMEM, ENOMEM);
    progress = shared;
  }
  progress->done = seen = 0;
  seen_at = now;
  pid_t pid = slots_fork();
  if (pid == 0) write_all();
  if (pid < 0) return tell_batch(0, errno, errno);
  scribe = pid;
}

bool inscribe_ended(pid_t pid) {
  pid_t *place = stuck_place(pid);
  if (place) *place = 0;
  if (pid != scribe) return place != NULL;
  scribe = 0;
  // Killed by somebody: what it was at has failed, so that what kills it each time is not asked for without end.
  tell_batch(done_now(), EIO, EINTR);
  return true;
}

int64_t inscribe_deadline(void) {
  return scribe ? seen_at + PATIENCE : NEVER;
}

void inscribe_due(void) {
  int done = done_now();
  pid_t *place = stuck_place(0);
  if (done > seen || !place) {
    seen = done;
    seen_at = now;
    return;
  }
  (void)kill(scribe, SIGKILL);
  *place = scribe;
  scribe = 0;
  tell_batch(done, ETIMEDOUT, EINTR);
}

void inscribe_forget(void) {
  queue_clear(&waiting.text);
  queue_clear(&written.text);
  waiting.count = written.count = 0;
}
