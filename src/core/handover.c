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

int listener = -1;

static bool blocked;
static int spare = -1;

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
  return errno ? errno : EIO;
}

static void watch_room(bool wanted) {
  if (wanted == blocked) return;
  blocked = wanted;
  (void)loop_watch(manager.handles, SOURCE_HANDLES, 0, 0, EPOLLIN | (wanted ? EPOLLOUT : 0), true);
}

void handover_pipe(struct logpipe *pipe) {
  char message[64];
  if (!manager.ready || !pipe->unsent) return;
  snprintf(message, sizeof message, "{\"pipe\":\"%s\"}", pipe->tag);
  int error = blocked ? EAGAIN : hand(pipe->read_fd, message);
  // ETOOMANYREFS: too many descriptors in flight; both pass when the manager has read some.
  if (error == EAGAIN || error == ETOOMANYREFS) watch_room(true);
  pipe->unsent = error != 0;
}

void handover_pipes(void) {
  for (uint32_t slot = 0; slot < pipe_slots && !blocked; slot++) {
    struct logpipe *pipe = pipe_at(slot);
    if (pipe && pipe->handed && pipe->unsent) handover_pipe(pipe);
  }
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
  watch_room(false);
  handover_pipes();
  listener_watch();
}

// Connections are taken only while somebody can be given them; until then they wait in the socket's backlog.
void listener_watch(void) {
  if (listener < 0) return;
  (void)loop_watch(listener, SOURCE_LISTENER, 0, 0, manager.ready && !blocked ? EPOLLIN : 0, true);
}

void listener_ready(void) {
  if (!manager.ready || blocked) return listener_watch();
  int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (fd < 0) {
    // Without a free descriptor the connection would wake us for ever: the spare one takes it, and it is closed.
    if (errno == EMFILE || errno == ENFILE) {
      close(spare);
      close(accept4(listener, NULL, NULL, SOCK_CLOEXEC));
      spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
    }
    return;
  }
  struct ucred peer = {0};
  socklen_t size = sizeof peer;
  char message[128];
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0) {
    snprintf(message, sizeof message, "{\"connection\":true,\"pid\":%d,\"uid\":%u,\"gid\":%u}", (int)peer.pid, peer.uid, peer.gid);
    // Refused by a full channel: the client sees its connection closed and may try again.
    if (hand(fd, message) == EAGAIN) watch_room(true);
  }
  close(fd);
}

// 0, or the errno. A living supervisor on the path is EADDRINUSE; a socket that nobody holds is replaced.
int listener_open(const char *path, mode_t mode, long long gid) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (listener >= 0) close(listener);
  listener = -1;
  if (strlen(path) >= sizeof address.sun_path) return ENAMETOOLONG;
  strcpy(address.sun_path, path);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return errno;
  int error = 0;
  if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0 || errno == EAGAIN) error = EADDRINUSE;
  else if (errno == ECONNREFUSED && unlink(path) != 0) error = errno;
  close(fd);
  if (error) return error;
  fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return errno;
  // Born with no right for others; widened only once it is the right group's.
  mode_t mask = umask(0177);
  if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0) error = errno;
  umask(mask);
  if (!error && gid >= 0 && chown(path, (uid_t)-1, (gid_t)gid) != 0) error = errno;
  if (!error && chmod(path, mode) != 0) error = errno;
  if (!error && listen(fd, 128) != 0) error = errno;
  if (!error && !loop_watch(fd, SOURCE_LISTENER, 0, 0, 0, false)) error = errno;
  if (error) {
    close(fd);
    return error;
  }
  listener = fd;
  if (spare < 0) spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
  listener_watch();
  return 0;
}
