// What the core remembers is of no use to a child, but a fork would copy its page tables, and then every page that is
// written to again: with a thousand services more work than the fork itself. So it lies in pages that no child gets.
#define _GNU_SOURCE
#include "store.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define GRAIN 64
// Larger pieces have pages of their own.
#define CLASSES 32
#define CHUNK (64 * 1024)

static struct piece {
  struct piece *next;
} *pieces[CLASSES];
static char *fresh;
static size_t left;

void store_table(void *table, size_t size) {
  long page = sysconf(_SC_PAGESIZE);
  // With larger pages it would share one with what children need. Refused it only costs time.
  if (page > 0 && (uintptr_t)table % (size_t)page == 0 && size % (size_t)page == 0) (void)madvise(table, size, MADV_DONTFORK);
}

static void *pages(size_t size) {
  void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return NULL;
  (void)madvise(memory, size, MADV_DONTFORK);
  return memory;
}

#ifdef __SANITIZE_ADDRESS__
// The sanitizer watches what it has given out itself.
void *store_take(size_t size) {
  return calloc(1, size);
}
void store_give(void *memory, size_t size) {
  (void)size, (void)pages, (void)pieces, (void)fresh, (void)left;
  free(memory);
}
#else
void *store_take(size_t size) {
  size_t class = size == 0 ? 0 : (size - 1) / GRAIN;
  if (class >= CLASSES) return pages(size);
  struct piece *piece = pieces[class];
  size = (class + 1) * GRAIN;
  if (piece) {
    pieces[class] = piece->next;
    return memset(piece, 0, size);
  }
  if (left < size) {
    // The rest of the last chunk is lost: less than the largest piece.
    char *chunk = pages(CHUNK);
    if (!chunk) return NULL;
    fresh = chunk;
    left = CHUNK;
  }
  void *memory = fresh;
  fresh += size;
  left -= size;
  return memory;
}

void store_give(void *memory, size_t size) {
  size_t class = size == 0 ? 0 : (size - 1) / GRAIN;
  if (!memory) return;
  if (class >= CLASSES) {
    (void)munmap(memory, size);
    return;
  }
  struct piece *piece = memory;
  piece->next = pieces[class];
  pieces[class] = piece;
}
#endif
