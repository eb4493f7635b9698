#!/bin/sh
# The fork's procedure by hand, with plain git: what `git poolside sync` is compared with.
# Run in a clone with poolside-main checked out. --no-fetch leaves the remotes alone.
set -eu
[ "${1:-}" = --no-fetch ] || { git fetch -q origin; git fetch -q upstream; }
file=.github/workflows/poolside-nightly-build.yaml

# The commit that the newest nightly was built from.
subject=$(git log -1 --format=%s upstream/nightly)
date=$(printf %s "${subject%% *}" | tr -d -)
hash=$(printf %s "$subject" | sed -n 's/.*(\([0-9a-f]\{40\}\))$/\1/p')
base=$(git merge-base poolside-cherry-picks upstream/main)
picks=$(git rev-parse poolside-cherry-picks)
titles=$(git log --format=%s "$base..$hash")

# The snapshot.
git checkout -q main
git merge -q --ff-only "$hash"

# The picks, without those that landed and were not taken back.
keep=
for pick in $(git rev-list --reverse "$base..$picks"); do
    number=$(git log -1 --format=%s "$pick" | sed -n 's/.*(#\([0-9]*\))$/\1/p')
    if printf '%s\n' "$titles" | grep -v '^Revert' | grep -q "(#$number)\$" &&
        ! printf '%s\n' "$titles" | grep -q "^Revert .*(#$number)\""; then
        continue
    fi
    keep="$keep $pick"
done
git checkout -q -B poolside-cherry-picks "$hash"
# shellcheck disable=SC2086
[ -z "$keep" ] || git cherry-pick $keep >/dev/null

# The fork's own patches, and the date in the version.
git checkout -q poolside-main
git rebase -q --onto poolside-cherry-picks "$picks" 2>/dev/null
sed -i "s/\.dev[0-9]\{8\}/.dev$date/" "$file"
git commit -q -m "Nightly of $date" -- "$file"
