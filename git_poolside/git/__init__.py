"""The near side: git processes, objects, refs, replay, worktree."""
