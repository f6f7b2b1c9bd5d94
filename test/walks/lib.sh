# The walks of CONTRIBUTING, played. A walk adds a sample part to a scratch copy of the repository, step by step, and runs the checks that
# a contributor would run. All steps together must pass and touch no more files than CONTRIBUTING says; each step left out must fail, and
# the failure must name what is missing.
#
# A walk is a script that sets `most` (the most files such a part may ever touch) and `section` (the beginning of its heading in CONTRIBUTING)
# and calls `step NAME 'what the failure says' FUNCTION` for each step in order and `walk` at the end. The heading says how many files the part
# touches; the checks are the commands of go and npx that the section's "Try it" names. Steps and checks run in the scratch copy.
set -euo pipefail
root=$(git -C "$(dirname "${BASH_SOURCE[0]}")" rev-parse --show-toplevel)
me=$(basename "$0" .sh)
names=() says=() does=() section=

# told prints the section of CONTRIBUTING about this part.
told() { awk -v head="### $section" 'index($0, "### ") == 1 || index($0, "## ") == 1 { on = index($0, head) == 1 } on' "$root/CONTRIBUTING.md"; }

# files_told is how many files the heading promises.
files_told() {
  case $(told | head -1) in
  *"— one file") echo 1 ;; *"— two files") echo 2 ;; *"— three files") echo 3 ;; *"— four files") echo 4 ;;
  *) echo "walk $me: CONTRIBUTING has no section “### $section … — N files”" >&2; return 1 ;;
  esac
}

# commands are what a contributor is told to try, one a line; <name> is the sample's.
commands() {
  told | tr '\n' ' ' | sed 's/.*Try it: //' | grep -oE '`[^`]+`' | tr -d '`' | grep -E '^(go (test|vet)|cd console/ui)' | grep -v -- '-bench' | sed "s/<name>/${sample:-}/g"
}

# check runs them all; a command that finds no test of that name proves nothing.
check() {
  local c said bad=0
  while read -r c; do
    [ "${c#cd console/ui}" = "$c" ] || [ -e console/ui/node_modules ] || ln -s "$root/console/ui/node_modules" console/ui/node_modules
    if ! said=$(GOFLAGS=-count=1 bash -euo pipefail -c "$c" 2>&1 </dev/null); then
      printf '%s\n' "$said"
      bad=1
    elif [ "${c#go test}" != "$c" ] && ! grep -qE '^ok .*s$' <<<"$said"; then
      printf '%s\n%s runs no test\n' "$said" "$c"
      bad=1
    fi
  done < <(commands)
  return $bad
}

step() { names+=("$1"); says+=("$2"); does+=("$3"); }

# scratch is a work tree of what is committed and changed here; the same place each time, so that compiled packages are found again.
scratch=$root/.git/walk
[ -d "$root/.git" ] || scratch=$(git -C "$root" rev-parse --git-common-dir)/walk-$(basename "$root")
fresh() {
  if [ ! -e "$scratch/.git" ]; then
    rm -rf "$scratch"
    git -C "$root" worktree prune
    git -C "$root" worktree add --quiet --detach "$scratch" HEAD
  fi
  git -C "$scratch" checkout --quiet --force --detach "$rev"
  git -C "$scratch" clean -fdq
}
done_with() { git -C "$root" worktree remove --force "$scratch" 2>/dev/null || true; }

walk() {
  rev=$(git -C "$root" stash create "walk") && [ -n "$rev" ] || rev=$(git -C "$root" rev-parse HEAD)
  [ ${#names[@]} -gt 0 ] || { echo "walk $me has no step" >&2; exit 1; }
  [ -n "$(commands)" ] || { echo "walk $me: the section “$section” of CONTRIBUTING names no check" >&2; exit 1; }
  local touched promised failed=0
  promised=$(files_told)
  log=$(mktemp)
  trap 'rm -f "$log"; done_with' EXIT
  play() { # all steps but number $1
    fresh
    local i
    for i in "${!names[@]}"; do
      [ "$i" = "$1" ] || (cd "$scratch" && "${does[$i]}")
    done
  }
  play none
  touched=$(git -C "$scratch" status --porcelain --untracked-files=all | wc -l)
  if [ "$touched" -gt "$most" ] || [ "$touched" != "$promised" ]; then
    echo "walk $me: touches $touched files, CONTRIBUTING says $promised, and more than $most it may never be:" >&2
    git -C "$scratch" status --porcelain --untracked-files=all >&2
    failed=1
  fi
  if ! (cd "$scratch" && check) >"$log" 2>&1; then
    echo "walk $me: all its steps together do not pass:" >&2
    tail -30 "$log" >&2
    exit 1
  fi
  local i
  for i in "${!names[@]}"; do
    play "$i"
    if (cd "$scratch" && check) >"$log" 2>&1; then
      echo "walk $me: nothing fails without the step “${names[$i]}”" >&2
      failed=1
    elif ! grep -qE -- "${says[$i]}" "$log"; then
      echo "walk $me: without the step “${names[$i]}” the failure does not say /${says[$i]}/:" >&2
      tail -30 "$log" >&2
      failed=1
    fi
  done
  [ "$failed" = 0 ] || exit 1
  echo "walk $me: ${#names[@]} steps, $touched files; each step left out fails by name"
}
