complete -c git-poolside-demo --wraps 'git-poolside demo'
