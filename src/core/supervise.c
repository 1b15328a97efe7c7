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
#include "errand.h"
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
  uint8_t count;
  char *path;
  struct letter *letters;  // room for LETTERS_MAX, once one has come
  struct errand *errand;   // where its file system may hang; it has brought the lock
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

// Its lock is in the socket of a child that has brought it.
static bool is_sent(const struct supervised *each) {
  return each->errand && each->errand->holds;
}

static void let_go(struct supervised *each) {
  loop_close(&each->control_fd);
  loop_close(&each->ok_fd);
  bool sent = is_sent(each);
  if (each->errand) errand_drop(each->errand, sent ? each->lock_fd : -1);
  each->errand = NULL;
  if (sent) return;
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

static void answer_about(uint32_t number, const char *asked, int error, enum supervise_step step) {
  ANSWER("supervised", decimal(number).text, asked, error ? supervise_step_name(step) : "", decimal(error).text);
}

static void lock_tried(struct supervised **link, uint32_t number, int error, enum supervise_step step) {
  (*link)->refused = error == EWOULDBLOCK;
  // A refusal is remembered until the manager has taken note of it.
  if (error && !(*link)->refused) forget(link);
  answer_about(number, "lock", error, step);
}

static struct supervised *create(struct supervised **link, uint32_t number, const char *path) {
  struct supervised *each = *link = store_take(sizeof *each);
  if (!each) return NULL;
  each->number = number;
  each->generation = ++generations & 0xffffff;
  each->lock_fd = each->control_fd = each->ok_fd = -1;
  if ((each->path = store_take(strlen(path) + 1))) return strcpy(each->path, path), each;
  forget(link);
  return NULL;
}

void request_supervise(uint32_t number, const char *path, bool makes, bool hangs) {
  struct supervised **link = link_of(number), *each = *link ? *link : create(link, number, path);
  struct lock_file file;
  enum supervise_step step = STEP_OF_MEMORY;
  if (!each || each->lock_fd >= 0) return answer_about(number, "lock", each ? 0 : ENOMEM, step);
  // The answer to the first question is one to the second.
  if (each->errand && each->errand->under_way) return;
  if (hangs && (each->errand || (each->errand = errand_create(number, each->path))))
    return errand_ask(each->errand, ERRAND_LOCK, makes);
  int error = hangs ? ENOMEM : supervise_lock(each->path, makes, &each->lock_fd, &file, &step);
  lock_tried(link, number, error, step);
}

static void arm(const struct supervised *each, bool known) {
  uint32_t events = EPOLLONESHOT | (each->count < LETTERS_MAX ? EPOLLIN : 0);
  (void)loop_watch(each->control_fd, SOURCE_CONTROL, each->number, each->generation, events, known);
}

static void fifos_tried(struct supervised *each, int error, enum supervise_step step, const int fds[2]) {
  if (!error) {
    each->control_fd = fds[0];
    each->ok_fd = fds[1];
    arm(each, false);
  }
  answer_about(each->number, "offer", error, step);
}

void errand_answered(uint32_t number, enum errand_kind kind, int error, enum supervise_step step, const int fds[2]) {
  struct supervised **link = link_of(number);
  if (kind == ERRAND_FIFOS) return fifos_tried(*link, error, step, fds);
  if (!error) (*link)->lock_fd = fds[0];
  lock_tried(link, number, error, step);
}
// Never asks a file system that may hang.
static int lock_of(const struct supervised *each, struct lock_file *file) {
  struct stat held;
  if (is_sent(each)) *file = each->errand->lock;
  else if (fstat(each->lock_fd, &held) != 0) return errno;
  else *file = (struct lock_file){held.st_dev, held.st_ino};
  return 0;
}

void request_offer(uint32_t number, bool hangs) {
  struct supervised *each = *link_of(number);
  struct lock_file file;
  enum supervise_step step = STEP_OF_LOCK;
  int fds[2], error = !each || each->lock_fd < 0 ? EBADF : 0;
  if (error || each->ok_fd >= 0) return answer_about(number, "offer", error, step);
  if (each->errand && each->errand->under_way) return;
  error = lock_of(each, &file);
  if (!error && hangs && (each->errand || (each->errand = errand_create(number, each->path)))) {
    each->errand->lock = file;
    return errand_ask(each->errand, ERRAND_FIFOS, false);
  }
  if (!error) error = hangs ? ENOMEM : supervise_fifos(each->path, &file, fds, &step);
  fifos_tried(each, error, step, fds);
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
