// Who writes the logs of this svlogd: a process of exactly our identity, or nobody. A name that anybody may take proves
// nothing; whose process listens there is the kernel's word.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "client-parts.h"
#include "svlogd.h"

#define BACKLOG 1024
// For whoever has taken the name and does not listen yet: a moment (ms), and how often it is waited for.
#define MOMENT 5
#define MOMENTS 40
// A server that does not take a connection for so long (s) is none.
#define PATIENCE 10

// The lines of /proc/PID/status that decide whose files a process makes and which ones it may open.
static const char *const kept[] = {"\nUid:", "\nGid:", "\nGroups:", "\nUmask:"};

static bool read_identity(const char *pid, char *identity, size_t room) {
  char path[64], text[8192] = "\n";
  size_t size = 1, used = 0;
  ssize_t length;
  snprintf(path, sizeof path, "/proc/%s/status", pid);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  while (size < sizeof text - 1 && (length = read(fd, text + size, sizeof text - 1 - size)) > 0) size += (size_t)length;
  close(fd);
  text[size] = '\0';
  for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
    const char *line = strstr(text, kept[i]);
    // A kernel without it has it for nobody.
    if (!line) continue;
    size_t part = 1 + strcspn(line + 1, "\n");
    if (part >= room - used) return false;
    memcpy(identity + used, line, part);
    used += part;
  }
  identity[used] = '\0';
  return used > 0;
}

// The process of our own user that listens at the other end; 0 if it is none.
static pid_t peer_of(int fd) {
  struct ucred peer;
  socklen_t size = sizeof peer;
  return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.uid == geteuid() ? peer.pid : 0;
}

// True if it has the same groups and umask.
static bool is_alike(pid_t peer) {
  char pid[16], own[2048], other[2048];
  snprintf(pid, sizeof pid, "%d", (int)peer);
  return peer > 0 && read_identity("self", own, sizeof own) && read_identity(pid, other, sizeof other) && strcmp(own, other) == 0;
}

int log_find_manager(void) {
  int fd = client_reach();
  if (fd >= 0 && is_alike(peer_of(fd))) return fd;
  if (fd >= 0) close(fd);
  return -1;
}

// The abstract name of our log process: of one user in one PID and one mount namespace, with these groups.
static socklen_t make_address(struct sockaddr_un *address) {
  char identity[2048 + 128];
  const char *const spaces[] = {"/proc/self/ns/pid", "/proc/self/ns/mnt"};
  uint64_t hash = 0xcbf29ce484222325ull;
  if (!read_identity("self", identity, sizeof identity - 128)) return 0;
  size_t used = strlen(identity);
  for (size_t i = 0; i < 2; i++) {
    ssize_t length = readlink(spaces[i], identity + used, 63);
    if (length <= 0) return 0;
    used += (size_t)length;
  }
  for (size_t i = 0; i < used; i++) hash = (hash ^ (unsigned char)identity[i]) * 0x100000001b3ull;
  int length = snprintf(address->sun_path + 1, sizeof address->sun_path - 1, "upkeep-svlogd/%u/%016llx", (unsigned)geteuid(),
                        (unsigned long long)hash);
  return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length);
}

int log_find_process(int *listener) {
  const struct timespec moment = {.tv_nsec = MOMENT * 1000000l};
  const struct timeval patience = {.tv_sec = PATIENCE};
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  const socklen_t size = make_address(&address);
  *listener = -1;
  for (int i = 0; size > 0 && i < MOMENTS; i++) {
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return -1;
    if (bind(fd, (struct sockaddr *)&address, size) == 0) {
      if (listen(fd, BACKLOG) == 0) *listener = fd;
      else close(fd);
      return -1;
    }
    int error = errno;
    if (error == EADDRINUSE) {
      (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
      error = connect(fd, (struct sockaddr *)&address, size) == 0 ? 0 : errno;
      // The name says the rest of its identity, and it may be gone by now.
      if (error == 0 && peer_of(fd) > 0) return fd;
    }
    close(fd);
    if (error != ECONNREFUSED) return -1;
    (void)nanosleep(&moment, NULL);
  }
  return -1;
}
