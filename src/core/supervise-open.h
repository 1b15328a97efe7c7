// What is in a supervise directory, opened; both answer -1 with errno.
#ifndef SUPERVISE_OPEN_H
#define SUPERVISE_OPEN_H
#include <stdbool.h>
#include <sys/types.h>

// The directory; with `makes` it is made where it is missing, or what it is a link to.
int supervise_directory(const char *path, bool makes);
// A file of this type (S_IFIFO is made, S_IFREG with O_CREAT in `flags`). What stands in its place and is none is taken
// away; a directory is not. EMFILE also where the few descriptors that are left are for others.
int supervise_file(int directory, const char *name, mode_t type, int flags);
#endif
