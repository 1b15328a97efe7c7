// Memory that forks leave behind. See store.c.
#ifndef STORE_H
#define STORE_H
#include <stddef.h>

// For a table that no child reads: of whole pages, aligned to one.
#define STORE_TABLE __attribute__((aligned(4096)))

// Zeroed memory; NULL where there is none.
void *store_take(size_t size);
// Gives back what was taken with this very size; NULL is nothing.
void store_give(void *memory, size_t size);
// A table of the program itself is left behind, too.
void store_table(void *table, size_t size);
#endif
