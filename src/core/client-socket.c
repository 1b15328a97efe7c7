/*
 * Where the thin client finds the control socket. The places are tried in a fixed order; one in a directory that
 * anybody may write to counts only if it belongs to root, to us or to the user of PID 1, and so does its server.
 */
#define _GNU_SOURCE
#include "client-parts.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define PLACES_MAX 8
/* Between two looks for a supervisor that is not there yet (ms). */
#define BETWEEN_LOOKS 20

/* Where the socket may be, and what was found there. */
struct search {
  uid_t first_uid; /* the owner of PID 1: in a container, the supervisor's */
  char places[PLACES_MAX][sizeof(((struct sockaddr_un *)0)->sun_path)];
  int explicit_socket; /* named by its user, who then knows whose it is */
  int count;
  int denied; /* the place that would not let us in, or -1 */
  int foreign; /* the place that belongs to a stranger, or -1 */
};

/* Adds DIR/control, or with an empty `name` just DIR; a path that no socket can have is left out. */
static void add_place(struct search *search, const char *dir, const char *name) {
  if (search->count == PLACES_MAX)
    return;
  char *place = search->places[search->count];
  int length = snprintf(place, sizeof search->places[0], "%s%s", dir, name);
  if (length <= 0 || (size_t)length >= sizeof search->places[0])
    return;
  for (int i = 0; i < search->count; i++)
    if (strcmp(search->places[i], place) == 0)
      return;
  search->count++;
}

static void find_places(struct search *search) {
  struct stat first;
  char dir[PATH_MAX];
  const uid_t own = geteuid();
  memset(search, 0, sizeof *search);
  search->denied = -1;
  search->foreign = -1;
  search->first_uid = stat("/proc/1", &first) == 0 ? first.st_uid : own;
  const char *named = getenv("UPKEEP_SOCKET");
  if (named != NULL && *named != 0) {
    search->explicit_socket = 1;
    add_place(search, named, "");
    return;
  }
  const char *runtime = getenv("UPKEEP_RUNTIME_DIR");
  // One that is asked for is the only one, as for the supervisor: no word is to reach another by mistake.
  if (runtime != NULL && *runtime != 0) {
    add_place(search, runtime, "/control");
    return;
  }
  add_place(search, "/run/upkeep", "/control");
  const char *session = getenv("XDG_RUNTIME_DIR");
  if (session != NULL && *session == '/')
    add_place(search, session, "/upkeep/control");
  const uid_t owners[2] = {own, search->first_uid};
  static const char *const roots[2] = {"/tmp", "/dev/shm"};
  for (int i = 0; i < (owners[0] == owners[1] ? 1 : 2); i++)
    for (int j = 0; j < 2; j++) {
      snprintf(dir, sizeof dir, "%s/upkeep-%u", roots[j], (unsigned)owners[i]);
      add_place(search, dir, "/control");
    }
}

static int is_trusted(const struct search *search, uid_t uid) {
  return uid == 0 || uid == geteuid() || uid == search->first_uid;
}

/* 1 if the directory of the socket, and a link to it, belong to somebody we trust: in /tmp anybody can make one. */
static int is_safe_place(const struct search *search, const char *place) {
  char dir[sizeof search->places[0]];
  struct stat found;
  snprintf(dir, sizeof dir, "%s", place);
  char *slash = strrchr(dir, '/');
  if (slash == NULL || slash == dir)
    return 0;
  *slash = 0;
  /* What is not there is no danger: the connect will say so. */
  if (lstat(dir, &found) < 0)
    return 1;
  if (!is_trusted(search, found.st_uid))
    return 0;
  return stat(dir, &found) < 0 || is_trusted(search, found.st_uid);
}

/* 1 if whoever listens at the other end is somebody we trust. */
static int is_safe_server(const struct search *search, int fd) {
  struct ucred peer;
  socklen_t size = sizeof peer;
  return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && is_trusted(search, peer.uid);
}

const char *client_runtime_dir(int index) {
  static struct search search;
  if (search.count == 0)
    find_places(&search);
  for (int i = 0; i < search.count; i++) {
    char *place = search.places[i];
    char *slash = strrchr(place, '/');
    if (slash == NULL || slash == place || (!search.explicit_socket && !is_safe_place(&search, place)) || index-- > 0)
      continue;
    static char dir[sizeof search.places[0]];
    snprintf(dir, sizeof dir, "%.*s", (int)(slash - place), place);
    return dir;
  }
  return NULL;
}

/* Connects to one place; -1 with errno. */
static int connect_place(const char *place) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  snprintf(address.sun_path, sizeof address.sun_path, "%s", place);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0)
    return -1;
  while (connect(fd, (struct sockaddr *)&address, sizeof address) < 0) {
    if (errno == EINTR)
      continue;
    const int why = errno;
    close(fd);
    errno = why;
    return -1;
  }
  return fd;
}

/* The first place where a supervisor of ours answers; -1 if there is none. */
static int connect_any(struct search *search) {
  for (int i = 0; i < search->count; i++) {
    const char *place = search->places[i];
    if (!search->explicit_socket && !is_safe_place(search, place)) {
      search->foreign = i;
      continue;
    }
    int fd = connect_place(place);
    if (fd < 0) {
      if (errno == EACCES || errno == EPERM)
        search->denied = i;
      continue;
    }
    if (search->explicit_socket || is_safe_server(search, fd))
      return fd;
    search->foreign = i;
    close(fd);
  }
  return -1;
}

/* Why nobody could be reached. */
static int tell_unreachable(const struct search *search) {
  char list[1024] = "";
  size_t used = 0;
  if (search->denied >= 0)
    return client_complain(NOT_PERMITTED, "not permitted to use %s: run this as the user that upkeep runs as, or as root",
      search->places[search->denied]);
  if (search->foreign >= 0)
    return client_complain(NOT_PERMITTED, "not using %s: it belongs to another user, neither root nor us nor that of PID 1",
      search->places[search->foreign]);
  for (int i = 0; i < search->count; i++) {
    int more = snprintf(list + used, sizeof list - used, "%s%s", i == 0 ? "" : ", ", search->places[i]);
    if (more < 0 || (size_t)more >= sizeof list - used)
      break;
    used += (size_t)more;
  }
  if (search->count == 0)
    return client_complain(UNREACHABLE, "cannot reach upkeep: the path in UPKEEP_SOCKET is too long for a socket");
  return client_complain(UNREACHABLE,
    "cannot reach upkeep: no supervisor listens at %s; is it running, and as which user? UPKEEP_SOCKET names another place", list);
}

/* True if nobody is there at all: who keeps us out now will keep us out in a moment too. */
static int is_nobody_there(const struct search *search) {
  return search->count > 0 && search->denied < 0 && search->foreign < 0;
}

int client_reach(void) {
  struct search search;
  find_places(&search);
  return connect_any(&search);
}

int client_connect(int patience, int *code) {
  const struct timespec between = {.tv_nsec = BETWEEN_LOOKS * 1000000L};
  struct search search;
  for (;;) {
    find_places(&search);
    int fd = connect_any(&search);
    if (fd >= 0)
      return fd;
    if (patience <= 0 || !is_nobody_there(&search))
      break;
    patience -= BETWEEN_LOOKS;
    (void)nanosleep(&between, NULL);
  }
  *code = tell_unreachable(&search);
  return -1;
}

int client_send(int fd, const char *bytes, size_t size) {
  while (size > 0) {
    ssize_t done = send(fd, bytes, size, MSG_NOSIGNAL);
    if (done >= 0) {
      bytes += done;
      size -= (size_t)done;
    } else if (errno != EINTR) {
      return -1;
    }
  }
  return 0;
}
