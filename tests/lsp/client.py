"""The language server as a real client meets it: pygls, on which many editors' plug-ins are built.

usage: client.py NIGHTJAR   (the binary; pygls 2 has to be installed)
"""

import asyncio
import pathlib
import sys
import tempfile

from lsprotocol import types
from pygls.lsp.client import LanguageClient

RULE = """\
title: Export
id: 0f0c6c1e-6f0b-4a56-9d35-0d3f9a1f4b01
status: stable
logsource:
  product: nightjar
  service: audit
detection:
  exports:
    action|startwith: export
    outc
  condition: exports
level: high
"""


async def check(binary, folder):
    (folder / "rules").mkdir()
    path = folder / "rules" / "export.yml"
    path.write_text(RULE)
    client = LanguageClient("nightjar-check", "1")
    told = asyncio.Queue()

    @client.feature(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)
    def _(params):
        told.put_nowait(params)

    await client.start_io(binary, "rules", "lsp")
    hello = await client.initialize_async(
        types.InitializeParams(capabilities=types.ClientCapabilities(), root_uri=folder.as_uri())
    )
    assert hello.capabilities.hover_provider and hello.capabilities.completion_provider
    client.initialized(types.InitializedParams())

    uri = path.as_uri()
    text = RULE.replace("    outc\n", "")
    client.text_document_did_open(
        types.DidOpenTextDocumentParams(types.TextDocumentItem(uri=uri, language_id="yaml", version=1, text=text))
    )
    found = await diagnostics(told, uri, 1)
    assert any(it.code == "NJ0301" and "startswith" in it.message for it in found), found

    def change(version, text):
        client.text_document_did_change(
            types.DidChangeTextDocumentParams(
                types.VersionedTextDocumentIdentifier(version=version, uri=uri),
                [types.TextDocumentContentChangeWholeDocument(text=text)],
            )
        )

    change(2, text.replace("startwith", "startswith"))
    found = await diagnostics(told, uri, 2)
    assert not any(it.severity == types.DiagnosticSeverity.Error for it in found), found

    document = types.TextDocumentIdentifier(uri=uri)
    hover = await client.text_document_hover_async(types.HoverParams(document, types.Position(8, 14)))
    assert "the text starts with the value" in hover.contents.value, hover
    place = await client.text_document_definition_async(types.DefinitionParams(document, types.Position(9, 16)))
    assert place.range.start.line == 7, place
    symbols = await client.text_document_document_symbol_async(types.DocumentSymbolParams(document))
    assert [it.name for it in symbols[0].children] == ["exports", "condition"], symbols

    change(3, RULE)
    proposed = await client.text_document_completion_async(types.CompletionParams(document, types.Position(9, 8)))
    assert "outcome" in [it.label for it in proposed.items], proposed

    await client.shutdown_async(None)
    client.exit(None)
    await client.stop()


async def diagnostics(told, uri, version):
    while True:
        params = await told.get()
        if params.uri == uri and params.version == version:
            return params.diagnostics


with tempfile.TemporaryDirectory() as folder:
    asyncio.run(asyncio.wait_for(check(sys.argv[1], pathlib.Path(folder).resolve()), timeout=120))
print("a real client is served: diagnostics, hover, definition, symbols, completion")
