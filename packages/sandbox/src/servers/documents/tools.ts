import { z } from 'zod';
import { type SandboxTool, sandboxTool, ToolRefusal } from '../sandbox-tool.ts';
import { document, type DocumentLibrary } from './library.ts';

export const DOCUMENTS_READ = 'documents:read';

const readOnly = { readOnlyHint: true, openWorldHint: false };
const entry = document.omit({ text: true });

export function documentTools(library: DocumentLibrary): SandboxTool[] {
  return [
    sandboxTool({
      name: 'list_documents',
      scope: DOCUMENTS_READ,
      title: 'List documents',
      description: 'Lists the documents of the company handbook with their owners, without their text.',
      input: {},
      output: { documents: z.array(entry) },
      annotations: readOnly,
      run: () => ({ documents: library.list().map(({ text: _text, ...rest }) => rest) }),
    }),
    sandboxTool({
      name: 'read_document',
      scope: DOCUMENTS_READ,
      title: 'Read a document',
      description: 'Returns one document of the handbook with its text.',
      input: { id: z.string().max(100).describe('The id from list_documents, for example inventory-policy') },
      output: document.shape,
      annotations: readOnly,
      run({ id }) {
        const found = library.read(id);
        if (found === undefined)
          throw new ToolRefusal(`There is no document ${id}. Use list_documents to see all documents.`);
        return found;
      },
    }),
    sandboxTool({
      name: 'search_documents',
      scope: DOCUMENTS_READ,
      title: 'Search documents',
      description: 'Finds documents that contain the given words, best match first, each with its best matching line.',
      input: { text: z.string().min(1).max(200).describe('Words to look for') },
      output: { passages: z.array(z.object({ id: z.string(), title: z.string(), excerpt: z.string() })) },
      annotations: readOnly,
      run: ({ text }) => ({ passages: library.search(text) }),
    }),
  ];
}
