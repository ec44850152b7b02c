import { isDeepStrictEqual } from 'node:util';

/**
 * A tool's result as mcp-adapters gives it, without what it says twice. A server that answers with structured content also
 * writes it out as text (MCP, Tools, "Structured Content"), and mcp-adapters hands a model both; where the text is the same
 * data, the text alone goes to the model. The structured content stays in the artifact.
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
