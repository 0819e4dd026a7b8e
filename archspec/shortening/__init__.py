"""Any network as a short spec: groups, merges, blocks, repeats, parameters and guards are found again. The inverse of `expand`.

levels      the layers in order, and the groups that their names make
recalled    modules that are called again
branches    the structure of each group: chains, and heads whose branches meet in a merge
mining      groups where names make none: what comes again and again
heights     how deep groups are, of which those of one height are compared
instances   groups that are alike as blocks
rounds      what comes several times in a row, as repeats
passing     rounds that read what other rounds give
alignment   instances side by side, line by line
parameters  what differs between instances as parameters, expressions and guards
kinds       names of blocks
composing   the lines
scoping     the names in a body
turns       the rounds of repeats while they are written
usual       what lines `default` say
saying      names and arguments in them
sections    parts of bodies that are alike as texts, as repeats
merging     the rounds of such a repeat as one
vocabulary  the words of lines
doubts      what is written out, since nothing shorter was proved
prove       whether the text is the same network
"""
