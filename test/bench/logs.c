// The parts of the log benchmark that must not cost anything themselves.
// logs write TOTAL CHUNK                       100-byte lines to standard output, CHUNK bytes at a time
// logs cat DIR [stamps]                        the least that a logger can do: cat into DIR/current, rotated at 10 MB, 10 kept
// logs measure PIPE TOTAL CHUNK -- LOGGER...   writes into LOGGER through a pipe of PIPE bytes (0: as it comes);
//                                              prints the wall and the processor seconds of LOGGER, its start left out
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { LINE = 100, BLOCK = 65536, FULL = 10000000, KEPT = 10, HEAD = 26 };

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec + time.tv_nsec / 1e9;
}

static int write_lines(long total, long chunk) {
  char *text = malloc(chunk + LINE);
  if (text == NULL) return 111;
  for (long at = 0; at < chunk + LINE; at++) text[at] = at % LINE == LINE - 1 ? '\n' : (char)('a' + at % 26);
  for (long done = 0; done < total;) {
    long count = total - done < chunk ? total - done : chunk;
    ssize_t put = write(1, text + done % LINE, count);
    if (put <= 0) return 111;
    done += put;
  }
  return 0;
}

static char names[KEPT][40];
static long rotations, size;
static int current = -1, directory = -1;

static void stamp(char *into, char end) {
  struct timespec time;
  char text[40];
  clock_gettime(CLOCK_REALTIME, &time);
  snprintf(text, sizeof text, "@4%015lx%08lx%c", (long)time.tv_sec + 10, (long)time.tv_nsec, end);
  memcpy(into, text, HEAD);
}

static void rotate(void) {
  if (current >= 0) {
    char *name = names[rotations % KEPT];
    close(current);
    if (rotations >= KEPT) unlinkat(directory, name, 0);
    stamp(name, '.');
    name[HEAD] = 's';
    renameat(directory, "current", directory, name);
    rotations++;
  }
  current = openat(directory, "current", O_WRONLY | O_CREAT | O_APPEND, 0644);
  size = 0;
}

static void put(const char *from, long count) {
  while (count > 0) {
    long part = count;
    if (size + count >= FULL) {
      long first = FULL - size - 1;
      const char *end = memchr(from + first, '\n', count - first);
      if (end != NULL) part = end + 1 - from;
    }
    for (long done = 0; done < part;) {
      ssize_t wrote = write(current, from + done, part - done);
      if (wrote <= 0) exit(111);
      done += wrote;
    }
    size += part;
    from += part;
    count -= part;
    if (size >= FULL) rotate();
  }
}

static int cat(const char *path, int stamps) {
  static char in[BLOCK], out[BLOCK * (HEAD + 1)];
  int starts = 1;
  ssize_t got;
  directory = open(path, O_RDONLY | O_DIRECTORY);
  if (directory < 0) return 111;
  rotate();
  while ((got = read(0, in, sizeof in)) > 0) {
    if (!stamps) {
      put(in, got);
      continue;
    }
    char head[HEAD];
    long length = 0;
    stamp(head, ' ');
    for (char *at = in, *end = in + got; at < end;) {
      if (starts) {
        memcpy(out + length, head, HEAD);
        length += HEAD;
      }
      char *newline = memchr(at, '\n', end - at);
      long count = newline == NULL ? end - at : newline + 1 - at;
      memcpy(out + length, at, count);
      length += count;
      at += count;
      starts = newline != NULL;
    }
    put(out, length);
  }
  return 0;
}

static double used(pid_t pid) {
  clockid_t clock;
  struct timespec time;
  if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &time) != 0) return 0;
  return time.tv_sec + time.tv_nsec / 1e9;
}

static int measure(int pipe_size, long total, long chunk, char **logger) {
  int ends[2], status;
  struct rusage usage;
  if (pipe(ends) != 0) return 111;
  if (pipe_size > 0 && fcntl(ends[0], F_SETPIPE_SZ, pipe_size) < 0) return 111;
  pid_t reader = fork();
  if (reader == 0) {
    dup2(ends[0], 0);
    close(ends[0]);
    close(ends[1]);
    execvp(logger[0], logger);
    _exit(127);
  }
  // It has started when it no longer uses the processor.
  double before = -1;
  for (;;) {
    struct timespec moment = {0, 200000000};
    nanosleep(&moment, NULL);
    double cpu = used(reader);
    if (cpu == before) break;
    before = cpu;
  }
  double start = now();
  pid_t writer = fork();
  if (writer == 0) {
    dup2(ends[1], 1);
    close(ends[0]);
    close(ends[1]);
    _exit(write_lines(total, chunk));
  }
  close(ends[0]);
  close(ends[1]);
  if (waitpid(writer, &status, 0) < 0 || status != 0) return 111;
  if (wait4(reader, &status, 0, &usage) < 0 || status != 0) return 111;
  double cpu = usage.ru_utime.tv_sec + usage.ru_stime.tv_sec + (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
  printf("%.4f %.4f\n", now() - start, cpu - before);
  return 0;
}

int main(int argc, char **argv) {
  if (argc == 4 && strcmp(argv[1], "write") == 0) return write_lines(atol(argv[2]), atol(argv[3]));
  if (argc >= 3 && strcmp(argv[1], "cat") == 0) return cat(argv[2], argc > 3);
  if (argc >= 7 && strcmp(argv[1], "measure") == 0)
    return measure(atoi(argv[2]), atol(argv[3]), atol(argv[4]), argv + 6);
  return 64;
}
