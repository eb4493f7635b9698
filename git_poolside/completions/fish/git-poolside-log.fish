complete -c git-poolside-log --wraps 'git-poolside log'
