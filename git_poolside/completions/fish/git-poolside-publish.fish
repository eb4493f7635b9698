complete -c git-poolside-publish --wraps 'git-poolside publish'
