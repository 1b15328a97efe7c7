// The supervisor's core, as its rooms see each other. One thread, one loop; no policy.
#ifndef CORE_H
#define CORE_H
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "memory.h"
#include "spawn.h"
#include "wire.h"

#define NEVER INT64_MAX

// Milliseconds of CLOCK_MONOTONIC, read once a turn of the loop.
extern int64_t now;
void read_clock(void);
// The epoll instance, and whether we are the init of a PID namespace.
extern int loop_fd;
extern bool is_pid1;
// Distinguishes this core from every other one in the marks of its children.
extern uint64_t instance;
extern char **base_environment;

// pid1.c: registers a descriptor with the loop; `events` are epoll's.
bool loop_watch(int fd, enum source source, uint32_t slot, uint32_t generation, uint32_t events, bool known);
// Takes it out of the loop and closes it; -1 is none. A close alone would not do: while a fork of ours that has not
// executed yet holds the same open file, epoll goes on telling of it, and nobody could stop that any more.
void loop_close(int *fd);
// Clears O_NONBLOCK of 0-2, which we share with others; every service would inherit it.
void streams_block(void);

// manager.c: the life of the manager process.
struct manager {
  pid_t pid;            // 0 while there is none
  int channel, handles; // our ends; -1 while there is none
  int exec_fd;          // brings why Node could not be executed
  bool ready;           // it has read hello and taken over
  int64_t killed_at;    // by us, and not dead yet; NEVER is neither
  int64_t started_at, ready_since;
  int64_t closed_at;    // since when it cannot speak any more; NEVER while it can
  int64_t lost_at;      // since when no manager is ready
  int64_t start_at;     // when to start the next one; NEVER while one runs
  struct queue in, out;
  bool out_blocked;
};
extern struct manager manager;
void manager_init(char **arguments);
void manager_start(void);

void manager_died(int status);
// The pid of an earlier one that is not waited for any more.
bool manager_abandoned(pid_t pid);
void manager_ready(void);
void manager_readable(void);
void manager_flush(void);
void manager_kill(const char *why);
// Appends a frame for the manager; false when there is none or no room: then the records keep what is to be told.
bool tell(int count, const char *const fields[]);
#define TELL(...) tell(sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *), (const char *[]){__VA_ARGS__})
// For what no record keeps: a manager that leaves no room for an answer is killed, and the next one asks anew.
void answer(int count, const char *const fields[]);
#define ANSWER(...) answer(sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *), (const char *[]){__VA_ARGS__})
// Tells what could not be told before, once there is room.
void tell_untold(void);
void tell_child(struct child *child);
struct child_name {
  char text[24];
};
struct child_name child_name(const struct child *child);
// When the manager is to be killed for its silence.
int64_t manager_deadline(void);
void manager_overdue(void);

// facts.c: signals received and not yet acknowledged; children keep their own exits.
void signal_received(int signal, pid_t pid, uid_t uid);
void signals_tell(void);
void exit_received(struct child *child, int status);
void exits_tell(void);
// Exits reaped since exits_tell; it is called after one more look at the pipes.
extern bool exits_new;
// A new manager has been told nothing yet.
void facts_untold(void);
void fact_acknowledged(uint64_t serial);
// When the oldest fact was told that is not acknowledged; NEVER without one.
int64_t facts_oldest(void);
// A stop signal that the manager has not acknowledged.
bool signal_unanswered(void);

// A serial for a fact that is kept elsewhere.
uint64_t next_serial(void);

// requests.c: what the manager asks for.
void request(struct frame *frame);
// Of the last descriptors none goes where others need it more: true if `fd` is one of the last `count`.
bool is_reserved(int fd, int count);
// `ended`: it is reaped.
void child_executed(struct child *child, bool ended);
void child_failed(struct child *child);
void child_notified(struct child *child);
bool spawned_ever(void);

// supervise.c: the locks and fifos of supervise directories, by the service's number.
// `hangs`: its file system may never answer.
void request_supervise(uint32_t number, const char *path, bool makes, bool hangs);
void request_offer(uint32_t number, bool hangs);
void request_release(uint32_t number);
bool supervise_refused(uint32_t number);
// Gives up one of them, whose descriptors are needed; false if there is none.
bool supervise_yield(void);
bool supervise_hello(void);
void control_ready(uint32_t number, uint32_t generation);
void letters_tell(void);
void letters_untold(void);
bool letter_acknowledged(uint64_t serial);
int64_t letters_oldest(void);

// inscribe.c: the files that tell of the state.
void request_inscribe(struct frame *frame);
// To be called once a turn: begins what has been asked for.
void inscribe_go_on(void);
// True if it was our writer that has been reaped.
bool inscribe_ended(pid_t pid);
int64_t inscribe_deadline(void);
void inscribe_due(void);
// Whoever asked is gone: nobody is told.
void inscribe_forget(void);

// handover.c: descriptors for the manager, through Node's own IPC channel; the control socket.
extern int listener;
void handover_reset(void);
void handover_pipe(struct logpipe *pipe);
void handover_go_on(void);
int64_t handover_deadline(void);
void handover_acknowledged(void);
// 0, or the errno. A living supervisor on the path is EADDRINUSE; a socket that nobody holds is replaced; our own stays.
int listener_open(const char *path, mode_t mode, long long gid);
void listener_ready(void);

// reap.c
bool reap(void);
// Tells of those that could not be told when they were reaped; a manager that has just been told who lives need not hear of
// those before.
void orphans_tell(void);
void orphans_forget(void);
// Every process but us as PID 1; elsewhere our children's groups and what we have adopted.
void everyone_signal(int signal);
int stray_signal(pid_t pid, unsigned long long start, int signal);
// The kernel's own start time of a process, in clock ticks since boot; 0 if it is gone.
unsigned long long start_time(pid_t pid);
// False for a fork that never executed anything; also of a zombie. True where nobody can tell.
bool has_executed(pid_t pid);

// stop.c: what the core does by itself when it is told to stop and nobody does it.
extern uint64_t stop_signals;  // bit N-1 for signal N
void stop_requested(void);
void stop_begun(void);
// How long (ms) a stop may take, from its begin.
void stop_budget_is(int64_t budget);
void stop_due(void);
int64_t stop_deadline(void);
bool stop_alone(void);
void stop_childless(void);
_Noreturn void leave(int code);

// relay.c: copies the log pipes to standard error by whole lines while nobody else reads them.
void relay_due(void);
int64_t relay_deadline(void);
void relay_pipe(struct logpipe *pipe);
void relay_begin(void);
bool relay_active(void);
// To be called when a manager has died: a relay that was asked for while it lived begins.
void relay_manager_died(void);
void relay_end(void);
void relay_finish(void);
void pipe_arm(struct logpipe *pipe);
#endif
