// Standard error that is a file on a disk. See error-file.c.
#ifndef ERROR_FILE_H
#define ERROR_FILE_H
#include <stdbool.h>
#include <sys/types.h>

// From now on write_error goes by way of a child, if standard error is such a file.
void error_file_init(void);
bool error_file_is_used(void);
// As write(2), but EAGAIN while what came before it is still being written.
ssize_t error_file_write(const char *data, size_t length);
// True if this was the child that is still waited for.
bool error_file_ended(pid_t pid);
#endif
