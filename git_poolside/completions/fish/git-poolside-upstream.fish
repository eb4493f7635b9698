complete -c git-poolside-upstream --wraps 'git-poolside upstream'
