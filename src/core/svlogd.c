// The program svlogd, as runit has it: its options, words and exit codes. What writes the logs is written in TypeScript:
// the manager where it has our identity, else one process for all loggers of this user, which the first of them becomes.
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "init.h"
#include "node.h"
#include "runit-text.h"
#include "svlogd.h"

#define LARGE_PIPE (1024 * 1024)

#define FAILED 111
#define LINE_MAX_DEFAULT 1000
#define BUFFER_DEFAULT 1024
// Servers that end under us: more than so many within so long, and we do it ourselves.
#define LOSSES_MAX 3
#define LOSSES_WITHIN 10
// Between two looks for a server that does not hear us (ms), and how many there are.
#define MOMENT 10
#define MOMENTS_MAX 1000

static int usage(const char *name) {
  runit_tell("usage: ", name, " [-ttv] [-r c] [-R abc] [-l len] [-b buflen] dir ...\n\n", NULL);
  return FAILED;
}

static bool read_options(struct log_options *options, char **argv, char ***rest) {
  struct runit_options words = {.letters = "R:r:l:b:tvV", .program = runit_name(argv[0]), .next = argv + 1};
  for (int letter; (letter = runit_option(&words));) switch (letter) {
      case 'R':
        options->replaced = words.value;
        if (options->replacement < 0) options->replacement = '_';
        break;
      case 'r':
        if (!words.value[0] || words.value[1]) return false;
        options->replacement = (unsigned char)words.value[0];
        break;
      case 'l':
        (void)runit_number(words.value, &options->line_max);
        if (options->line_max == 0) options->line_max = LINE_MAX_DEFAULT;
        break;
      case 'b':
        (void)runit_number(words.value, &options->buffer);
        if (options->buffer == 0) options->buffer = BUFFER_DEFAULT;
        break;
      case 't':
        if (options->stamp < 3) options->stamp++;
        break;
      case 'v': options->verbose = true; break;
      case 'V': runit_tell("svlogd of upkeep " UPKEEP_VERSION "\n", NULL); return false;
      default: return false;
    }
  *rest = words.next;
  return *words.next && options->buffer > options->line_max;
}

// Only a pipe can be opened a second time by whoever is to read it: a file would be read from its beginning.
static bool can_hand_over(const struct log_program *program) {
  struct stat input;
  return program->ledger >= 0 && fstat(0, &input) == 0 && S_ISFIFO(input.st_mode);
}

// Becomes the process that writes, for us and, with a listener, for the others of this user.
static int become_process(struct log_program *program, int listener) {
  size_t size;
  const char *request = log_request(program, 0, listener, &size);
  if (!request) {
    runit_tell("svlogd: fatal: unable to start: the names of the directories are longer than 64 KB\n", NULL);
    return FAILED;
  }
  for (size_t i = 0; i < program->count; i++) {
    if (program->directories[i].fd < 0) continue;
    (void)fcntl(program->directories[i].fd, F_SETFD, 0);
    (void)fcntl(program->directories[i].lock, F_SETFD, 0);
  }
  if (program->ledger >= 0) (void)fcntl(program->ledger, F_SETFD, 0);
  if (listener >= 0) (void)fcntl(listener, F_SETFD, 0);
  log_release_signals();
  char *const words[] = {"svlogd", (char *)request, NULL};
  // One pipe of a user may be large from the start: Node could not make it so. Where it may not be, that is seen.
  (void)fcntl(0, F_SETPIPE_SZ, LARGE_PIPE);
  (void)node_exec((char **)words, environ);
  return FAILED;
}

static int serve(struct log_program *program) {
  const struct timespec moment = {.tv_nsec = MOMENT * 1000000l};
  time_t losses_since = 0;
  int losses = 0, moments = 0;
  while (can_hand_over(program) && losses <= LOSSES_MAX && moments < MOMENTS_MAX) {
    int listener = -1, code = LOG_REFUSED;
    int fd = log_find_manager();
    if (fd >= 0) code = log_hand_over(program, fd);
    if (code == LOG_REFUSED || code == LOG_LATE) {
      fd = log_find_process(&listener);
      if (fd < 0) return become_process(program, listener);
      code = log_hand_over(program, fd);
    }
    if (code >= 0) return code;
    // A process that is being killed lets go of its clients before it lets go of its name.
    if (code == LOG_UNHEARD) moments++, (void)nanosleep(&moment, NULL);
    else if (code != LOG_LOST) break;
    else {
      struct timespec time;
      moments = 0;
      (void)clock_gettime(CLOCK_MONOTONIC, &time);
      if (time.tv_sec - losses_since > LOSSES_WITHIN) losses_since = time.tv_sec, losses = 0;
      losses++;
    }
  }
  return become_process(program, -1);
}

int svlogd_main(char **argv) {
  struct log_program program = {.options = {.replacement = -1, .line_max = LINE_MAX_DEFAULT, .buffer = BUFFER_DEFAULT}};
  char **names;
  // What is opened must not take the place of a standard stream.
  for (int fd = 0; fd <= 2; fd++)
    if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd) return FAILED;
  if (!read_options(&program.options, argv, &names)) return usage(argv[0]);
  while (names[program.count]) program.count++;
  program.directories = calloc(program.count, sizeof *program.directories);
  if (!program.directories) return FAILED;
  for (size_t i = 0; i < program.count; i++)
    program.directories[i] = (struct log_directory){.name = names[i], .fd = -1, .lock = -1, .root_lock = -1};
  log_catch_signals();
  if (!log_take_user(&program)) return FAILED;
  if (log_open(&program, NULL) == 0) {
    log_tell_faults(&program);
    runit_tell("svlogd: fatal: no functional log directories.\n", NULL);
    return FAILED;
  }
  program.ledger = memfd_create("svlogd", MFD_CLOEXEC);
  return serve(&program);
}
