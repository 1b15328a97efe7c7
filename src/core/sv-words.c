// What sv says, on standard output, in one buffer: many services cost one write.
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client-parts.h"
#include "runit-text.h"
#include "sv.h"

uint64_t sv_now;
unsigned sv_failed;

static char buffer[32768];
static size_t used;

void sv_flush(void) {
  // What nobody can take is lost, as the exit code still tells.
  (void)client_write(1, buffer, used);
  used = 0;
}

static void print(const char *text, bool is_name) {
  size_t length = strlen(text);
  while (length > 0) {
    if (used == sizeof buffer) sv_flush();
    size_t part = sizeof buffer - used < length ? sizeof buffer - used : length;
    memcpy(buffer + used, text, part);
    // A name with a line end in it would be a line of its own, and one with an escape an order to the terminal.
    for (size_t i = used; is_name && i < used + part; i++)
      if ((unsigned char)buffer[i] < ' ' || buffer[i] == 0x7f) buffer[i] = '?';
    used += part;
    text += part;
    length -= part;
  }
}

void sv_print(const char *text) {
  print(text, false);
}

static const struct {
  const char *kind, *text;
} faults[] = {
    [SV_NO_DIRECTORY] = {"fail: ", "unable to change to service directory"},
    [SV_NOT_RUNNING] = {"fail: ", "runsv not running"},
    [SV_NO_OK] = {"warning: ", "unable to open supervise/ok"},
    [SV_NO_STATUS] = {"warning: ", "unable to open supervise/status"},
    [SV_UNREADABLE] = {"warning: ", "unable to read supervise/status"},
    [SV_BAD_FORMAT] = {"warning: ", "unable to read supervise/status: bad format"},
    [SV_NO_CONTROL] = {"warning: ", "unable to open supervise/control"},
    [SV_UNWRITABLE] = {"warning: ", "unable to write to supervise/control"},
    [SV_NO_LOG] = {"warning: ", "unable to change directory"},
};

void sv_tell(const char *name, const char *suffix, struct sv_answer answer, char letter) {
  // Who is told to exit and is not there has done so.
  bool is_done = answer.fault == SV_NOT_RUNNING && letter == 'x';
  sv_print(is_done ? "ok: " : faults[answer.fault].kind);
  print(name, true);
  sv_print(suffix);
  sv_print(": ");
  sv_print(faults[answer.fault].text);
  if (answer.error && answer.fault != SV_NOT_RUNNING) {
    sv_print(": ");
    sv_print(runit_error(answer.error));
  }
  sv_print("\n");
  if (!is_done) sv_failed++;
}

void sv_warn(const char *what, const char *name, const char *file, int error) {
  sv_flush();
  runit_tell("warning: ", what, name, file, ": ", runit_error(error), "\n", NULL);
}

int sv_print_state(const struct sv_place *place, const char *label, const struct sv_state *state) {
  static const char *const kinds[] = {[SV_DOWN] = "down: ", [SV_RUN] = "run: ", [SV_FINISH] = "finish: "};
  char path[PATH_MAX], number[64];
  struct stat file;
  int length = snprintf(path, sizeof path, "%s/down", place->directory);
  if (length >= PATH_MAX) errno = ENAMETOOLONG;
  bool is_normally_up = length >= PATH_MAX || stat(path, &file) != 0;
  if (is_normally_up && errno != ENOENT) {
    sv_warn("unable to stat ", place->name, "/down", errno);
    return 0;
  }
  sv_print(state->state <= SV_FINISH ? kinds[state->state] : "");
  print(label, true);
  sv_print(": ");
  if (state->state != SV_DOWN) {
    snprintf(number, sizeof number, "(pid %u) ", (unsigned)state->pid);
    sv_print(number);
  }
  snprintf(number, sizeof number, "%llus", (unsigned long long)(sv_now < state->second ? 0 : sv_now - state->second));
  sv_print(number);
  bool has_process = state->pid != 0;
  if (has_process && !is_normally_up) sv_print(", normally down");
  if (!has_process && is_normally_up) sv_print(", normally up");
  if (has_process && state->paused) sv_print(", paused");
  if (!has_process && state->want == 'u') sv_print(", want up");
  if (has_process && state->want == 'd') sv_print(", want down");
  if (has_process && state->term) sv_print(", got TERM");
  return has_process ? 1 : 2;
}
