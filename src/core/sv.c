// sv as runit has it: reports the state of services and tells their supervisors what to do. As an init script, a link to
// it under the name of a service, it controls that one and leaves with the codes of LSB.
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "runit-text.h"
#include "sv.h"

#define WAIT_DEFAULT 7
#define FAILED_MAX 99
// The time 0 of Unix in TAI64: 2^62, and the 10 s by which the two differed when that was agreed.
#define TAI64_EPOCH 4611686018427387914ull

struct call {
  const char *program;
  bool is_script, verbose;
  unsigned long seconds;
};

void sv_read_clock(void) {
  struct timespec time;
  (void)clock_gettime(CLOCK_REALTIME, &time);
  sv_now = (uint64_t)time.tv_sec + TAI64_EPOCH;
}

static int usage(const struct call *call) {
  runit_tell("usage: ", call->program, call->is_script ? " [-w sec] command\n\n" : " [-v] [-w sec] command service ...\n\n", NULL);
  return call->is_script ? 2 : 100;
}

static int exit_code(void) {
  sv_flush();
  return sv_failed > FAILED_MAX ? FAILED_MAX : (int)sv_failed;
}

// One service and its log in one line; gives back LSB's code.
static int print_status(const char *name) {
  static const int codes[] = {[0] = 4, [1] = 0, [2] = 3};
  struct sv_place place;
  struct sv_state state;
  int error;
  sv_place(&place, name);
  struct sv_answer answer = sv_look(&place, &state);
  if (answer.fault) {
    sv_tell(name, "", answer, 's');
    return answer.fault == SV_NO_DIRECTORY || answer.fault == SV_NOT_RUNNING ? 1 : 4;
  }
  int code = codes[sv_print_state(&place, name, &state)];
  if (!sv_log_place(&place, &error)) {
    if (error == ENOENT) return sv_print("\n"), code;
    sv_print("; ");
    sv_tell(name, "/log", (struct sv_answer){SV_NO_LOG, error}, 's');
    return code;
  }
  sv_print("; ");
  answer = sv_look(&place, &state);
  if (answer.fault) sv_tell(name, "/log", answer, 's');
  // Of a log whose state cannot be read runit's sv repeats the service's; and the last state told of is the exit code.
  if (answer.fault != SV_NOT_RUNNING) {
    code = codes[sv_print_state(&place, "log", &state)];
    sv_print("\n");
  }
  return code;
}

// Sends the letters, and remembers what was before; false once it has been told why they could not be sent.
static bool send_order(const struct sv_order *order, const char *name, struct sv_state *before) {
  struct sv_place place;
  sv_place(&place, name);
  struct sv_answer answer = *order->letters ? sv_look(&place, before) : sv_enter(&place);
  bool is_wanted = before->want == *order->letters && (*order->letters != 'd' || before->term == 1);
  // What is wanted already is not asked for again; a TERM that may be missing is.
  if (!answer.fault && *order->letters && !is_wanted) answer = sv_send(&place, order->letters);
  if (answer.fault) sv_tell(name, "", answer, *order->letters);
  return !answer.fault;
}

static int run(const struct call *call, const struct sv_order *order, char **names) {
  int count = 0, code = 0;
  while (names[count] && (count == 0 || !call->is_script)) count++;
  sv_read_clock();
  if (order == &sv_status) {
    for (int i = 0; i < count; i++) code = print_status(names[i]);
    int failed = exit_code();
    return call->is_script ? code : failed;
  }
  struct sv_wait *waits = calloc((size_t)count, sizeof *waits);
  if (!waits) {
    runit_tell(call->program, ": fatal: ", runit_error(ENOMEM), "\n", NULL);
    return call->is_script ? 151 : 100;
  }
  for (int i = 0; i < count; i++)
    if (send_order(order, names[i], &waits[i].before)) waits[i].name = names[i];
  if (order->waits || call->verbose) sv_wait(order, waits, count, call->seconds);
  free(waits);
  return exit_code();
}

static int call_main(struct call *call, char **argv) {
  struct runit_options options = {.letters = "w:vV", .program = call->program, .next = argv + 1};
  char *script[] = {(char *)call->program, NULL};
  const char *given = getenv("SVWAIT");
  call->seconds = WAIT_DEFAULT;
  if (given) (void)runit_number(given, &call->seconds);
  for (int option; (option = runit_option(&options));) {
    if (option == 'w') (void)runit_number(options.value, &call->seconds);
    if (option == 'V') runit_tell("upkeep " UPKEEP_VERSION "\n", NULL);
    if (option == 'V' || option == '?') return usage(call);
    call->verbose = true;
  }
  const char *word = *options.next;
  char **names = call->is_script ? script : word ? options.next + 1 : NULL;
  const struct sv_order *order = word ? sv_order(word, call->is_script) : NULL;
  return order && *names ? run(call, order, names) : usage(call);
}

int sv_main(char **argv) {
  struct call call = {.program = runit_name(argv[0])};
  return call_main(&call, argv);
}

int sv_script_main(char **argv) {
  struct call call = {.program = runit_name(argv[0]), .is_script = true};
  return sv_is_script() ? call_main(&call, argv) : -1;
}
