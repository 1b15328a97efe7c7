// Init mode: one command runs as our child with everything that we inherited; every signal is handed on to it, every
// orphan is reaped, and its exit code is ours. What tini, dumb-init and upkeep do differently is in `struct init`.
#ifndef INIT_H
#define INIT_H
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "signals.h"

// What a face may have something to say about. `value` and `detail` are the numbers beside each.
enum init_event {
  INIT_SPAWNED,      // value: the child's pid
  INIT_RECEIVED,     // value: the signal
  INIT_HANDED_OFF,   // value: the signal, swallowed since giving up the terminal caused it
  INIT_TRANSLATED,   // value: the signal, detail: what it becomes
  INIT_FORWARDED,    // value: the signal as sent
  INIT_DROPPED,      // value: the signal as received
  INIT_CHILD_GONE,   // nobody was there to take the signal
  INIT_NOT_SENT,     // value: errno
  INIT_REAPED,       // value: pid, detail: its wait status
  INIT_ENDED,        // value: our exit code, detail: the child's wait status
  INIT_NONE_DEAD,    // no more children to reap now
  INIT_CHILDLESS,    // no children at all
  INIT_LEAVING,      // the loop ends
  INIT_KILLING,      // value: 1 if it is what the child left, 0 if it is the child
  INIT_SUSPENDING,   // we stop ourselves
  INIT_NO_TERMINAL,  // told by the child; value: errno of handing it the terminal
  INIT_DETACHED,     // value: errno of giving up the terminal, 0 if done; detail: 1 if we led its session
  INIT_IN_SESSION,   // told by the child
  INIT_EVENTS
};

// Where the child stands towards us.
enum init_place {
  PLACE_HERE,        // in our own process group
  PLACE_GROUP,       // leads a group, which gets the terminal
  PLACE_FOREGROUND,  // the same, but only what we have of a terminal is given, and taken back; it stops, we stop
  PLACE_SESSION,     // leads a session, which gets the terminal; we leave both
};

struct init_face {
  void (*tell)(enum init_event event, long value, long detail);
  // Says why the command cannot be executed, in the child; gives back the child's exit code.
  int (*cannot_execute)(const char *file, int error);
  // A step before the command failed: "fork", "setpgid", "tcsetpgrp", "setsid". Gives back the exit code.
  int (*cannot)(const char *step, int error);
};

#define INIT_AS_IT_IS (-1)
#define INIT_NEVER (-1)

struct init {
  const struct init_face *face;
  enum init_place place;
  bool to_group;               // signals go to the child's whole group
  bool fresh_signals;          // the child gets default actions and an empty mask instead of what we inherited
  bool suspends;               // TSTP, TTIN and TTOU stop us, after they were handed on
  bool ends_group;             // when the child is dead, TERM is handed on once more
  bool quits_unsent;           // a signal that cannot be sent ends us, with code 1
  bool reaps_always;           // look for the dead after every signal
  bool leaves_directory;       // we go to /, the child stays
  bool own_listen_pid;         // LISTEN_PID, if it names us, is to name the child
  bool wait_all;               // leave only when no process is left
  uint64_t left_alone;         // signals that are neither blocked nor handed on
  signed char rewrite[SIGNAL_MAX + 1];
  uint64_t forgiven[4];        // exit codes that become 0
  int64_t grace, drain;        // ms; INIT_NEVER for none
  // Set by the loop: the last signal that asked for an end; 0 for none.
  int stop_signal;
};

// All that the faces have in common: everything handed on as it is, nothing forgiven, no limits.
struct init init_plan(const struct init_face *face);
// Ours becomes deaf to all but the loop; call once, before anything that could be interrupted.
void init_begin(struct init *init);
// Runs the command to its end; argv NULL: none, until a signal asks for an end. Gives back the exit code.
int init_run(struct init *init, char **argv);

// init-child.c: in the child, from the fork to the exec.
struct init_inherited {
  uint64_t mask;
  void (*chld)(int);
  void (*ttin)(int);
  void (*ttou)(int);
  int terminal;   // a descriptor of our controlling terminal; -1 for none
  int directory;  // a descriptor of the directory that the child stays in; -1 if it stays by itself
  pid_t pid;      // ours
};
_Noreturn void init_child(const struct init *init, const struct init_inherited *inherited, char **argv);
// glibc's execvp, which runs a script without #! by /bin/sh; returns only to say why not, in errno.
void execute_command(char **argv);

// The faces. argv[0] is the name for messages; they give back the exit code.
int upkeep_init_main(char **argv);
int tini_main(char **argv);
int dumb_init_main(char **argv);
int svlogd_main(char **argv);

// Says why `file` cannot be executed, and what was meant if it is a whole command line; 126 or 127.
int upkeep_cannot_execute(const char *file, int error);
// Help for init mode and the way to the rest.
int upkeep_help(void);
// main.c: the ways to call upkeep, on standard error; gives back the code of a usage error.
int upkeep_usage(void);

// The C library's words where musl's are others: its text for an errno, as glibc has it.
const char *error_text(int error);
#endif
