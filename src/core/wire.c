#define _GNU_SOURCE
#include "wire.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool queue_append(struct queue *queue, const void *data, size_t length) {
  size_t used = queue->end - queue->start;
  if (length > queue->limit || used > queue->limit - length) return false;
  if (queue->start > 0 && queue->end + length > queue->size) {
    memmove(queue->data, queue->data + queue->start, used);
    queue->start = 0;
    queue->end = used;
  }
  if (queue->end + length > queue->size) {
    size_t size = queue->size ? queue->size : 4096;
    while (size < queue->end + length) size *= 2;
    char *larger = realloc(queue->data, size);
    if (!larger) return false;
    queue->data = larger;
    queue->size = size;
  }
  memcpy(queue->data + queue->end, data, length);
  queue->end += length;
  return true;
}

void queue_clear(struct queue *queue) {
  queue->start = queue->end = 0;
  // What one storm has made large is given back.
  if (queue->size > 1 << 18) {
    free(queue->data);
    queue->data = NULL;
    queue->size = 0;
  }
}

static const struct {
  const char *name;
  int fields;
} down[] = {
#define X(name, fields) {#name, fields},
    WIRE_DOWN(X)
#undef X
};

int frame_next(struct queue *queue, struct frame *frame, const char **why) {
  size_t used = queue->end - queue->start;
  if (used < 4) return 0;
  const unsigned char *head = (const unsigned char *)queue->data + queue->start;
  uint32_t length = head[0] | (uint32_t)head[1] << 8 | (uint32_t)head[2] << 16 | (uint32_t)head[3] << 24;
  if (length == 0 || length > WIRE_FRAME_MAX) return *why = "a frame's length is out of bounds", -1;
  if (used < 4 + (size_t)length) return 0;
  char *body = queue->data + queue->start + 4;
  if (body[length - 1] != '\0') return *why = "a frame does not end in NUL", -1;
  frame->count = -1;
  const char *name = body;
  for (char *field = body; field < body + length; field += strlen(field) + 1) {
    if (frame->count >= WIRE_FIELDS_MAX) return *why = "a frame has too many fields", -1;
    if (frame->count >= 0) frame->fields[frame->count] = field;
    frame->count++;
  }
  queue->start += 4 + (size_t)length;
  for (int type = 0; type < DOWN_COUNT; type++) {
    if (strcmp(name, down[type].name) != 0) continue;
    if (frame->count < down[type].fields) return *why = "a frame has too few fields", -1;
    frame->type = (enum wire_down)type;
    return 1;
  }
  return *why = "a frame has an unknown name", -1;
}

bool frame_append(struct queue *queue, int count, const char *const fields[]) {
  size_t length = 0;
  for (int i = 0; i < count; i++) length += strlen(fields[i]) + 1;
  if (length > WIRE_FRAME_MAX) return false;
  unsigned char head[4] = {length & 0xff, length >> 8 & 0xff, length >> 16 & 0xff, length >> 24 & 0xff};
  size_t start = queue->start, end = queue->end;
  bool ok = queue_append(queue, head, sizeof head);
  for (int i = 0; ok && i < count; i++) ok = queue_append(queue, fields[i], strlen(fields[i]) + 1);
  // A frame is whole or not there; an append may have moved the bytes to the front.
  if (!ok) queue->end = queue->start + (end - start);
  return ok;
}

bool parse_number(const char *text, long long low, long long high, long long *number) {
  char *end;
  // strtoll would take blanks and a plus sign too.
  if (*text != '-' && (*text < '0' || *text > '9')) return false;
  errno = 0;
  long long value = strtoll(text, &end, 10);
  if (errno != 0 || end == text || *end != '\0' || value < low || value > high) return false;
  *number = value;
  return true;
}

struct decimal decimal(long long number) {
  struct decimal result;
  snprintf(result.text, sizeof result.text, "%lld", number);
  return result;
}
