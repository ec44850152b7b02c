import { AIMessage } from '@langchain/core/messages';
import { fakeModel } from '@langchain/core/testing';

/** A tool call that a scripted model makes. */
export interface ScriptedCall {
  readonly name: string;
  readonly args?: Record<string, unknown>;
}

/** A model that makes the calls of each step at the same time, and then answers "done". The ids of the calls are `<step>-<index>`. */
export function scriptedModel(...steps: readonly (readonly ScriptedCall[])[]) {
  const model = fakeModel();
  for (const [step, calls] of steps.entries()) {
    const toolCalls = calls.map(
      ({ name, args = {} }, index) => ({ type: 'tool_call', id: `${step}-${index}`, name, args }) as const,
    );
    model.respond(new AIMessage({ content: '', tool_calls: toolCalls }));
  }
  return model.respond(new AIMessage('done'));
}
