#!/bin/sh
# Builds the image with Docker and runs it in the ways that docs/containers.md promises. Not part of `npm test`, which
# wants no container engine. Leaves nothing behind but the image `upkeep`; the last line is `N passed, N failed`.
set -u
cd "$(dirname "$0")/.." || exit 1
docker build --quiet --tag upkeep . || exit 1

services=$(mktemp -d)
name=upkeep-image-test-$$
trap 'docker rm --force "$name" >/dev/null 2>&1; rm -rf "$services"' EXIT
mkdir "$services/web" "$services/db"
cat >"$services/db/run" <<'RUN'
#!/bin/sh
trap 'echo db-stops; exit 0' TERM
echo "db-runs as $(id -u)"
while :; do sleep 1000 & wait $!; done
RUN
cat >"$services/web/run" <<'RUN'
#!/bin/sh
trap 'echo web-stops; exit 0' TERM
# An orphan for whoever reaps.
(sleep 0.1 &)
while :; do sleep 1000 & wait $!; done
RUN
printf 'requires = db\nsettle = 100ms\n' >"$services/web/service.ini"
printf 'settle = 100ms\n' >"$services/db/service.ini"
chmod -R a+rX "$services"
chmod 755 "$services"/*/run

passed=0
failed=0
check() {
  what=$1
  shift
  if "$@" >/dev/null 2>&1; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    echo "failed: $what"
  fi
}
seconds_to_health() {
  n=0
  until docker exec "$name" upkeep health; do
    n=$((n + 1))
    [ "$n" -lt 100 ] || return 1
    sleep 0.1
  done
}
stops_in_order() {
  docker logs "$name" 2>&1 | grep -o 'web-stops\|db-stops' | tr '\n' ' ' | grep -q '^web-stops db-stops $'
}
no_zombie() { ! docker top "$name" -o pid,stat | awk '{ print $2 }' | grep -q '^Z'; }
left_with() { [ "$(docker inspect --format '{{.State.ExitCode}}' "$name")" = "$1" ]; }

# Each line: the options of one run.
while read -r options; do
  # shellcheck disable=SC2086 # words on purpose
  docker run --detach --name "$name" --volume "$services:/etc/service:ro" $options upkeep >/dev/null || exit 1
  check "[$options] is healthy" seconds_to_health
  check "[$options] shows its services" docker exec "$name" upkeep status web db
  check "[$options] leaves no zombie" no_zombie
  began=$(date +%s)
  docker stop "$name" >/dev/null
  check "[$options] stops within 5 s" [ $(($(date +%s) - began)) -lt 5 ]
  check "[$options] stops in order" stops_in_order
  check "[$options] ends with 0" left_with 0
  [ "$failed" = 0 ] || docker logs "$name" 2>&1 | tail -20
  docker rm --force "$name" >/dev/null
done <<'OPTIONS'
--init=false
--init
--read-only
--user 12345
--cap-drop ALL
--read-only --user 12345 --cap-drop ALL --security-opt no-new-privileges
--env NODE_OPTIONS=--no-such-option
OPTIONS

code() {
  expected=$1
  shift
  docker run --rm --init=false "$@" >/dev/null 2>&1
  [ $? = "$expected" ]
}
check "one command gives its code" code 7 upkeep upkeep -- sh -c 'exit 7'
check "one command that is killed gives 128 and the signal" code 137 upkeep upkeep -- sh -c 'kill -9 $$'
check "a command that is not there gives 127" code 127 upkeep upkeep -- no-such-command
check "no compiler is in the image" code 1 upkeep sh -c 'command -v cc || command -v gcc || exit 1'

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
