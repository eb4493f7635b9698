complete -c git-poolside-cherry-pick --wraps 'git-poolside cherry-pick'
