/*
 * The lower bound: the least a supervisor of a directory can do. vfork and exec of every DIR/NAME/run, restart at once,
 * reap everything, TERM to all on TERM. No configuration, no logs, no control, no order, no backoff.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST = 4096 };
static struct { char *dir; pid_t pid; } services[MOST];
static int count, alive;

static void start(int index)
{
	pid_t pid = vfork();
	if (pid == 0) {
		sigset_t none;
		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		setsid();
		if (chdir(services[index].dir) == 0)
			execl("./run", "./run", (char *)NULL);
		_exit(127);
	}
	services[index].pid = pid;
	alive += pid > 0;
}

static void find(const char *root)
{
	DIR *dir = opendir(root);
	struct dirent *entry;
	while (dir && count < MOST && (entry = readdir(dir)))
		if (entry->d_name[0] != '.' && asprintf(&services[count].dir, "%s/%s", root, entry->d_name) > 0)
			count++;
	if (dir)
		closedir(dir);
}

static void reap(int stopping)
{
	pid_t pid;
	while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
		for (int i = 0; i < count; i++)
			if (services[i].pid == pid) {
				services[i].pid = 0;
				alive--;
				if (!stopping)
					start(i);
				break;
			}
}

int main(int argc, char **argv)
{
	if (argc != 2)
		return 64;
	sigset_t mine;
	sigemptyset(&mine);
	sigaddset(&mine, SIGCHLD);
	sigaddset(&mine, SIGTERM);
	sigprocmask(SIG_BLOCK, &mine, NULL);
	find(argv[1]);
	for (int i = 0; i < count; i++)
		start(i);
	for (int stopping = 0; !stopping || alive > 0;) {
		if (sigwaitinfo(&mine, NULL) == SIGTERM) {
			stopping = 1;
			for (int i = 0; i < count; i++)
				if (services[i].pid > 0)
					kill(services[i].pid, SIGTERM);
		}
		reap(stopping);
	}
	return 0;
}
