"""The language server: keeps the open texts, and answers an editor from the language services.

Positions are counted in UTF-16, whatever else a client offers. Texts are sent whole, so that no edit can be applied at a wrong place.
One thread listens, another one works: a change of a text ends the work on the version before it.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcException
from pygls.lsp.server import LanguageServer
from pygls.protocol import LanguageServerProtocol, lsp_method
from pygls.uris import to_fs_path

from archspec import __version__
from archspec.editor import appearance, completions, findings, hints, hovers, named, renaming
from archspec.editor.open_text import Document, Stale, folder_of
from archspec.live import protocol_forms as forms

DELAY = 0.07
"""Seconds without a keystroke before messages are sent."""
_REQUEST_FAILED = -32803
"""The protocol's code for a request that makes no sense here."""
_CONTENT_MODIFIED = -32801
"""The protocol's code for a request about a version of a text that has gone."""
T = TypeVar("T")


class _Protocol(LanguageServerProtocol):
    @lsp_method(lsp.INITIALIZE)
    def lsp_initialize(self, params: lsp.InitializeParams) -> Generator[Any, Any, lsp.InitializeResult]:
        if params.capabilities.general is not None:
            params.capabilities.general.position_encodings = [lsp.PositionEncodingKind.Utf16]
        return (yield from super().lsp_initialize(params))


class Server(LanguageServer):
    """The texts that an editor has open, each compiled once per version."""

    def __init__(self, delay: float = DELAY) -> None:
        super().__init__("archspec", __version__, lsp.TextDocumentSyncKind.Full, protocol_cls=_Protocol)
        self.delay = delay
        self.texts: dict[str, tuple[int, str]] = {}
        self.made: dict[str, Document] = {}
        self.waiting: dict[str, asyncio.TimerHandle] = {}
        self.publishing: set[asyncio.Task[None]] = set()
        self.worker = ThreadPoolExecutor(1)
        self.ending = False

    def document(self, uri: str) -> Document:
        """The document of an address; an empty one where none is open."""
        found = self.made.get(uri)
        if found is None:
            path = _path(uri)
            others = {place: text for other, (_, text) in self.texts.items() if other != uri and (place := _path(other)) is not None}
            name = str(path) if path is not None else "<untitled>"
            found = self.made[uri] = Document(name, self.texts.get(uri, (0, ""))[1], folder_of(path), others)
        return found

    def keep(self, uri: str, version: int, text: str) -> None:
        """Take over a version of a text, unless a later one is there, and send messages soon."""
        if uri in self.texts and version < self.texts[uri][0]:
            return
        self.texts[uri] = version, text
        self.forget(uri)

    def forget(self, uri: str) -> None:
        """Drop what was made of a text, and of those that may use it; messages about them follow."""
        for other in [other for other, (_, text) in self.texts.items() if other == uri or 'use "' in text]:
            self.drop(other)
            if other in self.waiting:
                self.waiting.pop(other).cancel()
            self.waiting[other] = asyncio.get_running_loop().call_later(self.delay, self.start_publishing, other)

    def drop(self, uri: str) -> None:
        """Drop what was made of a text, and end the work on it."""
        document = self.made.pop(uri, None)
        if document is not None:
            document.stale = True

    async def work(self, uri: str, answer: Callable[[Document], T]) -> T:
        """Ask a service about a text, in the thread that works. Raises Stale where the text changes before it answers."""
        document = self.document(uri)

        def asked() -> T:
            document.check()
            return answer(document)

        return await asyncio.get_running_loop().run_in_executor(self.worker, asked)

    def start_publishing(self, uri: str) -> None:
        """Begin to send the messages about a text."""
        self.waiting.pop(uri, None)
        if uri in self.texts:
            task = asyncio.get_running_loop().create_task(self.publish(uri, self.texts[uri][0]))
            self.publishing.add(task)
            task.add_done_callback(self.publishing.discard)

    async def publish(self, uri: str, version: int) -> None:
        """Send the messages about a version of a text, unless there is a later one by then."""
        with suppress(Stale):
            found = await self.work(uri, lambda document: [forms.diagnostic(each, uri) for each in findings.findings(document)])
            if self.texts.get(uri, (None,))[0] == version:
                self.text_document_publish_diagnostics(lsp.PublishDiagnosticsParams(uri, found, version))

    def close(self, uri: str) -> None:
        """Drop a text, and its messages."""
        self.texts.pop(uri, None)
        self.drop(uri)
        if uri in self.waiting:
            self.waiting.pop(uri).cancel()
        self.text_document_publish_diagnostics(lsp.PublishDiagnosticsParams(uri, []))
        self.forget(uri)


def _path(uri: str) -> Path | None:
    """The file of an address; None for one that is no file."""
    try:
        path = to_fs_path(uri) if uri.startswith("file:") else None
        return Path(path).resolve() if path else None
    except (OSError, RuntimeError, ValueError):
        return None


def server(delay: float = DELAY) -> Server:
    """Make a server that answers all requests."""
    logging.getLogger("pygls.protocol.json_rpc").addFilter(_is_failure)
    made = Server(delay)
    _follow(made)
    for method, (answer, options) in _ANSWERS.items():
        _register(made, method, answer, options)
    return made


def _is_failure(record: logging.LogRecord) -> bool:
    """Whether a record is about more than a refusal, which the answer to the client says already."""
    return record.exc_info is None or not isinstance(record.exc_info[1], JsonRpcException)


def _follow(made: Server) -> None:
    """Register what keeps the texts."""

    @made.feature(lsp.TEXT_DOCUMENT_DID_OPEN)
    def opened(ls: Server, params: lsp.DidOpenTextDocumentParams) -> None:
        document = params.text_document
        ls.texts.pop(document.uri, None)
        ls.keep(document.uri, document.version, document.text)

    @made.feature(lsp.TEXT_DOCUMENT_DID_CHANGE)
    def changed(ls: Server, params: lsp.DidChangeTextDocumentParams) -> None:
        uri = params.text_document.uri
        if params.content_changes:
            ls.keep(uri, params.text_document.version, ls.workspace.get_text_document(uri).source)

    @made.feature(lsp.TEXT_DOCUMENT_DID_CLOSE)
    def closed(ls: Server, params: lsp.DidCloseTextDocumentParams) -> None:
        ls.close(params.text_document.uri)

    @made.feature(lsp.SHUTDOWN)
    def ending(ls: Server, params: None) -> None:
        ls.ending = True

    @made.feature(lsp.EXIT)
    def ended(ls: Server, params: None) -> None:
        os._exit(0 if ls.ending else 1)  # a thread that waits for standard input would keep the process

    @made.feature(lsp.WORKSPACE_DID_CHANGE_WATCHED_FILES)
    def saved(ls: Server, params: lsp.DidChangeWatchedFilesParams) -> None:
        ls.forget("")


def _register(made: Server, method: str, answer: Callable[[Document, Any], Any], options: Any) -> None:
    async def handle(ls: Server, params: Any) -> Any:
        try:
            return await ls.work(params.text_document.uri, lambda document: answer(document, params))
        except Stale:
            raise JsonRpcException("the text has changed", _CONTENT_MODIFIED) from None

    made.feature(method, options)(handle)


# answers; each takes the document and the parameters of the request


def _hover(document: Document, params: lsp.HoverParams) -> lsp.Hover | None:
    found = hovers.hover(document, forms.place_of(params.position))
    return lsp.Hover(forms.markdown(found.text), forms.range_of(found.range)) if found is not None else None


def _definition(document: Document, params: lsp.DefinitionParams) -> lsp.Location | None:
    found = named.definition(document, forms.place_of(params.position))
    return forms.location(found, params.text_document.uri) if found is not None else None


def _references(document: Document, params: lsp.ReferenceParams) -> list[lsp.Location]:
    found = named.references(document, forms.place_of(params.position), declaration=params.context.include_declaration)
    return [forms.location(each, params.text_document.uri) for each in found]


def _highlights(document: Document, params: lsp.DocumentHighlightParams) -> list[lsp.DocumentHighlight]:
    found = named.references(document, forms.place_of(params.position))
    return [lsp.DocumentHighlight(forms.range_of(each.range)) for each in found if each.path is None]


def _renamable(document: Document, params: lsp.PrepareRenameParams) -> lsp.Range | None:
    found = renaming.renamable(document, forms.place_of(params.position))
    return forms.range_of(found) if found is not None else None


def _rename(document: Document, params: lsp.RenameParams) -> lsp.WorkspaceEdit:
    try:
        found = renaming.rename(document, forms.place_of(params.position), params.new_name)
    except renaming.Refusal as refusal:
        raise JsonRpcException(str(refusal), _REQUEST_FAILED) from None
    uri = params.text_document.uri
    return lsp.WorkspaceEdit(changes={path.as_uri() if path is not None else uri: forms.edits(each) for path, each in found.items()})


def _completions(document: Document, params: lsp.CompletionParams) -> list[lsp.CompletionItem]:
    found = completions.completions(document, forms.place_of(params.position))
    return [forms.completion_item(at, each) for at, each in enumerate(found)]


def _signature(document: Document, params: lsp.SignatureHelpParams) -> lsp.SignatureHelp | None:
    found = hovers.help_at(document, forms.place_of(params.position))
    return forms.signature_help(found) if found is not None else None


def _hints(document: Document, params: lsp.InlayHintParams) -> list[lsp.InlayHint]:
    return _each(forms.inlay_hint, hints.hints(document, params.range.start.line, params.range.end.line))


def _actions(document: Document, params: lsp.CodeActionParams) -> list[lsp.CodeAction]:
    uri, only = params.text_document.uri, params.context.only
    found = []
    if only is None or any(str(lsp.CodeActionKind.QuickFix.value).startswith(_word(kind)) for kind in only):
        start, end = forms.place_of(params.range.start), forms.place_of(params.range.end)
        found = [forms.code_action(each, uri) for each in findings.actions(document, start, end)]
    if only is not None and any(_FIX_ALL.startswith(_word(kind)) for kind in only) and (changes := findings.all_fixed(document)):
        edit = lsp.WorkspaceEdit(changes={uri: forms.edits(changes)})
        found.append(lsp.CodeAction("apply all safe fixes", kind=_FIX_ALL, edit=edit))
    return found


_FIX_ALL = "source.fixAll.archspec"


def _word(kind: Any) -> str:
    return str(getattr(kind, "value", kind))


def _formatting(document: Document, params: lsp.DocumentFormattingParams) -> list[lsp.TextEdit]:
    return forms.edits(appearance.formatted(document) or [])


def _links(document: Document, params: lsp.DocumentLinkParams) -> list[lsp.DocumentLink]:
    return [lsp.DocumentLink(forms.range_of(each.range), each.path.as_uri()) for each in appearance.links(document)]


def _each(form: Callable[[Any], T], found: Iterable[Any]) -> list[T]:
    return [form(each) for each in found]


_TRIGGERS = [" ", "=", "|", ":", '"']
_ANSWERS: dict[str, tuple[Callable[[Document, Any], Any], Any]] = {
    lsp.TEXT_DOCUMENT_HOVER: (_hover, None),
    lsp.TEXT_DOCUMENT_DEFINITION: (_definition, None),
    lsp.TEXT_DOCUMENT_REFERENCES: (_references, None),
    lsp.TEXT_DOCUMENT_DOCUMENT_HIGHLIGHT: (_highlights, None),
    lsp.TEXT_DOCUMENT_PREPARE_RENAME: (_renamable, None),
    lsp.TEXT_DOCUMENT_RENAME: (_rename, lsp.RenameOptions(prepare_provider=True)),
    lsp.TEXT_DOCUMENT_COMPLETION: (_completions, lsp.CompletionOptions(trigger_characters=_TRIGGERS)),
    lsp.TEXT_DOCUMENT_SIGNATURE_HELP: (_signature, lsp.SignatureHelpOptions(trigger_characters=[" ", "="])),
    lsp.TEXT_DOCUMENT_INLAY_HINT: (_hints, None),
    lsp.TEXT_DOCUMENT_CODE_ACTION: (_actions, lsp.CodeActionOptions([lsp.CodeActionKind.QuickFix, _FIX_ALL])),
    lsp.TEXT_DOCUMENT_CODE_LENS: (lambda document, _: _each(forms.code_lens, hints.lenses(document)), None),
    lsp.TEXT_DOCUMENT_DOCUMENT_SYMBOL: (lambda document, _: _each(forms.document_symbol, named.outline(document)), None),
    lsp.TEXT_DOCUMENT_FOLDING_RANGE: (lambda document, _: _each(forms.folding_range, appearance.folds(document)), None),
    lsp.TEXT_DOCUMENT_SEMANTIC_TOKENS_FULL: (lambda document, _: forms.semantic_tokens(appearance.words(document)), forms.LEGEND),
    lsp.TEXT_DOCUMENT_FORMATTING: (_formatting, None),
    lsp.TEXT_DOCUMENT_DOCUMENT_LINK: (_links, None),
}
