// dumb-init 1.2.5 as a face of init mode: its options, its variables, its words to the byte, all on standard error.
#define _GNU_SOURCE
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "init.h"
#include "options.h"
#include "text.h"

// It knows no real-time signals by number, though it hands them on.
#define LAST_SIGNAL 31

static bool verbose;

__attribute__((format(printf, 1, 2))) static void log_line(const char *format, ...) {
  char line[1024];
  size_t length = (size_t)snprintf(line, sizeof line, "[dumb-init] ");
  va_list arguments;
  va_start(arguments, format);
  length = end_line(line, sizeof line, length, format, arguments);
  va_end(arguments);
  (void)!write(2, line, length);
}

static void tell_detached(int error, bool led) {
  if (error) log_line("Unable to detach from controlling tty (errno=%d %s).", error, error_text(error));
  else if (led) log_line("Detached from controlling tty, ignoring the first SIGHUP and SIGCONT we receive.");
  else log_line("Detached from controlling tty, but was not session leader.");
}

static void tell_reaped(int pid, int status) {
  if (WIFSIGNALED(status)) log_line("A child with PID %d was terminated by signal %d.", pid, WTERMSIG(status));
  else log_line("A child with PID %d exited with exit status %d.", pid, WEXITSTATUS(status));
}

static void tell(enum init_event event, long number, long detail) {
  static const char *const texts[INIT_EVENTS] = {
      [INIT_SPAWNED] = "Child spawned with PID %d.",
      [INIT_RECEIVED] = "Received signal %d.",
      [INIT_HANDED_OFF] = "Ignoring tty hand-off signal %d.",
      [INIT_TRANSLATED] = "Translating signal %d to %d.",
      [INIT_FORWARDED] = "Forwarded signal %d to children.",
      [INIT_DROPPED] = "Not forwarding signal %d to children (ignored).",
      [INIT_ENDED] = "Child exited with status %d. Goodbye.",
      [INIT_SUSPENDING] = "Suspending self due to TTY signal.",
      [INIT_IN_SESSION] = "setsid complete.",
  };
  int value = (int)number;
  if (!verbose) return;
  if (event == INIT_DETACHED) return tell_detached(value, detail);
  if (event == INIT_REAPED) return tell_reaped(value, (int)detail);
  if (event == INIT_NO_TERMINAL) return log_line("Unable to attach to controlling tty (errno=%d %s).", value, error_text(value));
  // It speaks of the signal that it means to drop, which is 0 by then.
  if (event == INIT_DROPPED) value = 0;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
  if (texts[event]) log_line(texts[event], value, (int)detail);
#pragma GCC diagnostic pop
}

static int cannot(const char *step, int error) {
  if (strcmp(step, "setsid") == 0) log_line("Unable to setsid (errno=%d %s). Exiting.", error, error_text(error));
  else log_line("Unable to %s. Exiting.", step);
  return 1;
}

static int cannot_execute(const char *file, int error) {
  log_line("%s: %s", file, error_text(error));
  return 2;
}

static const char version[] = "dumb-init v1.2.5\n";
static const char usage[] = "Usage: %s [option] program [args]\nTry %s --help for full usage.\n";

static const char help[] =
    "dumb-init v1.2.5\n"
    "Usage: %s [option] command [[arg] ...]\n\n"
    "dumb-init is a simple process supervisor that forwards signals to children.\n"
    "It is designed to run as PID1 in minimal container environments.\n\n"
    "Optional arguments:\n"
    "   -c, --single-child   Run in single-child mode.\n"
    "                        In this mode, signals are only proxied to the\n"
    "                        direct child and not any of its descendants.\n"
    "   -r, --rewrite s:r    Rewrite received signal s to new signal r before proxying.\n"
    "                        To ignore (not proxy) a signal, rewrite it to 0.\n"
    "                        This option can be specified multiple times.\n"
    "   -v, --verbose        Print debugging information to stderr.\n"
    "   -h, --help           Print this help message and exit.\n"
    "   -V, --version        Print the current version and exit.\n\n"
    "Full help is available online at https://github.com/Yelp/dumb-init\n";

static const char rewrite_help[] =
    "Usage: -r option takes <signum>:<signum>, where <signum> is between 1 and 31.\n"
    "This option can be specified multiple times.\n"
    "Use --help for full usage.\n";

static bool rewrite(struct init *init, const char *text) {
  char *colon, *end;
  long from = strtol(text, &colon, 10);
  if (colon == text || *colon != ':') return false;
  long to = strtol(colon + 1, &end, 10);
  if (end == colon + 1 || from < 1 || from > LAST_SIGNAL || to < 0 || to > LAST_SIGNAL) return false;
  init->rewrite[from] = (signed char)to;
  return true;
}

static const struct option_row rows[] = {
    {'h', false, "help"}, {'r', true, "rewrite"}, {'c', false, "single-child"}, {'v', false, "verbose"}, {'V', false, "version"}, {0},
};

// Both texts name the program at most twice.
static int explain(const char *format, const char *program, int code) {
  char text[4096];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
  int length = snprintf(text, sizeof text, format, program, program);
#pragma GCC diagnostic pop
  (void)!write(2, text, (size_t)length < sizeof text ? (size_t)length : sizeof text - 1);
  return code;
}

// -1 to go on, or the code to leave with.
static int read_options(struct options *options, struct init *init) {
  const char *program = options->program;
  for (int letter; (letter = options_next(options));) switch (letter) {
      case 'h': return explain(help, program, 0);
      case 'V': return write(2, version, sizeof version - 1) < 0;
      case 'v': verbose = true; break;
      case 'c': init->place = PLACE_HERE; break;
      case 'r':
        if (rewrite(init, options->value)) break;
        (void)!write(2, rewrite_help, sizeof rewrite_help - 1);
        return 1;
      default: return 1;
    }
  if (*options->words) return -1;
  return explain(usage, program, 1);
}

static void read_environment(struct init *init) {
  const char *debug = getenv("DUMB_INIT_DEBUG"), *session = getenv("DUMB_INIT_SETSID");
  if (debug && strcmp(debug, "1") == 0) {
    verbose = true;
    log_line("Running in debug mode.");
  }
  if (!session || strcmp(session, "0") != 0) return;
  init->place = PLACE_HERE;
  if (verbose) log_line("Not running in setsid mode.");
}

int dumb_init_main(char **argv) {
  static const struct init_face face = {tell, cannot_execute, cannot};
  struct init init = init_plan(&face);
  init.place = PLACE_SESSION;
  init.fresh_signals = init.suspends = init.ends_group = init.leaves_directory = true;
  init.left_alone = SIGNAL_BIT(32) | SIGNAL_BIT(33);
  struct options options = {.rows = rows, .has_long = true, .next = argv + 1, .program = argv[0]};
  int code = read_options(&options, &init);
  if (code >= 0) return code;
  read_environment(&init);
  init.to_group = init.place == PLACE_SESSION;
  // The kernel gives the three no effect in an orphaned group, which a new session's is.
  static const char job_stops[] = {SIGTSTP, SIGTTOU, SIGTTIN};
  for (size_t i = 0; i < sizeof job_stops; i++)
    if (init.to_group && init.rewrite[(int)job_stops[i]] == INIT_AS_IT_IS) init.rewrite[(int)job_stops[i]] = SIGSTOP;
  init_begin(&init);
  return init_run(&init, options.words);
}
