// Descriptors for the manager: through the socketpair that Node takes for its IPC channel, as Node's own messages.
// Also the control socket: bound, listened on and accepted from here, so that clients outlive a manager.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "core.h"

// After a descriptor that could not be accepted or sent (ms).
#define REST 100

int listener = -1;

// The manager has not taken what it was sent before. Each line of its answers says that it took one.
static bool blocked;
// Something failed that only time heals; NEVER while nothing has.
static int64_t rest_until = NEVER;
// Where the socket was bound, to know it again.
static struct stat bound;
// A connection that is accepted and not handed up yet.
static struct {
  int fd;
  char message[128];
} guest = {.fd = -1};

// A new manager has a new, empty channel.
void handover_reset(void) {
  blocked = false;
}

// 0 sent, EAGAIN the channel is full, or another errno.
static int hand(int fd, const char *message) {
  char line[256];
  int length = snprintf(line, sizeof line, "{\"cmd\":\"NODE_HANDLE\",\"type\":\"net.Native\",\"msg\":%s}\n", message);
  struct iovec data = {line, (size_t)length};
  union {
    char bytes[CMSG_SPACE(sizeof(int))];
    struct cmsghdr align;
  } control = {0};
  struct msghdr header = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
  struct cmsghdr *rights = CMSG_FIRSTHDR(&header);
  rights->cmsg_level = SOL_SOCKET;
  rights->cmsg_type = SCM_RIGHTS;
  rights->cmsg_len = CMSG_LEN(sizeof(int));
  memcpy(CMSG_DATA(rights), &fd, sizeof fd);
  if (sendmsg(manager.handles, &header, MSG_DONTWAIT | MSG_NOSIGNAL) == length) return 0;
  // Closed by a manager that is about to die: the next one gets its own.
  return errno == EPIPE || errno == ECONNRESET ? 0 : errno;
}

// False while it has to wait.
static bool handed(int fd, const char *message) {
  if (blocked || rest_until != NEVER) return false;
  int error = hand(fd, message);
  blocked = error == EAGAIN;
  // ETOOMANYREFS: too many descriptors in flight, ours or others' of this uid.
  if (error && !blocked) rest_until = now + REST;
  return !error;
}

void handover_pipe(struct logpipe *pipe) {
  char message[64];
  if (!manager.ready || !pipe->unsent) return;
  snprintf(message, sizeof message, "{\"pipe\":\"%s\"}", pipe->tag);
  pipe->unsent = !handed(pipe->read_fd, message);
}

// Connections are taken only while somebody can be given them; until then they wait in the socket's backlog.
static void listener_watch(void) {
  bool wanted = manager.ready && !blocked && guest.fd < 0 && rest_until == NEVER;
  if (listener >= 0) (void)loop_watch(listener, SOURCE_LISTENER, 0, 0, wanted ? EPOLLIN : 0, true);
}

void handover_go_on(void) {
  if (rest_until <= now) rest_until = NEVER;
  for (uint32_t slot = 0; slot < pipe_slots && !blocked; slot++) {
    struct logpipe *pipe = pipe_at(slot);
    if (pipe && pipe->handed && pipe->unsent) handover_pipe(pipe);
  }
  if (manager.ready && guest.fd >= 0 && handed(guest.fd, guest.message)) loop_close(&guest.fd);
  listener_watch();
}

int64_t handover_deadline(void) {
  return rest_until;
}

// Node answers each descriptor with a line of its own; all of them say the same, so they are only taken away.
void handover_acknowledged(void) {
  char ignored[8192];
  ssize_t length;
  while ((length = recv(manager.handles, ignored, sizeof ignored, MSG_DONTWAIT)) > 0) continue;
  if (length == 0) {
    (void)epoll_ctl(loop_fd, EPOLL_CTL_DEL, manager.handles, NULL);
    return;
  }
  blocked = false;
  handover_go_on();
}

void listener_ready(void) {
  if (!manager.ready || guest.fd >= 0) return listener_watch();
  guest.fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (guest.fd < 0) {
    if (errno == EAGAIN || errno == ECONNABORTED) return;
    // Without a free descriptor the connection would wake us for ever; it waits until there may be one.
    rest_until = now + REST;
    return listener_watch();
  }
  struct ucred peer = {0};
  socklen_t size = sizeof peer;
  if (getsockopt(guest.fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return loop_close(&guest.fd);
  snprintf(guest.message, sizeof guest.message, "{\"connection\":true,\"pid\":%d,\"uid\":%u,\"gid\":%u}", (int)peer.pid, peer.uid,
           peer.gid);
  if (handed(guest.fd, guest.message)) loop_close(&guest.fd);
  else listener_watch();
}

static bool is_bound_at(const char *path) {
  struct stat file;
  return listener >= 0 && stat(path, &file) == 0 && file.st_dev == bound.st_dev && file.st_ino == bound.st_ino;
}

// 0 once the path is free for a socket.
static int clear_path(const struct sockaddr_un *address) {
  struct stat file;
  if (lstat(address->sun_path, &file) != 0) return errno == ENOENT ? 0 : errno;
  if (!S_ISSOCK(file.st_mode)) return EEXIST;
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return errno;
  int error = connect(fd, (const struct sockaddr *)address, sizeof *address) == 0 ? EADDRINUSE : errno;
  close(fd);
  // Its backlog is full: somebody lives there.
  if (error == EAGAIN) return EADDRINUSE;
  if (error != ECONNREFUSED) return error == ENOENT ? 0 : error;
  return unlink(address->sun_path) == 0 || errno == ENOENT ? 0 : errno;
}

static int set_rights(const char *path, mode_t mode, long long gid) {
  if (gid >= 0 && chown(path, (uid_t)-1, (gid_t)gid) != 0) return errno;
  return chmod(path, mode) == 0 ? 0 : errno;
}

int listener_open(const char *path, mode_t mode, long long gid) {
  // A new manager asks again for what is there: whoever waits in its backlog goes on waiting.
  if (is_bound_at(path)) return set_rights(path, mode, gid);
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (strlen(path) >= sizeof address.sun_path) return ENAMETOOLONG;
  strcpy(address.sun_path, path);
  int error = clear_path(&address);
  if (error) return error;
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return errno;
  // Born with no right for others; widened only once it is the right group's.
  mode_t mask = umask(0177);
  if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0) error = errno;
  umask(mask);
  if (!error) error = set_rights(path, mode, gid);
  if (!error && (stat(path, &bound) != 0 || listen(fd, 128) != 0 || !loop_watch(fd, SOURCE_LISTENER, 0, 0, 0, false))) error = errno;
  if (error) {
    close(fd);
    return error;
  }
  loop_close(&listener);
  listener = fd;
  listener_watch();
  return 0;
}
