// Whether we were called as an init script: /etc/init.d/web -> /usr/bin/sv -> upkeep. runit's sv takes every name but its
// own for a service's; this program has other names and is copied to others yet, so only a link to a file called `sv` says it.
#define _GNU_SOURCE
#include <limits.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "runit-text.h"
#include "sv.h"

// As many as the kernel follows.
#define LINKS_MAX 40

bool sv_is_script(void) {
  // The path that was executed; argv[0] need not be one.
  const char *executed = (const char *)getauxval(AT_EXECFN);
  char path[PATH_MAX], target[PATH_MAX];
  if (!executed || strlen(executed) >= sizeof path) return false;
  strcpy(path, executed);
  for (int i = 0; i < LINKS_MAX; i++) {
    ssize_t length = readlink(path, target, sizeof target - 1);
    if (length <= 0) return false;
    target[length] = '\0';
    if (strcmp(runit_name(target), "sv") == 0) return true;
    // A relative target begins at its link.
    char *name = *target == '/' ? path : (char *)runit_name(path);
    if (name + length >= path + sizeof path) return false;
    memcpy(name, target, (size_t)length + 1);
  }
  return false;
}
