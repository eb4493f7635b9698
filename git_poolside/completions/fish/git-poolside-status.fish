complete -c git-poolside-status --wraps 'git-poolside status'
