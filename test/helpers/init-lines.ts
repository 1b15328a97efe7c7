// The command lines of the side-by-side test.
// Lines of /bin/sh. Where parent and child write at the same time, the line sorts.
const tini = `
tini
tini --
tini -h
tini -s -h
tini -sh
tini true -h
tini --version
tini --version true
tini -x
tini -sx true
tini --help
tini --foo true
tini -p
tini -e
tini -s -p SIGTERM true
tini -spSIGKILL true
tini -p SIGFOO true
tini -p TERM true
tini -p sigterm true
tini -p SIGPWR true
tini -p SIGIO true
tini -p 15 true
tini -p '' true
tini -e 256 true
tini -e -1 true
tini -e x true
tini -e 5x true
tini -s -e '' sh -- -c 'exit 0'
tini -s -e 5 -- sh -c 'exit 5'
tini -s -e 5 -e 6 -- sh -c 'exit 6'
tini -s -e 5 -- sh -c 'exit 6'
tini -s -e ' +7' -- sh -c 'exit 7'
tini -s -e 143 -- sh -c 'kill -TERM $$'
tini -s -e 127 nowhere
tini true
tini -- true
tini -v true
tini -w true
tini -g false
tini -s true
tini -s false
tini -s -- sh -c 'exit 255'
tini -s -- sh -c 'kill -KILL $$'
tini -s -- sh -c 'kill -HUP $$'
tini -s echo one two
tini -s echo -- -v
tini -s echo one -v two
tini -s -- echo -v
POSIXLY_CORRECT=1 tini -s echo -v
tini -s - x
tini -s ''
tini nowhere
tini -s nowhere
tini -s /nowhere/at/all
tini -s /etc
tini -s ./not-executable
tini -s ./no-interpreter
tini -s ./no-shebang a b
tini -s /etc/passwd/x
PATH=$PATH:. tini -s no-shebang c
PATH=$PATH:. tini -s not-executable
tini -sv true
tini -svv true
tini -svvv true
tini -svvvv true
tini -svvvv nowhere
tini -vvvv true
tini -svvv sh -- -c 'echo out; echo err >&2; exit 9'
tini -svvv -- sh -c 'kill -SEGV $$'
tini -svvv -- sh -c 'kill -34 $$'
tini -svv -- sh -c 'kill -USR1 $$'
tini -svv ./send TERM
tini -svv ./send HUP
tini -svv ./send RTMIN
tini -sg -vv ./send INT
tini -svv -- sh -c '(exit 3) & wait; exit 4'
tini -sw -- sh -c '(sh -c "echo \\$\\$ >left; exit 3" &); until [ -s left ]; do sleep 0.05; done; while kill -0 $(cat left) 2>/dev/null; do sleep 0.05; done; rm left'
TINI_SUBREAPER= tini true
TINI_SUBREAPER=no tini -vvv true
TINI_VERBOSITY=0 tini true
TINI_VERBOSITY=0 tini -vvv nowhere
TINI_VERBOSITY=4 tini -s true
TINI_VERBOSITY=x tini true
TINI_VERBOSITY=-1 tini -s true
TINI_KILL_PROCESS_GROUP= tini -svv ./send TERM
tini -s ./session
tini -s -- sh -c 'cat; echo to stderr >&2' <no-shebang
tini -s true <&-
tini -s -- sh -c 'echo lost; exit 6' >&-
tini -s nowhere 2>&-
tini -s -- tini -s -- sh -c 'exit 11'
tini -s -- env -i /bin/sh -c 'echo $PATH'
env -i $(command -v tini) -s -- pwd
docker-init -h
docker-init
docker-init -s -- echo hi
$(command -v tini) -x
tini -s -- grep -E 'SigBlk|SigIgn' /proc/self/status
env --ignore-signal=INT,HUP --block-signal=USR1 tini -s -- grep -E 'SigBlk|SigIgn' /proc/self/status
`;
const dumbInit = `
dumb-init
dumb-init --
dumb-init -h
dumb-init --help
dumb-init --he
dumb-init -V
dumb-init --version
dumb-init -V -h
dumb-init -vV
dumb-init -x
dumb-init -cx true
dumb-init --yolo
dumb-init --yolo=1 true
dumb-init --v
dumb-init --ve true
dumb-init --help=x
dumb-init --rew
dumb-init --rewrite
dumb-init --rewrite=
dumb-init -r
dumb-init -r 15 true
dumb-init -r 15: true
dumb-init -r 15::12 true
dumb-init -r 1:32 true
dumb-init -r 0:1 true
dumb-init -r 32:1 true
dumb-init -r -1:1 true
dumb-init -r herp true
dumb-init -r derp: true
dumb-init -r 1:2x true
dumb-init -r ' 1: 2' true
dumb-init -r '1 :2' true
dumb-init -r TERM:INT true
dumb-init -r echo oh, hi
dumb-init --rewrite 15:3 true
dumb-init --rewrite=15:3 false
dumb-init -r1:2 -r 2:3 true
dumb-init true
dumb-init -- false
dumb-init echo oh, hi
dumb-init echo -v -- -x
dumb-init -- sh -c 'exit 255'
dumb-init --single-child sh -c 'exit 7'
dumb-init --s true
dumb-init sh -c 'kill -KILL $$'
dumb-init sh -c 'kill -HUP $$'
dumb-init -c sh -c 'kill -34 $$'
dumb-init nowhere
dumb-init -c /doesnotexist
dumb-init ''
dumb-init - x
dumb-init /etc
dumb-init ./not-executable
dumb-init ./no-interpreter
dumb-init /etc/passwd/x
dumb-init ./no-shebang a b
PATH=$PATH:. dumb-init no-shebang c
dumb-init -v true 2>&1 | sort
dumb-init -v nowhere 2>&1 | sort
dumb-init -v -c sh -c 'sleep 0.1'
dumb-init -v -c sh -c 'sleep 0.1; exit 3'
dumb-init -vc sh -c 'sleep 0.1; kill -9 $$'
dumb-init -vc ./send TERM
dumb-init -vc ./send RTMIN+3
dumb-init -vc -r 15:2 ./send TERM
dumb-init -vc -r 10:0 -r 15:12 sh -c 'kill -USR1 $PPID; exec ./send TERM'
dumb-init -v ./send TERM 2>&1 | sort
dumb-init -v ./send HUP 2>&1 | sort
dumb-init -v -r 15:9 ./send TERM 2>&1 | sort
dumb-init -v ./send RTMAX 2>&1 | sort
DUMB_INIT_DEBUG=1 dumb-init -c sh -c 'sleep 0.1'
DUMB_INIT_DEBUG=1 DUMB_INIT_SETSID=0 dumb-init sh -c 'sleep 0.1'
DUMB_INIT_DEBUG=0 dumb-init true
DUMB_INIT_DEBUG=yes DUMB_INIT_SETSID=00 dumb-init ./session
DUMB_INIT_SETSID=0 dumb-init ./session
DUMB_INIT_SETSID=1 dumb-init ./session
dumb-init ./session
dumb-init -c ./session
dumb-init dumb-init echo nested
dumb-init -c dumb-init ./session
dumb-init sh -c 'cat; echo to stderr >&2' <no-shebang
dumb-init sh -c 'echo $0' <&-
dumb-init sh -c 'echo lost; exit 6' >&-
dumb-init nowhere 2>&-
dumb-init sh -c 'cd /; pwd; cat /proc/self/comm'
dumb-init sh -c 'until [ "$(readlink /proc/$PPID/cwd)" = / ]; do sleep 0.05; done; readlink /proc/$PPID/cwd'
dumb-init sh -c '(sleep 30 & echo $! >left) >/dev/null 2>&1; exit 5'; c=$?; for i in $(seq 100); do readlink /proc/$(cat left)/exe >exe || break; sleep 0.1; done; readlink /proc/$(cat left)/exe >exe && echo alive; exit $c
dumb-init -c sh -c '(sleep 30 & echo $! >left) >/dev/null 2>&1; exit 5'; c=$?; kill $(cat left) 2>/dev/null && echo alive; exit $c
env -i $(command -v dumb-init) pwd
$(command -v dumb-init) -x
$(command -v dumb-init)
dumb-init grep -E 'SigBlk|SigIgn' /proc/self/status
env --ignore-signal=INT,HUP,RTMIN --block-signal=USR1 dumb-init grep -E 'SigBlk|SigIgn' /proc/self/status
env --ignore-signal=INT --block-signal=USR1 dumb-init -c grep -E 'SigBlk|SigIgn' /proc/self/status
dumb-init tini -s -- dumb-init -c sh -c 'exit 13'
`;
/** What is run under the originals and under ours. */
export const commandLines: readonly string[] = (tini + dumbInit).split("\n").filter((line) => line !== "");
