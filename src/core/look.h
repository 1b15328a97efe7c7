#pragma once
#include <stdbool.h>

// What a path is, by a look that does not wait for a file system that never answers.
struct look {
  bool answers;
  bool is_there;
  bool is_directory;
  int error;  // why it is no directory to read and to search; 0 if it is one
};

struct look look_at(const char *path);
