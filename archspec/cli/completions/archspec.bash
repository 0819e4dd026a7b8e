# Completion of archspec for bash: eval "$(archspec completion bash)"
_archspec() {
    local word line shell="" cur="" prefix="" first=1 i
    local -a words
    words=()
    # bash splits words at = and : too, and leaves quotes and backslashes in them.
    for ((i = 1; i <= COMP_CWORD; i++)); do
        word="${COMP_WORDS[i]//[\\\"\']/}"
        if ((${#words[@]})) && [[ $word == [=:]* || ${COMP_WORDS[i-1]} == *[=:] ]]; then
            words[${#words[@]}-1]+="$word"
        else
            words+=("$word")
        fi
    done
    cur="${words[${#words[@]}-1]}"
    words[${#words[@]}-1]="=$cur"
    case $cur in *[=:]*) prefix="${cur%"${cur##*[=:]}"}" ;; esac
    COMPREPLY=()
    while IFS= read -r line; do
        line="${line%%$'\r'}"
        if ((first)); then
            shell="$line"
            first=0
        else
            line="${line%%$'\t'*}"
            COMPREPLY+=("${line#"$prefix"}")
        fi
    done < <("${COMP_WORDS[0]}" __complete "${words[@]}" 2>/dev/null)
    case "${COMPREPLY[*]}" in *[=,.]) ((${#COMPREPLY[@]} == 1)) && compopt -o nospace 2>/dev/null ;; esac
    case $shell in
        :file | :folder)
            compopt -o filenames 2>/dev/null
            local option=-f
            [[ $shell == :folder ]] && option=-d
            while IFS= read -r line; do
                COMPREPLY+=("$line")
            done < <(compgen "$option" -- "${cur#"$prefix"}")
            ;;
    esac
}
complete -F _archspec archspec
