// Where Node.js and the bundle are, and the environment they get.
#ifndef NODE_H
#define NODE_H

enum node_use { NODE_FOR_MANAGER, NODE_FOR_COMMAND };

struct node_command {
  const char *node;
  char **argv;
  char **envp;
};

// Fills in the command that runs the bundle with these arguments; `handles_fd` is told as UPKEEP_HANDLES_FD.
// NULL, or a sentence that says what was not found and what would do. Allocates once; never freed.
const char *node_find(struct node_command *command, char **arguments, char **environment, enum node_use use, int handles_fd);

// Replaces this process by the bundle (for words that need no supervisor); returns an exit code where it could not.
int node_exec(char **arguments, char **environment);
#endif
