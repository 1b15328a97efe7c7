// Signals received and not yet acknowledged. A fact keeps its serial until the manager, this one or the next, has
// dealt with it. Exits need no place here: a child's own record keeps its exit.
#define _GNU_SOURCE
#include "core.h"
#include "text.h"

#define SIGNALS_MAX 256

uint64_t last_serial;
uint32_t exits_pending;

static struct {
  uint64_t serial;
  int64_t sent_at;  // NEVER until it has gone up
  int signal;
  pid_t pid;
  uid_t uid;
} pending[SIGNALS_MAX];
static int count;

void signal_received(int signal, pid_t pid, uid_t uid) {
  bool stops = stop_signals >> (signal - 1) & 1;
  if (stops) stop_requested();
  if (count == SIGNALS_MAX) {
    say("signal %d is lost: %d signals wait for the manager already", signal, count);
    return;
  }
  pending[count].serial = ++last_serial;
  pending[count].sent_at = NEVER;
  pending[count].signal = signal;
  pending[count].pid = pid;
  pending[count].uid = uid;
  count++;
  signals_tell(false);
}

void signals_tell(bool again) {
  for (int i = 0; i < count; i++) {
    if (again) pending[i].sent_at = NEVER;
    if (pending[i].sent_at != NEVER) continue;
    if (!TELL("signal", decimal((long long)pending[i].serial).text, decimal(pending[i].signal).text,
              decimal(pending[i].pid).text, decimal(pending[i].uid).text))
      return;
    pending[i].sent_at = now;
  }
}

bool signal_acknowledged(uint64_t serial) {
  for (int i = 0; i < count; i++) {
    if (pending[i].serial != serial) continue;
    for (count--; i < count; i++) pending[i] = pending[i + 1];
    return true;
  }
  return false;
}

int64_t facts_oldest(void) {
  int64_t oldest = NEVER;
  for (int i = 0; i < count; i++)
    if (pending[i].sent_at < oldest) oldest = pending[i].sent_at;
  for (uint32_t slot = 0; exits_pending > 0 && slot < child_slots; slot++) {
    const struct child *child = child_at(slot);
    if (child && child->exited && child->sent_at < oldest) oldest = child->sent_at;
  }
  return oldest;
}

bool signal_unanswered(void) {
  for (int i = 0; i < count; i++)
    if (stop_signals >> (pending[i].signal - 1) & 1) return true;
  return false;
}
