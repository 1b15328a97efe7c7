// Names of users and groups to numbers, from /etc/passwd and /etc/group alone: a static program has no other means.
#ifndef ACCOUNTS_H
#define ACCOUNTS_H
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct account {
  uid_t uid;
  gid_t gid;
};

// False with errno 0 if nobody has this name, else with the errno of what hindered the reading.
bool account_find(const char *name, struct account *account);
bool group_find(const char *name, gid_t *gid);
#endif
