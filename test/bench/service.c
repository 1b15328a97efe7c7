/*
 * The service that every subject starts: says when its first instruction ran, then waits for a signal to kill it.
 * Without a C library on x86-64 and arm64, so that what is timed is the supervisor's work and the kernel's exec.
 */
#include <fcntl.h>
#include <sys/syscall.h>
#include <time.h>
#include "record.h"

#if defined(__x86_64__)
static long call(long number, long a, long b, long c, long d)
{
	register long r10 __asm__("r10") = d;
	long result;
	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10)
			 : "rcx", "r11", "memory");
	return result;
}
#elif defined(__aarch64__)
static long call(long number, long a, long b, long c, long d)
{
	register long x8 __asm__("x8") = number;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;
	__asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3) : "memory");
	return x0;
}
#else
#include <unistd.h>
#define call syscall
#define _start main
#endif

void _start(void)
{
	struct timespec now;
	call(SYS_clock_gettime, CLOCK_MONOTONIC, (long)&now, 0, 0);
	struct record record = {
		.at = now.tv_sec * 1000000000LL + now.tv_nsec,
		.pid = (int32_t)call(SYS_getpid, 0, 0, 0, 0),
		.kind = RUNNING,
	};
	long fd = call(SYS_openat, AT_FDCWD, (long)RECORDS, O_WRONLY | O_APPEND | O_CLOEXEC, 0);
	call(SYS_write, fd, (long)&record, sizeof record, 0);
	call(SYS_close, fd, 0, 0, 0);
	for (;;)
		call(SYS_ppoll, 0, 0, 0, 0);
}
