#define _GNU_SOURCE
#include "memory.h"

#include <string.h>

#include "store.h"

#define BUCKETS 4096

static STORE_TABLE struct child *by_id[BUCKETS], *by_pid[BUCKETS];
static STORE_TABLE struct child *children[CHILDREN_MAX];
static STORE_TABLE struct logpipe *by_tag[BUCKETS], *pipes[PIPES_MAX];
static STORE_TABLE struct blob *blobs[BUCKETS];
static size_t blob_bytes;
static uint32_t generations;

uint32_t child_slots, pipe_slots;

void memory_init(void) {
  store_table(by_id, sizeof by_id);
  store_table(by_pid, sizeof by_pid);
  store_table(children, sizeof children);
  store_table(by_tag, sizeof by_tag);
  store_table(pipes, sizeof pipes);
  store_table(blobs, sizeof blobs);
}

static uint32_t bucket_of(uint64_t number) {
  return (uint32_t)((number * 0x9e3779b97f4a7c15ull) >> 52);
}

static uint32_t bucket_of_text(const char *text) {
  uint64_t hash = 0xcbf29ce484222325ull;
  for (; *text; text++) hash = (hash ^ (unsigned char)*text) * 0x100000001b3ull;
  return bucket_of(hash);
}

// The lowest free slot; slots stay dense, so that a walk over them is short.
static bool free_slot(void *const *slots, uint32_t *count, uint32_t max, uint32_t *hint, uint32_t *slot) {
  for (uint32_t i = *hint; i < *count; i++)
    if (!slots[i]) {
      *slot = i;
      *hint = i + 1;
      return true;
    }
  if (*count == max) return false;
  *slot = (*count)++;
  *hint = *count;
  return true;
}

static uint32_t child_hint, pipe_hint;

struct child *child_add(uint64_t id) {
  uint32_t slot;
  struct child *child = store_take(sizeof *child);
  if (!child) return NULL;
  if (!free_slot((void *const *)children, &child_slots, CHILDREN_MAX, &child_hint, &slot)) {
    store_give(child, sizeof *child);
    return NULL;
  }
  child->id = id;
  child->exec_fd = child->notify_fd = -1;
  child->slot = slot;
  child->generation = ++generations;
  children[slot] = child;
  struct child **head = &by_id[bucket_of(id)];
  child->next_id = *head;
  *head = child;
  return child;
}

struct child *child_by_id(uint64_t id) {
  struct child *child = by_id[bucket_of(id)];
  while (child && child->id != id) child = child->next_id;
  return child;
}

struct child *child_by_pid(pid_t pid) {
  struct child *child = by_pid[bucket_of((uint64_t)pid)];
  while (child && child->pid != pid) child = child->next_pid;
  return child;
}

void child_set_pid(struct child *child, pid_t pid) {
  child->pid = pid;
  child->linked = true;
  struct child **head = &by_pid[bucket_of((uint64_t)pid)];
  child->next_pid = *head;
  *head = child;
}

void child_release_pid(struct child *child) {
  if (!child->linked) return;
  struct child **link = &by_pid[bucket_of((uint64_t)child->pid)];
  while (*link != child) link = &(*link)->next_pid;
  *link = child->next_pid;
  child->linked = false;
}

void child_remove(struct child *child) {
  child_release_pid(child);
  struct child **link = &by_id[bucket_of(child->id)];
  while (*link != child) link = &(*link)->next_id;
  *link = child->next_id;
  children[child->slot] = NULL;
  if (child->slot < child_hint) child_hint = child->slot;
  while (child_slots > 0 && !children[child_slots - 1]) child_slots--;
  if (child_hint > child_slots) child_hint = child_slots;
  store_give(child, sizeof *child);
}

struct child *child_at(uint32_t slot) {
  return slot < child_slots ? children[slot] : NULL;
}

struct logpipe *pipe_add(const char *tag) {
  uint32_t slot;
  struct logpipe *pipe = store_take(sizeof *pipe);
  if (!pipe) return NULL;
  if (!free_slot((void *const *)pipes, &pipe_slots, PIPES_MAX, &pipe_hint, &slot)) {
    store_give(pipe, sizeof *pipe);
    return NULL;
  }
  strncpy(pipe->tag, tag, TAG_MAX);
  pipe->read_fd = pipe->write_fd = -1;
  pipe->slot = slot;
  pipe->generation = ++generations;
  pipes[slot] = pipe;
  struct logpipe **head = &by_tag[bucket_of_text(tag)];
  pipe->next = *head;
  *head = pipe;
  return pipe;
}

struct logpipe *pipe_by_tag(const char *tag) {
  struct logpipe *pipe = by_tag[bucket_of_text(tag)];
  while (pipe && strcmp(pipe->tag, tag) != 0) pipe = pipe->next;
  return pipe;
}

void pipe_remove(struct logpipe *pipe) {
  struct logpipe **link = &by_tag[bucket_of_text(pipe->tag)];
  while (*link != pipe) link = &(*link)->next;
  *link = pipe->next;
  pipes[pipe->slot] = NULL;
  if (pipe->slot < pipe_hint) pipe_hint = pipe->slot;
  while (pipe_slots > 0 && !pipes[pipe_slots - 1]) pipe_slots--;
  if (pipe_hint > pipe_slots) pipe_hint = pipe_slots;
  store_give(pipe, sizeof *pipe);
}

struct logpipe *pipe_at(uint32_t slot) {
  return slot < pipe_slots ? pipes[slot] : NULL;
}

static struct blob **blob_link(const char *key) {
  struct blob **link = &blobs[bucket_of_text(key)];
  while (*link && strcmp((*link)->key, key) != 0) link = &(*link)->next;
  return link;
}

// In memory; in a hello it takes about as much.
static size_t blob_size(const char *key, const char *value) {
  return sizeof(struct blob) + strlen(key) + 1 + strlen(value) + 1;
}

static void blob_free(struct blob *blob) {
  if (blob) store_give(blob, blob_size(blob->key, blob->value));
}

bool blob_set(const char *key, const char *value) {
  struct blob **link = blob_link(key), *old = *link;
  size_t size = blob_size(key, value), before = old ? blob_size(key, old->value) : 0;
  if (blob_bytes - before + size > BLOBS_TOTAL_MAX) return false;
  struct blob *blob = store_take(size);
  if (!blob) return false;
  blob->next = old ? old->next : NULL;
  blob->value = stpcpy(blob->key, key) + 1;
  strcpy(blob->value, value);
  *link = blob;
  blob_free(old);
  blob_bytes += size - before;
  return true;
}

void blob_remove(const char *key) {
  struct blob **link = blob_link(key), *blob = *link;
  if (!blob) return;
  blob_bytes -= blob_size(blob->key, blob->value);
  *link = blob->next;
  blob_free(blob);
}

static struct blob *blob_from(uint32_t bucket) {
  while (bucket < BUCKETS && !blobs[bucket]) bucket++;
  return bucket < BUCKETS ? blobs[bucket] : NULL;
}

struct blob *blob_first(void) {
  return blob_from(0);
}

struct blob *blob_after(const struct blob *blob) {
  return blob->next ? blob->next : blob_from(bucket_of_text(blob->key) + 1);
}
