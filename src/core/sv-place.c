// Where a service is, and its files in supervise/. Nothing here waits, and no link is followed in place of one of those
// files: whoever owns a service's directory could have root write into any file else.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client.h"
#include "sv.h"

#define DEFAULT_DIRECTORY "/etc/service"
#define OPEN_FLAGS (O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY)

// Joins the parts; "" and ENAMETOOLONG if they do not fit.
static const char *join(char path[PATH_MAX], const char *first, const char *second, const char *third) {
  if (snprintf(path, PATH_MAX, "%s%s%s", first, second, third) >= PATH_MAX) *path = '\0';
  if (!*path) errno = ENAMETOOLONG;
  return path;
}

// Goes to $SVDIR, or back to where we came from; once for many services, whose paths are short from there.
static bool go(bool is_back) {
  static int origin = -1;
  static enum { HERE, THERE, NOWHERE } at = HERE;
  if (is_back) {
    if (at == THERE && fchdir(origin) == 0) at = HERE;
    return at != THERE;
  }
  if (at != HERE) return at == THERE;
  const char *directory = getenv("SVDIR");
  if (origin < 0) origin = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
  at = origin >= 0 && chdir(directory ? directory : DEFAULT_DIRECTORY) == 0 ? THERE : NOWHERE;
  return at == THERE;
}

void sv_place(struct sv_place *place, const char *name) {
  size_t length = strlen(name);
  bool is_path = *name == '/' || *name == '.' || (length > 0 && name[length - 1] == '/');
  const char *directory = getenv("SVDIR");
  place->name = name;
  *place->directory = '\0';
  // An empty name, and an empty directory, are none.
  if (*name == '/' || (is_path ? go(true) : length > 0 && go(false))) join(place->directory, name, "", "");
  else if (length > 0 && !is_path && (!directory || *directory)) join(place->directory, directory ? directory : DEFAULT_DIRECTORY, "/", name);
}

bool sv_log_place(struct sv_place *place, int *error) {
  struct stat file;
  size_t length = strlen(place->directory);
  // "log/." is there exactly where one may change to it.
  bool found = length + sizeof "/log/." <= PATH_MAX;
  if (found) {
    memcpy(place->directory + length, "/log/.", sizeof "/log/.");
    found = stat(place->directory, &file) == 0;
    *error = errno;
    place->directory[length + strlen("/log")] = '\0';
  } else {
    *error = ENAMETOOLONG;
  }
  if (!found) place->directory[length] = '\0';
  return found;
}

struct sv_answer sv_enter(const struct sv_place *place) {
  char path[PATH_MAX];
  struct stat file;
  if (!*place->directory) errno = *place->name && strlen(place->name) >= NAME_MAX ? ENAMETOOLONG : ENOENT;
  else if (stat(join(path, place->directory, "/.", ""), &file) == 0) return (struct sv_answer){SV_FINE, 0};
  return (struct sv_answer){SV_NO_DIRECTORY, errno};
}

// The last name of a path, of a logger the last two; NULL where it does not end in a name.
static const char *name_in(char *path) {
  size_t length = strlen(path);
  while (length > 1 && path[length - 1] == '/') path[--length] = '\0';
  char *last = strrchr(path, '/');
  if (strcmp(last ? last : path, last ? "/log" : "log") == 0) {
    if (!last) return NULL;
    *last = '\0';
    char *before = strrchr(path, '/');
    *last = '/';
    last = before ? before : path - 1;
  }
  const char *name = last ? last + 1 : path;
  for (const char *part = name; part; part = strchr(part, '/') ? strchr(part, '/') + 1 : NULL) {
    size_t size = strcspn(part, "/");
    if (size == 0 || (*part == '.' && (size == 1 || (size == 2 && part[1] == '.')))) return NULL;
  }
  return name;
}

// The name under which upkeep keeps what it cannot keep in the directory itself. Of `.` the kernel knows it.
static const char *runtime_name(const struct sv_place *place, char path[PATH_MAX]) {
  char link[32];
  (void)snprintf(path, PATH_MAX, "%s", place->directory);
  const char *name = name_in(path);
  if (name) return name;
  int fd = open(place->directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return NULL;
  (void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, PATH_MAX - 1);
  close(fd);
  if (length <= 0) return NULL;
  path[length] = '\0';
  return name_in(path);
}

// Whether a supervise/ in the runtime directory is that of this service: its link `service` leads to the same directory.
static bool is_of(const char *supervise, const struct sv_place *place) {
  char path[PATH_MAX];
  struct stat named, meant;
  if (!*join(path, supervise, "/service/.", "") || stat(path, &named) != 0) return false;
  return *join(path, place->directory, "/.", "") && stat(path, &meant) == 0 && named.st_ino == meant.st_ino && named.st_dev == meant.st_dev;
}

// Opens ok for writing, which is refused where nobody supervises; -1 with errno.
static int open_ok(const char *supervise) {
  char path[PATH_MAX];
  return *join(path, supervise, "/ok", "") ? open(path, O_WRONLY | OPEN_FLAGS) : -1;
}

// The same in the runtime directory, for a service whose own supervise/ is not in use; keeps `error` where there is none.
static int open_other_ok(struct sv_place *place, int error) {
  char path[PATH_MAX], below[PATH_MAX];
  const char *runtime, *name = runtime_name(place, path);
  for (int i = 0; name && (runtime = client_runtime_dir(i)); i++) {
    join(below, runtime, "/supervise/", name);
    int fd = *below ? open_ok(below) : -1;
    // Another user's upkeep may have the first place, and ours a later one.
    if (fd < 0 && error == ENOENT && errno != ENAMETOOLONG) error = errno;
    if (fd < 0) continue;
    if (!is_of(below, place)) {
      close(fd);
      continue;
    }
    memcpy(place->supervise, below, sizeof below);
    return fd;
  }
  errno = error;
  return -1;
}

static struct sv_state state_of(const unsigned char bytes[20]) {
  struct sv_state state = {.paused = bytes[16], .want = bytes[17], .term = bytes[18], .state = bytes[19]};
  for (int i = 0; i < 8; i++) state.second = state.second << 8 | bytes[i];
  for (int i = 8; i < 12; i++) state.nano = state.nano << 8 | bytes[i];
  for (int i = 15; i >= 12; i--) state.pid = state.pid << 8 | bytes[i];
  return state;
}

struct sv_answer sv_look(struct sv_place *place, struct sv_state *state) {
  char path[PATH_MAX];
  unsigned char bytes[20];
  if (!*place->directory) return sv_enter(place);
  int fd = *join(place->supervise, place->directory, "/supervise", "") ? open_ok(place->supervise) : -1;
  if (fd < 0) {
    int error = errno;
    struct sv_answer entered = sv_enter(place);
    if (entered.fault) return entered;
    if (error == ENOENT || error == ENXIO) fd = open_other_ok(place, error);
    if (fd < 0) return (struct sv_answer){errno == ENXIO ? SV_NOT_RUNNING : SV_NO_OK, errno};
  }
  close(fd);
  fd = *join(path, place->supervise, "/status", "") ? open(path, O_RDONLY | OPEN_FLAGS) : -1;
  if (fd < 0) return (struct sv_answer){SV_NO_STATUS, errno};
  ssize_t length = read(fd, bytes, sizeof bytes);
  int error = errno;
  close(fd);
  if (length < 0) return (struct sv_answer){SV_UNREADABLE, error};
  if (length != sizeof bytes) return (struct sv_answer){SV_BAD_FORMAT, 0};
  *state = state_of(bytes);
  return (struct sv_answer){SV_FINE, 0};
}

struct sv_answer sv_send(const struct sv_place *place, const char *letters) {
  char path[PATH_MAX];
  struct stat file;
  int fd = *join(path, place->supervise, "/control", "") ? open(path, O_WRONLY | OPEN_FLAGS) : -1;
  if (fd < 0) return (struct sv_answer){errno == ENXIO ? SV_NOT_RUNNING : SV_NO_CONTROL, errno};
  size_t length = strlen(letters);
  ssize_t sent = -1;
  // A plain file in its place would take the letters, and nobody would ever read them.
  bool is_fifo = fstat(fd, &file) == 0 && S_ISFIFO(file.st_mode);
  // Its reader may go at this moment.
  void (*before)(int) = signal(SIGPIPE, SIG_IGN);
  if (is_fifo) sent = write(fd, letters, length);
  struct sv_answer answer = {sent == (ssize_t)length ? SV_FINE : SV_UNWRITABLE, !is_fifo ? EINVAL : sent < 0 ? errno : 0};
  (void)signal(SIGPIPE, before);
  close(fd);
  return answer;
}
