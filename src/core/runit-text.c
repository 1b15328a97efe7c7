#define _GNU_SOURCE
#include "runit-text.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/uio.h>

// Those that the system calls of these programs can bring; the same on all of Linux' machines.
static const struct {
  int error;
  const char *text;
} texts[] = {
    {EPERM, "permission denied"},
    {ENOENT, "file does not exist"},
    {ESRCH, "no such process"},
    {EINTR, "interrupted system call"},
    {EIO, "input/output error"},
    {ENXIO, "device not configured"},
    {E2BIG, "argument list too long"},
    {ENOEXEC, "exec format error"},
    {EBADF, "file descriptor not open"},
    {ECHILD, "no child processes"},
    {EAGAIN, "temporary failure"},
    {ENOMEM, "out of memory"},
    {EACCES, "access denied"},
    {EFAULT, "bad address"},
    {EBUSY, "device busy"},
    {EEXIST, "file already exists"},
    {EXDEV, "cross-device link"},
    {ENODEV, "device does not support operation"},
    {ENOTDIR, "not a directory"},
    {EISDIR, "is a directory"},
    {EINVAL, "invalid argument"},
    {ENFILE, "system cannot open more files"},
    {EMFILE, "process cannot open more files"},
    {ENOTTY, "not a tty"},
    {ETXTBSY, "text busy"},
    {EFBIG, "file too big"},
    {ENOSPC, "out of disk space"},
    {ESPIPE, "unseekable descriptor"},
    {EROFS, "read-only file system"},
    {EMLINK, "too many links"},
    {EPIPE, "broken pipe"},
    {EDEADLK, "operation would cause deadlock"},
    {ENAMETOOLONG, "file name too long"},
    {ENOLCK, "no locks available"},
    {ENOSYS, "system call not available"},
    {ENOTEMPTY, "directory not empty"},
    {ELOOP, "symbolic link loop"},
    {EOPNOTSUPP, "operation not supported"},
    {EADDRINUSE, "address already used"},
    {ECONNREFUSED, "connection refused"},
    {ETIMEDOUT, "timed out"},
    {ESTALE, "stale NFS file handle"},
    {EDQUOT, "disk quota exceeded"},
};

const char *runit_error(int error) {
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
    if (texts[i].error == error) return texts[i].text;
  return "unknown error";
}

#define PARTS_MAX 16

void runit_tell(const char *first, ...) {
  struct iovec parts[PARTS_MAX];
  int count = 0;
  va_list rest;
  va_start(rest, first);
  for (const char *part = first; part && count < PARTS_MAX; part = va_arg(rest, const char *))
    parts[count++] = (struct iovec){(void *)part, strlen(part)};
  va_end(rest);
  (void)!writev(2, parts, count);
}

const char *runit_name(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash ? slash + 1 : path;
}

static int complain(const struct runit_options *options, const char *what, char letter) {
  const char text[2] = {letter};
  runit_tell(options->program, what, text, "\n", NULL);
  return '?';
}

int runit_option(struct runit_options *options) {
  if (!options->cluster || !*options->cluster) {
    char *word = *options->next;
    options->cluster = NULL;
    if (!word || word[0] != '-' || !word[1]) return 0;
    options->next++;
    if (word[1] == '-') return 0;
    options->cluster = word + 1;
  }
  char letter = *options->cluster++;
  const char *row = letter == ':' ? NULL : strchr(options->letters, letter);
  if (!row) return complain(options, ": illegal option -- ", letter);
  if (row[1] != ':') return letter;
  options->value = *options->cluster ? (char *)options->cluster : *options->next;
  if (!options->value) return complain(options, ": option requires an argument -- ", letter);
  if (!*options->cluster) options->next++;
  options->cluster = NULL;
  return letter;
}

size_t runit_number(const char *text, unsigned long *number) {
  size_t length = 0;
  *number = 0;
  for (; text[length] >= '0' && text[length] <= '9'; length++) *number = *number * 10 + (unsigned long)(text[length] - '0');
  return length;
}
