// The command lines of the tests that run chpst beside runit's. Lines of /bin/sh; `show` tells of the state it runs in.
const options = `
chpst
chpst -x true
chpst -vx true
chpst -u
chpst -Pm
chpst -u nobody
chpst -
chpst - true
chpst --
chpst -- show a 'b  c' ''
chpst --anything show
chpst -P -- show
chpst show
chpst sh -c 'exit 7'
chpst sh -c 'kill -TERM $$'
chpst nowhere
chpst /no/such
chpst /tmp
chpst ''
chpst not-executable
chpst ./not-executable
chpst ./no-shebang
chpst ./no-interpreter
dchpst -x true
dchpst show
./../NAME/chpst -x
chpst -v show
chpst -vP012v true
`;

const identity = `
chpst -u nobody show
chpst -u root show
chpst -u nobody:adm show
chpst -u nobody:adm:cdrom:audio show
chpst -unobody show
chpst -vPunobody:adm show
chpst -u daemon -u nobody show
chpst -u nosuch show
chpst -u nobody:nosuch show
chpst -u nobody:adm:nosuch show
chpst -u nobody: show
chpst -u nobody::adm show
chpst -u '' show
chpst -u : show
chpst -u :: show
chpst -u :1 show
chpst -u :1: show
chpst -u ::5 show
chpst -u :1:2 show
chpst -u :1:2:3:4 show
chpst -u :a show
chpst -u :1:x show
chpst -u :1:2x show
chpst -u ':1: 2' show
chpst -u :-1:1 show
chpst -u :4294967295:1 show
chpst -u :1:4294967295 show
chpst -u 1 show
chpst -u 65534 show
chpst -u 'nobody:adm:nobody' show
chpst -u $(printf 'x%.0s' $(seq 3000)) true
chpst -u nobody nowhere
chpst -U nobody show
chpst -U nobody:adm:cdrom show
chpst -U :7:8:9 show
chpst -U :7 show
chpst -U nosuch show
chpst -U nobody:nosuch show
chpst -U root -u nobody show
UID=1 GID=2 chpst -U nobody env
`;

const environment = `
chpst -e env show
chpst -e env/ show
chpst -e . true
chpst -e nowhere show
chpst -e env/PLAIN show
chpst -e '' show
chpst -e /dev/null show
chpst -e closed show
chpst -e env -e empty show
chpst -e empty show
chpst -e nested show
chpst -v -e nested show
chpst -e dangling show
A=1 chpst -e dangling sh -c 'echo A=$A'
chpst -e fifo show
chpst -e unreadable show
chpst -e huge true
chpst -e equals show
env -i Z=1 A=2 PLAIN=3 UNSET=4 Y=5 /bin/sh -c 'PATH=/nowhere exec DIR/chpst -e env /usr/bin/env'
env -i A=1 DIR/chpst -e path /usr/bin/env
env -i PATH=/bin:/usr/bin DIR/chpst -e path env
env -i PATH= DIR/chpst show
env -i PATH=: DIR/chpst show
env -i PATH=:/bin DIR/chpst ./show
env -i PATH=nowhere::/bin DIR/chpst local
env -i PATH=$PWD/not-executable:/bin DIR/chpst true
env -i PATH=$PWD:/bin DIR/chpst not-executable
env -i PATH=/nowhere:/bin DIR/chpst true
env -i DIR/chpst nowhere
env -i DIR/chpst sh -c 'echo $0'
env -i PATH=/bin DIR/chpst /nowhere/sh
chpst -e env -U nobody show
chpst -U nobody -e uid show
`;

const places = `
chpst -/ / show
chpst -/ . true
chpst -/ nowhere show
chpst -/ env/PLAIN show
chpst -/ '' show
chpst -/ closed show
chpst -/ empty show
chpst -/ / -e env show
chpst -b zero show
chpst -b zero sh -c 'echo $0'
chpst -b '' sh -c 'echo $0'
chpst -b -sh nowhere
chpst -n 5 show
chpst -n +5 show
chpst -n5 show
chpst -n 40 show
chpst -n '' show
chpst -n + show
chpst -n - show
chpst -n 0 show
chpst -n -5 show
chpst -n -- true
chpst -n x true
chpst -n 5x true
chpst -n -+5 true
chpst -n ++5 true
chpst -n 1.5 true
chpst -n 99999999999 show
chpst -n -99999999999 show
chpst -n 3 chpst -n 4 show
chpst -P show
chpst -P chpst -P show
`;

const limits = `
chpst -m 900000000 show
chpst -d 900000000 show
chpst -o 64 show
chpst -p 4000 show
chpst -f 1000000 show
chpst -c 0 show
chpst -r 123456789 show
chpst -t 300 show
chpst -m 900000000 -d 800000000 -o 50 -p 4000 -f 900000 -c 1000 -r 100000 -t 100 show
chpst -d 800000000 -m 900000000 show
chpst -o 18446744073709551615 show
chpst -o 18446744073709551614 show
chpst -o 18446744073709551616 sh -c 'echo no'
chpst -o 99999999999 show
chpst -c 9223372036854775807 show
chpst -c 9223372036854775808 show
chpst -o x true
chpst -o -1 true
chpst -o +1 true
chpst -o 1k true
chpst -o = true
chpst -o 0x10 true
chpst -o ' 1' true
chpst -m '' true
chpst -f 0 show | cat
chpst -f 0 nowhere
chpst -f 0 nowhere 2>&1 | cat
chpst -c '' show
ulimit -n 100; chpst -o 200 show
ulimit -n 100; chpst -o 100 show
ulimit -Sn 50; chpst -o 18446744073709551615 show
ulimit -c 0; chpst -c 1000 show
`;

const descriptors = `
chpst -0 show
chpst -1 echo hello
chpst -2 show
chpst -2 nowhere
chpst -012 true
chpst -0 chpst -0 true
chpst -1 chpst -1 true
chpst -2 chpst -2 true
chpst -0 -l locks/new readlink /proc/self/fd/3
chpst -l locks/new show; ls -l locks/new | cut -c1-10
chpst -l locks/new grep flags /proc/self/fdinfo/3
chpst -L locks/new show
chpst -L locks/new -u nobody show
chpst -l nowhere/lock show
chpst -L '' show
chpst -l / show
chpst -l env/PLAIN true
chpst -l /dev/null true
chpst -l fifo/F true
chpst -l a -l b true
chpst -l a -L b true
flock locks/held chpst -L locks/held show
flock locks/held chpst -v -L locks/held show
flock locks/held chpst -L locks/new show
chpst -l locks/other flock -n locks/other echo taken
chpst -l locks/other sh -c 'chpst -L locks/other echo taken'
chpst -l locks/other -- chpst -l locks/more -- show
chpst -l locks/other -o 3 true
chpst -P -e env -/ / -n 1 -U nobody:adm -u nobody:adm:cdrom -0 -m 900000000 -c 0 -b zero sh -c 'exec ./show'
chpst -e nowhere -/ nowhere -u nosuch -l nowhere/lock nowhere
chpst -/ nowhere -U nosuch -u nosuch -l nowhere/lock nowhere
chpst -U nosuch -u other -l nowhere/lock nowhere
chpst -u other -l nowhere/lock nowhere
chpst -0 -l nowhere/lock nowhere
`;

const kin = `
envdir
envdir env
envdir env show
denvdir env show
envdir nowhere show
envdir nested show
envdir dangling show
envdir unreadable show
envdir -x show
envdir -- env show
envdir env nowhere
envuidgid
envuidgid nobody
envuidgid nobody show
envuidgid nosuch show
envuidgid nobody:adm show
envuidgid :1:2 show
envuidgid nobody nowhere
setuidgid
setuidgid nobody
setuidgid nobody show
dsetuidgid nobody show
setuidgid nosuch show
setuidgid nobody:adm show
setuidgid :1:2 show
setuidgid nobody nowhere
setuidgid nobody sh -c 'exit 9'
pgrphack
pgrphack show
dpgrphack show
pgrphack -x
pgrphack -- show
pgrphack nowhere
setlock
setlock locks/new
setlock -q locks/new show
setlock -nq locks/new show
dsetlock -q
setlock locks/new show
setlock -- locks/new show
setlock -nX locks/new show
setlock -N -x locks/new show
setlock locks/new sh -c 'exit 5'
setlock nowhere/lock show
setlock -x nowhere/lock show
setlock -xX nowhere/lock show
setlock -Xx nowhere/lock show
setlock locks/new nowhere
softlimit
softlimit -q
softlimit -m
softlimit show
dsoftlimit show
softlimit -a 900000000 show
softlimit -c 0 show
softlimit -d 900000000 show
softlimit -f 1000000 show
softlimit -l 10000 show
softlimit -m 900000000 show
softlimit -o 60 show
softlimit -p 4000 show
softlimit -r 1000000 show
softlimit -s 4000000 show
softlimit -t 200 show
softlimit -m 900000000 -a 800000000 -s 4000000 show
softlimit -o 64 softlimit -o = show
softlimit -c = show
softlimit -- sh -c 'exit 3'
softlimit nowhere
`;

const lines = (text: string): readonly string[] => text.trim().split("\n");

/** Runit's own chpst says and does the same in each of these, under this name and its others. */
export const chpstLines: readonly string[] = [options, identity, environment, places, limits, descriptors, kin].flatMap(
  lines,
);

/** Daemontools' own programs do the same in each of these; they name themselves in what they say. */
export const daemontoolsLines: readonly string[] = [
  // Of what it may not read runit's says 111, and of wrong words 100; daemontools' envdir says 111 to both.
  ...lines(kin).filter((line) => line !== "envdir" && line !== "envdir env" && !/^d[^ ]/.test(line)),
  "flock locks/held setlock -n locks/held show",
  "flock locks/held setlock -nx locks/held show",
  "flock locks/held setlock -nX locks/held show",
  "flock locks/held setlock -Nn locks/held show",
  "setlock -x locks/new nowhere",
  "setlock -n locks/new show",
  "softlimit -o x show",
  "softlimit -o '' sh -c 'exit 0'",
  "softlimit -o == show",
];
