# bash completion for flexlab: the program itself says what may stand at the cursor (`flexlab complete`), from the
# tables by which it reads the command line. Installed as share/bash-completion/completions/flexlab; without the
# package bash-completion, source it. The program asked is the one on PATH, never one that was only typed.

_flexlab()
{
  local line=${COMP_LINE:0:COMP_POINT} word kept="" one spaced=""
  line=${COMP_WORDS[0]}${line#*"${COMP_WORDS[0]}"}
  word=${line##*[[:space:]]}
  # bash replaces only what stands behind the last character that breaks words.
  case $word in
    *[=:]*) [[ $COMP_WORDBREAKS != *"="* ]] || kept=${word%"${word##*[=:]}"} ;;
  esac
  COMPREPLY=()
  while IFS= read -r one; do
    case $one in
      :file) compopt -o default ;;
      :folder) compopt -o dirnames ;;
      *) COMPREPLY+=("${one#"$kept"}") ;;
    esac
    [[ $one == *= || $one == :* ]] || spaced=yes
  done < <(flexlab complete "$line" 2>/dev/null)
  [[ $spaced || ${#COMPREPLY[@]} = 0 ]] || compopt -o nospace
}
complete -F _flexlab flexlab
