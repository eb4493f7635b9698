# fish 3.6.0 completes no command of git's that is not git's own (fish-shell issue 9457).
if test "$version" = 3.6.0
    complete -c git -f -n '__fish_git_using_command poolside' -a '(__fish_git_complete_custom_command poolside)'
end
