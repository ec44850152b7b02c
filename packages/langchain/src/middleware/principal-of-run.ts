import { Command } from '@langchain/langgraph';
import { AIMessage } from 'langchain';
import { z } from 'zod';

/**
 * The state of the middleware: the key of the principal for which the model has requested the tool calls of the present step. A
 * checkpoint keeps it, so that a run cannot be resumed for another principal. The name starts with `_`, so it is no part of results.
 */
export const principalState = z.object({ _credencePrincipal: z.string().nullish() });

/** The key of the principal for which the tool calls of the step were requested. */
export function principalOfState(state: z.output<typeof principalState>): string | undefined {
  return state._credencePrincipal ?? undefined;
}

/** Answers of models whose principal is in the state already, by another middleware of this kind in the same agent. */
const recorded = new WeakSet<object>();

/**
 * The answer of the model, or an update of the state if the key of the principal is not in the state yet. LangChain keeps the answer of
 * the model beside the update.
 */
export function withPrincipal<Answer>(
  answer: Answer,
  state: z.output<typeof principalState>,
  key: string | undefined,
): Answer | Command {
  if (key === principalOfState(state) || !AIMessage.isInstance(answer) || recorded.has(answer)) return answer;
  recorded.add(answer);
  return new Command({ update: { _credencePrincipal: key ?? null } });
}
