# Completion of archspec for PowerShell: archspec completion powershell | Out-String | Invoke-Expression
Register-ArgumentCompleter -Native -CommandName archspec -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $before = @($commandAst.CommandElements |
        Where-Object { $_.Extent.EndOffset -lt $cursorPosition } |
        Select-Object -Skip 1 |
        ForEach-Object { "$_".Trim("'", '"') })
    $program = "$($commandAst.CommandElements[0])"
    $lines = @(& $program __complete @before "=$wordToComplete" 2>$null)
    foreach ($line in $lines | Select-Object -Skip 1) {
        $word, $about = $line -split "`t", 2
        if (-not $about) { $about = $word }
        [System.Management.Automation.CompletionResult]::new($word, $word, 'ParameterValue', $about)
    }
    if ($lines[0] -match '^:f') {
        [System.Management.Automation.CompletionCompleters]::CompleteFilename($wordToComplete)
    }
}
