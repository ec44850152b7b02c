import { ToolMessage } from '@langchain/core/messages';
import { DynamicStructuredTool, type ToolRunnableConfig } from '@langchain/core/tools';
import { guard, type OnRefused } from '../tools/guard.ts';
import { type ToolOrigin, toolOrigin } from '../tools/origin.ts';
import { callsWithOwnContext, own } from './own-context.ts';

/** The input of a tool: its arguments, or the tool call of a model. */
export type ToolInput = Parameters<DynamicStructuredTool['invoke']>[0];
export type Invoke = (input: ToolInput, config?: ToolRunnableConfig) => Promise<unknown>;

const ofTools = callsWithOwnContext(DynamicStructuredTool.prototype);

/**
 * A tool with the name, the texts and the schema of another one at each time, and with calls of its own. `invoke` gets the config that
 * the caller passed. LangChain adds to that config what the surrounding run has in AsyncLocalStorage, which can be another run; so the
 * methods that do this before they call `invoke` are replaced too.
 */
export function inPlaceOf(shown: DynamicStructuredTool, invoke: Invoke): DynamicStructuredTool {
  return Object.create(shown, {
    ...ofTools,
    invoke: own(invoke),
    call: own(invoke),
    func: own(async (input: ToolInput, _manager: unknown, config?: ToolRunnableConfig) => invoke(input, config)),
  }) as DynamicStructuredTool;
}

/** A tool whose calls fail with `error`, as a call of `shown` fails that is refused. */
export function refusing(shown: DynamicStructuredTool, error: unknown, onRefused: OnRefused): DynamicStructuredTool {
  const { name, description, metadata, responseFormat } = shown;
  const tool = new DynamicStructuredTool({
    name,
    description,
    metadata: metadata ?? {},
    responseFormat: responseFormat ?? 'content',
    schema: {},
    func: async () => Promise.reject(error),
  });
  guard(tool, originOf(shown), name, onRefused);
  return tool;
}

/** The result of a call, with the name by which the model called the tool: two principals can have different names for one tool. */
export function named(result: unknown, name: string): unknown {
  if (ToolMessage.isInstance(result)) result.name = name;
  return result;
}

/** The origin of a tool of `loadTools`. */
export function originOf(tool: DynamicStructuredTool): ToolOrigin {
  const origin = toolOrigin(tool);
  if (!origin) throw new TypeError('a tool of loadTools has no origin');
  return origin;
}
