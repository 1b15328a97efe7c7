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
#include "node.h"
#include "text.h"

// A manager that has been ready this long has done its work: its end is not one of a series.
#define MANAGER_STABLE 1000
#define MANAGER_DELAY_MAX 5000
// So many failures in a row before anything was ever started end the program: there is nothing to keep alive.
#define MANAGER_TRIES 3
// Where the manager finds the two sockets.
#define CHANNEL_FD 3
#define HANDLES_FD 4

struct manager manager = {
    .channel = -1,
    .handles = -1,
    .exec_fd = -1,
    .start_at = 0,
    .in.limit = WIRE_FRAME_MAX + 65536,
    .out.limit = 16u << 20,
};
bool untold;

static struct node_command command;
static int failures;
static int tell_hello_from;

void manager_init(char **arguments) {
  const char *why = node_find(&command, arguments, base_environment, NODE_FOR_MANAGER, HANDLES_FD);
  if (why) {
    say("%s", why);
    exit(127);
  }
  manager.lost_at = now;
}

static void close_if_open(int *fd) {
  if (*fd >= 0) close(*fd);
  *fd = -1;
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
  close_if_open(&channel[1]);
  close_if_open(&handles[1]);
  if (pid > 0 && loop_watch(channel[0], SOURCE_CHANNEL, 0, 0, EPOLLIN, false) &&
      loop_watch(handles[0], SOURCE_HANDLES, 0, 0, EPOLLIN, false)) {
    manager.pid = pid;
    manager.channel = channel[0];
    manager.handles = handles[0];
    manager.out_blocked = false;
    handover_reset();
    tell_hello_from = 1;
    tell_records();
    return;
  }
  say("cannot start the manager: %s: %s; trying again", spawn_step_name((enum spawn_step)failure.step), strerror(failure.error));
  close_if_open(&channel[0]);
  close_if_open(&handles[0]);
  if (pid > 0) kill(pid, SIGKILL);
  try_later();
}

void manager_kill(const char *why) {
  if (!manager.pid) return;
  say("killing the manager (pid %d): %s; services go on and a new one takes over", (int)manager.pid, why);
  kill(manager.pid, SIGKILL);
}

static void receive(void) {
  char buffer[65536];
  ssize_t length;
  while ((length = recv(manager.channel, buffer, sizeof buffer, MSG_DONTWAIT)) > 0) {
    if (!queue_append(&manager.in, buffer, (size_t)length)) {
      manager_kill("its words exceed all bounds");
      return;
    }
    struct frame frame;
    const char *why;
    int got;
    while ((got = frame_next(&manager.in, &frame, &why)) > 0) request(&frame);
    if (got < 0) {
      manager_kill(why);
      queue_clear(&manager.in);
      // Nothing that follows can be understood.
      shutdown(manager.channel, SHUT_RD);
      return;
    }
    if (manager.in.start == manager.in.end) queue_clear(&manager.in);
  }
}

void manager_readable(void) {
  if (manager.channel < 0) return;
  receive();
  char byte;
  // A closed channel is a dying manager; its exit says the rest. Not to be woken for it again and again:
  if (recv(manager.channel, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0) epoll_ctl(loop_fd, EPOLL_CTL_DEL, manager.channel, NULL);
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

static bool tell_id(const struct child *child, char text[32]) {
  snprintf(text, 32, "%llu.%llu", (unsigned long long)(child->id >> 32), (unsigned long long)(child->id & 0xffffffff));
  return true;
}

// What is new about a child. Its exit is told last, and is told until it is acknowledged.
void tell_child(struct child *child) {
  char id[32];
  if (!manager.ready || !child->unsent) return;
  tell_id(child, id);
  if (child->executed && !TELL("spawned", id, decimal(child->pid).text)) return;
  if (child->notified && !TELL("notify", id)) return;
  if (child->exited) {
    bool killed = WIFSIGNALED(child->status);
    if (!TELL("exited", decimal((long long)child->serial).text, id, decimal(child->pid).text,
              decimal(killed ? -1 : WEXITSTATUS(child->status)).text, decimal(killed ? WTERMSIG(child->status) : 0).text))
      return;
    child->sent_at = now;
  }
  child->unsent = false;
}

static bool tell_hello(void) {
  if (!TELL("hello", WIRE_VERSION, decimal(getpid()).text, is_pid1 ? "1" : "0", decimal((long long)instance).text)) return false;
  for (uint32_t slot = 0; slot < child_slots; slot++) {
    struct child *child = child_at(slot);
    char id[32];
    if (!child || !tell_id(child, id)) continue;
    if (!TELL("child", id, decimal(child->pid).text, child->notified ? "1" : "0", child->executed ? "1" : "0")) return false;
  }
  for (uint32_t slot = 0; slot < pipe_slots; slot++) {
    struct logpipe *pipe = pipe_at(slot);
    if (!pipe) continue;
    if (!TELL("log", pipe->tag, pipe->handed ? "1" : "0", pipe->skip ? "1" : "0", decimal(pipe->lost).text)) return false;
  }
  for (struct blob *blob = blob_first(); blob; blob = blob_after(blob))
    if (!TELL("blob", blob->key, blob->value)) return false;
  return TELL("begin");
}

void tell_records(void) {
  untold = false;
  if (manager.channel < 0) return;
  if (tell_hello_from) {
    // All of it or, where memory is short, nothing: the next turn tries again.
    if (!tell_hello()) {
      queue_clear(&manager.out);
      untold = true;
      return;
    }
    tell_hello_from = 0;
  }
  if (!manager.ready) return;
  signals_tell(false);
  for (uint32_t slot = 0; slot < child_slots; slot++)
    if (child_at(slot)) tell_child(child_at(slot));
  for (uint32_t slot = 0; slot < pipe_slots; slot++) {
    struct logpipe *pipe = pipe_at(slot);
    if (pipe && pipe->handed && !pipe->waiting) pipe_arm(pipe);
  }
  handover_pipes();
}

void manager_ready(void) {
  if (manager.ready) return;
  manager.ready = true;
  relay_end();
  manager.ready_since = now;
  signals_tell(true);
  for (uint32_t slot = 0; slot < child_slots; slot++) {
    struct child *child = child_at(slot);
    if (child && (child->exited || child->exec_fd < 0)) child->unsent = true;
  }
  for (uint32_t slot = 0; slot < pipe_slots; slot++) {
    struct logpipe *pipe = pipe_at(slot);
    if (!pipe) continue;
    pipe->unsent = pipe->handed;
    pipe->waiting = false;
    // Told by hello, and the new manager's business now.
    pipe->skip = false;
    pipe->lost = 0;
  }
  tell_records();
  listener_watch();
}

static void explain_end(int status) {
  struct spawn_failure failure;
  bool unexecuted = manager.exec_fd >= 0 && read(manager.exec_fd, &failure, sizeof failure) == sizeof failure;
  close_if_open(&manager.exec_fd);
  const char *next = spawned_ever() ? "services go on, starting a new one" : "no service runs yet, starting it again";
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
  // What it said completely still counts; half a frame at the end does not.
  if (manager.channel >= 0) receive();
  queue_clear(&manager.in);
  queue_clear(&manager.out);
  close_if_open(&manager.channel);
  close_if_open(&manager.handles);
  manager.pid = 0;
  manager.ready = false;
  if (was_ready) manager.lost_at = now;
  for (uint32_t slot = 0; slot < pipe_slots; slot++) {
    struct logpipe *pipe = pipe_at(slot);
    if (!pipe || !pipe->handed) continue;
    // It died with a read begun, or with an unfinished line in its hands: what comes next is no start of a line.
    pipe->skip = pipe->skip || pipe->taking || pipe->partial > 0;
    pipe->lost = pipe->taking || pipe->lost < 0 ? -1 : pipe->lost + pipe->held;
    pipe->taking = false;
    pipe->held = pipe->partial = 0;
    pipe->waiting = false;
  }
  explain_end(status);
  if (stop_alone()) return;
  if (was_ready && now - manager.ready_since >= MANAGER_STABLE) failures = 0;
  if (!spawned_ever() && failures + 1 >= MANAGER_TRIES) {
    say("giving up: the manager has failed %d times and no service was ever started", MANAGER_TRIES);
    exit(111);
  }
  try_later();
}
