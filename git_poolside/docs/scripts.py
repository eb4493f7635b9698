"""Makes the completion scripts from the parsers, at build time, for `docs` to write or to compare.

shtab knows the shells; here is what it does not do: values that are asked for when TAB is pressed, which a value's
name in the help says (`KINDS`), and ``git poolside WORD`` and ``git-poolside-WORD`` as one.
"""

from __future__ import annotations

import argparse
import re
import shlex
from importlib import import_module
from typing import Any

from git_poolside.commands import COMMANDS, Parser

KINDS = {
    "DATE": "nightlies",
    "PATCH": "patches picks",
    "PICK": "picks",
    "SNAG": "snags",
    "OPERATION": "operations",
    "OPERATION|DATE": "operations published",
    "COMMIT": "incoming",
    "COMMIT|URL|'#N'": "incoming",
    "B": "branches",
    "BRANCH": "branches",
}
"""What a value is called in the help -> the kinds of `live` that it may be."""
ELSEWHERE = {("range-diff", "DATE"): "published", ("upstream", "PATCH"): "patches"}
PATHS = {"FILE": "file", "DIR": "directory"}
WORDS = {"LAYER": ("picks", "patches")}
FREE = frozenset({"N", "URL", "CMD", "TEXT", "NAME", "NAME=VALUE"})
"""Values that nobody can complete."""

_HEAD = "# Made from the parsers with shtab (github.com/tqdm/shtab): python -m git_poolside.docs"

_BASH = """\
# Completion for git-poolside and its commands, with git's own completion or without it.

# The live values of some kinds that begin with $1, each with its meaning after a TAB.
_git_poolside_live() {
    local line word=$1
    shift
    local program=(git-poolside)
    ((${#__git_C_args[@]})) && program=(git "${__git_C_args[@]}" poolside)
    while IFS= read -r line; do
        [[ $line == "$word"* ]] && printf '%s\\n' "$line"
    done < <("${program[@]}" --complete "$@" 2>/dev/null)
}

# Complete the last of these words, the words of a git-poolside command line.
_git_poolside_words() {
    local word COMP_WORDS=() COMP_CWORD
    for word; do
        case $word in
            --*=*) COMP_WORDS+=("${word%%=*}" "${word#*=}") ;;
            =) ;;
            *) COMP_WORDS+=("$word") ;;
        esac
    done
    [[ $word == = ]] && COMP_WORDS+=("")
    COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
    _git_poolside_shtab
    _git_poolside_shown "${COMP_WORDS[@]:1:COMP_CWORD-1}"
}

# Meanings are shown where the shell lists; on the line go values alone, quoted.
_git_poolside_shown() {
    local i value meaning width=0 listing=
    case ${COMP_TYPE-} in 33 | 63 | 64) ((${#COMPREPLY[@]} > 1)) && listing=1 ;; esac
    for i in "${!COMPREPLY[@]}"; do
        value=${COMPREPLY[i]%%$'\\t'*}
        ((${#value} > width)) && width=${#value}
    done
    for i in "${!COMPREPLY[@]}"; do
        value=${COMPREPLY[i]%%$'\\t'*}
        if [[ ${COMPREPLY[i]} == *$'\\t'* ]]; then
            meaning=${COMPREPLY[i]#*$'\\t'}
            compopt -o nosort 2>/dev/null
        else
            _git_poolside_meaning "$*" "$value"
        fi
        if [[ $listing && $meaning ]]; then
            printf -v value '%-*s  %s' "$width" "$value" "$meaning"
            ((${#value} > ${COLUMNS:-80} - 2)) && value="${value:0:${COLUMNS:-80} - 5}..."
            printf -v value '%-*s' "$((${COLUMNS:-80} / 2))" "$value"  # a line for each
        elif [[ $value ]]; then
            printf -v value %q "$value"
        fi
        COMPREPLY[i]=$value
    done
}

# What git's completion calls for "git poolside"; for "git poolside-WORD" there is a function each.
_git_poolside() {
    _git_poolside_words git-poolside "$@" "${words[@]:__git_cmd_idx+1:cword-__git_cmd_idx}"
}

_git_poolside_direct() {
    local program=${COMP_WORDS[0]##*/}
    local command=${program#git-poolside}
    _git_poolside_words git-poolside ${command:+"${command#-}"} "${COMP_WORDS[@]:1:COMP_CWORD}"
}
"""

_ZSH = """\
_git_poolside_live() {
  local line kind=$1
  local -a found
  for line in ${(f)"$(git-poolside --complete ${=kind} 2>/dev/null)"}; do
    line=${line//\\\\/\\\\\\\\}
    found+=("${${line%%$'\\t'*}//:/\\\\:}:${line#*$'\\t'}")
  done
  _describe -V -t ${kind%% *} ${kind%% *} found
}
"""

_ZSH_END = """
typeset -A opt_args

_git_poolside_main() {
  if [[ ${words[1]:t} == git-poolside-* ]]; then
    words=(git-poolside "${${words[1]:t}#git-poolside-}" "${(@)words[2,-1]}")
    (( CURRENT++ ))
  fi
  _git_poolside_shtab "$@"
}

if [[ $zsh_eval_context[-1] == eval ]]; then
  compdef _git_poolside_main NAMES
  _git-poolside() { _git_poolside_main "$@" }
else
  _git_poolside_main "$@"
fi
"""

_FISH_CONF = """\
# fish 3.6.0 completes no command of git's that is not git's own (fish-shell issue 9457).
if test "$version" = 3.6.0
    complete -c git -f -n '__fish_git_using_command poolside' -a '(__fish_git_complete_custom_command poolside)'
end
"""


def made() -> dict[str, str]:
    """Every script by its path below ``git_poolside/completions``."""
    parser = _whole()
    names = ["git-poolside", *(f"git-poolside-{command}" for command in COMMANDS)]
    scripts = {
        "bash/git-poolside": _bash(parser, names),
        "zsh/_git-poolside": _zsh(parser, names),
        "fish/git-poolside.fish": _fish(parser),
        "fish-conf/git-poolside.fish": _FISH_CONF,
    }
    for command in COMMANDS:
        scripts[f"bash/git-poolside-{command}"] = '. "${BASH_SOURCE[0]%/*}/git-poolside"\n'
        scripts[f"fish/git-poolside-{command}.fish"] = _wrapped(command)
    return scripts


def parsers() -> dict[str, Parser]:
    """Each command's parser."""
    return {name: import_module(f"git_poolside.commands.{name.replace('-', '_')}").parser() for name in COMMANDS}


def _whole() -> argparse.ArgumentParser:
    """All commands as words of one parser, whose values know how they are completed."""
    whole = argparse.ArgumentParser(prog="git-poolside", add_help=False)
    whole.add_argument("-h", action="help", help="list the commands")
    whole.add_argument("--help", action="help", help="open the manual page")
    whole.add_argument("--version", action="store_true", help="print the version")
    words = whole.add_subparsers(dest="command")
    for name, parser in parsers().items():
        words._choices_actions.append(words._ChoicesPseudoAction(name, (), COMMANDS[name]))
        words._name_parser_map[name] = parser
        parser.description = COMMANDS[name]
        _mark(parser, name)
    return whole


def _mark(parser: argparse.ArgumentParser, command: str) -> None:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for word in action._get_subactions():
                action.choices[word.dest].description = word.help
                _mark(action.choices[word.dest], command)
        elif isinstance(action.metavar, str):
            if action.metavar in WORDS:
                action.choices = WORDS[action.metavar]
            elif action.choices is None and action.metavar not in FREE:
                setattr(action, "complete", _how(command, action.metavar))  # noqa: B010 - shtab reads it


def _how(command: str, metavar: str) -> Any:
    """How a value is completed, as shtab wants it. Raises `ValueError` for a metavar that nothing is said of here."""
    if metavar in PATHS:
        import shtab

        return shtab.CHOICE_FUNCTIONS[PATHS[metavar]]
    kinds = ELSEWHERE.get((command, metavar)) or KINDS.get(metavar)
    if kinds is None:
        raise ValueError(f"git poolside {command}: say in {__name__} how a {metavar} is completed, or that it is FREE")
    name = f"_git_poolside_{kinds.replace(' ', '_')}"
    bash = f'{name}() {{\n    _git_poolside_live "$1" {kinds}\n}}'
    return {
        "bash": name,
        "zsh": f" _git_poolside_live '{kinds}'",
        "fish": f"(git-poolside --complete {kinds})",
        "preamble": {"bash": bash},
    }


def _bash(parser: argparse.ArgumentParser, names: list[str]) -> str:
    """shtab's functions have names that others use too: they get names of ours."""
    text = _generated(parser, "bash")
    text = re.sub(
        r"(?<![\w$])_(set_parser_defaults|set_new_action|shtab_(?!git_poolside)\w+)", r"_git_poolside_\1", text
    )
    text = text[: text.rindex("\ncomplete -o")]
    rows = [f"        {shlex.quote(' ' + name)}) meaning={shlex.quote(what)} ;;" for name, what in COMMANDS.items()]
    for name, one in parsers().items():
        for action in (a for a in one._actions if isinstance(a, argparse._SubParsersAction)):
            for word in action._get_subactions():
                rows.append(f"        {shlex.quote(f'{name} {word.dest}')}) meaning={shlex.quote(word.help or '')} ;;")
                rows += _options(f"{name} {word.dest}", action.choices[word.dest])
        rows += _options(name, one)
    meaning = "\n".join(
        ["", "# What $2 means after the words $1.", "_git_poolside_meaning() {", '    case "$1 $2" in', *rows,
         "        *) meaning= ;;", "    esac", "}", ""]
    )  # fmt: skip
    git = "\n".join(f"_git_poolside_{name.replace('-', '_')}() {{ _git_poolside {name}; }}" for name in COMMANDS)
    return f"{_BASH}{meaning}\n{git}\n\n{text}\n\ncomplete -F _git_poolside_direct {' '.join(names)}\n"


def _options(words: str, parser: argparse.ArgumentParser) -> list[str]:
    """What each option means anywhere behind `words`, as rows of a ``case`` of bash's."""
    return [
        f"        {'|'.join(shlex.quote(words) + '*' + shlex.quote(f' {one}') for one in action.option_strings)})"
        f" meaning={shlex.quote(action.help or '')} ;;"
        for action in parser._actions
        if action.option_strings and action.help is not argparse.SUPPRESS
    ]


def _zsh(parser: argparse.ArgumentParser, names: list[str]) -> str:
    text = _generated(parser, "zsh")
    text = text[: text.rindex("typeset -A opt_args")].strip("\n")
    text = text.replace('"(*):', '"*:')  # each of several words, not the first alone
    text = re.sub(r'^(  "\*?--[\w-]+)(\[.*\]:)', r"\1=\2", text, flags=re.MULTILINE)  # --option=value too
    head = f"#compdef {' '.join(names)}\n#description keep a fork as a stack of patches on a fast upstream\n"
    return f"{head}\n{_ZSH}\n{text}\n{_ZSH_END.replace('NAMES', ' '.join(names))}"


def _fish(parser: argparse.ArgumentParser) -> str:
    return _generated(parser, "fish").rstrip("\n") + "\n"


def _wrapped(command: str) -> str:
    return f"complete -c git-poolside-{command} --wraps 'git-poolside {command}'\n"


def _generated(parser: argparse.ArgumentParser, shell: str) -> str:
    """What shtab makes, without the head that tells how to copy it."""
    import shtab

    text: str = shtab.complete(parser, shell=shell, root_prefix="git_poolside")
    lines = text.replace("_shtab_git_poolside", "_git_poolside_shtab").split("\n")
    head = next(n for n, line in enumerate(lines) if line.startswith("# AUTOMATICALLY GENERATED"))
    body = next(n for n, line in enumerate(lines) if n > head and not line.startswith("#"))
    return "\n".join(line.rstrip() for line in [_HEAD, *lines[body:]])
