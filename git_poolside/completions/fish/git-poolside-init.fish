complete -c git-poolside-init --wraps 'git-poolside init'
