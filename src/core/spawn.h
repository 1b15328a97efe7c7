// Starting a process: a request is made complete before the fork; the child only makes system calls.
#ifndef SPAWN_H
#define SPAWN_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#define SPAWN_GROUPS_MAX 1024
#define SPAWN_LIMITS_MAX 16
#define SPAWN_FDS_MAX 8

// Where a start failed; sent up by name, and told to people by the manager.
#define SPAWN_STEPS(X) \
  X(request) X(memory) X(pipe) X(fork) X(session) X(descriptors) X(limits) X(nice) X(root) X(directory) X(groups) X(user) X(privileges) \
  X(lock_file) X(exec) X(lock)

enum spawn_step {
#define X(name) STEP_##name,
  SPAWN_STEPS(X)
#undef X
};
const char *spawn_step_name(enum spawn_step step);

struct spawn_limit {
  int resource;
  struct rlimit limit;
  bool keeps_hard;     // the hard limit stays as it is, and the soft one stays below it
};

// `from` -1 is /dev/null; from == to keeps an inherited descriptor.
struct spawn_fd {
  int from, to;
};

struct spawn {
  char **argv;         // ends in NULL
  const char *file;    // what to execute; searched in PATH when it has no slash
  char **envp;
  const char *path;    // the PATH to search, from envp
  const char *root;    // the new root directory; NULL keeps ours
  const char *dir;     // within it; NULL stays, or is the new root itself
  const char *lock;    // a file to be locked for as long as it lives, seen from `dir`, with its own rights; NULL is none
  bool lock_waits;     // until it is free; else a lock that somebody holds is a failure
  bool session;        // setsid(); else a process group of its own, in the foreground of the terminal if there is one
  bool set_user, set_group, set_groups, set_umask, set_nice, no_new_privs;
  uid_t uid;
  gid_t gid, groups[SPAWN_GROUPS_MAX];
  size_t group_count;
  mode_t umask;
  int nice, death_signal;
  struct spawn_limit limits[SPAWN_LIMITS_MAX];
  size_t limit_count;
  uint64_t mark;       // soft RLIMIT_LOCKS; 0 leaves it
  struct spawn_fd fds[SPAWN_FDS_MAX];
  size_t fd_count;
  unsigned closed;     // bit N: descriptor N of 0 to 2 is closed
};

struct spawn_failure {
  int step, error;
};

// Forks. The pid, with `*exec_fd` the read end of a pipe that brings a spawn_failure or, once the program is
// executed, its end; or -1 with the step and errno in `*failure`. Never waits for the exec: one that hangs in a
// file system hangs alone.
pid_t spawn_start(const struct spawn *spawn, int *exec_fd, struct spawn_failure *failure);

// To be called once, before anything else: remembers what children are to get back (the limit of open files).
void spawn_init(void);

// Empty signal mask and default dispositions, by the kernel's own numbers (libcs hide two of them).
void spawn_reset_signals(void);
#endif
