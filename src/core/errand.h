// Calls that may never return, made by children. See errand.c.
#ifndef ERRAND_H
#define ERRAND_H
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "supervise-open.h"

enum errand_kind { ERRAND_LOCK, ERRAND_FIFOS, ERRAND_CLOSE };

// Of one supervise directory, for as long as it is the core's.
struct errand {
  struct errand *next;
  uint32_t number;     // whose it is
  enum errand_kind kind;
  bool under_way;      // asked for and not answered
  bool makes;
  bool holds;          // the lock, in a socket that only errand_drop may close
  struct lock_file lock;
  pid_t pid;           // 0 before it has begun
  int fd;              // our end of its socket
  int64_t begun_at;
  char path[];
};

// What its child says; with the lock, or the fifos, as descriptors.
struct errand_answer {
  int error;
  enum supervise_step step;
  struct lock_file lock;
};

// NULL where there is no memory.
struct errand *errand_create(uint32_t number, const char *path);
// Asks for it; errand_answered is called later.
void errand_ask(struct errand *errand, enum errand_kind kind, bool makes);
// Ends it and forgets it: nothing is left of it, nor of the lock that it has brought (-1 is none).
void errand_drop(struct errand *errand, int lock_fd);
// To be called once a turn: begins what has been asked for.
void errand_go_on(void);
void errand_ready(uint32_t number);
// True if it was one of our children that has been reaped.
bool errand_ended(pid_t pid);
int64_t errand_deadline(void);
void errand_due(void);
// Whoever asked is gone: nobody is told.
void errand_forget(void);

// supervise.c: what has become of it. `fds`: the socket that holds the lock in the first, or the two fifos.
void errand_answered(uint32_t number, enum errand_kind kind, int error, enum supervise_step step, const int fds[2]);
#endif
