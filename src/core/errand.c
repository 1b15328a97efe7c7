// A file system whose server has gone never answers, and who asks it waits for ever. So where a supervise directory may be on
// one, a child opens what is in it, and hands over the descriptors; one that has not answered for a while is killed, and may
// hang alone.
//
// Its lock stays where the child has put it: in our socket, unread. There it is held as well as by a descriptor; but to close a
// descriptor is to ask the file system, and each fork of ours would have a copy to close. Letting it go is a child's, too.
#define _GNU_SOURCE
#include "errand.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core.h"
#include "slots.h"

// So many children are waited for at a time; what else is asked for waits in its order.
#define AT_ONCE 8
// So long (ms): a disk has begun to turn by then, and a server that is busy has answered.
#define PATIENCE 2000
// Those that are not reaped. One within a call of the kernel may not hear its KILL: with so many of them nothing is asked any
// more, and that is the answer.
#define HANDS_MAX 64

// The same bytes as the macros of cmsg(3) make for two descriptors; a lock is sent twice.
struct rights {
  struct cmsghdr head;
  int fds[2];
};

// Asked for, in their order.
static struct errand *errands;
static pid_t hands[HANDS_MAX];

static pid_t *hand_of(pid_t pid) {
  for (int i = 0; i < HANDS_MAX; i++)
    if (hands[i] == pid) return &hands[i];
  return NULL;
}

// Not in the store: its child reads it.
struct errand *errand_create(uint32_t number, const char *path) {
  struct errand *errand = calloc(1, sizeof *errand + strlen(path) + 1);
  if (!errand) return NULL;
  errand->number = number;
  errand->fd = -1;
  strcpy(errand->path, path);
  return errand;
}

static void unlist(struct errand *errand) {
  struct errand **link = &errands;
  while (*link && *link != errand) link = &(*link)->next;
  if (*link) *link = errand->next;
  errand->under_way = false;
}

void errand_ask(struct errand *errand, enum errand_kind kind, bool makes) {
  struct errand **link = &errands;
  while (*link) link = &(*link)->next;
  *link = errand;
  errand->next = NULL;
  errand->kind = kind;
  errand->makes = makes;
  errand->under_way = true;
}

// In the child, with async-signal-safe calls only.
static _Noreturn void run(const struct errand *errand, int fd) {
  struct errand_answer answer = {.lock = errand->lock};
  struct rights rights = {.head = {.cmsg_len = CMSG_LEN(sizeof rights.fds), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS}, .fds = {-1, -1}};
  struct iovec data = {&answer, sizeof answer};
  struct msghdr header = {.msg_iov = &data, .msg_iovlen = 1};
  if (errand->kind == ERRAND_CLOSE) {
    header.msg_control = &rights;
    header.msg_controllen = sizeof rights;
    bool failed = recvmsg(fd, &header, MSG_DONTWAIT) < 0;
    // Who has brought it holds it too for as long as he takes to die.
    (void)flock(rights.fds[0], LOCK_UN);
    _exit(failed);
  }
  if (errand->kind == ERRAND_LOCK) answer.error = supervise_lock(errand->path, errand->makes, rights.fds, &answer.lock, &answer.step);
  else answer.error = supervise_fifos(errand->path, &errand->lock, rights.fds, &answer.step);
  if (errand->kind == ERRAND_LOCK) rights.fds[1] = rights.fds[0];
  if (!answer.error) {
    header.msg_control = &rights;
    header.msg_controllen = sizeof rights;
  }
  (void)!sendmsg(fd, &header, MSG_NOSIGNAL);
  _exit(0);
}

// 0, or the errno for which there is no child. The socket that holds a lock to be let go is there already.
static int begin(struct errand *errand, pid_t *hand) {
  int ends[2] = {errand->fd, errand->fd};
  bool brings = errand->kind != ERRAND_CLOSE, ready = true;
  if (brings) {
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0) return errno;
    errand->fd = ends[0];
    ready = !supervise_scarce(ends[1]) && loop_watch(ends[0], SOURCE_ERRAND, errand->number, 0, EPOLLIN | EPOLLONESHOT, false);
  }
  pid_t pid = ready ? slots_fork_with(ends[1]) : -1;
  if (pid == 0) run(errand, ends[1]);
  // A lock to be let go is the child's alone now. Where there is no child it is tried again when some process ends.
  if (brings) close(ends[1]);
  else if (pid > 0) loop_close(&errand->fd);
  // Not EAGAIN, which would be somebody else's lock. It is for a while: there are too many processes.
  if (pid < 0) return ready ? ETIMEDOUT : EMFILE;
  *hand = errand->pid = pid;
  errand->begun_at = now;
  return 0;
}

// Its end: what it has said, or this error where it has said nothing by now; fifos are of no use then if that is ECANCELED.
// A lock stays in the socket, which is the first of `fds`; of two fifos both are there or none.
static int conclude(struct errand *errand, int silence, int fds[2], enum supervise_step *step) {
  struct errand_answer answer = {.error = silence, .step = STEP_OF_DIRECTORY};
  // Where no descriptor is left for it one of two does not come.
  struct rights rights = {.fds = {-1, -1}};
  struct iovec data = {&answer, sizeof answer};
  struct msghdr header = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = &rights, .msg_controllen = sizeof rights};
  bool locks = errand->kind == ERRAND_LOCK;
  if (locks) header.msg_controllen = 0;
  if (errand->pid) (void)kill(errand->pid, SIGKILL);
  unlist(errand);
  errand->pid = 0;
  (void)recvmsg(errand->fd, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC | (locks ? MSG_PEEK : 0));
  fds[0] = rights.fds[0];
  fds[1] = rights.fds[1];
  *step = answer.step;
  if (answer.error || (!locks && (silence == ECANCELED || fds[1] < 0 || supervise_scarce(fds[1])))) {
    loop_close(&fds[0]);
    loop_close(&fds[1]);
  } else if (locks) {
    errand->holds = true;
    errand->lock = answer.lock;
    (void)epoll_ctl(loop_fd, EPOLL_CTL_DEL, fds[0] = errand->fd, NULL);
    errand->fd = -1;
  }
  loop_close(&errand->fd);
  return fds[0] >= 0 ? 0 : answer.error ? answer.error : EMFILE;
}

static void give(struct errand *errand) {
  unlist(errand);
  free(errand);
}

static void settle(struct errand *errand, int silence) {
  int fds[2];
  enum supervise_step step;
  int error = conclude(errand, silence, fds, &step);
  if (errand->kind == ERRAND_CLOSE) give(errand);
  else errand_answered(errand->number, errand->kind, error, step, fds);
}

void errand_go_on(void) {
  int busy = 0;
  bool closes = false;
  for (struct errand *each = errands, *next; each; each = next) {
    next = each->next;
    pid_t *hand = hand_of(0);
    if (!each->pid) {
      // What is being closed may be the very lock that is asked for.
      if (hand && (busy == AT_ONCE || (closes && each->kind == ERRAND_LOCK))) return;
      int error = hand ? begin(each, hand) : ETIMEDOUT;
      if (error && each->kind != ERRAND_CLOSE) {
        settle(each, error);
        continue;
      }
    }
    busy++;
    closes |= each->kind == ERRAND_CLOSE;
  }
}

void errand_ready(uint32_t number) {
  for (struct errand *each = errands; each; each = each->next)
    if (each->number == number && each->pid && each->kind != ERRAND_CLOSE) return settle(each, EIO);
}

bool errand_ended(pid_t pid) {
  pid_t *hand = hand_of(pid);
  if (!hand) return false;
  *hand = 0;
  for (struct errand *each = errands; each; each = each->next) {
    if (each->pid != pid) continue;
    each->pid = 0;
    settle(each, EIO);
    break;
  }
  return true;
}

int64_t errand_deadline(void) {
  int64_t deadline = NEVER;
  for (struct errand *each = errands; each; each = each->next)
    if (each->pid && each->begun_at + PATIENCE < deadline) deadline = each->begun_at + PATIENCE;
  return deadline;
}

void errand_due(void) {
  for (struct errand *each = errands, *next; each; each = next) {
    next = each->next;
    if (each->pid && each->begun_at + PATIENCE <= now) settle(each, ETIMEDOUT);
  }
}

void errand_drop(struct errand *errand, int lock_fd) {
  int fds[2] = {-1, -1};
  enum supervise_step step;
  // It may have brought the lock, or the fifos, in this very moment.
  if (errand->under_way) (void)conclude(errand, ECANCELED, fds, &step);
  errand->fd = lock_fd < 0 ? fds[0] : lock_fd;
  if (errand->fd < 0) return give(errand);
  errand_ask(errand, ERRAND_CLOSE, false);
  // Who is short of descriptors has this one now.
  pid_t *hand = hand_of(0);
  if (hand) (void)begin(errand, hand);
}

void errand_forget(void) {
  int fds[2];
  enum supervise_step step;
  for (struct errand *each = errands, *next; each; each = next) {
    next = each->next;
    // Without its lock it is nobody's; the next manager asks anew.
    if (each->kind == ERRAND_LOCK) request_release(each->number);
    else if (each->kind == ERRAND_FIFOS) (void)conclude(each, ECANCELED, fds, &step);
  }
}
