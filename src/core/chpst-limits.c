#define _GNU_SOURCE
#include <sys/resource.h>

#include "chpst.h"

static const int resources[LIMIT_COUNT] = {
    [LIMIT_DATA] = RLIMIT_DATA,   [LIMIT_STACK] = RLIMIT_STACK, [LIMIT_MEMLOCK] = RLIMIT_MEMLOCK, [LIMIT_AS] = RLIMIT_AS,
    [LIMIT_NOFILE] = RLIMIT_NOFILE, [LIMIT_NPROC] = RLIMIT_NPROC, [LIMIT_FSIZE] = RLIMIT_FSIZE,     [LIMIT_CORE] = RLIMIT_CORE,
    [LIMIT_RSS] = RLIMIT_RSS,     [LIMIT_CPU] = RLIMIT_CPU,
};

void change_limits(const long limits[LIMIT_COUNT]) {
  for (int i = 0; i < LIMIT_COUNT; i++) {
    struct rlimit limit;
    if (limits[i] < LIMIT_HARD) continue;
    if (getrlimit(resources[i], &limit) != 0) chpst_fail("unable to getrlimit()");
    limit.rlim_cur = limits[i] < 0 || (rlim_t)limits[i] > limit.rlim_max ? limit.rlim_max : (rlim_t)limits[i];
    if (setrlimit(resources[i], &limit) != 0) chpst_fail("unable to setrlimit()");
  }
}
