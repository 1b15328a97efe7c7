// tini 0.19.0 as a face of init mode: its options, its variables, its words to the byte.
#define _GNU_SOURCE
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "init.h"
#include "options.h"
#include "tini-text.h"
#include "text.h"

enum level { FATAL, WARNING, INFO, DEBUG, TRACE };

static unsigned verbosity = WARNING;
static bool warns_of_orphans;
static pid_t main_child;

// Standard output as the C library of tini buffers it: by the line on a terminal, else by the block. A child that cannot
// execute anything writes its copy out too. Standard error is not buffered.
static char block[4096];
static size_t used;

static void flush(void) {
  for (size_t done = 0; done < used;) {
    ssize_t count = write(1, block + done, used - done);
    if (count < 0 && errno != EINTR) break;
    if (count > 0) done += (size_t)count;
  }
  used = 0;
}

static void print(const char *text, size_t length) {
  static int by_line = -1;
  if (by_line < 0) by_line = isatty(1);
  while (length > 0) {
    size_t room = sizeof block - used, part = length < room ? length : room;
    memcpy(block + used, text, part);
    used += part, text += part, length -= part;
    if (used == sizeof block) flush();
  }
  if (by_line) flush();
}

__attribute__((format(printf, 2, 3))) static void log_line(enum level level, const char *format, ...) {
  static const char names[][6] = {"FATAL", "WARN ", "INFO ", "DEBUG", "TRACE"};
  if (level > verbosity) return;
  char line[1024];
  size_t length = (size_t)snprintf(line, sizeof line, "[%s tini (%d)] ", names[level], (int)getpid());
  va_list arguments;
  va_start(arguments, format);
  length = end_line(line, sizeof line, length, format, arguments);
  va_end(arguments);
  if (level <= WARNING) (void)!write(2, line, length);
  else print(line, length);
}

static const char *signal_text(int number) {
  static const char *const texts[] = {
      "Hangup", "Interrupt", "Quit", "Illegal instruction", "Trace/breakpoint trap", "Aborted", "Bus error",
      "Floating point exception", "Killed", "User defined signal 1", "Segmentation fault", "User defined signal 2",
      "Broken pipe", "Alarm clock", "Terminated", "Stack fault", "Child exited", "Continued", "Stopped (signal)", "Stopped",
      "Stopped (tty input)", "Stopped (tty output)", "Urgent I/O condition", "CPU time limit exceeded",
      "File size limit exceeded", "Virtual timer expired", "Profiling timer expired", "Window changed", "I/O possible",
      "Power failure", "Bad system call"};
  static char text[32];
  if (number >= 1 && number <= (int)(sizeof texts / sizeof *texts)) return texts[number - 1];
  snprintf(text, sizeof text, number < SIGNAL_RTMIN ? "Unknown signal %d" : "Real-time signal %d", number < SIGNAL_RTMIN ? number : number - SIGNAL_RTMIN);
  return text;
}

static const char *command;

static void tell_ended(int status) {
  if (WIFSIGNALED(status)) log_line(INFO, "Main child exited with signal (with signal '%s')", signal_text(WTERMSIG(status)));
  else log_line(INFO, "Main child exited normally (with status '%i')", WEXITSTATUS(status));
}

static void tell(enum init_event event, long value, long detail) {
  switch (event) {
    case INIT_SPAWNED:
      main_child = (pid_t)value;
      return log_line(INFO, "Spawned child process '%s' with pid '%i'", command, (int)value);
    case INIT_RECEIVED:
      if (value == SIGCHLD) return log_line(DEBUG, "Received SIGCHLD");
      return log_line(DEBUG, "Passing signal: '%s'", signal_text((int)value));
    case INIT_CHILD_GONE:
      return log_line(WARNING, "Child was dead when forwarding signal");
    case INIT_NOT_SENT:
      return log_line(FATAL, "Unexpected error when forwarding signal: '%s'", error_text((int)value));
    case INIT_REAPED:
      log_line(DEBUG, "Reaped child with pid: '%i'", (int)value);
      if (value != main_child && warns_of_orphans) log_line(WARNING, "Reaped zombie process with pid=%i", (int)value);
      return;
    case INIT_ENDED:
      return tell_ended((int)detail);
    case INIT_NONE_DEAD:
      return log_line(TRACE, "No child to reap");
    case INIT_CHILDLESS:
      return log_line(TRACE, "No child to wait");
    case INIT_LEAVING:
      return log_line(TRACE, "Exiting: child has exited");
    case INIT_NO_TERMINAL:
      return log_line(DEBUG, "tcsetpgrp failed: %s (ok to proceed)", value == ENOTTY ? "no tty" : "no such device");
    default:
      return;
  }
}

static int cannot(const char *step, int error) {
  log_line(FATAL, "%s failed: %s", step, error_text(error));
  flush();
  return 1;
}

static int cannot_execute(const char *file, int error) {
  log_line(FATAL, "exec %s failed: %s", file, error_text(error));
  flush();
  return error == ENOENT ? 127 : error == EACCES ? 126 : 1;
}

static int usage(int fd, const char *program, int code) {
  const char *slash = strrchr(program, '/');
  const char *name = slash ? slash + 1 : program;
  char text[sizeof help + 1024];
  int length = snprintf(text, sizeof text, help, name, name, name);
  (void)!write(fd, text, (size_t)length < sizeof text ? (size_t)length : sizeof text - 1);
  return code;
}

// The classic names in full, in capitals; STKFLT, IO and PWR are not among them.
static int death_signal(const char *name) {
  int number = strncmp(name, "SIG", 3) == 0 ? signal_number(name) : -1;
  if (number < 1 || number > 31 || strcmp(signal_name(number).text, name + 3) != 0) return -1;
  return number == SIGSTKFLT || number == SIGIO || number == SIGPWR ? -1 : number;
}

static const struct option_row rows[] = {
    {'p', true, NULL},  {'h', false, NULL}, {'v', false, NULL}, {'w', false, NULL}, {'g', false, NULL},
    {'l', false, NULL}, {'e', true, NULL},  {'s', false, NULL}, {0},
};

static bool forgive(struct init *init, const char *text) {
  char *end;
  long code = strtol(text, &end, 10);
  if (*end || code < 0 || code > 255) return false;
  init->forgiven[code / 64] |= 1ull << code % 64;
  return true;
}

// What the words and variables ask for, apart from the plan.
struct wishes {
  bool subreaper;
  int death_signal;
};

// -1 to go on, or the code to leave with.
static int read_options(struct options *options, struct init *init, struct wishes *wishes) {
  for (int letter; (letter = options_next(options));) switch (letter) {
      case 'h': return usage(1, options->program, 0);
      case 'l': return write(1, license, sizeof license - 1) < 0;
      case 's': wishes->subreaper = true; break;
      case 'v': verbosity++; break;
      case 'w': warns_of_orphans = true; break;
      case 'g': init->to_group = true; break;
      case 'p':
        wishes->death_signal = death_signal(options->value);
        if (wishes->death_signal > 0) break;
        log_line(FATAL, "Not a valid option for -p: %s", options->value);
        return 1;
      case 'e':
        if (forgive(init, options->value)) break;
        log_line(FATAL, "Not a valid option for -e: %s", options->value);
        return 1;
      default: return usage(2, options->program, 1);
    }
  return *options->words ? -1 : usage(2, options->program, 1);
}

static void read_environment(struct init *init, struct wishes *wishes) {
  if (getenv("TINI_SUBREAPER")) wishes->subreaper = true;
  if (getenv("TINI_KILL_PROCESS_GROUP")) init->to_group = true;
  const char *level = getenv("TINI_VERBOSITY");
  if (level) verbosity = (unsigned)atoi(level);
}

static void become_reaper(const struct wishes *wishes) {
  if (wishes->subreaper && prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0) log_line(TRACE, "Registered as child subreaper");
  int is_reaper = 0;
  if (getpid() != 1 && prctl(PR_GET_CHILD_SUBREAPER, &is_reaper, 0, 0, 0) == 0 && !is_reaper)
    log_line(WARNING, "%s", subreaper_advice);
}

int tini_main(char **argv) {
  static const struct init_face face = {tell, cannot_execute, cannot};
  struct init init = init_plan(&face);
  init.place = PLACE_GROUP;
  init.reaps_always = init.quits_unsent = true;
  // Faults are its own affair, and the C library keeps two.
  static const char own[] = {SIGFPE, SIGILL, SIGSEGV, SIGBUS, SIGABRT, SIGTRAP, SIGSYS, SIGTTIN, SIGTTOU, 32, 33};
  for (size_t i = 0; i < sizeof own; i++) init.left_alone |= SIGNAL_BIT(own[i]);
  if (argv[1] && !argv[2] && strcmp(argv[1], "--version") == 0) return write(1, VERSION "\n", sizeof VERSION) < 0;
  struct options options = {.rows = rows, .permutes = !getenv("POSIXLY_CORRECT"), .next = argv + 1, .program = argv[0]};
  struct wishes wishes = {0};
  int code = read_options(&options, &init, &wishes);
  if (code >= 0) return code;
  read_environment(&init, &wishes);
  init_begin(&init);
  if (wishes.death_signal && prctl(PR_SET_PDEATHSIG, wishes.death_signal, 0, 0, 0) != 0) {
    log_line(FATAL, "Failed to set up parent death signal");
    return 1;
  }
  become_reaper(&wishes);
  command = options.words[0];
  code = init_run(&init, options.words);
  flush();
  return code;
}
