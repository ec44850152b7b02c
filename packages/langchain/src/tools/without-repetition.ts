import { isDeepStrictEqual } from 'node:util';

/**
 * Removes duplicate data from a tool result of mcp-adapters. A server that returns structured content also returns it as text
 * (MCP, Tools, "Structured Content"), and mcp-adapters passes both to the model. If the text is the same data, the model gets
 * only the text. The structured content stays in the artifact.
 */
export function withoutRepetition(result: unknown): unknown {
  if (!Array.isArray(result) || result.length !== 2) return result;
  const [block, artifact] = result as [unknown, unknown];
  if (typeof block !== 'object' || block === null || !('text' in block) || !('structuredContent' in block))
    return result;
  const { text, structuredContent } = block;
  return typeof text === 'string' && isDeepStrictEqual(parsed(text), structuredContent) ? [text, artifact] : result;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
