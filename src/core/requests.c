// What the manager asks for, request by request. Every failure is answered; nothing here ends the core.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core.h"
#include "text.h"

// Of the last descriptors none goes to a service: a new manager, a client and a start need them.
#define RESERVED_FDS 16

static bool ever;
// Why the newest pipe that could not be made was not: whoever is started into it fails for the same reason.
static int pipe_error = EINVAL;

bool spawned_ever(void) {
  return ever;
}

// The kernel gives the lowest number that is free, so a high one tells that few are left.
bool is_reserved(int fd, int count) {
  struct rlimit files;
  return getrlimit(RLIMIT_NOFILE, &files) == 0 && (rlim_t)fd + (rlim_t)count >= files.rlim_cur;
}

// As pipe2(2), but leaves alone what is reserved. A service that runs is worth more than one that others can command.
static bool make_pipe(int ends[2]) {
  do {
    ends[0] = ends[1] = -1;
    if (pipe2(ends, O_CLOEXEC) != 0) {
      if (errno != EMFILE) return false;
      continue;
    }
    if (!is_reserved(ends[1], RESERVED_FDS)) return true;
    loop_close(&ends[0]);
    loop_close(&ends[1]);
  } while (supervise_yield());
  errno = EMFILE;
  return false;
}

static bool parse_id(const char *text, uint64_t *id) {
  char number[24];
  const char *dot = strchr(text, '.');
  long long service, sequence;
  if (!dot || (size_t)(dot - text) >= sizeof number) return false;
  memcpy(number, text, (size_t)(dot - text));
  number[dot - text] = '\0';
  if (!parse_number(number, 0, UINT32_MAX, &service) || !parse_number(dot + 1, 0, UINT32_MAX, &sequence)) return false;
  *id = (uint64_t)service << 32 | (uint64_t)sequence;
  return true;
}

// One spawn request while it is read: the arrays that its words go into.
struct order {
  struct spawn spawn;
  char **set, **unset;
  size_t words, sets, unsets;
  int notify_to;
  const char *argv0;
  struct logpipe *in, *out, *error;
  bool in_null, out_null, error_null, pipe_missing;
};

static bool read_limit(struct spawn *spawn, const char *text) {
  // RESOURCE:SOFT:HARD, "-" is unlimited; "=" for the hard one leaves that as it is.
  char copy[96], *soft, *hard;
  long long resource, value[2];
  if (spawn->limit_count == SPAWN_LIMITS_MAX || strlen(text) >= sizeof copy) return false;
  strcpy(copy, text);
  if (!(soft = strchr(copy, ':')) || !(hard = strchr(soft + 1, ':'))) return false;
  *soft++ = *hard++ = '\0';
  if (!parse_number(copy, 0, RLIM_NLIMITS - 1, &resource)) return false;
  bool keeps_hard = strcmp(hard, "=") == 0;
  const char *const texts[2] = {soft, keeps_hard ? "-" : hard};
  for (int i = 0; i < 2; i++)
    if (strcmp(texts[i], "-") == 0) value[i] = -1;
    else if (!parse_number(texts[i], 0, INT64_MAX, &value[i])) return false;
  spawn->limits[spawn->limit_count++] = (struct spawn_limit){
      (int)resource,
      {value[0] < 0 ? RLIM_INFINITY : (rlim_t)value[0], value[1] < 0 ? RLIM_INFINITY : (rlim_t)value[1]},
      keeps_hard,
  };
  return true;
}

static bool read_groups(struct spawn *spawn, char *text) {
  spawn->set_groups = true;
  for (char *comma; *text; text = comma + 1) {
    long long group;
    if ((comma = strchr(text, ','))) *comma = '\0';
    if (spawn->group_count == SPAWN_GROUPS_MAX || !parse_number(text, 0, UINT32_MAX - 1, &group)) return false;
    spawn->groups[spawn->group_count++] = (gid_t)group;
    if (!comma) return true;
  }
  return spawn->group_count == 0;
}

static bool read_stream(struct order *order, const char *text, struct logpipe **pipe, bool *null) {
  bool named = strncmp(text, "pipe:", 5) == 0;
  *pipe = named ? pipe_by_tag(text + 5) : NULL;
  order->pipe_missing |= named && !*pipe;
  *null = strcmp(text, "null") == 0;
  return *pipe || *null || strcmp(text, "inherit") == 0;
}

static bool read_attribute(struct order *order, char *key, char *value) {
  struct spawn *spawn = &order->spawn;
  long long number;
  if (strcmp(key, "arg") == 0) return spawn->argv[order->words++] = value, true;
  if (strcmp(key, "set") == 0) return order->set[order->sets++] = value, strchr(value, '=') != NULL;
  if (strcmp(key, "unset") == 0) return order->unset[order->unsets++] = value, true;
  if (strcmp(key, "dir") == 0) return spawn->dir = value, true;
  if (strcmp(key, "root") == 0) return spawn->root = value, true;
  if (strcmp(key, "lock") == 0) return spawn->lock = value, true;
  if (strcmp(key, "argv0") == 0) return order->argv0 = value, true;
  if (strcmp(key, "in") == 0) return read_stream(order, value, &order->in, &order->in_null);
  if (strcmp(key, "out") == 0) return read_stream(order, value, &order->out, &order->out_null);
  if (strcmp(key, "err") == 0) return read_stream(order, value, &order->error, &order->error_null);
  if (strcmp(key, "groups") == 0) return read_groups(spawn, value);
  if (strcmp(key, "limit") == 0) return read_limit(spawn, value);
  static const struct {
    const char *key;
    long long low, high;
  } numbers[] = {{"uid", 0, UINT32_MAX - 1}, {"gid", 0, UINT32_MAX - 1}, {"umask", 0, 0777},    {"nice", -20, 19},
                 {"death", 1, 64},           {"notify", 3, 1023},         {"no-new-privs", 0, 1}, {"session", 0, 1},
                 {"lock-wait", 0, 1},        {"close", 0, 2}};
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
    if (strcmp(key, numbers[i].key) != 0) continue;
    if (!parse_number(value, numbers[i].low, numbers[i].high, &number)) return false;
    switch (i) {
      case 0: spawn->set_user = true; spawn->uid = (uid_t)number; break;
      case 1: spawn->set_group = true; spawn->gid = (gid_t)number; break;
      case 2: spawn->set_umask = true; spawn->umask = (mode_t)number; break;
      case 3: spawn->set_nice = true; spawn->nice = (int)number; break;
      case 4: spawn->death_signal = (int)number; break;
      case 5: order->notify_to = (int)number; break;
      case 6: spawn->no_new_privs = number == 1; break;
      case 7: spawn->session = number == 1; break;
      case 8: spawn->lock_waits = number == 1; break;
      case 9: spawn->closed |= 1u << number; break;
    }
    return true;
  }
  return false;
}

static bool same_name(const char *entry, const char *name) {
  size_t length = strcspn(name, "=");
  return strncmp(entry, name, length) == 0 && entry[length] == '=';
}

// The core's own environment, byte for byte, less what is set anew or removed (all its duplicates), plus what is set.
static void make_environment(struct order *order, char **result) {
  size_t used = 0;
  for (size_t i = 0; base_environment[i]; i++) {
    bool dropped = false;
    for (size_t k = 0; k < order->sets && !dropped; k++) dropped = same_name(base_environment[i], order->set[k]);
    for (size_t k = 0; k < order->unsets && !dropped; k++) dropped = same_name(base_environment[i], order->unset[k]);
    if (!dropped) result[used++] = base_environment[i];
  }
  for (size_t k = 0; k < order->sets; k++) result[used++] = order->set[k];
  result[used] = NULL;
  order->spawn.envp = result;
  for (size_t i = 0; i < used; i++)
    if (!order->spawn.path && strncmp(result[i], "PATH=", 5) == 0) order->spawn.path = result[i] + 5;
}

// Zeroed, until the next call. Memory that is given back after a fork is touched, and so copied: it stays for the next start.
static char **scratch(size_t count) {
  static char **words;
  static size_t room;
  if (count > room) {
    free(words);
    room = 0;
    if (!(words = calloc(count, sizeof *words))) return NULL;
    room = count;
  }
  return memset(words, 0, count * sizeof *words);
}

static void add_fd(struct spawn *spawn, const struct logpipe *pipe, bool write_end, bool null, int to) {
  int from = pipe ? (write_end ? pipe->write_fd : pipe->read_fd) : null ? -1 : to;
  spawn->fds[spawn->fd_count++] = (struct spawn_fd){from, to};
}

static void failed(const char *id, enum spawn_step step, int error) {
  ANSWER("failed", id, spawn_step_name(step), decimal(error).text);
}

static void start(const char *id_text, uint64_t id, struct order *order) {
  int notify[2] = {-1, -1};
  struct spawn_failure failure = {STEP_memory, ENOMEM};
  struct child *child = child_add(id);
  if (!child) return failed(id_text, STEP_memory, ENOMEM);
  if (order->notify_to > 0) {
    if (!make_pipe(notify) || fcntl(notify[0], F_SETFL, O_NONBLOCK) != 0) {
      failure = (struct spawn_failure){STEP_pipe, errno};
      goto undo;
    }
    order->spawn.fds[order->spawn.fd_count++] = (struct spawn_fd){notify[1], order->notify_to};
  }
  pid_t pid = spawn_start(&order->spawn, &child->exec_fd, &failure);
  if (pid < 0) goto undo;
  loop_close(&notify[1]);
  ever = true;
  child_set_pid(child, pid);
  child->notify_fd = notify[0];
  child->doubtful = order->spawn.lock != NULL;
  // Unwatched (no memory in the kernel), the exec's outcome is read at the child's exit, and readiness never comes.
  (void)loop_watch(child->exec_fd, SOURCE_EXEC, child->slot, child->generation, EPOLLIN, false);
  if (child->notify_fd >= 0) (void)loop_watch(child->notify_fd, SOURCE_NOTIFY, child->slot, child->generation, EPOLLIN, false);
  return;
undo:
  loop_close(&notify[0]);
  loop_close(&notify[1]);
  child_remove(child);
  failed(id_text, (enum spawn_step)failure.step, failure.error);
}

static void request_spawn(struct frame *frame) {
  uint64_t id;
  long long number;
  const char *id_text = frame->fields[0];
  if (stop_alone()) return failed(id_text, STEP_request, ECANCELED);
  if (!parse_id(id_text, &id) || child_by_id(id) || !parse_number(frame->fields[1], 1, UINT32_MAX, &number))
    return failed(id_text, STEP_request, EINVAL);
  if (supervise_refused((uint32_t)number)) return failed(id_text, STEP_lock, EWOULDBLOCK);
  size_t fields = (size_t)frame->count, entries = 0;
  while (base_environment[entries]) entries++;
  // Arguments, what is set, what is removed; and the environment.
  char **words = scratch(4 * (fields + 1) + entries);
  if (!words) return failed(id_text, STEP_memory, ENOMEM);
  struct order order = {.set = words + fields + 1, .unset = words + 2 * (fields + 1)};
  order.spawn.argv = words;
  order.spawn.session = order.spawn.shares = true;
  order.spawn.mark = instance << 32 | (uint64_t)number;
  bool ok = true;
  for (size_t i = 2; ok && i < fields; i++) {
    char *equals = strchr(frame->fields[i], '=');
    if ((ok = equals != NULL)) {
      *equals = '\0';
      ok = read_attribute(&order, frame->fields[i], equals + 1);
    }
  }
  if (order.pipe_missing) failed(id_text, STEP_pipe, pipe_error);
  else if (!ok || order.words == 0) failed(id_text, STEP_request, EINVAL);
  else {
    make_environment(&order, words + 3 * (fields + 1));
    order.spawn.file = order.spawn.argv[0];
    if (order.argv0) order.spawn.argv[0] = (char *)order.argv0;
    add_fd(&order.spawn, order.in, false, order.in_null, 0);
    add_fd(&order.spawn, order.out, true, order.out_null, 1);
    add_fd(&order.spawn, order.error, true, order.error_null, 2);
    start(id_text, id, &order);
  }
}

// The exec pipe speaks: the program is executed, or the child says why not and is about to exit.
void child_executed(struct child *child, bool ended) {
  struct spawn_failure failure;
  enum spawn_outcome outcome = spawn_outcome(child->exec_fd, ended, &failure);
  if (outcome == SPAWN_UNKNOWN) return;
  loop_close(&child->exec_fd);
  // The end of the pipe is also what a child leaves that was killed on its way.
  if (outcome == SPAWN_EXECUTED && child->doubtful && !has_executed(child->pid)) {
    outcome = SPAWN_FAILED;
    failure = (struct spawn_failure){STEP_ended, 0};
  }
  if (outcome == SPAWN_FAILED) {
    child->failed = true;
    child->failed_step = failure.step;
    child->failed_error = failure.error;
    loop_close(&child->notify_fd);
    return;
  }
  child->executed = true;
  tell_child(child);
}

// Not before it is reaped: who looks then for what the service has left behind must not find the failed child itself.
void child_failed(struct child *child) {
  // Where no manager is there to hear it, the child is missing from the next one's hello.
  failed(child_name(child).text, (enum spawn_step)child->failed_step, child->failed_error);
  child_remove(child);
}

void child_notified(struct child *child) {
  char bytes[256];
  ssize_t length = read(child->notify_fd, bytes, sizeof bytes);
  if (length < 0 && (errno == EAGAIN || errno == EINTR)) return;
  // A newline says ready (s6's convention); the end without one says that it never will be.
  if (length > 0 && !memchr(bytes, '\n', (size_t)length)) return;
  loop_close(&child->notify_fd);
  child->notified = length > 0;
  tell_child(child);
}

static void request_kill(struct frame *frame) {
  uint64_t id;
  long long signal, group;
  if (!parse_id(frame->fields[0], &id) || !parse_number(frame->fields[1], 1, 64, &signal) || !parse_number(frame->fields[2], 0, 1, &group))
    return;
  struct child *child = child_by_id(id);
  // Not reaped yet: the pid, and the group it leads, are still its own.
  if (!child || child->exited || child->failed) return;
  child->doubtful = true;
  // Before its setsid there is no group of its own yet; a plain kill reaches it in every case.
  if (!group || kill(-child->pid, (int)signal) != 0) (void)kill(child->pid, (int)signal);
}

static void request_stray(struct frame *frame) {
  long long pid, start, signal;
  if (parse_number(frame->fields[0], 2, INT32_MAX, &pid) && parse_number(frame->fields[1], 1, INT64_MAX, &start) &&
      parse_number(frame->fields[2], 1, 64, &signal))
    (void)stray_signal((pid_t)pid, (unsigned long long)start, (int)signal);
}

void pipe_arm(struct logpipe *pipe) {
  // One shot: it is told once, and again when the manager has drained it.
  (void)loop_watch(pipe->read_fd, SOURCE_PIPE, pipe->slot, pipe->generation, EPOLLIN | EPOLLONESHOT, true);
}

static bool tag_is_plain(const char *tag) {
  return *tag && strlen(tag) <= TAG_MAX && strspn(tag, "0123456789abcdefghijklmnopqrstuvwxyz") == strlen(tag);
}

static void request_pipe(struct frame *frame) {
  const char *tag = frame->fields[0];
  int ends[2] = {-1, -1};
  struct logpipe *pipe = NULL;
  if (pipe_by_tag(tag)) return ANSWER("piped", tag, "0");
  if (!tag_is_plain(tag)) errno = EINVAL;
  else if (make_pipe(ends) && (pipe = pipe_add(tag))) {
    pipe->read_fd = ends[0];
    pipe->write_fd = ends[1];
    pipe->handed = pipe->unsent = frame->fields[1][0] == '1';
    // The read end alone does not block. Any uid may open it for writing, through /dev/stdout; a logger of another uid may
    // have its own process for logs read it. Who opens it so must be allowed to look into a process that holds it.
    if (fchmod(ends[1], pipe->handed ? 0622 : 0666) == 0 && (!pipe->handed || fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0) &&
        (!pipe->handed || loop_watch(ends[0], SOURCE_PIPE, pipe->slot, pipe->generation, EPOLLIN | EPOLLONESHOT, false))) {
      if (pipe->handed) handover_pipe(pipe);
      return ANSWER("piped", tag, "0");
    }
  } else if (ends[0] >= 0) {
    errno = ENOMEM;
  }
  pipe_error = errno;
  loop_close(&ends[0]);
  loop_close(&ends[1]);
  if (pipe) pipe_remove(pipe);
  ANSWER("piped", tag, decimal(pipe_error).text);
}

static void pipe_close(struct logpipe *pipe, bool both) {
  loop_close(&pipe->write_fd);
  if (!both) return;
  loop_close(&pipe->read_fd);
  pipe_remove(pipe);
}

static void remember(const char *key, const char *blob) {
  if (!blob_set(key, blob)) say("cannot remember %s for the manager: there is no memory or room for it", key);
}

static void request_ack(struct frame *frame) {
  long long serial;
  // The new memory first: whoever comes later must find the fact dealt with and what became of it, or neither.
  if (frame->count >= 3) remember(frame->fields[1], frame->fields[2]);
  if (parse_number(frame->fields[0], 1, INT64_MAX, &serial)) fact_acknowledged((uint64_t)serial);
}

// So that a sum over any number of deaths stays a number.
#define BYTES_MAX (1ll << 40)
// More (ms) than any machine runs; a point of time and this make one that can be said.
#define BUDGET_MAX (1ll << 60)
// What an ordinary user may have (/proc/sys/fs/pipe-max-size).
#define LARGE_PIPE (1024 * 1024)

static void request_about_pipe(struct frame *frame) {
  struct logpipe *pipe = pipe_by_tag(frame->fields[0]);
  long long bytes = 0, partial = 0;
  if (!pipe || (frame->count > 1 && !parse_number(frame->fields[1], 0, BYTES_MAX, &bytes))) return;
  if (frame->type == DOWN_held && !parse_number(frame->fields[2], 0, BYTES_MAX, &partial)) return;
  if (frame->type == DOWN_shut) return pipe_close(pipe, false);
  if (frame->type == DOWN_drop) return pipe_close(pipe, true);
  if (frame->type == DOWN_lost) {
    pipe->lost = bytes;
    pipe->bound = pipe->bound && bytes > 0;
    return;
  }
  if (frame->type == DOWN_enlarge) {
    pipe->large = true;
    // Refused (an ordinary user has so many pages for all pipes) it holds what it held.
    (void)fcntl(pipe->read_fd, F_SETPIPE_SZ, LARGE_PIPE);
    return;
  }
  pipe->taking = frame->type == DOWN_taking;
  if (pipe->taking) {
    // It reads only when all is written but an unfinished line.
    pipe->held = pipe->partial;
    return;
  }
  pipe->held = bytes;
  pipe->partial = frame->type == DOWN_drained ? bytes : partial;
  // A tail that is still to be skipped counts as an unfinished line.
  pipe->skip = false;
  if (frame->type != DOWN_drained) return;
  pipe->waiting = false;
  pipe_arm(pipe);
}

static void request_about_directory(const struct frame *frame) {
  long long number;
  if (!parse_number(frame->fields[0], 1, UINT32_MAX, &number)) return;
  if (frame->type == DOWN_supervise)
    request_supervise((uint32_t)number, frame->fields[1], frame->fields[2][0] == '1', frame->fields[3][0] == '1');
  else if (frame->type == DOWN_offer) request_offer((uint32_t)number, frame->fields[1][0] == '1');
  else request_release((uint32_t)number);
}

static void request_stop_on(struct frame *frame) {
  uint64_t set = 0;
  long long signal;
  for (int i = 0; i < frame->count; i++)
    if (parse_number(frame->fields[i], 1, 64, &signal)) set |= 1ull << (signal - 1);
  stop_signals = set;
}

static void request_listen(struct frame *frame) {
  long long mode, gid;
  int error = EINVAL;
  if (parse_number(frame->fields[1], 0, 0777, &mode) && parse_number(frame->fields[2], -1, UINT32_MAX - 1, &gid))
    error = listener_open(frame->fields[0], (mode_t)mode, gid);
  ANSWER("listening", frame->fields[0], decimal(error).text);
}

void request(struct frame *frame) {
  long long number;
  switch (frame->type) {
    case DOWN_ready: return manager_ready();
    case DOWN_spawn: return request_spawn(frame);
    case DOWN_kill: return request_kill(frame);
    case DOWN_stray: return request_stray(frame);
    case DOWN_pipe: return request_pipe(frame);
    case DOWN_shut:
    case DOWN_drop:
    case DOWN_taking:
    case DOWN_held:
    case DOWN_drained:
    case DOWN_enlarge:
    case DOWN_lost: return request_about_pipe(frame);
    case DOWN_supervise:
    case DOWN_offer:
    case DOWN_release: return request_about_directory(frame);
    case DOWN_inscribe: return request_inscribe(frame);
    case DOWN_remember: return remember(frame->fields[0], frame->fields[1]);
    case DOWN_forget: return blob_remove(frame->fields[0]);
    case DOWN_ack: return request_ack(frame);
    case DOWN_listen: return request_listen(frame);
    case DOWN_budget:
      if (parse_number(frame->fields[0], 0, BUDGET_MAX, &number)) stop_budget_is(number);
      return;
    case DOWN_stop_on: return request_stop_on(frame);
    case DOWN_stopping: return stop_begun();
    case DOWN_exit:
      if (parse_number(frame->fields[0], 0, 255, &number)) leave((int)number);
      return;
    case DOWN_COUNT: return;
  }
}
