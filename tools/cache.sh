# Sourced by tools/setup.sh and models/fetch.sh: what is downloaded and made is kept in $cache, in folders named by a hash of what
# they were made from. Who sources it defines say MESSAGE and not_made NAME LOG, which says why and ends the script.
cache=${VETQUANT_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/vetquant}

key() { printf '%s\n' "$@" | sha256sum | cut -c1-12; }

# publish KIND-KEY BUILDER: runs BUILDER (which fills its first argument, a new folder) unless the cache has the result
# already; another one at the same time waits, and a broken one leaves nothing behind that looks whole.
publish() {
  local target=$cache/$1 builder=$2 work status
  [[ -d $target ]] && return
  mkdir -p "$cache"
  exec 9>"$cache/.lock"
  flock 9
  rm -rf "$cache"/.work.* # of one that was killed: who makes something holds the lock
  if [[ ! -d $target ]]; then
    say "making $target"
    work=$(mktemp -d "$cache/.work.XXXXXX")
    # shellcheck disable=SC2064  # this work folder, not a later one
    trap "rm -rf '$work'" EXIT
    mkdir "$work/result"
    set +e # not `|| ...`: that would switch -e off inside the builder too
    (set -e; cd "$work"; "$builder" "$work/result") >"$work/log" 2>&1 9>&-
    status=$?
    set -e
    [[ $status -eq 0 ]] || not_made "$1" "$work/log"
    mv -T "$work/result" "$target"
    rm -rf "$work"
    trap - EXIT
  fi
  exec 9>&-
}

python() { # pip of a throw-away environment: Debian's own refuses to install (PEP 668)
  [[ -d venv ]] || python3 -m venv venv
  venv/bin/python "$@"
}

# pip_get REQUIREMENT SHA256 FOLDER OPTION...: one file, its digest checked by pip and once more by us.
pip_get() {
  local requirement=$1 sha256=$2 folder=$3
  shift 3
  echo "$requirement --hash=sha256:$sha256" >requirement.txt
  python -m pip download -q --disable-pip-version-check --no-cache-dir --no-deps --require-hashes "$@" -d "$folder" -r requirement.txt ||
    { echo "pip could not get $requirement with SHA-256 $sha256"; return 1; }
  sha256sum "$folder"/* | grep -q "^$sha256 " || { echo "SHA-256 of $requirement differs from the pinned one"; return 1; }
}
