import { ToolMessage } from '@langchain/core/messages';
import { isGraphInterrupt } from '@langchain/langgraph';
import type { AnyTool } from './tools-of-run.ts';
import { MiddlewareError, ToolInvocationError } from 'langchain';

/**
 * The outcome that an error of a tool has in an agent without middleware for tool calls: a message with the text of the error, and
 * the run continues. With such middleware LangChain ends the run instead, even if the middleware only throws the error again.
 * Interrupts, aborts and errors of other middleware are thrown as without this middleware. LangChain handles wrong arguments itself.
 */
export function outcomeOf(
  error: unknown,
  { id, name }: { id: string; name: string },
  signal: AbortSignal | undefined,
): ToolMessage {
  if (
    isGraphInterrupt(error) ||
    signal?.aborted ||
    ToolInvocationError.isInstance(error) ||
    MiddlewareError.isInstance(error)
  ) {
    throw error;
  }
  return new ToolMessage({
    content: `${String(error)}\n Please fix your mistakes.`,
    tool_call_id: id,
    name,
    status: 'error',
  });
}

/** The same tool, which reports the signal of its call: it combines those of the agent and of the run. */
export function observed(tool: AnyTool, observe: (signal: AbortSignal | undefined) => void): AnyTool {
  const { invoke } = tool as { invoke?: unknown };
  if (typeof invoke !== 'function') return tool;
  return Object.create(tool, {
    invoke: {
      value: async (input: unknown, config?: { signal?: AbortSignal }): Promise<unknown> => {
        observe(config?.signal);
        return invoke.call(tool, input, config) as unknown;
      },
    },
  }) as AnyTool;
}
