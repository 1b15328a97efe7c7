#!/bin/sh
# Builds the image with Docker and holds it to what the README and docs/containers.md promise, the example of sshd, cron
# and an application included: that is taken out of the page, word for word. Not part of `npm test`, which wants no
# container engine. `NODES="20 24 26" test/image.sh` does it for several versions of Node; one version takes about two
# minutes. Leaves no container and no image behind; the last line is `N passed, N failed`.
set -u
cd "$(dirname "$0")/.." || exit 1

mark=upkeep-try-$$
name=$mark-c
work=$(mktemp -d)
clean() {
  docker rm --force "$name" >/dev/null 2>&1
  docker image rm --force $(docker image ls --quiet --filter "reference=$mark*" | sort -u) >/dev/null 2>&1
  rm -rf "$work"
}
trap clean EXIT
trap 'exit 130' INT TERM
passed=0
failed=0

# check PROMISE COMMAND...
check() {
  promise=$1
  shift
  if "$@" >"$work/said" 2>&1; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    echo "failed: [$image] $promise"
    tail -5 "$work/said"
    docker logs "$name" 2>&1 | tail -10
  fi
}
# within SECONDS COMMAND...: until it is true
within() {
  end=$(($(date +%s) + $1))
  shift
  until "$@"; do
    [ "$(date +%s)" -lt "$end" ] || return 1
    sleep 0.1
  done
}
# up SERVICES OPTION...
up() {
  services=$1
  shift
  docker rm --force "$name" >/dev/null 2>&1
  docker run --detach --name "$name" --volume "$work/$services:/etc/service:ro" "$@" "$image" >/dev/null
}
inside() { docker exec "$name" "$@"; }
logs() { docker logs "$name" 2>&1; }
running() { docker inspect --format '{{.State.Status}}' "$name"; }
code() { docker inspect --format '{{.State.ExitCode}}' "$name"; }
is() { [ "$1" = "$2" ] || { echo "not $1 but $2" && false; }; }
# gives CODE DOCKER-RUN-WORDS...
gives() {
  expected=$1
  shift
  docker run --rm "$@"
  is "$expected" $?
}
healthy() { within 15 inside upkeep health >/dev/null 2>&1; }
pids() { inside upkeep status -o json | tr -d ' \n' | grep -o '"pid":[0-9]*' | tr '\n' ' '; }
# The manager's pid as the container knows it.
manager() { inside sh -c 'for p in $(cat /proc/1/task/1/children); do grep -q manager.cjs /proc/$p/cmdline && echo $p; done'; }
is_taken_over() { logs | grep -q 'a new manager has taken over' && inside upkeep health; }
in_order() { is 'web-stops db-stops ' "$(logs | grep -o 'web-stops\|db-stops' | tr '\n' ' ')"; }
no_zombie() { ! docker top "$name" -o pid,stat | awk '{ print $2 }' | grep '^Z'; }
stops_in_time() {
  began=$(date +%s)
  docker stop "$name"
  [ $(($(date +%s) - began)) -lt 5 ] && is 0 "$(code)"
}
health_is() { is "$1" "$(docker inspect --format '{{.State.Health.Status}}' "$name")"; }
ended_with() { is exited "$(running)" && is "$1" "$(code)"; }
# The lines of a counting service come in order and once; where some are missing, that was said.
counts_on() {
  logs | awk '
    / of the output of count are lost: / { said++ }
    $1 != "[count]" { next }
    $2 <= n { print $2 " after " n; bad = 1 }
    $2 > n + 1 { print $2 " after " n; gaps++ }
    { n = $2 }
    END { exit bad || gaps > said || n < 10 }'
}
eats_memory() { inside node --max-old-space-size=4000 -e 'const kept = []; for (;;) kept.push(Buffer.alloc(1e6, 1))'; }

service() {
  mkdir -p "$work/$1"
  cat >"$work/$1/run"
  chmod 755 "$work/$1/run"
  printf 'settle = 100ms\n' >"$work/$1/service.ini"
}
service two/db <<'RUN'
#!/bin/sh
trap 'echo db-stops; exit 0' TERM
echo "db-runs as $(id -u)"
while :; do sleep 1000 & wait $!; done
RUN
service two/web <<'RUN'
#!/bin/sh
trap 'echo web-stops; exit 0' TERM
# An orphan for whoever reaps.
(sleep 0.1 &)
while :; do sleep 1000 & wait $!; done
RUN
echo 'requires = db' >>"$work/two/web/service.ini"
service one/count <<'RUN'
#!/bin/sh
n=0
while :; do echo $((n += 1)) && sleep 0.02; done
RUN
service sick/bad <<'RUN'
#!/bin/sh
[ -e /tmp/mended ] && exec sleep 1000
exit 3
RUN
echo 'give-up = 2 in 60s' >>"$work/sick/bad/service.ini"
chmod -R a+rX "$work"

try_options() {
  while read -r options; do
    # shellcheck disable=SC2086 # words on purpose
    up two $options
    check "[$options] wait comes right after docker run" inside upkeep wait web
    check "[$options] is healthy" healthy
    check "[$options] leaves no zombie" no_zombie
    check "[$options] stops in time, with 0" stops_in_time
    check "[$options] stops in order" in_order
  done <<'OPTIONS'
--init=false
--init
--read-only
--user 12345
--cap-drop ALL
--read-only --user 12345 --cap-drop ALL --security-opt no-new-privileges
--env NODE_OPTIONS=--no-such-option
OPTIONS
}

try_signals() {
  for signal in INT QUIT PWR RTMIN+3; do
    up two && healthy
    docker kill --signal $signal "$name" >/dev/null
    check "$signal is an ordered stop" within 5 ended_with 0
  done
  up two && healthy
  for signal in HUP USR1 USR2 WINCH ALRM; do docker kill --signal $signal "$name" >/dev/null; done
  check "other signals stop nothing" healthy
  timeout --signal INT 1 docker attach "$name" >/dev/null 2>&1
  check "an interrupt of docker attach is an ordered stop" within 5 ended_with 0
}

try_access() {
  up two --user 12345 && healthy
  check "root may ask the supervisor of another user" docker exec --user 0 "$name" upkeep status
  docker exec --user 777 "$name" upkeep status >/dev/null 2>&1
  check "a stranger may not" is 5 $?
  docker exec --detach --tty "$name" bash
  within 5 sh -c "docker top $name -o pid,comm | grep -q bash"
  check "a shell of docker exec does not hold up the stop" stops_in_time
  check "services' output is on standard output" sh -c "docker logs $name 2>/dev/null | grep -q db-runs"
  check "upkeep's own is on standard error" sh -c "docker logs $name 2>&1 >/dev/null | grep -q '\"msg\":\"stopped 2 services'"
  up two --tty && healthy
  check "on a terminal it speaks to a person" sh -c "docker logs $name | grep -q 'upkeep: supervising 2 services'"
}

try_health() {
  up sick --health-interval 1s --health-retries 1 --health-start-period 0s
  check "a service that was given up is unhealthy" within 15 health_is unhealthy
  check "and the container stays" is running "$(running)"
  inside sh -c 'touch /tmp/mended; upkeep start bad' >/dev/null
  check "once mended it is healthy" within 15 health_is healthy
}

try_manager() {
  up one --memory 192m --memory-swap 192m && healthy
  before=$(pids)
  inside sh -c "kill -9 $(manager)"
  check "a killed manager is followed by a new one" within 15 is_taken_over
  check "its service was not touched" is "$before" "$(pids)"
  inside sh -c "echo 1000 >/proc/$(manager)/oom_score_adj"
  victim=$(manager)
  eats_memory >/dev/null 2>&1
  check "so is one that ran out of memory" within 15 sh -c "docker exec $name upkeep health"
  check "which it did" [ "$victim" != "$(manager)" ]
  check "its service was not touched by that either" is "$before" "$(pids)"
  check "and the container can be stopped" stops_in_time
  check "of the output nothing is doubled or out of order, and no loss goes unsaid" counts_on
  up two --pids-limit 24 && healthy
  inside sh -c 'i=0; while [ $i -lt 40 ]; do sleep 30 & i=$((i + 1)); done' >/dev/null 2>&1
  check "where no process more may start, it can be stopped" stops_in_time
}

try_commands() {
  check "one command gives its code" gives 7 "$image" upkeep -- sh -c 'exit 7'
  check "one command that is killed gives 128 and the signal" gives 137 "$image" upkeep -- sh -c 'kill -9 $$'
  check "a command that is not there gives 127" gives 127 "$image" upkeep -- no-such-command
  check "one that cannot be executed gives 126" gives 126 "$image" upkeep -- /etc/passwd
  check "words that mean nothing give 64" gives 64 "$image" upkeep no-such-word
  check "a wrong configuration gives 78" gives 78 --env UPKEEP_STOP_BUDGET=soon "$image"
  check "beside services, a command gives its code" gives 7 "$image" upkeep run /etc/service -- sh -c 'exit 7'
  check "no compiler is in the image" gives 1 "$image" sh -c 'command -v cc || command -v gcc || exit 1'
  check "of upkeep there are its program and its bundle" gives 0 "$image" sh -c \
    'cd /usr/local/lib && [ "$(ls node_modules)" = npm ] && [ "$(du -sk upkeep | cut -f1)" -lt 1500 ]'
}

. test/image-example.sh

for node in ${NODES:-24}; do
  image=$mark-node$node
  docker build --quiet --build-arg "NODE=$node" --tag "$image" . >/dev/null || exit 1
  try_options
  try_signals
  try_access
  try_health
  try_manager
  try_commands
  try_example
done

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
