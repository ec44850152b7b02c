import { type CredenceError, credenceErrorIn } from '@credence/core';
import { cleanLines, isError } from '@credence/protocol';
import type { DynamicStructuredTool, ToolRunnableConfig } from '@langchain/core/tools';
import { HookError } from '../mcp-adapters.ts';
import { serverFailure } from '../failures/server-failure.ts';
import { errorMessage, refusalMessage } from '../refusals/artifact.ts';
import { ToolRefused } from '../refusals/tool-refused.ts';
import type { ToolOrigin } from './origin.ts';
import { withoutRepetition } from './without-repetition.ts';

export type OnRefused = 'message' | 'throw';

/** The maximum length of the text of a tool's error, in UTF-16 code units. */
const MAX_ERROR_TEXT = 8_000;

/**
 * Sets the name of a tool of mcp-adapters, and how it fails. For a tool call of an agent, a refusal becomes an error message with
 * a RefusalArtifact (or a ToolRefused is thrown with `onRefused: 'throw'`), and an error of the tool itself becomes an error
 * message with its text, without control and invisible characters and not too long. If the tool is called directly, it throws: for a refusal a ToolRefused, with the CredenceError as
 * `cause`. An abort by the caller is always thrown.
 */
export function guard(tool: DynamicStructuredTool, origin: ToolOrigin, name: string, onRefused: OnRefused): void {
  const call = tool.func.bind(tool);
  tool.name = name;
  tool.metadata = { ...tool.metadata, credence: origin };
  tool.func = async (input, runManager, config?: ToolRunnableConfig) => {
    try {
      return withoutRepetition(await call(input, runManager, config));
    } catch (thrown) {
      const error = thrown instanceof HookError && isBubbleUp(thrown.cause) ? thrown.cause : thrown;
      if (isBubbleUp(error)) throw error;
      const refusal = refusalIn(error, origin.server, config?.signal);
      const id = config?.toolCall?.id;
      if (refusal && (id === undefined || onRefused === 'throw')) throw new ToolRefused(refusal);
      if (id === undefined) throw withCleanText(error);
      const toolCall = { id, name };
      return [refusal ? refusalMessage(toolCall, refusal) : errorMessage(toolCall, errorText(error)), undefined];
    }
  };
}

/** Whether an error is how LangGraph leaves a node: an interrupt, or a command for the parent graph. */
function isBubbleUp(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'is_bubble_up' in error && error.is_bubble_up === true;
}

/**
 * The CredenceError that caused an error. A timeout set by the caller is also converted to a CredenceError. An abort by the
 * caller is thrown unchanged.
 */
function refusalIn(error: unknown, server: string, signal: AbortSignal | undefined): CredenceError | undefined {
  if (signal?.aborted) {
    const reason: unknown = signal.reason;
    if (!isError(reason) || reason.name !== 'TimeoutError') throw reason;
    return serverFailure(server, { kind: 'timeout' });
  }
  return credenceErrorIn(error);
}

/** The text of a tool's error, most of which the server wrote. */
function errorText(error: unknown): string {
  return cleanLines(isError(error) ? error.message : String(error), { max: MAX_ERROR_TEXT });
}

/** The same error with a clean text, also in the stack, which begins with the text. */
function withCleanText(error: unknown): unknown {
  if (!isError(error)) return new Error(errorText(error));
  const { message, stack } = error;
  error.message = errorText(error);
  if (error.message !== message && stack !== undefined) {
    error.stack = `${error.name}: ${error.message}${stack.split(message).at(-1) ?? ''}`;
  }
  return error;
}
