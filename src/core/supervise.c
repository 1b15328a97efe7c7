// supervise/ of each service, as runsv has it: the lock that says who supervises the directory, and the fifos `ok` and
// `control` by which others find and command it. They are the core's, so that no death of a manager lets them go. A
// letter from `control` is a fact: it keeps its serial until a manager has dealt with it. What a letter means, and the
// files that tell of the state, are the manager's.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core.h"
#include "store.h"
#include "supervise-open.h"
#include "text.h"

// So many letters of one service wait for the manager; those behind them wait in the fifo.
#define LETTERS_MAX 16
#define BUCKETS 1024

struct letter {
  uint64_t serial;
  int64_t told_at;  // NEVER until it has gone up
  char text[2];
};

struct supervised {
  uint32_t number, generation;
  int lock_fd, control_fd, ok_fd;
  bool refused;  // somebody else holds the lock: nothing may be started under this number
  char *path;
  int count;
  struct letter *letters;  // room for LETTERS_MAX, once one has come
  struct supervised *next, *next_waiting;
};

static struct supervised *buckets[BUCKETS];
// Those with letters that are not acknowledged.
static struct supervised *waiting;
static uint32_t generations;

static struct supervised **link_of(uint32_t number) {
  struct supervised **link = &buckets[number % BUCKETS];
  while (*link && (*link)->number != number) link = &(*link)->next;
  return link;
}

bool supervise_refused(uint32_t number) {
  const struct supervised *each = *link_of(number);
  return each && each->refused;
}

// Of each in turn; NULL begins and ends.
static struct supervised *after(const struct supervised *each) {
  if (each && each->next) return each->next;
  for (uint32_t bucket = each ? each->number % BUCKETS + 1 : 0; bucket < BUCKETS; bucket++)
    if (buckets[bucket]) return buckets[bucket];
  return NULL;
}

static void await(struct supervised *each, bool waits) {
  struct supervised **link = &waiting;
  while (*link && *link != each) link = &(*link)->next_waiting;
  if (waits && !*link) {
    *link = each;
    each->next_waiting = NULL;
  } else if (!waits && *link) {
    *link = each->next_waiting;
  }
}

static void let_go(struct supervised *each) {
  loop_close(&each->control_fd);
  loop_close(&each->ok_fd);
  // A child that has not executed yet holds it too, and for longer perhaps.
  if (each->lock_fd >= 0) (void)flock(each->lock_fd, LOCK_UN);
  loop_close(&each->lock_fd);
}

static void forget(struct supervised **link) {
  struct supervised *each = *link;
  let_go(each);
  await(each, false);
  *link = each->next;
  if (each->path) store_give(each->path, strlen(each->path) + 1);
  store_give(each->letters, LETTERS_MAX * sizeof *each->letters);
  store_give(each, sizeof *each);
}

// The lock; what has failed and why go to the manager.
static int take_lock(struct supervised *each, bool makes, const char **step) {
  *step = "directory";
  int directory = supervise_directory(each->path, makes);
  if (directory < 0) return errno;
  *step = "lock";
  int error = 0, fd = supervise_file(directory, "lock", S_IFREG, O_RDWR | (makes ? O_CREAT : 0));
  if (fd < 0) error = errno;
  close(directory);
  if (!error && flock(fd, LOCK_EX | LOCK_NB) != 0) error = errno;
  each->refused = error == EWOULDBLOCK;
  if (error) {
    if (fd >= 0) close(fd);
    return error;
  }
  each->lock_fd = fd;
  return 0;
}

void request_supervise(uint32_t number, const char *path, bool makes) {
  struct supervised **link = link_of(number);
  const char *step = "memory";
  int error = ENOMEM;
  if (!*link && (*link = store_take(sizeof **link))) {
    (*link)->number = number;
    (*link)->generation = ++generations & 0xffffff;
    (*link)->lock_fd = (*link)->control_fd = (*link)->ok_fd = -1;
  }
  struct supervised *each = *link;
  if (each && !each->path && (each->path = store_take(strlen(path) + 1))) strcpy(each->path, path);
  if (each && each->path) error = each->lock_fd >= 0 ? 0 : take_lock(each, makes, &step);
  // A refusal is remembered until the manager has taken note of it.
  if (each && error && !each->refused) forget(link);
  ANSWER("supervised", decimal(number).text, "lock", error ? step : "", decimal(error).text);
}

static void arm(const struct supervised *each, bool known) {
  uint32_t events = EPOLLONESHOT | (each->count < LETTERS_MAX ? EPOLLIN : 0);
  (void)loop_watch(each->control_fd, SOURCE_CONTROL, each->number, each->generation, events, known);
}

static int open_fifos(struct supervised *each, const char **step) {
  struct stat held, found;
  *step = "directory";
  int error = 0, directory = supervise_directory(each->path, false);
  if (directory < 0) return errno;
  // The directory may be another one by now: its control would be somebody else's.
  if (fstat(each->lock_fd, &held) != 0 || fstatat(directory, "lock", &found, AT_SYMLINK_NOFOLLOW) != 0) error = errno;
  else if (held.st_ino != found.st_ino || held.st_dev != found.st_dev) error = ESTALE;
  *step = error ? "directory" : "control";
  // For writing too, so that the end of its last writer is no end of the fifo.
  if (!error && (each->control_fd = supervise_file(directory, "control", S_IFIFO, O_RDWR)) < 0) error = errno;
  if (!error) *step = "ok";
  if (!error && (each->ok_fd = supervise_file(directory, "ok", S_IFIFO, O_RDONLY)) < 0) error = errno;
  close(directory);
  if (error) {
    loop_close(&each->control_fd);
    return error;
  }
  arm(each, false);
  return 0;
}

void request_offer(uint32_t number) {
  struct supervised *each = *link_of(number);
  const char *step = "lock";
  int error = !each || each->lock_fd < 0 ? EBADF : each->ok_fd >= 0 ? 0 : open_fifos(each, &step);
  ANSWER("supervised", decimal(number).text, "offer", error ? step : "", decimal(error).text);
}

void request_release(uint32_t number) {
  struct supervised **link = link_of(number);
  if (*link) forget(link);
}

bool supervise_yield(void) {
  for (struct supervised *each = after(NULL); each; each = after(each)) {
    // The upper half of the numbers: locks of log directories, which somebody writes.
    if (each->lock_fd < 0 || each->number >> 31) continue;
    uint32_t number = each->number;
    forget(link_of(number));
    // No manager, no word: the next one finds it missing from its hello.
    (void)TELL("supervised", decimal(number).text, "yield", "descriptors", decimal(EMFILE).text);
    return true;
  }
  return false;
}

void control_ready(uint32_t number, uint32_t generation) {
  struct supervised *each = *link_of(number);
  char bytes[LETTERS_MAX];
  if (!each || each->generation != generation || each->control_fd < 0) return;
  ssize_t length = read(each->control_fd, bytes, (size_t)(LETTERS_MAX - each->count));
  if (!each->letters && !(each->letters = store_take(LETTERS_MAX * sizeof *each->letters))) {
    say("a letter in %s/control is lost: there is no memory for it", each->path);
    length = 0;
  }
  for (ssize_t i = 0; i < length; i++) {
    // What is no letter or digit has never meant anything.
    if (!strchr("0123456789abcdefghijklmnopqrstuvwxyz", bytes[i]) || bytes[i] == '\0') continue;
    each->letters[each->count++] = (struct letter){next_serial(), NEVER, {bytes[i], '\0'}};
  }
  await(each, each->count > 0);
  arm(each, true);
  letters_tell();
}

void letters_tell(void) {
  for (struct supervised *each = waiting; manager.ready && each; each = each->next_waiting)
    for (int i = 0; i < each->count; i++) {
      struct letter *letter = &each->letters[i];
      if (letter->told_at != NEVER) continue;
      if (!TELL("letter", decimal((long long)letter->serial).text, decimal(each->number).text, letter->text)) return;
      letter->told_at = now;
    }
}

void letters_untold(void) {
  for (struct supervised *each = waiting; each; each = each->next_waiting)
    for (int i = 0; i < each->count; i++) each->letters[i].told_at = NEVER;
}

bool letter_acknowledged(uint64_t serial) {
  for (struct supervised *each = waiting; each; each = each->next_waiting)
    for (int i = 0; i < each->count; i++) {
      if (each->letters[i].serial != serial) continue;
      for (each->count--; i < each->count; i++) each->letters[i] = each->letters[i + 1];
      if (each->control_fd >= 0) arm(each, true);
      if (each->count == 0) await(each, false);
      return true;
    }
  return false;
}

int64_t letters_oldest(void) {
  int64_t oldest = NEVER;
  for (struct supervised *each = waiting; each; each = each->next_waiting)
    for (int i = 0; i < each->count; i++)
      if (each->letters[i].told_at < oldest) oldest = each->letters[i].told_at;
  return oldest;
}

bool supervise_hello(void) {
  for (struct supervised *each = after(NULL); each; each = after(each))
    if (each->lock_fd >= 0 && !TELL("held", decimal(each->number).text, each->ok_fd >= 0 ? "1" : "0", each->path)) return false;
  return true;
}
