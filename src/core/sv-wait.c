// Waits for what was ordered. A supervisor renames its status into place and closes `ok` when it goes: inotify tells of
// both, so an answer comes as soon as it is true. A clock ticks only for what nothing tells of: a ./check that says no,
// and directories that cannot be watched. Answers are given in the order of the services, as runit's sv gives them: it
// looks every 0.42 s, and what has come by then, or all of it at once, is printed.
#define _GNU_SOURCE
#include <poll.h>
#include <string.h>
#include <sys/inotify.h>
#include <time.h>
#include <unistd.h>

#include "sv.h"

// Between two looks of runit's sv (ms); the last one is the second after the time is over.
#define LOOKS 420
// The first tick; each next one is twice as long, up to LOOKS (ms).
#define FIRST_TICK 50
#define SECONDS_MAX 1000000000ul
#define EVENTS (IN_MOVED_TO | IN_CLOSE_NOWRITE | IN_ONLYDIR)

enum { PENDING, MET, LOST, TOLD };
enum verdict { NOT_YET, FULFILLED, ASK };

int64_t sv_clock(void) {
  struct timespec time;
  (void)clock_gettime(CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static bool is_another(const struct sv_state *a, const struct sv_state *b) {
  return a->pid != b->pid || a->second != b->second || a->nano != b->nano;
}

// Whether the state is what one letter asks for; ASK leaves it to ./check.
static enum verdict judge_letter(char letter, const struct sv_state *before, const struct sv_state *state) {
  bool has_process = state->pid != 0;
  switch (letter) {
    case 'x': return NOT_YET;
    case 'u': return has_process && state->state == SV_RUN ? ASK : NOT_YET;
    case 'd': return !has_process && state->state == SV_DOWN ? FULFILLED : NOT_YET;
    case 't':
    case 'k':
      if (!has_process && state->want == 'd') return FULFILLED;
      return has_process && !state->term && is_another(before, state) ? ASK : NOT_YET;
    case 'o': return (has_process ? state->want == 'd' : is_another(before, state)) ? FULFILLED : NOT_YET;
    case 'p': return has_process && !state->paused ? NOT_YET : FULFILLED;
    case 'c': return has_process && state->paused ? NOT_YET : FULFILLED;
    case '\0': return has_process ? ASK : FULFILLED;
    default: return FULFILLED;
  }
}

// All letters must have come true.
static enum verdict judge(const char *letters, const struct sv_state *before, const struct sv_state *state) {
  enum verdict least = judge_letter(*letters, before, state);
  while (*letters && *++letters) {
    enum verdict verdict = judge_letter(*letters, before, state);
    if (least != NOT_YET && verdict != FULFILLED) least = verdict;
  }
  return least;
}

static void look(const struct sv_order *order, struct sv_wait *wait, int64_t until, struct sv_place *place) {
  wait->is_stale = false;
  sv_place(place, wait->name);
  wait->answer = sv_look(place, &wait->state);
  if (wait->answer.fault) {
    wait->phase = LOST;
    return;
  }
  enum verdict verdict = judge(order->letters, &wait->before, &wait->state);
  bool has_check = false;
  if (verdict == ASK && sv_check(place, until, &has_check)) verdict = FULFILLED;
  if (verdict == FULFILLED) wait->phase = MET;
  wait->ticks = wait->ticks || has_check;
}

static void tell(const struct sv_order *order, struct sv_wait *waits, int count) {
  sv_read_clock();
  for (struct sv_wait *wait = waits; wait < waits + count; wait++) {
    if (wait->phase == LOST) sv_tell(wait->name, "", wait->answer, *order->letters);
    if (wait->phase == MET) {
      struct sv_place place;
      sv_place(&place, wait->name);
      sv_print("ok: ");
      (void)sv_print_state(&place, wait->name, &wait->state);
      sv_print("\n");
    }
    if (wait->phase != PENDING) wait->phase = TOLD;
  }
}

static void give_up(const struct sv_order *order, struct sv_wait *waits, int count) {
  for (struct sv_wait *wait = waits; wait < waits + count; wait++) {
    if (wait->phase != PENDING) continue;
    struct sv_place place;
    sv_place(&place, wait->name);
    struct sv_answer answer = sv_look(&place, &wait->state);
    if (!answer.fault) {
      sv_print(order->kills ? "kill: " : "timeout: ");
      (void)sv_print_state(&place, wait->name, &wait->state);
      sv_print("\n");
      sv_failed++;
      if (order->kills) answer = sv_send(&place, "k");
    }
    if (answer.fault) sv_tell(wait->name, "", answer, *order->letters);
    wait->phase = TOLD;
  }
}

static void heard(const struct inotify_event *event, struct sv_wait *wait) {
  const char *name = event->len > 0 ? event->name : "";
  if (strcmp(name, "status") == 0 && (event->mask & IN_MOVED_TO)) wait->is_stale = true;
  // The reader's end is told of a moment before it is gone.
  if (strcmp(name, "ok") == 0 && (event->mask & IN_CLOSE_NOWRITE)) wait->is_stale = wait->ticks = true;
  // Our own looks are told of too: what they could overflow must not lead to the next ones at once.
  if (event->mask & (IN_IGNORED | IN_Q_OVERFLOW)) wait->ticks = true;
}

static void listen_until(int fd, int64_t until, struct sv_wait *waits, int count) {
  char events[4096] __attribute__((aligned(8)));
  struct pollfd ready = {.fd = fd, .events = POLLIN};
  int64_t left = until - sv_clock();
  sv_flush();
  if (left <= 0 || poll(&ready, 1, left < INT_MAX ? (int)left : INT_MAX) <= 0) return;
  ssize_t length = read(fd, events, sizeof events);
  for (char *at = events; length > 0 && at < events + length;) {
    const struct inotify_event *event = (const struct inotify_event *)at;
    for (struct sv_wait *wait = waits; wait < waits + count; wait++)
      if (wait->phase == PENDING && (wait->watch == event->wd || event->wd < 0)) heard(event, wait);
    at += sizeof *event + event->len;
  }
}

static int count_of(const struct sv_wait *waits, int count, uint8_t phase, bool ticking) {
  int found = 0;
  for (int i = 0; i < count; i++) found += waits[i].phase == phase && (waits[i].ticks || !ticking);
  return found;
}

void sv_wait(const struct sv_order *order, struct sv_wait *waits, int count, unsigned long seconds) {
  struct sv_place place;
  int64_t start = sv_clock(), tick = FIRST_TICK, tick_at = start + tick, tell_at = start + LOOKS;
  // A ./check that has begun within the time may take as long again.
  int64_t end = start + ((int64_t)(seconds < SECONDS_MAX ? seconds : SECONDS_MAX) * 1000 / LOOKS + 2) * LOOKS, grace = end - start;
  for (int i = 0; i < count; i++) {
    if (!waits[i].name) waits[i].phase = TOLD;
    else look(order, &waits[i], end + grace, &place);
  }
  tell(order, waits, count);
  if (count_of(waits, count, PENDING, false) == 0) return;
  int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  for (int i = 0; i < count; i++) {
    if (waits[i].phase != PENDING) continue;
    // Where its supervise/ is, one look tells; the next one is after we listen.
    sv_place(&place, waits[i].name);
    (void)sv_look(&place, &waits[i].state);
    waits[i].watch = fd < 0 ? -1 : inotify_add_watch(fd, place.supervise, EVENTS);
    waits[i].is_stale = !waits[i].ticks;
    waits[i].ticks = waits[i].ticks || waits[i].watch < 0;
  }
  for (;;) {
    int64_t now = sv_clock();
    bool is_last = now >= end;
    for (int i = 0; i < count; i++)
      if (waits[i].phase == PENDING && (is_last || waits[i].is_stale || (waits[i].ticks && now >= tick_at))) look(order, &waits[i], end + grace, &place);
    if (now >= tick_at) {
      tick = tick * 2 < LOOKS ? tick * 2 : LOOKS;
      tick_at = sv_clock() + tick;
    }
    bool is_all = count_of(waits, count, PENDING, false) == 0;
    if (is_all || is_last || now >= tell_at) tell(order, waits, count);
    if (is_last) give_up(order, waits, count);
    if (is_all || is_last) break;
    while (tell_at <= now) tell_at += LOOKS;
    int64_t until = end;
    if (count_of(waits, count, PENDING, true) > 0 && tick_at < until) until = tick_at;
    if (count_of(waits, count, MET, false) + count_of(waits, count, LOST, false) > 0 && tell_at < until) until = tell_at;
    listen_until(fd, until, waits, count);
  }
  if (fd >= 0) close(fd);
}
