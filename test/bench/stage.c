/*
 * stage OUTPUT PROGRAM ARGS...: runs PROGRAM as PID 1 of a fresh PID and mount namespace (own /proc, empty /run), its
 * output into OUTPUT, and holds the stopwatch. It takes orders on stdin, one line each, words separated by tabs, and
 * answers on stdout; times are CLOCK_MONOTONIC in ns:
 *     (at start)           started PID T     T: just before exec
 *     signal PID NUMBER    signalled T       T: just before kill(2); PID as seen outside the namespace
 *     time COUNT ARGV...   timed T T T...    each run from fork to its end, inside the namespaces; -1: it failed
 *     (at its end)         exited CODE T     CODE is 128 + N after a signal
 * End of file on stdin, or its own death, kills PID 1 and with it everything in the namespace.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int64_t now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void die(const char *what)
{
	fprintf(stderr, "stage: cannot %s: %s\n", what, strerror(errno));
	_exit(111);
}

static void write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		die(path);
	close(fd);
}

static void enter_namespaces(void)
{
	int is_user = geteuid() != 0;
	char map[32];
	snprintf(map, sizeof map, "0 %d 1", (int)geteuid());
	if (unshare(CLONE_NEWPID | CLONE_NEWNS | (is_user ? CLONE_NEWUSER : 0)) < 0)
		die("make namespaces (root, or user namespaces, would do)");
	if (is_user) {
		write_text("/proc/self/setgroups", "deny");
		write_text("/proc/self/uid_map", map);
	}
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 || mount("tmpfs", "/run", "tmpfs", 0, "mode=755") < 0)
		die("mount an empty /run");
}

static void redirect(const char *output, int flags)
{
	int in = open("/dev/null", O_RDONLY), out = open(output, flags, 0644);
	if (in < 0 || out < 0)
		die(output);
	dup2(in, 0);
	dup2(out, 1);
	dup2(out, 2);
	close(in);
	close(out);
}

static void be_pid_1(const char *output, char **argv, int report)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (mount("proc", "/proc", "proc", 0, NULL) < 0)
		die("mount /proc");
	redirect(output, O_WRONLY | O_CREAT | O_APPEND);
	setsid();
	int64_t at = now();
	if (write(report, &at, sizeof at) < 0)
		_exit(111);
	execvp(argv[0], argv);
	if (write(report, &errno, sizeof errno) < 0)
		_exit(111);
	_exit(127);
}

/* A child of ours is inside the PID namespace; it times its own children, so that nothing of ours is between. */
static void time_command(char **words)
{
	int count = atoi(words[0]);
	fflush(stdout);
	pid_t timer = fork();
	if (timer == 0) {
		printf("timed");
		for (int i = 0; i < count; i++) {
			int status = -1;
			int64_t began = now();
			pid_t pid = vfork();
			if (pid == 0) {
				redirect("/dev/null", O_WRONLY);
				execvp(words[1], words + 1);
				_exit(127);
			}
			waitpid(pid, &status, 0);
			printf(" %lld", status == 0 ? (long long)(now() - began) : -1LL);
		}
		printf("\n");
		fflush(stdout);
		_exit(0);
	}
	waitpid(timer, NULL, 0);
}

/* false at end of file */
static int obey(void)
{
	static char line[16384];
	char *words[1100];
	int count = 0;
	if (!fgets(line, sizeof line, stdin))
		return 0;
	for (char *word = strtok(line, "\t\n"); word && count < (int)(sizeof words / sizeof *words) - 1; word = strtok(NULL, "\t\n"))
		words[count++] = word;
	words[count] = NULL;
	if (count == 3 && !strcmp(words[0], "signal")) {
		int64_t at = now();
		kill(atoi(words[1]), atoi(words[2]));
		printf("signalled %lld\n", (long long)at);
	} else if (count >= 3 && !strcmp(words[0], "time")) {
		time_command(words + 1);
	} else {
		printf("unknown\n");
	}
	fflush(stdout);
	return 1;
}

int main(int argc, char **argv)
{
	int report[2], failure, status;
	int64_t at;
	if (argc < 3)
		return 64;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	enter_namespaces();
	if (pipe2(report, O_CLOEXEC) < 0)
		die("make a pipe");
	pid_t pid = fork();
	if (pid == 0)
		be_pid_1(argv[1], argv + 2, report[1]);
	close(report[1]);
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (pid < 0 || pidfd < 0 || read(report[0], &at, sizeof at) != sizeof at)
		die("start PID 1");
	if (read(report[0], &failure, sizeof failure) == sizeof failure) {
		errno = failure;
		die(argv[2]);
	}
	setvbuf(stdin, NULL, _IONBF, 0);
	printf("started %d %lld\n", (int)pid, (long long)at);
	fflush(stdout);
	for (;;) {
		struct pollfd polled[] = { { .fd = pidfd, .events = POLLIN }, { .fd = 0, .events = POLLIN } };
		poll(polled, 2, -1);
		at = now();
		if (polled[0].revents)
			break;
		if (polled[1].revents && !obey())
			kill(pid, SIGKILL);
	}
	waitpid(pid, &status, 0);
	printf("exited %d %lld\n", WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), (long long)at);
	return 0;
}
