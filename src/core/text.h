// The core's own voice: one line to standard error, never waiting for whoever does not read it.
#ifndef TEXT_H
#define TEXT_H
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

// Prints "upkeep: " and the text as one line; a reader that is not there loses it.
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

// As write(2) to standard error, but EAGAIN instead of waiting; up to PIPE_BUF bytes go into a pipe all or none.
ssize_t write_error(const char *data, size_t length);
#endif
