complete -c git-poolside-doctor --wraps 'git-poolside doctor'
