// The face `sv`: what its parts have in common. Everything is learnt from the files in supervise/, and asked for through
// the fifo there, so whoever supervises may be upkeep or runsv.
#ifndef SV_H
#define SV_H
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// As `sv`, and as `upkeep sv`; gives back the exit code.
int sv_main(char **argv);
// Where the program was called through a link to `sv`, as an init script is, or -1 where it was not.
int sv_script_main(char **argv);
// sv-script.c
bool sv_is_script(void);

// What a command sends and whether its effect is waited for.
struct sv_order {
  const char *word;
  const char *letters;  // "" sends nothing
  bool waits, kills;
};
// sv-verbs.c: NULL if there is no such command; the order `sv_status` is another kind.
const struct sv_order *sv_order(const char *word, bool is_script);
extern const struct sv_order sv_status;

// The 20 bytes of supervise/status.
struct sv_state {
  uint64_t second;  // TAI64, the start of the state
  uint32_t nano, pid;
  uint8_t paused, want, term, state;
};
enum { SV_DOWN, SV_RUN, SV_FINISH };

// Where one service is: its directory, and its supervise/, which may be elsewhere.
struct sv_place {
  const char *name;          // as the user gave it
  char directory[PATH_MAX];  // "" if the path is too long
  char supervise[PATH_MAX];
};

// Why a service cannot be spoken to.
enum sv_fault { SV_FINE, SV_NO_DIRECTORY, SV_NOT_RUNNING, SV_NO_OK, SV_NO_STATUS, SV_UNREADABLE, SV_BAD_FORMAT, SV_NO_CONTROL, SV_UNWRITABLE, SV_NO_LOG };
struct sv_answer {
  enum sv_fault fault;
  int error;
};

// sv-place.c: finds the place and goes where its paths begin, until the next one is found.
void sv_place(struct sv_place *place, const char *name);
// The same place's log/; false if there is none, and then `error` says why.
bool sv_log_place(struct sv_place *place, int *error);
struct sv_answer sv_enter(const struct sv_place *place);
struct sv_answer sv_look(struct sv_place *place, struct sv_state *state);
struct sv_answer sv_send(const struct sv_place *place, const char *letters);

// sv-words.c: standard output, in one buffer.
extern uint64_t sv_now;     // TAI64 seconds, as sv_read_clock found it
extern unsigned sv_failed;  // services that were told of as failed
void sv_read_clock(void);
void sv_print(const char *text);
void sv_flush(void);
void sv_tell(const char *name, const char *suffix, struct sv_answer answer, char letter);
// 1 with a process, 2 without, 0 if the directory kept its secret. `label` stands for the service.
int sv_print_state(const struct sv_place *place, const char *label, const struct sv_state *state);

// To standard error: "warning: WHAT NAME FILE: why".
void sv_warn(const char *what, const char *name, const char *file, int error);

// sv-check.c: whether ./check says yes, which it also does by not being there. `until`, in ms, is when it is killed.
bool sv_check(const struct sv_place *place, int64_t until, bool *is_there);

// sv-wait.c
struct sv_wait {
  const char *name;
  struct sv_state before;  // as the letters were sent
  struct sv_state state;   // that fulfils the order
  struct sv_answer answer;
  uint8_t phase;
  bool is_stale, ticks;
  int watch;
};
int64_t sv_clock(void);  // CLOCK_MONOTONIC in ms
// Waits until every service is as the order wants it or `seconds` are over; those without a name are left out.
void sv_wait(const struct sv_order *order, struct sv_wait *waits, int count, unsigned long seconds);
#endif
