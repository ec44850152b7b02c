import { isDeepStrictEqual } from 'node:util';
import { isJsonObject } from '@credence/protocol';

/** The prefix of metadata of the protocol itself. A server of revision 2026-07-28 puts its name and version into each result. */
const OF_PROTOCOL = 'io.modelcontextprotocol/';

/**
 * Removes from a tool result of mcp-adapters what the model does not need. A server that returns structured content also returns it as
 * text (MCP, Tools, "Structured Content"), and mcp-adapters passes both to the model: if the text is the same data, the model gets
 * only the text. It also gets no metadata of the protocol. Both stay in the artifact.
 */
export function withoutRepetition(result: unknown): unknown {
  if (!Array.isArray(result) || result.length !== 2) return result;
  const [block, artifact] = result as [unknown, unknown];
  if (!isJsonObject(block) || typeof block['text'] !== 'string') return result;
  const { text, structuredContent, meta, ...others } = block;
  const isRepeated = 'structuredContent' in block && isDeepStrictEqual(parsed(text), structuredContent);
  const hasMeta = 'meta' in block && !isOfProtocol(meta);
  if (isRepeated) return [text, artifact];
  if (hasMeta || !('meta' in block)) return result;
  return ['structuredContent' in block ? { ...others, text, structuredContent } : text, artifact];
}

function isOfProtocol(meta: unknown): boolean {
  return isJsonObject(meta) && Object.keys(meta).every((name) => name.startsWith(OF_PROTOCOL));
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
