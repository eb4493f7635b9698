complete -c git-poolside-undo --wraps 'git-poolside undo'
