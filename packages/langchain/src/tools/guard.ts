import { type CredenceError, credenceErrorIn } from '@credence/core';
import type { DynamicStructuredTool, ToolRunnableConfig } from '@langchain/core/tools';
import { serverFailure } from '../failures/server-failure.ts';
import { errorMessage, refusalMessage } from '../refusals/artifact.ts';
import { ToolRefused } from '../refusals/tool-refused.ts';
import type { ToolOrigin } from './origin.ts';
import { withoutRepetition } from './without-repetition.ts';

export type OnRefused = 'message' | 'throw';

/**
 * Gives a tool made by mcp-adapters its name and its way to fail. Answering a tool call (an agent's), it never throws for what
 * the server said: a refusal becomes an error message in our words with a RefusalArtifact, an error of the tool itself an
 * error message in its own words. Called directly it throws: for a refusal a ToolRefused, with the CredenceError as `cause`.
 * An abort by the caller is always thrown.
 */
export function guard(tool: DynamicStructuredTool, origin: ToolOrigin, name: string, onRefused: OnRefused): void {
  const call = tool.func.bind(tool);
  tool.name = name;
  tool.metadata = { ...tool.metadata, credence: origin };
  tool.func = async (input, runManager, config?: ToolRunnableConfig) => {
    try {
      return withoutRepetition(await call(input, runManager, config));
    } catch (error) {
      const refusal = refusalIn(error, origin.server, config?.signal);
      const id = config?.toolCall?.id;
      if (refusal && (id === undefined || onRefused === 'throw')) throw new ToolRefused(refusal);
      if (id === undefined) throw error;
      const answered = { id, name };
      const words = error instanceof Error ? error.message : String(error);
      return [refusal ? refusalMessage(answered, refusal) : errorMessage(answered, words), undefined];
    }
  };
}

/** The refusal behind an error; a caller's timeout is one, a caller's abort is thrown. */
function refusalIn(error: unknown, server: string, signal: AbortSignal | undefined): CredenceError | undefined {
  if (signal?.aborted) {
    const reason: unknown = signal.reason;
    if (!(reason instanceof Error) || reason.name !== 'TimeoutError') throw reason;
    return serverFailure(server, { kind: 'timeout' });
  }
  return credenceErrorIn(error);
}
