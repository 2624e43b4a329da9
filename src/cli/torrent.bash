# Completion for torrent(1) in bash.
_torrent() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
  local command='' options
  COMPREPLY=()
  [ "$COMP_CWORD" -gt 1 ] && command=${COMP_WORDS[1]}

  case $command in
    create) options='--tracker --web-seed --piece-length --private --comment --output --force --quiet --no-sandbox --help' ;;
    show)
      options='--json --scrape --output --force --timeout --peer --port --bind --state --no-dht --no-lan --dht-bootstrap
        --no-sandbox --help'
      ;;
    magnet) options='--no-sandbox --help' ;;
    dht) options='--port --bind --no-listen --state --dht-bootstrap --timeout --json --no-sandbox --help' ;;
    verify) options='--output --quiet --no-sandbox --help' ;;
    tracker) options='--port --bind --quiet --no-sandbox --help' ;;
    *)
      options='--output --select --allocate --overwrite --no-wait --state --no-sandbox --seed --download-limit --upload-limit
        --timeout --memory --port --bind --no-listen --max-peers --peer --tracker --no-dht --no-lan --no-pex
        --dht-bootstrap --json --quiet --verbose --version --help'
      ;;
  esac

  case $previous in
    -o | --output | --state)
      if [ "$command" = create ] || [ "$command" = show ]; then compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$current")
      else compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- "$current"); fi
      return
      ;;
    --bind)
      mapfile -t COMPREPLY < <(compgen -W "$(ls /sys/class/net 2>/dev/null)" -- "$current")
      return
      ;;
    -l | --piece-length)
      mapfile -t COMPREPLY < <(compgen -W '16K 32K 64K 128K 256K 512K 1M 2M 4M 8M 16M' -- "$current")
      return
      ;;
    --select | --download-limit | --upload-limit | --timeout | --memory | --port | --max-peers | --peer | -a | \
      --tracker | --dht-bootstrap | -w | --web-seed | --comment)
      return
      ;;
  esac

  if [[ $current == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$options" -- "$current")
    return
  fi
  compopt -o filenames
  case $command in
    create) mapfile -t COMPREPLY < <(compgen -f -- "$current") ;;
    tracker) ;;
    dht) mapfile -t COMPREPLY < <(compgen -W get -- "$current") ;;
    *) mapfile -t COMPREPLY < <(compgen -f -X '!*.torrent' -- "$current"; compgen -d -- "$current") ;;
  esac
  # A command is the first word only.
  if [ "$COMP_CWORD" -eq 1 ]; then
    mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -W 'create show magnet verify tracker dht' -- "$current")
  fi
}
complete -F _torrent torrent
