#define _GNU_SOURCE
#include "accounts.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

// What is read of a line: name, password, numbers. Of what follows (a home, a thousand members) nothing is wanted.
#define LINE_MOST 1024

struct reader {
  int fd;
  size_t at, end;
  char data[4096];
};

// The next line's beginning, without the newline; 0 at the end, -1 if reading fails.
static int read_line(struct reader *reader, char line[LINE_MOST]) {
  size_t length = 0;
  for (bool any = false;; any = true) {
    if (reader->at == reader->end) {
      ssize_t got = read(reader->fd, reader->data, sizeof reader->data);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return -1;
      if (got == 0 && !any) return 0;
      reader->at = 0;
      reader->end = (size_t)got;
      if (got == 0) break;
    }
    char next = reader->data[reader->at++];
    if (next == '\n') break;
    if (length < LINE_MOST - 1) line[length++] = next;
  }
  line[length] = '\0';
  return 1;
}

// A field that is a number as glibc takes it, and the way behind its colon.
static bool read_id(char **field, uint32_t *id) {
  uint64_t number = 0;
  char *at = *field;
  while (isspace((unsigned char)*at)) at++;
  bool negative = *at == '-';
  if (negative || *at == '+') at++;
  if (!isdigit((unsigned char)*at)) return false;
  for (; isdigit((unsigned char)*at); at++)
    if ((number = number * 10 + (uint64_t)(*at - '0')) > UINT32_MAX || (negative && number)) return false;
  if (*at == ':') at++;
  else if (*at) return false;
  *field = at;
  *id = (uint32_t)number;
  return true;
}

// `name:password:id...` of the line that has this name; comments and NIS entries (+, -) are nobody's.
static bool line_is(char *line, const char *name, uint32_t *ids, size_t count) {
  while (isspace((unsigned char)*line)) line++;
  size_t length = strcspn(line, ":");
  if (strchr("#+-", *line) || strncmp(line, name, length) != 0 || name[length] || line[length] != ':') return false;
  char *field = strchr(line + length + 1, ':');
  if (!field++) return false;
  for (size_t i = 0; i < count; i++)
    if (!read_id(&field, &ids[i])) return false;
  return true;
}

static bool find(const char *path, const char *name, uint32_t *ids, size_t count) {
  struct reader reader;
  char line[LINE_MOST];
  int more;
  bool found = false;
  // A fifo in its place is no reason to wait.
  if ((reader.fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)) < 0) return false;
  reader.at = reader.end = 0;
  while ((more = read_line(&reader, line)) > 0 && !(found = line_is(line, name, ids, count))) continue;
  int error = more < 0 ? errno : 0;
  close(reader.fd);
  errno = error;
  return found;
}

bool account_find(const char *name, struct account *account) {
  uint32_t ids[2];
  if (!find("/etc/passwd", name, ids, 2)) return false;
  *account = (struct account){ids[0], ids[1]};
  return true;
}

bool group_find(const char *name, gid_t *gid) {
  return find("/etc/group", name, gid, 1);
}
