// Execution of a program that is searched in a PATH, without allocation.
#ifndef PATH_EXEC_H
#define PATH_EXEC_H
#include <stdbool.h>

// Executes `file`, in the directories of `path` unless it has a slash; an empty one is the current directory. After an
// error that is one of `passed` (ended by 0) the next directory is tried. Returns only to say why not, in errno: what
// was passed over last that was more than absence outranks ENOENT.
void path_execute(const char *file, char **argv, char **envp, const char *path, const int *passed);
#endif
