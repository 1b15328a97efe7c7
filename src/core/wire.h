// The channel to the manager: frames of a 32-bit little-endian length and fields that each end in NUL.
// The tables below are the whole protocol; src/channel/messages.ts holds the same ones and a test compares them.
#ifndef WIRE_H
#define WIRE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WIRE_VERSION "1"
// A frame larger than this is no frame: the other side is broken.
#define WIRE_FRAME_MAX (1u << 20)
#define WIRE_FIELDS_MAX 8192

// Manager to core: name, fewest fields after the name.
#define WIRE_DOWN(X)                                                                                    \
  X(ready, 0)    /* hello has been read; descriptors and facts may come */                              \
  X(spawn, 2)    /* id number attribute=value... */                                                     \
  X(kill, 3)     /* id signal group(0|1) */                                                             \
  X(stray, 3)    /* pid start-time signal: a process that is no child of a spawn */                     \
  X(pipe, 2)     /* tag read(0|1): make a log pipe; with 1 its read end is handed to the manager */     \
  X(shut, 1)     /* tag: close the write end, so that its reader sees the end of the file */            \
  X(drop, 1)     /* tag: close both ends and forget it */                                               \
  X(taking, 1)   /* tag: about to read from it */                                                       \
  X(held, 3)     /* tag bytes partial: in the manager's hands, of which an unfinished line */               \
  X(drained, 2)  /* tag bytes: all is written out but this much of an unfinished line; tell of more */  \
  X(enlarge, 1)  /* tag: much comes through it: from now on a read may take READ_LARGE */               \
  X(lost, 2)     /* tag bytes: what dead managers took of it and nobody has said yet; 0 once said */    \
  X(supervise, 4) /* number path make(0|1) hangs(0|1): take the lock of this supervise directory */       \
  X(offer, 2)    /* number hangs(0|1): open its fifos, once its status is written */                     \
  X(release, 1)  /* number: let go of its lock and fifos */                                              \
  X(inscribe, 5) /* number path pid stat status: the files there; status as 40 hexadecimal digits */     \
  X(remember, 2) /* key blob */                                                                         \
  X(forget, 1)   /* key */                                                                              \
  X(ack, 1)      /* serial [key blob]: a fact is dealt with, and this is the new blob */                \
  X(listen, 3)   /* path mode gid: the control socket (gid -1 leaves the group) */                      \
  X(budget, 1)   /* milliseconds from a stop signal to the last KILL */                                 \
  X(stop_on, 0)  /* signal...: the signals that stop */                                                 \
  X(stopping, 0) /* the ordered stop has begun: the budget runs */                                      \
  X(exit, 1)     /* code: all is stopped */

// Core to manager: name, fields after the name.
#define WIRE_UP(X)                                                                                   \
  X(hello, 4)     /* version core-pid is-pid-1(0|1) instance */                                      \
  X(child, 4)     /* id pid notified(0|1) executed(0|1): alive, from an earlier manager */           \
  X(log, 4)       /* tag read(0|1) skip(0|1) lost: from an earlier manager; lost -N: at most N */    \
  X(held, 3)      /* number offered(0|1) path: a supervise directory, from an earlier manager */     \
  X(blob, 2)      /* key blob */                                                                     \
  X(begin, 0)     /* hello is complete; facts not acknowledged follow */                             \
  X(spawned, 2)   /* id pid: it has executed its program */                                          \
  X(failed, 3)    /* id step errno: nothing runs under this id */                                    \
  X(exited, 5)    /* serial id pid code signal: a fact */                                            \
  X(orphans, 1)   /* count [pid:session:code:signal]...: adopted processes reaped */                 \
  X(signal, 4)    /* serial signal pid uid: a fact */                                                \
  X(letter, 3)    /* serial number letter: a fact, from the fifo `control` */                        \
  X(supervised, 4) /* number lock|offer|yield step errno; yield: let go for want of descriptors */   \
  X(inscribed, 2) /* number errno: 0 once they are written */                                         \
  X(notify, 1)    /* id: a newline on its notification descriptor */                                 \
  X(readable, 1)  /* tag...: there is output to read */                                              \
  X(piped, 2)     /* tag errno: 0 once the pipe is there */                                          \
  X(listening, 2) /* path errno */

enum wire_down {
#define X(name, fields) DOWN_##name,
  WIRE_DOWN(X)
#undef X
      DOWN_COUNT
};

// A growing byte queue with a bound; appending past it fails and changes nothing.
struct queue {
  char *data;
  size_t start, end, size, limit;
};

bool queue_append(struct queue *queue, const void *data, size_t length);
void queue_clear(struct queue *queue);

// One received frame, cut into fields in place.
struct frame {
  enum wire_down type;
  int count;
  char *fields[WIRE_FIELDS_MAX];
};

// 1 a frame, 0 not complete yet, -1 broken beyond repair (`why` says how). Fields point into the queue.
int frame_next(struct queue *queue, struct frame *frame, const char **why);

// Appends one frame of `count` fields; false if there is no memory or room.
bool frame_append(struct queue *queue, int count, const char *const fields[]);

// A whole decimal number within the bounds; false for anything else.
bool parse_number(const char *text, long long low, long long high, long long *number);

// Decimal text of a number, in a buffer of its own.
struct decimal {
  char text[24];
};
struct decimal decimal(long long number);
#endif
