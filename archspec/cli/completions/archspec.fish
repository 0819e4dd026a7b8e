# Completion of archspec for fish: archspec completion fish | source
function __archspec_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l lines ($words[1] __complete $words[2..-1] "=$current" 2>/dev/null)
    for line in $lines[2..-1]
        echo $line
    end
    switch "$lines[1]"
        case :file
            __fish_complete_path (string replace -r -- '^--[a-z-]+=' '' $current)
        case :folder
            __fish_complete_directories (string replace -r -- '^--[a-z-]+=' '' $current)
    end
end
complete -c archspec -f -a '(__archspec_complete)'
