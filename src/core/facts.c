// Facts not yet acknowledged. One keeps its serial until the manager, this one or the next, has dealt with it. Signals
// have their place here; an exit is kept by its child's own record, so that no reap ever needs memory.
#define _GNU_SOURCE
#include "core.h"
#include "text.h"

#define SIGNALS_MAX 256
// Kept free for the signals that stop.
#define STOPS_RESERVED 32

static uint64_t last_serial;

uint64_t next_serial(void) {
  return ++last_serial;
}

static struct {
  uint64_t serial;
  int64_t told_at;  // NEVER until it has gone up
  int signal;
  pid_t pid;
  uid_t uid;
} pending[SIGNALS_MAX];
static int count;

// Those whose exits are not acknowledged, in the order of their ends.
static struct child *exited, **exited_end = &exited;
bool exits_new;

void signal_received(int signal, pid_t pid, uid_t uid) {
  bool stops = stop_signals >> (signal - 1) & 1;
  if (stops) stop_requested();
  if (count >= SIGNALS_MAX - (stops ? 0 : STOPS_RESERVED)) {
    say("signal %d is lost: %d signals wait for the manager already", signal, count);
    return;
  }
  pending[count].serial = ++last_serial;
  pending[count].told_at = NEVER;
  pending[count].signal = signal;
  pending[count].pid = pid;
  pending[count].uid = uid;
  count++;
  signals_tell();
}

void signals_tell(void) {
  for (int i = 0; manager.ready && i < count; i++) {
    if (pending[i].told_at != NEVER) continue;
    if (!TELL("signal", decimal((long long)pending[i].serial).text, decimal(pending[i].signal).text,
              decimal(pending[i].pid).text, decimal(pending[i].uid).text))
      return;
    pending[i].told_at = now;
  }
}

void exit_received(struct child *child, int status) {
  child->exited = true;
  child->status = status;
  child->serial = ++last_serial;
  child->told_at = NEVER;
  *exited_end = child;
  exited_end = &child->next_exited;
  exits_new = true;
}

void exits_tell(void) {
  for (struct child *child = exited; child; child = child->next_exited) tell_child(child);
}

void facts_untold(void) {
  letters_untold();
  for (int i = 0; i < count; i++) pending[i].told_at = NEVER;
  for (struct child *child = exited; child; child = child->next_exited) child->told_at = NEVER;
}

void fact_acknowledged(uint64_t serial) {
  for (int i = 0; i < count; i++) {
    if (pending[i].serial != serial) continue;
    for (count--; i < count; i++) pending[i] = pending[i + 1];
    return;
  }
  // Mostly the first: they are answered in the order in which they were told.
  for (struct child **link = &exited; *link; link = &(*link)->next_exited) {
    struct child *child = *link;
    if (child->serial != serial) continue;
    *link = child->next_exited;
    if (!*link) exited_end = link;
    // A descendant may hold the other end for as long as it likes.
    loop_close(&child->notify_fd);
    return child_remove(child);
  }
  (void)letter_acknowledged(serial);
}

int64_t facts_oldest(void) {
  const struct child *child = exited;
  while (child && child->told_at == NEVER) child = child->next_exited;
  int64_t oldest = letters_oldest();
  if (child && child->told_at < oldest) oldest = child->told_at;
  for (int i = 0; i < count; i++)
    if (pending[i].told_at < oldest) oldest = pending[i].told_at;
  return oldest;
}

bool signal_unanswered(void) {
  for (int i = 0; i < count; i++)
    if (stop_signals >> (pending[i].signal - 1) & 1) return true;
  return false;
}
