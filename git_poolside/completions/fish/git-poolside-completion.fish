complete -c git-poolside-completion --wraps 'git-poolside completion'
