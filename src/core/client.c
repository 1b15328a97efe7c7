/*
 * The thin client. It finds the control socket, sends the command's words as one line of JSON, copies the frames that
 * come back to its own output and leaves with the code that comes back. It knows no more of a command than whether it
 * may be sent a second time, to a manager that was started anew.
 */
#define _GNU_SOURCE
#include "client.h"
#include "client-parts.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#ifndef UPKEEP_VERSION
#define UPKEEP_VERSION "0.0.0"
#endif

/* When a command may be sent again after the manager has ended under it. */
enum again { NEVER, IF_NOTHING_CAME, ALWAYS };

/* Right after `docker run`, whoever waits for a service comes before the supervisor's socket (ms). */
#define SUPERVISOR_PATIENCE 3000

static const struct verb {
  const char *name;
  enum again again;
  int patience;
} verbs[] = {
  {"status", IF_NOTHING_CAME, 0}, {"ps", IF_NOTHING_CAME, 0}, {"list", IF_NOTHING_CAME, 0}, {"ls", IF_NOTHING_CAME, 0},
  {"start", ALWAYS, 0}, {"up", ALWAYS, 0},
  {"stop", ALWAYS, 0}, {"down", ALWAYS, 0},
  {"restart", NEVER, 0},
  {"once", NEVER, 0},
  {"pause", IF_NOTHING_CAME, 0},
  {"cont", IF_NOTHING_CAME, 0},
  {"signal", NEVER, 0}, {"kill", NEVER, 0},
  {"reload", NEVER, 0},
  {"wait", ALWAYS, SUPERVISOR_PATIENCE},
  {"logs", ALWAYS, 0}, {"tail", ALWAYS, 0},
  {"health", IF_NOTHING_CAME, 0},
  {"events", ALWAYS, 0},
  {"apply", IF_NOTHING_CAME, 0}, {"update", IF_NOTHING_CAME, 0}, {"switch", IF_NOTHING_CAME, 0},
  {"shutdown", NEVER, 0}, {"halt", NEVER, 0},
  {"version", IF_NOTHING_CAME, 0},
};

static const struct verb *find_verb(const char *word) {
  for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
    if (strcmp(verbs[i].name, word) == 0)
      return &verbs[i];
  return NULL;
}

/* 1 if one slip makes one of the other: a letter wrong, missing or too many, or two neighbours exchanged. */
static int is_one_slip(const char *a, const char *b) {
  while (*a != 0 && *a == *b)
    a++, b++;
  size_t left_a = strlen(a), left_b = strlen(b);
  while (left_a > 0 && left_b > 0 && a[left_a - 1] == b[left_b - 1])
    left_a--, left_b--;
  if (left_a <= 1 && left_b <= 1)
    return 1;
  return left_a == 2 && left_b == 2 && a[0] == b[1] && a[1] == b[0];
}

/* What a command is called elsewhere; src/cli/near.ts knows the same. */
static const struct {
  const char *said, *meant;
} sayings[] = {
  {"check", "lint"}, {"doctor", "lint"}, {"validate", "lint"}, {"verify", "lint"},
  {"info", "status"}, {"show", "status"},
  {"continue", "cont"}, {"resume", "cont"},
  {"reread", "apply"},
  {"exit", "shutdown"}, {"quit", "shutdown"},
};

static int begins(const char *word, const char *name) {
  return strlen(word) > 1 && strncmp(name, word, strlen(word)) == 0;
}

static int is_near(const char *word, const char *name) {
  return strlen(word) > 2 && is_one_slip(name, word);
}

/* The first command of which that is true, those included that need no supervisor. */
static const char *find_like(const char *word, int (*is_like)(const char *word, const char *name)) {
  static const char *const offline[] = {"lint", "help"};
  for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
    if (is_like(word, verbs[i].name))
      return verbs[i].name;
  for (size_t i = 0; i < sizeof offline / sizeof *offline; i++)
    if (is_like(word, offline[i]))
      return offline[i];
  return NULL;
}

const char *client_nearest(const char *word) {
  for (size_t i = 0; i < sizeof sayings / sizeof *sayings; i++)
    if (strcmp(sayings[i].said, word) == 0)
      return sayings[i].meant;
  const char *begun = find_like(word, begins);
  return begun != NULL ? begun : find_like(word, is_near);
}

int client_knows(const char *word) {
  return find_verb(word) != NULL;
}

int client_write(int fd, const char *bytes, size_t size) {
  while (size > 0) {
    ssize_t done = write(fd, bytes, size);
    if (done >= 0) {
      bytes += done;
      size -= (size_t)done;
    } else if (errno == EAGAIN) {
      struct pollfd room = {.fd = fd, .events = POLLOUT};
      if (poll(&room, 1, -1) < 0 && errno != EINTR)
        return -1;
    } else if (errno != EINTR) {
      return -1;
    }
  }
  return 0;
}

int client_complain(int code, const char *format, ...) {
  char text[2048] = "upkeep: ";
  const size_t head = strlen(text);
  va_list arguments;
  va_start(arguments, format);
  int length = vsnprintf(text + head, sizeof text - head - 1, format, arguments);
  va_end(arguments);
  if (length < 0)
    return code;
  size_t size = strlen(text);
  text[size++] = '\n';
  if (client_write(2, text, size) < 0)
    return code;
  return code;
}

int client_fill_descriptors(void) {
  for (int fd = 0; fd <= 2; fd++)
    if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDONLY) != fd)
      return -1;
  return 0;
}

/* The code for output that could not be written, as errno says, once it is told; a reader that has gone knows. */
static int tell_unwritten(void) {
  return errno == EPIPE ? BROKEN_PIPE : client_complain(FAILED, "cannot write the output: %s", strerror(errno));
}

int client_print(const char *text) {
  return client_write(1, text, strlen(text)) < 0 ? tell_unwritten() : 0;
}

static int tell_lost(const struct verb *verb) {
  return client_complain(FAILED, "the manager restarted or ended; run upkeep status to see what came of %s", verb->name);
}

/* Sends the words and prints what comes back, a second time where the manager ended under it and it may be. */
static int converse(int argc, char **argv, const struct verb *verb) {
  int resumed = 0;
  int silent_ends = 0;
  for (;;) {
    size_t size;
    const char *request = client_request(argc, argv, resumed, &size);
    if (request == NULL)
      return client_complain(USAGE, "cannot send %s: its arguments are longer than 64 KB", verb->name);
    int code;
    const int fd = client_connect(verb->patience, &code);
    if (fd < 0)
      return code;
    /* Even where not all could be sent there may be an answer that says why. */
    const int sent = client_send(fd, request, size);
    int came = 0;
    code = client_receive(fd, &came);
    if (code >= 0)
      return code;
    if (code == NOT_WRITTEN)
      return tell_unwritten();
    if (code == NO_READER)
      return BROKEN_PIPE;
    if (code == GARBLED)
      return client_complain(FAILED, "cannot understand the manager's answer; is it of another version?");
    /* Lost. What was not sent whole was not done. */
    close(fd);
    silent_ends = came ? 0 : silent_ends + 1;
    resumed = resumed || came;
    if (silent_ends > 1 || (sent == 0 && verb->again == NEVER) || (came && verb->again != ALWAYS))
      return tell_lost(verb);
  }
}

int client_main(int argc, char **argv) {
  if (client_fill_descriptors() < 0)
    return FAILED;
  const struct verb *verb = argc > 1 ? find_verb(argv[1]) : NULL;
  if (verb == NULL)
    return client_complain(USAGE, "no such command; upkeep help lists them");
  if (strcmp(verb->name, "version") == 0 && argc == 2)
    return client_print("upkeep " UPKEEP_VERSION "\n");
  /* As any tool: a reader that has gone ends us quietly, whatever our parent ignored. */
  if (signal(SIGPIPE, SIG_DFL) == SIG_ERR)
    return client_complain(FAILED, "cannot set SIGPIPE: %s", strerror(errno));
  return converse(argc, argv, verb);
}
