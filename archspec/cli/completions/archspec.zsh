#compdef archspec
# Completion of archspec for zsh: eval "$(archspec completion zsh)" behind compinit, or as a file _archspec in a folder of $fpath
_archspec() {
    local line word shell
    local -a lines ends ends_shown goes_on goes_on_shown before
    before=("${(@Q)words[2,CURRENT-1]}")
    lines=("${(@f)$("${(Q)words[1]}" __complete "${before[@]}" "=${(Q)PREFIX}" 2>/dev/null)}")
    shell="$lines[1]"
    for line in "${(@)lines[2,-1]}"; do
        word="${line%%$'\t'*}"
        line="$word${${line#$word}:+  -- ${line#*$'\t'}}"
        if [[ $word == *[=,.] ]]; then
            goes_on+=("$word") goes_on_shown+=("$line")
        else
            ends+=("$word") ends_shown+=("$line")
        fi
    done
    (($#ends)) && compadd -l -d ends_shown -a ends
    (($#goes_on)) && compadd -l -S '' -d goes_on_shown -a goes_on
    if [[ $shell == :f* ]]; then
        compset -P '--[a-z-]#='
        [[ $shell == :folder ]] && _files -/ || _files
    fi
}
if [[ $funcstack[1] == _archspec ]]; then
    _archspec "$@"
else
    compdef _archspec archspec
fi
