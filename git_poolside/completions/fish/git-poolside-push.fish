complete -c git-poolside-push --wraps 'git-poolside push'
