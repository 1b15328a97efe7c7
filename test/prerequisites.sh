#!/bin/sh
# Installs what the tests need from Debian, when this is root and apt is here; elsewhere it says which tests are skipped.
# It is silent when all is there, starts no daemon, and never fails the test run: a test that misses its program is
# skipped with its reason, and fails where CI=true.
PATH=$PATH:/usr/sbin:/sbin

# package  a program of it  the tests that need it
wanted='
openssh-server sshd     logins over ssh
openssh-client ssh      logins over ssh
cron           cron     jobs that cron runs
nginx-light    nginx    nginx as a service
runit          sv       service directories under runit itself
daemontools    setlock  its programs beside the names of chpst
s6             s6-supervise service directories under s6 itself
mini-httpd-run mini_httpd service directories that packages bring
socklog-run    socklog  service directories that packages bring
busybox        busybox  daemons that put themselves in the background
tini           tini     init mode beside tini
dumb-init      dumb-init init mode beside dumb-init
bash           bash     job control
util-linux     unshare  everything that runs as PID 1
gcc            cc       the core
libc6-dev      -        the core
'

packages=
missing=
here() {
  if [ "$2" = - ]; then [ -e /usr/include/stdio.h ]; else command -v "$2" >/dev/null 2>&1; fi
}
while read -r package program tests; do
  [ -n "$package" ] || continue
  here "$package" "$program" && continue
  packages="$packages $package"
  missing="$missing
  $package: $tests"
done <<END
$wanted
END
[ -n "$packages" ] || exit 0

skip() {
  echo "test prerequisites: $1; these tests are skipped:$missing" >&2
  exit 0
}
command -v apt-get >/dev/null 2>&1 || skip "no apt-get here"
[ "$(id -u)" = 0 ] || skip "not root, so nothing can be installed"

# Debian's own switch: while this file says 101, no package starts its daemon.
policy=/usr/sbin/policy-rc.d
log=$(mktemp) || exit 0
cleanup() {
  rm -f "$log"
  [ -z "${wrote-}" ] || rm -f "$policy"
}
trap cleanup EXIT
trap 'exit 1' HUP INT TERM
if [ ! -e "$policy" ] && [ ! -L "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod 755 "$policy" && wrote=yes
fi

echo "test prerequisites: installing$packages" >&2
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086 # a list of package names
if apt-get update -qq >"$log" 2>&1 &&
  apt-get install -qq -y --no-install-recommends $packages >>"$log" 2>&1 </dev/null; then
  exit 0
fi
cat "$log" >&2
skip "apt-get could not install$packages"
