// The core's own voice: one line to standard error, never waiting for whoever does not read it.
#ifndef TEXT_H
#define TEXT_H
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

// Prints "upkeep: " and the text as one line; a reader that is not there loses it.
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

// Adds the formatted text and a newline to the `length` bytes of a line; what has no room is cut off. Returns its length.
size_t end_line(char *line, size_t size, size_t length, const char *format, va_list arguments);

// As write(2) to standard error, but EAGAIN instead of waiting; up to PIPE_BUF bytes go into a pipe all or none.
ssize_t write_error(const char *data, size_t length);
#endif
