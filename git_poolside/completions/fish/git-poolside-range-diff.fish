complete -c git-poolside-range-diff --wraps 'git-poolside range-diff'
