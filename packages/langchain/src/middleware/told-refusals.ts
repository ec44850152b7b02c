import { AIMessage, type BaseMessage, HumanMessage, ToolMessage } from '@langchain/core/messages';
import { errorMessage, type RefusalArtifact, refusalOf } from '../refusals/artifact.ts';
import { isLasting, kindOf } from '../refusals/kind.ts';
import { refusalWords, repeatedWords } from '../refusals/wording.ts';

/** Words a refusal for the model: in full once in a run, and briefly if the model has the full text of the same kind of refusal. */
export class ToldRefusals {
  /** The kinds that calls of the same step were told, by the message with these calls: the answers are not in the state yet. */
  readonly #inStep = new WeakMap<object, Set<string>>();

  /** @param full the message with the full text, if there is one already */
  message(
    call: { id: string; name: string },
    refusal: RefusalArtifact,
    messages: readonly BaseMessage[],
    full?: ToolMessage,
  ): ToolMessage {
    if (this.#isTold(call, refusal, messages)) return errorMessage(call, repeatedWords(refusal.error), refusal);
    return full ?? errorMessage(call, refusalWords(refusal.error), refusal);
  }

  #isTold({ name }: { name: string }, { error }: RefusalArtifact, messages: readonly BaseMessage[]): boolean {
    if (!isLasting(error)) return false;
    const kind = kindOf(error, name);
    const step = messages.findLast((message) => AIMessage.isInstance(message)) ?? messages;
    const inStep = this.#inStep.get(step) ?? new Set();
    this.#inStep.set(step, inStep);
    const isTold = inStep.has(kind) || ofThisRun(messages).some((message) => isOfKind(message, kind));
    inStep.add(kind);
    return isTold;
  }
}

/** The messages since the last one of a person. */
function ofThisRun(messages: readonly BaseMessage[]): readonly BaseMessage[] {
  return messages.slice(messages.findLastIndex((message) => HumanMessage.isInstance(message)) + 1);
}

function isOfKind(message: BaseMessage, kind: string): boolean {
  const told = refusalOf(message);
  return told !== undefined && kindOf(told.error, ToolMessage.isInstance(message) ? (message.name ?? '') : '') === kind;
}
