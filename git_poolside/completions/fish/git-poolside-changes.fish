complete -c git-poolside-changes --wraps 'git-poolside changes'
