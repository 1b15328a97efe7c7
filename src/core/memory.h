// What the core remembers: its children, its log pipes, and the blobs the manager gave it to keep.
// Nothing here allocates on the way to a reap: a child's record is also the place of its exit.
#ifndef MEMORY_H
#define MEMORY_H
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define TAG_MAX 31
#define CHILDREN_MAX 65536
#define PIPES_MAX 65536
// A hello with all of them, and all children and pipes, fits into the queue to the manager.
#define BLOBS_TOTAL_MAX (8u << 20)

// What an epoll event belongs to; the first member of every record that can have one.
enum source {
  SOURCE_SIGNALS, SOURCE_CHANNEL, SOURCE_HANDLES, SOURCE_LISTENER, SOURCE_EXEC, SOURCE_NOTIFY, SOURCE_PIPE, SOURCE_CONTROL, SOURCE_ERRAND, SOURCE_TITLE
};

struct child {
  uint64_t id;  // service number << 32 | sequence
  pid_t pid;
  int exec_fd;    // read end of the exec pipe; -1 once it is known how the exec went
  int notify_fd;  // read end of the notification pipe; -1 where there is none (any more)
  bool linked;    // found by its pid
  bool executed, notified, exited;
  bool doubtful;  // it may wait before it executes, or was signalled: it may have been ended before
  bool failed;                         // to execute, which is told once it is reaped
  int failed_step, failed_error;
  bool told_executed, told_notified;  // to the manager that is ready
  int status;                          // of wait4, once exited
  uint64_t serial;
  int64_t told_at;  // its exit; NEVER before
  uint32_t slot, generation;
  struct child *next_id, *next_pid, *next_exited;
};

struct logpipe {
  char tag[TAG_MAX + 1];
  int read_fd, write_fd;
  bool handed;   // its read end is the manager's to read
  bool unsent;   // the read end has not been handed up yet
  bool waiting;  // readable was told; not again before drained
  bool taking;   // the manager may have read bytes that nobody has written out
  bool skip;     // its first bytes are the tail of a line whose start is lost
  bool bound;    // `lost` is not known but for a bound
  bool large;    // the manager reads more of it at once
  long long held;     // bytes in the manager's hands, and how many of them are an unfinished line
  long long partial;
  long long lost;  // what dead managers had in their hands, until a living one has said so
  uint32_t slot, generation;
  struct logpipe *next;
};

struct blob {
  struct blob *next;
  char *value;  // behind the key
  char key[];
};

// To be called once: no child gets any of it.
void memory_init(void);

struct child *child_add(uint64_t id);
struct child *child_by_id(uint64_t id);
struct child *child_by_pid(pid_t pid);
void child_set_pid(struct child *child, pid_t pid);
// Its number may be another's from now on; the record keeps it for telling.
void child_release_pid(struct child *child);
void child_remove(struct child *child);
struct child *child_at(uint32_t slot);

struct logpipe *pipe_add(const char *tag);
struct logpipe *pipe_by_tag(const char *tag);
void pipe_remove(struct logpipe *pipe);
struct logpipe *pipe_at(uint32_t slot);

bool blob_set(const char *key, const char *value);
void blob_remove(const char *key);
struct blob *blob_first(void);
struct blob *blob_after(const struct blob *blob);

extern uint32_t child_slots, pipe_slots;
#endif
