#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>

#include "chpst.h"

extern char **environ;

static struct {
  char **entries;  // NULL: as `environ`
  size_t count, room;
} changed;

static bool begin(void) {
  size_t count = 0;
  while (environ[count]) count++;
  changed.room = count + 32;
  if (!(changed.entries = malloc((changed.room + 1) * sizeof *changed.entries))) return false;
  memcpy(changed.entries, environ, count * sizeof *environ);
  changed.count = count;
  return true;
}

static bool append(char *entry) {
  if (changed.count == changed.room) {
    char **more = realloc(changed.entries, (2 * changed.room + 1) * sizeof *more);
    if (!more) return free(entry), false;
    changed.entries = more;
    changed.room *= 2;
  }
  changed.entries[changed.count++] = entry;
  return true;
}

// The order is runit's: what is removed leaves its place to the last one. Of duplicates the first one goes.
static void drop(const char *entry) {
  size_t length = strcspn(entry, "=");
  for (size_t i = 0; i < changed.count; i++) {
    if (strncmp(changed.entries[i], entry, length) != 0 || changed.entries[i][length] != '=') continue;
    changed.entries[i] = changed.entries[--changed.count];
    return;
  }
}

bool environment_put(const char *name, const char *value) {
  if (!changed.entries && !begin()) return false;
  size_t length = strlen(name), more = value ? strlen(value) + 1 : 0;
  char *entry = malloc(length + more + 1);
  if (!entry) return false;
  memcpy(entry, name, length + 1);
  if (value) {
    entry[length] = '=';
    memcpy(entry + length + 1, value, more);
  }
  drop(entry);
  // A name may hold a `=` itself; then it is its own value.
  if (strchr(entry, '=')) return append(entry);
  free(entry);
  return true;
}

char **environment(void) {
  if (!changed.entries) return environ;
  changed.entries[changed.count] = NULL;
  return changed.entries;
}
