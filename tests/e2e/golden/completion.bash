# bash completion of dml; source it in ~/.bashrc
_dml() {
  local word="${COMP_WORDS[COMP_CWORD]}" before="${COMP_WORDS[COMP_CWORD-1]}"
  local command="${COMP_WORDS[1]}" options=""
  if [[ $COMP_CWORD -eq 1 ]]; then
    COMPREPLY=($(compgen -W "run plan validate graph status ls logs explain metrics report predict steps schema completion version " -- "$word")); return
  fi
  case "$command" in
    run) options="-S --set -j --jobs -k --keep-going -f --force --no-cache --from --until -n --dry-run --home -o --output -q --quiet -v --verbose --no-color --help" ;;
    plan) options="-S --set -j --jobs -k --keep-going -f --force --no-cache --from --until --home -o --output -q --quiet -v --verbose --no-color --help" ;;
    validate) options="-S --set --home -o --output -q --quiet -v --verbose --no-color --help" ;;
    graph) options="-S --set --dot --mermaid --home -o --output -q --quiet -v --verbose --no-color --help" ;;
    status) options="-a --all --home -o --output -q --quiet -v --verbose --no-color --help" ;;
    ls) options="-n --limit --home -o --output -q --quiet -v --verbose --no-color --help" ;;
    logs) options="-r --run --attempt -f --follow --home -o --output -q --quiet -v --verbose --no-color --help" ;;
    explain) options="-r --run --home -o --output -q --quiet -v --verbose --no-color --help" ;;
    metrics) options="-a --all --home -o --output -q --quiet -v --verbose --no-color --help" ;;
    report) options="-o --output --home -q --quiet -v --verbose --no-color --help" ;;
    predict) options="-o --output --home -q --quiet -v --verbose --no-color --help" ;;
    steps) options="--names --home -o --output -q --quiet -v --verbose --no-color --help" ;;
    schema) options="--home -o --output -q --quiet -v --verbose --no-color --help" ;;
    completion) options="--home -o --output -q --quiet -v --verbose --no-color --help" ;;
    version) options="--home -o --output -q --quiet -v --verbose --no-color --help" ;;
  esac
  if [[ $word == -* ]]; then
    COMPREPLY=($(compgen -W "$options" -- "$word"))
  elif [[ $command == steps ]]; then
    COMPREPLY=($(compgen -W "$(dml steps --names 2>/dev/null)" -- "$word"))
  elif [[ $command == completion ]]; then
    COMPREPLY=($(compgen -W "bash zsh fish" -- "$word"))
  else
    COMPREPLY=($(compgen -f -- "$word"))
  fi
}
complete -o filenames -F _dml dml
