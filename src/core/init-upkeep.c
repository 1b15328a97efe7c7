// upkeep's own face of init mode: `upkeep [OPTIONS] -- CMD ARGS`.
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client.h"
#include "init.h"
#include "options.h"
#include "text.h"

#define SYSTEM_FAILURE 111
#define PRE_MAX 16
// A day; longer is a slip.
#define DURATION_MAX 86400000

enum { GRACE = 1, WAIT_ALL, DRAIN, PRE, SINGLE_CHILD };

// tini's and dumb-init's letters mean what they mean there; -s and --single-child are what happens anyway.
static const struct option_row rows[] = {
    {'g', false, "group"},
    {'r', true, "rewrite"},
    {'e', true, "success"},
    {'p', true, "death-signal"},
    {'s', false, "subreaper"},
    {SINGLE_CHILD, false, "single-child"},
    {'v', false, "verbose"},
    {'w', false, "warn"},
    {'P', false, "pause"},
    {'h', false, "help"},
    {'V', false, "version"},
    {GRACE, true, "grace"},
    {WAIT_ALL, false, "wait-all"},
    {DRAIN, true, "drain"},
    {PRE, true, "pre"},
    {0},
};

static const char help[] =
    "upkeep [OPTIONS] -- CMD [ARG...]   run CMD as an init does: hand on signals, reap orphans,\n"
    "                                   leave with CMD's exit code (128+N for signal N)\n"
    "upkeep /PATH/TO/CMD [ARG...]       the same; as `#!/usr/local/bin/upkeep /bin/sh` too\n"
    "upkeep tini|dumb-init ...          as those do; a link with their name does as well\n"
    "upkeep DIR                         supervise the service directories in DIR\n"
    "upkeep run DIR -- CMD [ARG...]     the same beside CMD\n"
    "upkeep COMMAND ...                 ask the supervisor: status, start, logs ... (upkeep help)\n"
    "\n"
    "Options of the first form; SIGnals are names or numbers, TIMEs like 5s or 500ms:\n"
    "  -g, --group             hand signals to CMD's whole process group\n"
    "  -r, --rewrite SIG:SIG   hand on another signal, TERM:QUIT for nginx; SIG:0 drops it; repeatable\n"
    "  -e, --success CODE      leave with 0 where CMD leaves with CODE, 143 for a JVM; repeatable\n"
    "  -p, --death-signal SIG  get SIG when our own parent dies\n"
    "      --pre CMDLINE       run a shell's command line first; if it fails, CMD is not run; repeatable\n"
    "      --drain TIME        hold TERM back for TIME, while load balancers look away\n"
    "      --grace TIME        KILL, TIME after TERM was handed on; without it never\n"
    "      --wait-all          when CMD has ended, end what it left: TERM, grace (5s), KILL\n"
    "  -P, --pause             no CMD: reap until TERM or INT\n"
    "  -v, --verbose  -w, --warn    tell every step / every orphan on standard error\n"
    "\n"
    "  ENTRYPOINT [\"upkeep\", \"--\"]                     CMD follows, in JSON form\n"
    "  CMD [\"upkeep\", \"--grace\", \"8s\", \"--\", \"server\"]  under Docker's 10 seconds\n";

static bool verbose, warns_of_orphans;
static pid_t command_pid;

int upkeep_help(void) {
  return client_print(help);
}

static void tell_reaped(pid_t pid, int status) {
  if (pid == command_pid || !(verbose || warns_of_orphans)) return;
  if (WIFSIGNALED(status)) say("reaped orphan %d, killed by %s", (int)pid, signal_name(WTERMSIG(status)).text);
  else say("reaped orphan %d, exit code %d", (int)pid, WEXITSTATUS(status));
}

static void tell(enum init_event event, long value, long detail) {
  if (event == INIT_SPAWNED) command_pid = (pid_t)value;
  if (event == INIT_REAPED) return tell_reaped((pid_t)value, (int)detail);
  if (event == INIT_NOT_SENT) return say("cannot hand on a signal: %s", strerror((int)value));
  if (event == INIT_KILLING)
    return say(value ? "what the command left has not ended on TERM: killing it" : "the command has not ended within its grace: killing it");
  if (!verbose) return;
  switch (event) {
    case INIT_SPAWNED: return say("the command is process %d", (int)value);
    case INIT_FORWARDED: return say("handed on %s", signal_name((int)value).text);
    case INIT_DROPPED: return say("dropped %s", signal_name((int)value).text);
    case INIT_ENDED:
      if (WIFSIGNALED(detail)) return say("the command was killed by %s", signal_name((int)WTERMSIG(detail)).text);
      return say("the command left with code %d", (int)WEXITSTATUS(detail));
    default: return;
  }
}

static int cannot(const char *step, int error) {
  say("cannot start the command: %s: %s", step, strerror(error));
  return SYSTEM_FAILURE;
}

int upkeep_cannot_execute(const char *file, int error) {
  bool missing = error == ENOENT || error == ENOTDIR;
  if (missing && strpbrk(file, " &|;$<>`\""))
    say("cannot run '%s': there is no such file; a command line for a shell needs [\"sh\", \"-c\", \"...\"]", file);
  else
    say("cannot run %s: %s", file, strerror(error));
  return missing ? 127 : 126;
}

// Milliseconds in `5s`, `500ms`, `1.5m`, `1h`; a number alone is seconds. -1 for anything else.
static int64_t duration(const char *text) {
  static const struct {
    char name[3];
    int milliseconds;
  } units[] = {{"", 1000}, {"s", 1000}, {"ms", 1}, {"m", 60000}, {"h", 3600000}};
  int64_t number = 0, scale = 1;
  const char *digit = text;
  bool fraction = false;
  for (; (*digit >= '0' && *digit <= '9') || (*digit == '.' && !fraction && digit > text); digit++) {
    if (*digit == '.') fraction = true;
    else if (number > DURATION_MAX || scale > 100) return -1;
    else number = number * 10 + *digit - '0', scale *= fraction ? 10 : 1;
  }
  for (size_t i = 0; digit > text && i < sizeof units / sizeof *units; i++)
    if (strcmp(digit, units[i].name) == 0) {
      int64_t result = number * units[i].milliseconds / scale;
      return result <= DURATION_MAX ? result : -1;
    }
  return -1;
}

static bool rewrite(struct init *init, const char *text) {
  char from[16];
  size_t length = strcspn(text, ":");
  if (!text[length] || length >= sizeof from) return false;
  memcpy(from, text, length);
  from[length] = '\0';
  const char *to = text + length + 1;
  int source = signal_number(from), target = strcmp(to, "0") == 0 ? 0 : signal_number(to);
  if (source < 0 || target < 0) return false;
  init->rewrite[source] = (signed char)target;
  return true;
}

static bool forgive(struct init *init, const char *text) {
  char *end;
  long code = strtol(text, &end, 10);
  if (*end || end == text || code < 0 || code > 255) return false;
  init->forgiven[code / 64] |= 1ull << code % 64;
  return true;
}

struct wishes {
  const char *pre[PRE_MAX];
  int pre_count, death_signal;
  bool pauses;
};

// What was expected instead of the option's value; NULL if it is right.
static const char *take(int letter, char *value, struct init *init, struct wishes *wishes) {
  static const char *const a_time = "a time like 5s or 500ms", *const a_signal = "a signal like TERM or 15";
  switch (letter) {
    case 'g': init->to_group = true; return NULL;
    case 'v': verbose = true; return NULL;
    case 'w': warns_of_orphans = true; return NULL;
    case 'P': wishes->pauses = true; return NULL;
    case WAIT_ALL: init->wait_all = true; return NULL;
    case GRACE: return (init->grace = duration(value)) < 0 ? a_time : NULL;
    case DRAIN: return (init->drain = duration(value)) < 0 ? a_time : NULL;
    case 'p': return (wishes->death_signal = signal_number(value)) < 0 ? a_signal : NULL;
    case 'r': return rewrite(init, value) ? NULL : "SIGNAL:SIGNAL, as TERM:QUIT or 15:3, or SIGNAL:0";
    case 'e': return forgive(init, value) ? NULL : "an exit code from 0 to 255";
    case PRE:
      if (wishes->pre_count == PRE_MAX) return "at most 16 steps";
      wishes->pre[wishes->pre_count++] = value;
      return NULL;
    default: return NULL;
  }
}

// -1 to go on, or the code to leave with.
static int read_options(struct options *options, struct init *init, struct wishes *wishes) {
  for (int letter; (letter = options_next(options));) {
    if (letter == 'h') return upkeep_help();
    if (letter == 'V') return client_print("upkeep " UPKEEP_VERSION "\n");
    if (letter == '?') return upkeep_usage();
    const char *expected = take(letter, options->value, init, wishes);
    if (!expected) continue;
    say("cannot use %s '%s': not %s", options->shown, options->value, expected);
    return upkeep_usage();
  }
  if (wishes->pauses == !*options->words) return -1;
  say("%s", wishes->pauses ? "--pause takes no command" : options->was_ended ? "no command after --" : "no command to run");
  return upkeep_usage();
}

// The steps before the command; 0 to go on, or the code to leave with.
static int prepare(struct init *init, const struct wishes *wishes) {
  for (int i = 0; i < wishes->pre_count; i++) {
    char *words[] = {(char *)"/bin/sh", (char *)"-c", (char *)wishes->pre[i], NULL};
    int code = init_run(init, words);
    // Told to end, it may still have ended well.
    if (init->stop_signal) return code ? code : 128 + init->stop_signal;
    if (!code) continue;
    say("the step '%s' failed with code %d: the command is not run", wishes->pre[i], code);
    return code;
  }
  return 0;
}

int upkeep_init_main(char **argv) {
  static const struct init_face face = {tell, upkeep_cannot_execute, cannot};
  struct init init = init_plan(&face);
  init.place = PLACE_FOREGROUND;
  init.own_listen_pid = true;
  struct options options = {.rows = rows, .has_long = true, .is_ours = true, .next = argv + 1, .program = "upkeep"};
  struct wishes wishes = {0};
  int code = read_options(&options, &init, &wishes);
  if (code >= 0) return code;
  init_begin(&init);
  if (wishes.death_signal && prctl(PR_SET_PDEATHSIG, wishes.death_signal, 0, 0, 0) != 0)
    say("cannot ask for a signal at our parent's death: %s", strerror(errno));
  if (getpid() != 1 && prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0) say("cannot become a child subreaper: %s", strerror(errno));
  bool waits = init.wait_all;
  struct init steps = init;
  // A step's exit code is no success by -e, and what it leaves running is meant to stay.
  steps.wait_all = false;
  memset(steps.forgiven, 0, sizeof steps.forgiven);
  code = prepare(&steps, &wishes);
  if (code) return code;
  init.wait_all = waits;
  return init_run(&init, wishes.pauses ? NULL : options.words);
}
