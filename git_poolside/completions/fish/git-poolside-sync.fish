complete -c git-poolside-sync --wraps 'git-poolside sync'
