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
  X(lock_file) X(exec) X(lock) X(ended)

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
  bool shares;         // it begins in our own table of descriptors; its report is read as soon as it comes
  unsigned closed;     // bit N: descriptor N of 0 to 2 is closed
};

struct spawn_failure {
  int step, error;
};

// Forks. The pid, with `*exec_fd` a descriptor for spawn_outcome; or -1 with the step and errno in `*failure`. Never
// waits for the exec: one that hangs in a file system hangs alone. The sources of `spawn->fds` may be others afterwards.
pid_t spawn_start(struct spawn *spawn, int *exec_fd, struct spawn_failure *failure);

enum spawn_outcome { SPAWN_UNKNOWN, SPAWN_EXECUTED, SPAWN_FAILED };
// What is known by now, to be asked whenever `exec_fd` is readable, and before it is closed; with `ended`, once the child
// is reaped, it is one of the last two.
enum spawn_outcome spawn_outcome(int exec_fd, bool ended, struct spawn_failure *failure);

// To be called once, before anything else: remembers what children are to get back (the limit of open files).
void spawn_init(void);

// Default dispositions, by the kernel's own numbers (libcs hide two of them). Children inherit them, so it is done once,
// before the first start; a child only empties its mask.
void spawn_reset_dispositions(void);
#endif
