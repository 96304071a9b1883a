# bash completion of dml; source it in ~/.bashrc
_dml_names() {
  local typed="${COMP_LINE:0:COMP_POINT}" name
  typed="${typed##* }"
  local kept="${typed%"${typed##*[=@:]}"}"
  while IFS= read -r name; do
    [[ $name == "$typed"* ]] && COMPREPLY+=("${name#"$kept"}")
  done
}
_dml() {
  local word="${COMP_WORDS[COMP_CWORD]}" before="${COMP_WORDS[COMP_CWORD-1]}"
  local command="${COMP_WORDS[1]}" options="" members=""
  COMPREPLY=()
  if [[ $COMP_CWORD -eq 1 ]]; then
    COMPREPLY=($(compgen -W "run resume retry stop plan validate graph status ls logs explain cache metrics report predict schedule cluster steps schema completion version " -- "$word")); return
  fi
  case "$command" in
    run) options="-S --set --at -j --jobs --cluster -k --keep-going -f --force --no-cache --from --until --concurrent --id-file --once --parent -n --dry-run --home -o --output -q --quiet -v --verbose --no-color --help" members="" ;;
    resume) options="-j --jobs --home -o --output -q --quiet -v --verbose --no-color --help" members="" ;;
    retry) options="--from -S --set -j --jobs --cluster --home -o --output -q --quiet -v --verbose --no-color --help" members="" ;;
    stop) options="--now --home -o --output -q --quiet -v --verbose --no-color --help" members="" ;;
    plan) options="-S --set --at -j --jobs --cluster -k --keep-going -f --force --no-cache --from --until --explain --home -o --output -q --quiet -v --verbose --no-color --help" members="" ;;
    validate) options="-S --set --home -o --output -q --quiet -v --verbose --no-color --help" members="" ;;
    graph) options="-S --set --dot --mermaid --home -o --output -q --quiet -v --verbose --no-color --help" members="" ;;
    status) options="-a --all --names --home -o --output -q --quiet -v --verbose --no-color --help" members="" ;;
    ls) options="-n --limit --names --home -o --output -q --quiet -v --verbose --no-color --help" members="" ;;
    logs) options="-r --run --attempt -f --follow --home -o --output -q --quiet -v --verbose --no-color --help" members="" ;;
    explain) options="-r --run --home -o --output -q --quiet -v --verbose --no-color --help" members="" ;;
    cache) options="-r --run --home -o --output -q --quiet -v --verbose --no-color -n --limit --keep-runs --forget-home -n --dry-run --help" members="why ls gc verify" ;;
    metrics) options="-a --all --home -o --output -q --quiet -v --verbose --no-color --help" members="" ;;
    report) options="-o --output --home -q --quiet -v --verbose --no-color --help" members="" ;;
    predict) options="-o --output -w --with --home -q --quiet -v --verbose --no-color --help" members="" ;;
    schedule) options="-S --set --name --cron --timezone --cluster --home -o --output -q --quiet -v --verbose --no-color -n --count --from -n --limit --events --reason --to -p --parallel --newest-first --again -n --dry-run --max-runs --if-none --systemd -y --yes --help" members="add ls next history pause resume backfill rm daemon install uninstall" ;;
    cluster) options="-c --cluster --accept-new-host-keys --offline --home -o --output -q --quiet -v --verbose --no-color --only -n --dry-run --timeout -n --lines -f --follow --reason --hours --force --help" members="add check setup status exec logs drain undrain gc down key schema" ;;
    steps) options="--names --home -o --output -q --quiet -v --verbose --no-color --help" members="" ;;
    schema) options="--home -o --output -q --quiet -v --verbose --no-color --help" members="" ;;
    completion) options="--home -o --output -q --quiet -v --verbose --no-color --help" members="" ;;
    version) options="--home -o --output -q --quiet -v --verbose --no-color --help" members="" ;;
  esac
  case "$command:$before" in
    run:-o|run:--output|resume:-o|resume:--output|retry:-o|retry:--output|stop:-o|stop:--output|plan:-o|plan:--output|validate:-o|validate:--output|graph:-o|graph:--output|status:-o|status:--output|ls:-o|ls:--output|logs:-o|logs:--output|explain:-o|explain:--output|cache:-o|cache:--output|metrics:-o|metrics:--output|schedule:-o|schedule:--output|cluster:-o|cluster:--output|steps:-o|steps:--output|schema:-o|schema:--output|completion:-o|completion:--output|version:-o|version:--output)
      COMPREPLY=($(compgen -W "table json" -- "$word")); return ;;
    *:-r|*:--run) _dml_names < <(dml ls --names 2>/dev/null); return ;;
  esac
  if [[ $word == -* ]]; then
    COMPREPLY=($(compgen -W "$options" -- "$word")); return
  elif [[ -n $members && $COMP_CWORD -eq 2 ]]; then
    COMPREPLY=($(compgen -W "$members" -- "$word")); return
  fi
  case "$command" in
    steps) COMPREPLY=($(compgen -W "$(dml steps --names 2>/dev/null)" -- "$word")) ;;
    completion) COMPREPLY=($(compgen -W "bash zsh fish" -- "$word")) ;;
    logs|explain|predict) _dml_names < <(dml status --names 2>/dev/null) ;;
    status|report|metrics|resume|retry|stop) _dml_names < <(dml ls --names 2>/dev/null) ;;
  esac
  if [[ ${#COMPREPLY[@]} -eq 0 || $command == predict ]]; then
    COMPREPLY+=($(compgen -f -- "$word"))
  fi
}
complete -o filenames -F _dml dml
