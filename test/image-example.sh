# Part of image.sh: the example of docs/containers.md, taken out of the page word for word, built and tried.

# The files of the example, as the page has them: a block belongs to the names in the paragraph before it.
example() {
  awk -v to="$1" '
    function put(name) { file = to "/" name; dir = file; sub("/[^/]*$", "", dir); system("mkdir -p " dir); printf "" >file }
    /^```/ && open { open = 0; if (file) close(file); file = ""; next }
    /^```/ {
      open = 1
      if ($0 == "```dockerfile") { count++; if (count == 2) put("Dockerfile") }
      else if (names) { name = names; sub(" .*", "", name); sub("[^ ]* ?", "", names); put(name) }
      next
    }
    open { if (file) print >file; next }
    /^$/ { next }
    {
      if (!/`/) next
      names = ""
      line = $0
      while (match(line, "`(service/[a-z]+/[a-z.-]+|job)`")) {
        name = substr(line, RSTART + 1, RLENGTH - 2)
        names = names (names ? " " : "") name
        line = substr(line, RSTART + RLENGTH)
      }
    }
  ' docs/containers.md
}

try_example() {
  mkdir -p "$work/example"
  example "$work/example"
  sed -i "s/^FROM upkeep$/FROM $image/" "$work/example/Dockerfile"
  : >"$work/example/admin.authorized_keys"
  docker build --quiet --tag "$image-example" "$work/example" >/dev/null || return
  docker rm --force "$name" >/dev/null 2>&1
  docker run --detach --name "$name" "$image-example" >/dev/null
  check "the example's sshd comes up" inside upkeep wait --wait 30 sshd
  check "all of it does" inside upkeep wait --wait 30 all
  check "the application answers" inside node -e 'fetch("http://localhost:8080").then((a) => process.exit(a.ok ? 0 : 1))'
  inside sh -c 'ssh-keygen -q -t ed25519 -N "" -f /root/key && cat /root/key.pub >/home/admin/.ssh/authorized_keys'
  login="ssh -i /root/key -o BatchMode=yes -o StrictHostKeyChecking=no admin@localhost"
  check "a login sees the container's environment" sh -c "docker exec $name $login 'echo \$JAVA_HOME' | grep -qx /usr/local/jdk"
  check "and its PATH" sh -c "docker exec $name $login 'bash -lc \"echo \\\$PATH\"' | grep -q '^/usr/local/jdk/bin:'"
  docker exec --detach "$name" $login 'touch in; while [ ! -e go ]; do sleep 0.1; done; touch out'
  within 10 inside test -e /home/admin/in
  check "sshd restarts" inside upkeep restart sshd
  inside touch /home/admin/go
  check "and a login lives on" within 5 inside test -e /home/admin/out
  check "a job of cron sees the environment" within 70 sh -c "docker logs $name 2>&1 | grep -q 'job: JAVA_HOME is /usr/local/jdk'"
  docker exec --detach "$name" $login 'touch in2; sleep 1000'
  within 10 inside test -e /home/admin/in2
  check "a login does not hold up the stop" stops_in_time
}
