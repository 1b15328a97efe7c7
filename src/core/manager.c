// The life of the manager process: found, started in a clean environment, told everything, replaced when it dies.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core.h"
#include "errand.h"
#include "node.h"
#include "text.h"

// A manager that has been ready this long has done its work: its end is not one of a series.
#define MANAGER_STABLE 1000
#define MANAGER_DELAY_MAX 5000
// A fact, or a hello, that the manager leaves unanswered for this long means that the manager is stuck.
#define ANSWER_PATIENCE 30000
// From the end of its channel to the end of the process.
#define CLOSED_PATIENCE 1000
// Reads of the channel in one turn of the loop; of a dead manager's, all that it can have left there.
#define TURN_READS 16
#define LAST_READS 4096
// From a KILL to the end. One that is within a call of the kernel may not hear it; nor does it do anything else any more.
#define KILLED_PATIENCE 2000
// So many of them at most.
#define ABANDONED_MAX 8
// So many failures in a row before anything was ever started end the program: there is nothing to keep alive.
#define MANAGER_TRIES 3
// The most that a manager reads from a pipe at once (src/log/pipe.ts).
#define READ_MAX 65536
// And from one that it has had enlarged (src/log/dir/scratch.ts).
#define READ_LARGE (512 * 1024)
// Where the manager finds the two sockets.
#define CHANNEL_FD 3
#define HANDLES_FD 4

#define READ_SIZE 65536

struct manager manager = {
    .channel = -1,
    .handles = -1,
    .exec_fd = -1,
    .start_at = 0,
    .closed_at = NEVER,
    .killed_at = NEVER,
    // The longest frame but for its last byte, and one read.
    .in.limit = 4 + WIRE_FRAME_MAX + READ_SIZE,
    .out.limit = 16u << 20,
};

static struct node_command command;
static int failures;
// Hello has not gone up yet; some record could not be told.
static bool hello_due, untold;

void manager_init(char **arguments) {
  const char *why = node_find(&command, arguments, base_environment, NODE_FOR_MANAGER, HANDLES_FD);
  if (why) {
    say("%s", why);
    exit(127);
  }
  manager.lost_at = now;
}

static void try_later(void) {
  int64_t delay = failures == 0 ? 0 : 100ll << (failures < 7 ? failures - 1 : 6);
  manager.start_at = now + (delay > MANAGER_DELAY_MAX ? MANAGER_DELAY_MAX : delay);
  failures++;
}

void manager_start(void) {
  manager.start_at = NEVER;
  int channel[2] = {-1, -1}, handles[2] = {-1, -1};
  struct spawn_failure failure = {STEP_descriptors, 0};
  pid_t pid = -1;
  // The last one, or a service, may have left it.
  streams_block();
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, channel) == 0 &&
      socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, handles) == 0) {
    struct spawn spawn = {
        .argv = command.argv,
        .file = command.node,
        .envp = command.envp,
        .session = true,
        .fds = {{-1, 0}, {1, 1}, {2, 2}, {channel[1], CHANNEL_FD}, {handles[1], HANDLES_FD}},
        .fd_count = 5,
    };
    pid = spawn_start(&spawn, &manager.exec_fd, &failure);
  } else {
    failure.error = errno;
  }
  loop_close(&channel[1]);
  loop_close(&handles[1]);
  if (pid > 0 && loop_watch(channel[0], SOURCE_CHANNEL, 0, 0, EPOLLIN, false) &&
      loop_watch(handles[0], SOURCE_HANDLES, 0, 0, EPOLLIN, false)) {
    manager.pid = pid;
    manager.started_at = now;
    manager.channel = channel[0];
    manager.handles = handles[0];
    manager.out_blocked = false;
    manager.killed_at = NEVER;
    manager.started_at = now;
    manager.closed_at = NEVER;
    handover_reset();
    hello_due = untold = true;
    return;
  }
  if (pid > 0) failure.error = errno;
  say("cannot start the manager: %s: %s; trying again", spawn_step_name((enum spawn_step)failure.step), strerror(failure.error));
  loop_close(&channel[0]);
  loop_close(&handles[0]);
  loop_close(&manager.exec_fd);
  if (pid > 0) (void)kill(pid, SIGKILL);
  try_later();
}

void manager_kill(const char *why) {
  if (!manager.pid || manager.killed_at != NEVER) return;
  manager.killed_at = now;
  say("killing the manager (pid %d): %s; services go on and a new one takes over", (int)manager.pid, why);
  kill(manager.pid, SIGKILL);
}

int64_t manager_deadline(void) {
  if (!manager.pid) return NEVER;
  if (manager.killed_at != NEVER) return manager.killed_at + KILLED_PATIENCE;
  int64_t asked_at = manager.ready ? facts_oldest() : manager.started_at;
  int64_t answer_at = asked_at == NEVER ? NEVER : asked_at + ANSWER_PATIENCE;
  int64_t end_at = manager.closed_at == NEVER ? NEVER : manager.closed_at + CLOSED_PATIENCE;
  return answer_at < end_at ? answer_at : end_at;
}

static pid_t *abandoned_place(pid_t pid) {
  static pid_t abandoned[ABANDONED_MAX];
  for (int i = 0; i < ABANDONED_MAX; i++)
    if (abandoned[i] == pid) return &abandoned[i];
  return NULL;
}

bool manager_abandoned(pid_t pid) {
  pid_t *place = abandoned_place(pid);
  if (place) *place = 0;
  return place != NULL;
}

static void abandon(void) {
  pid_t *place = abandoned_place(0);
  manager.killed_at = now;
  if (!place) return;
  *place = manager.pid;
  say("the manager (pid %d) does not end: a file system or a device keeps it; it is not waited for", (int)manager.pid);
  manager_died(SIGKILL);
}

void manager_overdue(void) {
  if (manager.killed_at != NEVER) return abandon();
  manager_kill(manager.closed_at == NEVER ? "it has not answered for 30 s" : "it has closed its channel and lives on");
}

static void receive(int reads) {
  char buffer[READ_SIZE];
  ssize_t length;
  while (reads-- > 0 && (length = recv(manager.channel, buffer, sizeof buffer, MSG_DONTWAIT)) > 0) {
    struct frame frame;
    const char *why = "there is no memory for its words";
    int got = queue_append(&manager.in, buffer, (size_t)length) ? 1 : -1;
    while (got > 0 && (got = frame_next(&manager.in, &frame, &why)) > 0) request(&frame);
    if (got < 0) {
      manager_kill(why);
      // Nothing that follows can be understood.
      loop_close(&manager.channel);
      return;
    }
    if (manager.in.start == manager.in.end) queue_clear(&manager.in);
  }
}

void manager_readable(void) {
  char byte;
  receive(TURN_READS);
  if (manager.channel < 0 || recv(manager.channel, &byte, 1, MSG_PEEK | MSG_DONTWAIT) != 0) return;
  // A closed channel is a dying manager; its exit says the rest. Not to be woken for it again and again:
  manager.closed_at = now;
  (void)epoll_ctl(loop_fd, EPOLL_CTL_DEL, manager.channel, NULL);
}

void manager_flush(void) {
  while (manager.channel >= 0 && manager.out.end > manager.out.start) {
    ssize_t sent = send(manager.channel, manager.out.data + manager.out.start, manager.out.end - manager.out.start,
                        MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) {
      bool blocked = errno == EAGAIN;
      if (blocked != manager.out_blocked) loop_watch(manager.channel, SOURCE_CHANNEL, 0, 0, EPOLLIN | (blocked ? EPOLLOUT : 0), true);
      manager.out_blocked = blocked;
      return;
    }
    manager.out.start += (size_t)sent;
  }
  if (manager.out.start > 0) queue_clear(&manager.out);
  if (!manager.out_blocked || manager.channel < 0) return;
  manager.out_blocked = false;
  loop_watch(manager.channel, SOURCE_CHANNEL, 0, 0, EPOLLIN, true);
}

bool tell(int count, const char *const fields[]) {
  if (manager.channel >= 0 && frame_append(&manager.out, count, fields)) return true;
  untold = true;
  return false;
}

void answer(int count, const char *const fields[]) {
  if (!tell(count, fields) && manager.channel >= 0) manager_kill("it leaves its answers unread");
}

struct child_name child_name(const struct child *child) {
  struct child_name name;
  snprintf(name.text, sizeof name.text, "%u.%u", (uint32_t)(child->id >> 32), (uint32_t)child->id);
  return name;
}

// What is new about a child. Its exit is told last, and to every manager until it is acknowledged.
void tell_child(struct child *child) {
  if (!manager.ready || child->failed) return;
  const struct child_name id = child_name(child);
  if (child->executed && !child->told_executed && !(child->told_executed = TELL("spawned", id.text, decimal(child->pid).text))) return;
  if (child->notified && !child->told_notified && !(child->told_notified = TELL("notify", id.text))) return;
  if (!child->exited || child->told_at != NEVER) return;
  bool killed = WIFSIGNALED(child->status);
  if (TELL("exited", decimal((long long)child->serial).text, id.text, decimal(child->pid).text,
           decimal(killed ? -1 : WEXITSTATUS(child->status)).text, decimal(killed ? WTERMSIG(child->status) : 0).text))
    child->told_at = now;
}

static bool tell_hello(void) {
  if (!TELL("hello", WIRE_VERSION, decimal(getpid()).text, is_pid1 ? "1" : "0", decimal((long long)instance).text)) return false;
  for (uint32_t slot = 0; slot < child_slots; slot++) {
    struct child *child = child_at(slot);
    if (!child) continue;
    if (!TELL("child", child_name(child).text, decimal(child->pid).text, child->notified ? "1" : "0", child->executed ? "1" : "0")) return false;
  }
  for (uint32_t slot = 0; slot < pipe_slots; slot++) {
    struct logpipe *pipe = pipe_at(slot);
    if (!pipe) continue;
    if (!TELL("log", pipe->tag, pipe->handed ? "1" : "0", pipe->skip ? "1" : "0", decimal(pipe->bound ? -pipe->lost : pipe->lost).text)) return false;
  }
  if (!supervise_hello()) return false;
  for (struct blob *blob = blob_first(); blob; blob = blob_after(blob))
    if (!TELL("blob", blob->key, blob->value)) return false;
  if (!TELL("begin")) return false;
  orphans_forget();
  return true;
}

void tell_untold(void) {
  // With half a queue of it unread already, more would only wake us for nothing.
  if (!untold || manager.channel < 0 || manager.out.end - manager.out.start > manager.out.limit / 2) return;
  untold = false;
  // All of it or, where memory is short, nothing: the next turn tries again.
  if (hello_due && (hello_due = !tell_hello())) queue_clear(&manager.out);
  if (!manager.ready) return;
  signals_tell();
  exits_tell();
  orphans_tell();
  letters_tell();
  for (uint32_t slot = 0; slot < child_slots; slot++)
    if (child_at(slot)) tell_child(child_at(slot));
  for (uint32_t slot = 0; slot < pipe_slots; slot++) {
    struct logpipe *pipe = pipe_at(slot);
    if (pipe && pipe->handed && !pipe->waiting) pipe_arm(pipe);
  }
  handover_go_on();
}

void manager_ready(void) {
  if (manager.ready) return;
  manager.ready = true;
  relay_end();
  manager.ready_since = now;
  facts_untold();
  for (uint32_t slot = 0; slot < child_slots; slot++) {
    struct child *child = child_at(slot);
    if (child) child->told_executed = child->told_notified = false;
  }
  for (uint32_t slot = 0; slot < pipe_slots; slot++) {
    struct logpipe *pipe = pipe_at(slot);
    if (!pipe) continue;
    pipe->unsent = pipe->handed;
    pipe->waiting = false;
  }
  untold = true;
  tell_untold();
}

static void explain_end(int status) {
  struct spawn_failure failure;
  bool unexecuted = manager.exec_fd >= 0 && spawn_outcome(manager.exec_fd, true, &failure) == SPAWN_FAILED;
  loop_close(&manager.exec_fd);
  const char *next = stop_alone() ? "everything is being stopped" : spawned_ever() ? "services go on, starting a new one" : "no service runs yet, starting it again";
  if (unexecuted && failure.step == STEP_exec)
    say("cannot execute %s for the manager: %s; set UPKEEP_NODE to a Node.js of version 20.19 or later", command.node, strerror(failure.error));
  else if (unexecuted)
    say("cannot start the manager: %s: %s; %s", spawn_step_name((enum spawn_step)failure.step), strerror(failure.error), next);
  else if (WIFSIGNALED(status))
    say("the manager was killed by signal %d; %s", WTERMSIG(status), next);
  else
    say("the manager ended with code %d; %s", WEXITSTATUS(status), next);
}

void manager_died(int status) {
  bool was_ready = manager.ready;
  long long lost = 0;
  // Reaped, the number may be another's any moment.
  manager.pid = 0;
  // What it said completely still counts; half a frame at the end does not.
  if (manager.channel >= 0) receive(LAST_READS);
  queue_clear(&manager.in);
  queue_clear(&manager.out);
  loop_close(&manager.channel);
  loop_close(&manager.handles);
  manager.ready = false;
  inscribe_forget();
  errand_forget();
  if (was_ready) manager.lost_at = now;
  for (uint32_t slot = 0; slot < pipe_slots; slot++) {
    struct logpipe *pipe = pipe_at(slot);
    if (!pipe || !pipe->handed) continue;
    // It died with a read begun, or with an unfinished line in its hands: what comes next is no start of a line.
    pipe->skip = pipe->skip || pipe->taking || pipe->partial > 0;
    pipe->lost += pipe->held + (!pipe->taking ? 0 : pipe->large ? READ_LARGE : READ_MAX);
    // Whole lines may be written by now.
    pipe->bound = pipe->bound || pipe->taking || pipe->held > pipe->partial;
    pipe->taking = pipe->large = false;
    pipe->held = pipe->partial = 0;
    pipe->waiting = false;
    lost += pipe->lost;
  }
  explain_end(status);
  relay_manager_died();
  if (stop_alone()) {
    // Nobody comes who would say it by the service's name.
    if (lost > 0) say("at most %lld bytes of output are lost: the manager had them", lost);
    return;
  }
  if (was_ready && now - manager.ready_since >= MANAGER_STABLE) failures = 0;
  if (!spawned_ever() && failures + 1 >= MANAGER_TRIES) {
    say("giving up: the manager has failed %d times and no service was ever started", MANAGER_TRIES);
    exit(111);
  }
  try_later();
}
