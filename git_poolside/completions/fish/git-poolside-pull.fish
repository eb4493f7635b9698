complete -c git-poolside-pull --wraps 'git-poolside pull'
