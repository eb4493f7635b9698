complete -c git-poolside-nightly --wraps 'git-poolside nightly'
