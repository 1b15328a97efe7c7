// svlogd while another process reads its standard input: it keeps the pipe, the locks and the ledger, and waits.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "client-parts.h"
#include "svlogd.h"

// For a server to answer the first time (ms): a manager that has died is there again much sooner.
#define PATIENCE 10000
// Of the ledger: the number that we write there for the server, which proves that it speaks with whom it looks into.
#define NONCE_SIZE 16

static const int handled[] = {SIGTERM, SIGHUP, SIGALRM};
static volatile sig_atomic_t pending[sizeof handled / sizeof *handled];

static void note(int signal) {
  for (size_t i = 0; i < sizeof handled / sizeof *handled; i++)
    if (handled[i] == signal) pending[i] = 1;
}

static void block(int how) {
  sigset_t set;
  sigemptyset(&set);
  for (size_t i = 0; i < sizeof handled / sizeof *handled; i++) sigaddset(&set, handled[i]);
  (void)sigprocmask(how, &set, NULL);
}

void log_catch_signals(void) {
  struct sigaction action = {.sa_handler = note};
  block(SIG_BLOCK);
  for (size_t i = 0; i < sizeof handled / sizeof *handled; i++) (void)sigaction(handled[i], &action, NULL);
  // A server that goes while we speak to it is an error of that call; who does not read our standard error ends us.
  (void)signal(SIGPIPE, SIG_DFL);
}

void log_release_signals(void) {
  for (size_t i = 0; i < sizeof handled / sizeof *handled; i++) {
    (void)signal(handled[i], SIG_DFL);
    // It came while nobody could be told: the process that we become is told of it anew.
    if (pending[i]) (void)raise(handled[i]);
  }
  block(SIG_UNBLOCK);
}

struct talk {
  struct log_program *program;
  struct log_directory *old;  // of before a HUP, until the server has left them
  int fd;
  bool agreed;  // it has our input
  size_t begin, end;
  char input[8192];
};

// More bytes from the server: 1, or an end. Signals are waited for as well, and make it 0.
static int fill(struct talk *talk, const struct timespec *deadline) {
  if (talk->begin > 0) memmove(talk->input, talk->input + talk->begin, talk->end - talk->begin);
  talk->end -= talk->begin;
  talk->begin = 0;
  if (talk->end == sizeof talk->input) return LOG_REFUSED;
  struct pollfd server = {.fd = talk->fd, .events = POLLIN};
  struct timespec time, left;
  (void)clock_gettime(CLOCK_MONOTONIC, &time);
  left.tv_sec = deadline->tv_sec - time.tv_sec;
  left.tv_nsec = 0;
  if (!talk->agreed && left.tv_sec < 0) return LOG_LATE;
  sigset_t none;
  sigemptyset(&none);
  int found = ppoll(&server, 1, talk->agreed ? NULL : &left, talk->agreed ? &none : NULL);
  if (found == 0) return LOG_LATE;
  if (found < 0) return errno == EINTR ? 0 : LOG_LOST;
  ssize_t size = recv(talk->fd, talk->input + talk->end, sizeof talk->input - talk->end, MSG_DONTWAIT);
  if (size > 0) talk->end += (size_t)size;
  return size > 0 ? 1 : size < 0 && (errno == EINTR || errno == EAGAIN) ? 0 : LOG_LOST;
}

// What the server has to say on our standard error.
static int copy_error(struct talk *talk, unsigned long left, const struct timespec *deadline) {
  while (left > 0) {
    size_t here = talk->end - talk->begin;
    if (here > left) here = left;
    // Nobody takes it: svlogd goes on.
    (void)client_write(2, talk->input + talk->begin, here);
    talk->begin += here;
    left -= here;
    int got = left > 0 ? fill(talk, deadline) : 1;
    if (got < 0) return got;
  }
  return 0;
}

// A line without its newline, if there is a whole one.
static char *next_line(struct talk *talk) {
  char *begin = talk->input + talk->begin;
  char *newline = memchr(begin, '\n', talk->end - talk->begin);
  if (!newline) return NULL;
  *newline = '\0';
  talk->begin += (size_t)(newline - begin) + 1;
  return begin;
}

static bool starts(const char *line, const char *with) {
  return strncmp(line, with, strlen(with)) == 0;
}

static int agree(struct talk *talk, const char *nonce) {
  if (strlen(nonce) < NONCE_SIZE || pwrite(talk->program->ledger, nonce, NONCE_SIZE, 0) != NONCE_SIZE) return LOG_REFUSED;
  if (client_send(talk->fd, "{\"go\":true}\n", strlen("{\"go\":true}\n")) < 0) return LOG_LOST;
  talk->agreed = true;
  return 0;
}

static void forget_old(struct talk *talk) {
  if (!talk->old) return;
  log_close(talk->old, talk->program->count);
  free(talk->old);
  talk->old = NULL;
}

static void send_signals(struct talk *talk) {
  for (size_t i = 0; i < sizeof handled / sizeof *handled; i++) {
    if (!pending[i]) continue;
    if (handled[i] == SIGHUP) {
      // One at a time: it comes again once the server has answered.
      if (talk->old) continue;
      talk->old = calloc(talk->program->count, sizeof *talk->old);
      if (!talk->old) continue;
      (void)log_open(talk->program, talk->old);
    }
    pending[i] = 0;
    size_t size;
    const char *line = log_signal_request(talk->program, handled[i], &size);
    // Where it does not arrive, the end of the connection says so.
    if (line) (void)client_send(talk->fd, line, size);
  }
}

static int converse(struct talk *talk) {
  struct timespec deadline;
  (void)clock_gettime(CLOCK_MONOTONIC, &deadline);
  deadline.tv_sec += PATIENCE / 1000;
  for (;;) {
    if (talk->agreed) send_signals(talk);
    char *line = next_line(talk);
    int end = 0;
    if (!line) end = fill(talk, &deadline);
    else if (starts(line, "{\"err\":")) end = copy_error(talk, strtoul(line + 7, NULL, 10), &deadline);
    else if (starts(line, "{\"exit\":")) return (int)(strtoul(line + 8, NULL, 10) & 0xff);
    else if (starts(line, "{\"nonce\":\"")) end = agree(talk, line + 10);
    else if (starts(line, "{\"reopened\":")) forget_old(talk);
    // Where an ordinary user has too many pipes it stays as it is, and the server sees that.
    else if (starts(line, "{\"enlarge\":")) (void)fcntl(0, F_SETPIPE_SZ, (int)strtoul(line + 11, NULL, 10));
    else return LOG_REFUSED;
    if (end < 0) return end;
  }
}

int log_hand_over(struct log_program *program, int fd) {
  struct talk talk = {.program = program, .fd = fd};
  size_t size;
  const char *request = log_request(program, getpid(), -1, &size);
  int code = LOG_REFUSED;
  if (request) code = client_send(fd, request, size) < 0 ? LOG_LOST : converse(&talk);
  if (code == LOG_LOST && !talk.agreed) code = LOG_UNHEARD;
  close(fd);
  forget_old(&talk);
  return code;
}
