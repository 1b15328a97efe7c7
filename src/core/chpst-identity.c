#define _GNU_SOURCE
#include <errno.h>
#include <grp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "accounts.h"
#include "chpst.h"
#include "runit-text.h"

#define GROUPS_MOST 60
// Longer than any name that a file of accounts could have.
#define NAME_MOST 1024

struct identity {
  uid_t uid;
  gid_t gids[GROUPS_MOST];
  size_t count;
};

// The digits up to a colon or the end; none is 0, as in runit. What does not fit would be somebody else, so it is refused.
static bool read_id(const char **text, uint32_t *id) {
  uint64_t number = 0;
  for (; **text >= '0' && **text <= '9'; ++*text)
    if ((number = number * 10 + (uint64_t)(**text - '0')) > UINT32_MAX) return false;
  *id = (uint32_t)number;
  return **text == ':' || !**text;
}

// `uid:gid[:gid...]`
static bool read_numbers(const char *text, struct identity *identity) {
  if (!read_id(&text, &identity->uid) || !*text) return false;
  do {
    text++;
    if (identity->count == GROUPS_MOST || !read_id(&text, &identity->gids[identity->count++])) return false;
  } while (*text);
  return true;
}

// `user[:group[:group...]]`; with `plain` a colon is part of the name.
static bool read_names(const char *text, bool plain, struct identity *identity) {
  char name[NAME_MOST];
  struct account account;
  size_t length = strlen(text), part = plain ? length : strcspn(text, ":");
  errno = 0;
  if (part >= sizeof name) return false;
  memcpy(name, text, part);
  name[part] = '\0';
  if (!account_find(name, &account)) return false;
  *identity = (struct identity){account.uid, {account.gid}, 1};
  if (!text[part]) return true;
  identity->count = 0;
  for (const char *group = text + part; *group; group += part) {
    part = strcspn(++group, ":");
    if (part >= sizeof name || identity->count == GROUPS_MOST) return false;
    memcpy(name, group, part);
    name[part] = '\0';
    if (!group_find(name, &identity->gids[identity->count++])) return false;
  }
  return true;
}

static struct identity identity_of(const char *text, bool plain) {
  struct identity identity = {.count = 0};
  if (!plain && *text == ':') {
    if (!read_numbers(text + 1, &identity)) chpst_refuse("invalid uid/gids", text + 1);
  } else if (!read_names(text, plain, &identity)) {
    if (errno) chpst_fail(plain ? "unable to get password file entry" : "unable to get password/group file entry");
    chpst_refuse(plain ? "unknown account" : "unknown user/group", text);
  }
  return identity;
}

static void put_number(const char *name, uint32_t number) {
  char text[16];
  snprintf(text, sizeof text, "%u", number);
  if (!environment_put(name, text)) chpst_no_memory();
}

void change_account_variables(const char *account, bool plain) {
  struct identity identity = identity_of(account, plain);
  put_number("GID", identity.gids[0]);
  put_number("UID", identity.uid);
}

void change_identity(const char *account, bool plain) {
  struct identity identity = identity_of(account, plain);
  if (setgroups(identity.count, identity.gids) != 0) chpst_fail("unable to setgroups");
  if (setgid(identity.gids[0]) != 0) chpst_fail("unable to setgid");
  if (setuid(identity.uid) != 0) chpst_fail("unable to setuid");
}
